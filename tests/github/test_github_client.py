"""The client of GitHub's REST API against a fake of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from ldconf.core.errors import LdconfError, SettingsError
from ldconf.github import artifacts, comments, pulls, refs
from ldconf.github.access import Access, access
from ldconf.github.client import GitHub
from ldconf.github.errors import GitHubError, Missing
from tests.github.fake import FORK_ID, TOKEN, FakeGitHub, pull, zipped

SHA = "a" * 40
MARKER = "<!-- ldconf plan p w -->"


@pytest.fixture
def fake() -> FakeGitHub:
    return FakeGitHub()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def github(fake: FakeGitHub, waits: list[float]) -> GitHub:
    return client(httpx.ASGITransport(fake.app()), waits)


def client(transport: httpx.AsyncBaseTransport, waits: list[float], token: str = TOKEN) -> GitHub:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    found = Access("http://127.0.0.1:1", "acme/prompts", SecretStr(token))
    return GitHub(found, transport=transport, sleep=sleep, clock=lambda: 1000.0)


def raising(*errors: Exception) -> Callable[[httpx.Request], httpx.Response]:
    left = list(errors)

    def answer(request: httpx.Request) -> httpx.Response:
        if left:
            raise left.pop(0)
        return httpx.Response(200, json={"id": 7})

    return answer


async def test_first_comment_is_created_then_edited_then_left(
    github: GitHub, fake: FakeGitHub
) -> None:
    assert await comments.put(github, 7, f"{MARKER}\n\none") == "created"
    assert await comments.put(github, 7, f"{MARKER}\n\ntwo") == "edited"
    assert await comments.put(github, 7, f"{MARKER}\n\ntwo") == "unchanged"
    assert [one["body"] for one in fake.comments[7]] == [f"{MARKER}\n\ntwo"]


async def test_comment_of_another_workspace_or_person_is_left_alone(
    github: GitHub, fake: FakeGitHub
) -> None:
    fake.comment(7, "<!-- ldconf plan p other -->\n\nx")
    fake.comment(7, f"{MARKER}\n\nI pretend", {"login": "mallory", "type": "User"})
    await comments.put(github, 7, f"{MARKER}\n\nreal")
    bodies = [one["body"] for one in fake.comments[7]]
    assert bodies[1:] == [f"{MARKER}\n\nI pretend", f"{MARKER}\n\nreal"]


async def test_comment_is_found_on_a_later_page(github: GitHub, fake: FakeGitHub) -> None:
    for at in range(150):
        fake.comment(7, f"chatter {at}")
    fake.comment(7, f"{MARKER}\r\n\r\nold")
    assert await comments.put(github, 7, f"{MARKER}\n\nnew") == "edited"
    assert len(fake.comments[7]) == 151


async def test_no_comment_is_made_for_nothing(github: GitHub, fake: FakeGitHub) -> None:
    assert await comments.put(github, 7, f"{MARKER}\n\nnone", create=False) is None
    assert fake.comments == {}


async def test_newest_plan_of_the_head_commit_is_found_and_the_token_stays_home(
    github: GitHub, fake: FakeGitHub
) -> None:
    fake.upload("plan", {"plan.json": "old"}, SHA)
    fake.upload("plan", {"plan.json": "new", "plan.md": "x"}, SHA)
    fake.upload("plan", {"plan.json": "other commit"}, "b" * 40)
    assert await artifacts.reviewed_plan(github, "plan", SHA) == "new"


@pytest.mark.parametrize(
    "named",
    [{"head_repository_id": FORK_ID}, {"event": "push"}, {"expired": True}],
    ids=["a fork's", "not a pull request's", "expired"],
)
async def test_artifact_that_nobody_reviewed_here_does_not_count(
    github: GitHub, fake: FakeGitHub, named: dict[str, Any]
) -> None:
    fake.upload("plan", {"plan.json": "x"}, SHA, **named)
    assert await artifacts.reviewed_plan(github, "plan", SHA) is None


async def test_artifact_that_was_exchanged_or_is_no_plan_is_an_error(
    github: GitHub, fake: FakeGitHub
) -> None:
    made = fake.upload("plan", {"plan.json": "x"}, SHA)
    fake.content[made["id"]] = zipped({"plan.json": "y"})
    with pytest.raises(GitHubError, match="not what was uploaded"):
        await artifacts.reviewed_plan(github, "plan", SHA)
    made["digest"] = None
    fake.content[made["id"]] = b"not a zip"
    with pytest.raises(GitHubError, match="cannot be read"):
        await artifacts.reviewed_plan(github, "plan", SHA)


async def test_artifact_of_an_offline_plan_holds_nothing_to_apply(
    github: GitHub, fake: FakeGitHub
) -> None:
    fake.upload("plan", {"plan.md": "x"}, SHA)
    assert await artifacts.reviewed_plan(github, "plan", SHA) is None


async def test_pull_requests_of_commits_are_named_once_and_only_merged_ones(
    github: GitHub, fake: FakeGitHub
) -> None:
    fake.pulls = {1: pull(1, SHA), 2: pull(2, "b" * 40, fork=True), 3: pull(3, "c" * 40)}
    fake.pulls[1]["merged_at"] = fake.pulls[2]["merged_at"] = "2026-11-25T10:00:00Z"
    fake.pulls[2]["head"]["repo"] = None  # the fork is gone
    fake.pulls_of = {"x": [1, 3], "y": [2, 1]}
    found = await pulls.merged_with(github, ["x", "y"])
    assert [(one.number, one.outside) for one in found] == [(1, False), (2, True)]


async def test_rate_limits_are_waited_for(
    github: GitHub, fake: FakeGitHub, waits: list[float]
) -> None:
    fake.failures = [
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1030"}, {"message": "limit"}),
        (429, {"retry-after": "7"}, {"message": "slow down"}),
        (403, {}, {"message": "You have exceeded a secondary rate limit."}),
    ]
    assert await comments.put(github, 7, f"{MARKER}\n\none") == "created"
    assert waits == [31.0, 7.0, 60.0]


async def test_a_limit_that_lasts_too_long_ends_the_run(
    github: GitHub, fake: FakeGitHub, waits: list[float]
) -> None:
    fake.failures = [(429, {"retry-after": "3600"}, {"message": "slow down"})]
    with pytest.raises(GitHubError, match="429"):
        await github.get("/pulls/1")
    assert waits == []


async def test_reads_and_edits_are_repeated_after_a_server_error_but_creations_are_not(
    github: GitHub, fake: FakeGitHub, waits: list[float]
) -> None:
    fake.failures = [(502, {}, None)]
    await github.pages("/issues/7/comments")
    made = fake.comment(7, "x")
    fake.failures = [(500, {}, None)]
    await github.send("PATCH", f"/issues/comments/{made['id']}", {"body": "y"})
    assert waits == [2.0, 2.0]
    fake.failures = [(500, {}, None)]
    with pytest.raises(GitHubError, match="500"):
        await github.send("POST", "/issues/7/comments", {"body": "z"})
    assert [one["body"] for one in fake.comments[7]] == ["y"]


async def test_lost_connections(waits: list[float]) -> None:
    refused, broken = httpx.ConnectError("no"), httpx.ReadError("gone")
    github = client(httpx.MockTransport(raising(refused, broken)), waits)
    assert await github.get("/pulls/1") == {"id": 7}
    github = client(httpx.MockTransport(raising(refused)), waits)
    assert await github.send("POST", "/pulls", {}) == {"id": 7}
    github = client(httpx.MockTransport(raising(broken)), waits)
    with pytest.raises(GitHubError, match="no answer from GitHub to POST"):
        await github.send("POST", "/pulls", {})


async def test_errors_name_the_permission_and_never_the_token(fake: FakeGitHub) -> None:
    async with client(httpx.ASGITransport(fake.app()), [], token="ghs_wrong-token") as github:
        with pytest.raises(GitHubError, match="Bad credentials") as raised:
            await github.get("/pulls/1")
    assert "ghs_wrong-token" not in f"{raised.value!r} {raised.value.hint}"
    assert "permissions" in str(raised.value.hint)


async def test_absent_is_missing(github: GitHub) -> None:
    with pytest.raises(Missing):
        await github.get("/actions/runs/1")


class TestRefs:
    @pytest.fixture
    def bare(self, fake: FakeGitHub, tmp_path: Path) -> FakeGitHub:
        fake.bare = tmp_path / "bare.git"
        fake.bare.mkdir()
        fake.git("init", "-q", "--bare", "-b", "main")
        empty = fake.git("hash-object", "-t", "tree", "-w", "--stdin", stdin="")
        first = fake.git("commit-tree", empty, "-m", "one")
        fake.git("update-ref", "refs/heads/main", first)
        return fake

    async def test_applied_ref_is_created_and_moved_forward_only(
        self, bare: FakeGitHub, github: GitHub
    ) -> None:
        ref = "refs/ldconf/applied/p/a%2Eb"
        first = bare.git("rev-parse", "main")
        second = bare.git("commit-tree", f"{first}^{{tree}}", "-p", first, "-m", "two")
        elsewhere = bare.git("commit-tree", f"{first}^{{tree}}", "-m", "other")
        assert await refs.target(github, ref) is None
        assert await refs.forward(github, ref, first)
        assert await refs.forward(github, ref, second)
        assert not await refs.forward(github, ref, second)
        assert bare.git("rev-parse", ref) == second
        with pytest.raises(LdconfError, match="does not lead to"):
            await refs.forward(github, ref, elsewhere)

    async def test_a_branch_gets_one_commit_and_stays_if_nothing_is_new(
        self, bare: FakeGitHub, github: GitHub
    ) -> None:
        parent = bare.git("rev-parse", "main")
        assert await refs.commit_files(github, "bot/x", parent, {"d/a.yaml": "é: 1\n"}, "m")
        assert not await refs.commit_files(github, "bot/x", parent, {"d/a.yaml": "é: 1\n"}, "m")
        assert bare.git("show", "bot/x:d/a.yaml") == "é: 1"
        assert await refs.commit_files(github, "bot/x", parent, {"d/a.yaml": "é: 2\n"}, "m")
        assert bare.git("rev-parse", "bot/x^") == parent

    async def test_one_pull_request_is_opened_updated_and_closed(
        self, bare: FakeGitHub, github: GitHub
    ) -> None:
        bare.git("update-ref", "refs/heads/bot/x", "main")
        wanted = pulls.Proposal("bot/x", "main", "t", "b")
        number = await pulls.propose(github, wanted)
        again = await pulls.propose(github, pulls.Proposal("bot/x", "main", "t2", "b2"))
        assert (number, bare.pulls[number]["title"]) == (again, "t2")
        assert await pulls.close(github, "bot/x") == number
        assert await pulls.close(github, "bot/x") is None


GOOD = {"GITHUB_REPOSITORY": "acme/prompts", "GITHUB_TOKEN": TOKEN}


def test_access_comes_from_the_runner() -> None:
    found = access({**GOOD, "GITHUB_API_URL": "https://ghe.example.org/api/v3/"})
    assert (found.api_url, found.repository) == ("https://ghe.example.org/api/v3", "acme/prompts")
    assert TOKEN not in repr(found)


@pytest.mark.parametrize(
    "wrong",
    [
        {"GITHUB_REPOSITORY": "acme/../prompts"},
        {"GITHUB_TOKEN": ""},
        {"GITHUB_API_URL": "http://ghe.example.org"},
    ],
)
def test_access_without_repository_token_or_encryption_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        access({**GOOD, **wrong})

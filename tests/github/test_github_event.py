"""Payloads of GitHub's events, in the shape in which a runner finds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ldconf.core.errors import LdconfError, SettingsError, UsageError
from ldconf.github.event import Event, PullRequest, Trigger, of, read

EVENTS = Path(__file__).parent / "events"
HEAD, BASE, NEXT = "1" * 40, "2" * 40, "3" * 40


def payload(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text("utf-8"))


PULL_REQUESTS = {
    "opened": PullRequest(7, HEAD, "main"),
    "synchronize": PullRequest(7, NEXT, "main"),
    "reopened": PullRequest(7, HEAD, "main"),
    "fork": PullRequest(8, HEAD, "main", outside=True),
    "fork_deleted": PullRequest(8, HEAD, "main", outside=True),
    "dependabot": PullRequest(9, HEAD, "main", outside=True),
    "merged": PullRequest(7, HEAD, "main", closed=True),
}


@pytest.mark.parametrize("name", PULL_REQUESTS)
def test_pull_request(name: str) -> None:
    expected = Event(Trigger.PULL_REQUEST, PULL_REQUESTS[name], default_branch="main")
    assert of("pull_request", payload(name)) == expected


def test_merge_queue_names_what_it_builds_on() -> None:
    found = of("merge_group", payload("merge_group"))
    assert found == Event(Trigger.MERGE_QUEUE, base_sha=BASE, default_branch="main")


@pytest.mark.parametrize("name", ["push", "workflow_dispatch", "schedule"])
def test_other_events_have_no_pull_request(name: str) -> None:
    assert of(name, payload(name)) == Event(Trigger(name), default_branch="main")


def test_pull_request_target_is_refused() -> None:
    with pytest.raises(UsageError, match="pull_request_target"):
        of("pull_request_target", payload("fork"))


def test_unknown_event_and_half_a_payload_are_errors() -> None:
    with pytest.raises(UsageError, match="'release'"):
        of("release", {})
    with pytest.raises(LdconfError, match="not whole"):
        of("pull_request", {"repository": {"default_branch": "main"}, "pull_request": {}})


def test_event_is_read_from_the_runners_file(tmp_path: Path) -> None:
    env = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(EVENTS / "opened.json")}
    assert read(env).pull_request == PULL_REQUESTS["opened"]
    with pytest.raises(LdconfError, match="cannot be read"):
        read({**env, "GITHUB_EVENT_PATH": str(tmp_path / "none.json")})
    with pytest.raises(SettingsError):
        read({})

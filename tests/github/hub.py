"""A repository on a fake GitHub, a LaunchDarkly, and the jobs that a workflow would run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from ldconf.api.client import Client
from ldconf.cli.main import app
from ldconf.core.kind import Request
from ldconf.emulator.app import create_app
from ldconf.emulator.seed import seed
from ldconf.emulator.server import LocalServer
from ldconf.emulator.store import Store
from tests.e2e.world import PROJECT, VARIATION
from tests.github.fake import TOKEN, FakeGitHub
from tests.github.fake import pull as pull_request
from tests.github.test_github_event import payload

LD_TOKEN = "api-0123456789-very-secret"
REF = f"refs/ldconf/applied/{PROJECT}/configs"
ARTIFACT = f"ldconf-plan--{PROJECT}--configs"


@dataclass
class Job:
    """What became of one job: exit code, output, and the files that GitHub reads afterwards."""

    code: int
    out: str
    err: str
    summary: str
    outputs: dict[str, str]
    folder: Path


@dataclass
class Hub:
    """`work` is a developer's clone; jobs run in fresh clones of their own."""

    folder: Path
    fake: FakeGitHub
    github_url: str
    launchdarkly_url: str
    monkeypatch: pytest.MonkeyPatch
    pulls: int = 6
    jobs: int = 0

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def git(self, *words: str, cwd: Path | None = None) -> str:
        who = ("-c", "user.name=jane", "-c", "user.email=jane@example.org")
        command = ["git", *who, *words]
        done = subprocess.run(
            command, cwd=cwd or self.work, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def edit(self, old: str, new: str, file: str = "configs/pet-store-agent.yaml") -> None:
        path = self.work / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    def push(self, branch: str, message: str = "change") -> str:
        self.git("commit", "-q", "-a", "-m", message)
        self.git("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def start(self, branch: str) -> None:
        """Begin a branch at the newest main."""
        self.git("fetch", "-q", "origin")
        self.git("checkout", "-q", "-B", branch, "origin/main")

    def open(self, branch: str, sha: str, *, fork: bool = False) -> int:
        self.pulls += 1
        self.fake.pulls[self.pulls] = pull_request(self.pulls, sha, branch=branch, fork=fork)
        return self.pulls

    def merge(self, number: int) -> str:
        """Merge by a merge commit, as the green button does. Returns the new main."""
        found = self.fake.pulls[number]
        merged = self._merge_commit(number, f"Merge pull request #{number} from acme/topic")
        self.fake.git("update-ref", "refs/heads/main", merged)
        found |= {"state": "closed", "merged_at": "2026-11-25T11:00:00Z"}
        for commit in (merged, found["head"]["sha"]):
            self.fake.pulls_of.setdefault(commit, []).append(number)
        return merged

    def _merge_commit(self, number: int, message: str) -> str:
        head = self.fake.pulls[number]["head"]["sha"]
        scratch = self.folder / f"merge{self.jobs}-{number}"
        self.git("clone", "-q", str(self.fake.bare), str(scratch))
        self.git("merge", "-q", "--no-ff", "-m", message, head, cwd=scratch)
        self.git("push", "-q", "origin", f"HEAD:refs/pull/{number}/merge", "-f", cwd=scratch)
        return self.git("rev-parse", "HEAD", cwd=scratch)

    # -- jobs, as the workflows start them

    def plan(self, number: int, event: str = "synchronize") -> Job:
        """Run the plan job of a pull request and upload what it leaves."""
        found = self.fake.pulls[number]
        fork = found["head"]["repo"]["fork"]
        merge = self._merge_commit(number, f"Merge {found['head']['sha']} into main")
        whole = payload("fork" if fork else event)
        whole["number"] = whole["pull_request"]["number"] = number
        whole["pull_request"]["head"]["sha"] = found["head"]["sha"]
        self.fake.can_write = not fork
        env = {"GITHUB_BASE_REF": "main", "GITHUB_REF": f"refs/pull/{number}/merge"}
        job = self.job(merge, "pull_request", whole, ("plan", "--out", "out"), env, secret=not fork)
        self.fake.can_write = True
        files = {path.name: path.read_text("utf-8") for path in (job.folder / "out").glob("*")}
        if files:
            owner = {"head_repository_id": found["head"]["repo"]["id"]}
            self.fake.upload(job.outputs.get("artifact", "x"), files, found["head"]["sha"], **owner)
        return job

    def apply(self, digest: str | None = None) -> Job:
        """Run the apply job on main: after a merge, or (with a digest) by hand."""
        event = "workflow_dispatch" if digest else "push"
        words = ("apply", *(("--reviewed", digest) if digest else ()))
        main = self.fake.git("rev-parse", "refs/heads/main")
        return self.job(main, event, payload(event), words, {"GITHUB_REF": "refs/heads/main"})

    def drift(self) -> Job:
        main = self.fake.git("rev-parse", "refs/heads/main")
        env = {"GITHUB_REF": "refs/heads/main"}
        return self.job(main, "schedule", payload("schedule"), ("drift",), env)

    def experiments(self, *words: str) -> Job:
        """Run the scheduled report on experiments."""
        main = self.fake.git("rev-parse", "refs/heads/main")
        env = {"GITHUB_REF": "refs/heads/main"}
        return self.job(main, "schedule", payload("schedule"), ("experiments", *words), env)

    def job(
        self,
        commit: str,
        event: str,
        whole: Any,
        words: tuple[str, ...],
        env: dict[str, str],
        *,
        secret: bool = True,
    ) -> Job:
        """Check out a commit with all history, fetch the applied refs, run one command."""
        folder, env = self.runner(commit, event, whole, env, secret=secret)
        self.git("fetch", "-q", "origin", "+refs/ldconf/*:refs/ldconf/*", cwd=folder)
        for name, value in env.items():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.chdir(folder)
        line = ["--workspace", "configs", "github", *words]
        found = CliRunner().invoke(app, line, prog_name="ldconf")
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        summary = Path(env["GITHUB_STEP_SUMMARY"])
        outputs = Path(env["GITHUB_OUTPUT"])
        return Job(
            found.exit_code,
            found.stdout,
            found.stderr,
            summary.read_text("utf-8") if summary.exists() else "",
            outputs_in(outputs.read_text("utf-8") if outputs.exists() else ""),
            folder,
        )

    def runner(
        self, commit: str, event: str, whole: Any, env: dict[str, str], *, secret: bool = True
    ) -> tuple[Path, dict[str, str]]:
        """Return a checkout as `actions/checkout` leaves it, and the variables of the job."""
        self.jobs += 1
        folder = self.folder / f"job{self.jobs}"
        self.git("clone", "-q", "--no-checkout", str(self.fake.bare), str(folder))
        self.git("fetch", "-q", "origin", "+refs/pull/*:refs/remotes/pull/*", cwd=folder)
        self.git("checkout", "-q", "--detach", commit, cwd=folder)
        path = self.folder / f"event{self.jobs}.json"
        path.write_text(json.dumps(whole))
        return folder, {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.github_url,
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_REPOSITORY": "acme/prompts",
            "GITHUB_RUN_ID": str(self.jobs),
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": commit,
            "GITHUB_ACTOR": "jane",
            "GITHUB_STEP_SUMMARY": str(self.folder / f"summary{self.jobs}"),
            "GITHUB_OUTPUT": str(self.folder / f"output{self.jobs}"),
            "GITHUB_WORKSPACE": str(folder),
            "GITHUB_TOKEN": TOKEN,
            "LAUNCHDARKLY_API_HOST": self.launchdarkly_url,
            "LAUNCHDARKLY_ACCESS_TOKEN": LD_TOKEN if secret else "",
            "GITHUB_BASE_REF": "",
            **env,
        }

    # -- LaunchDarkly

    def rest(self, method: str, path: str, body: Any = None) -> Any:
        async def send() -> Any:
            async with Client(self.launchdarkly_url, SecretStr(LD_TOKEN)) as client:
                return await client.send(Request(method, path, body))

        return anyio.run(send)

    def hot_fix(self, temperature: float) -> None:
        model = {
            "modelName": "claude-sonnet-4-5",
            "parameters": {"temperature": temperature, "max_tokens": 4096},
            "custom": {"max_search_results": 5},
        }
        self.rest("PATCH", VARIATION, {"model": model})

    def served_text(self) -> str:
        """The prompt that LaunchDarkly has now."""
        found = self.rest("GET", VARIATION)["items"]
        return str(max(found, key=lambda one: one["version"])["instructions"])

    # -- what people see

    def comment(self, number: int, about: str = "plan") -> str:
        """The comment on a pull request (or issue) that is about its plan, its policies ..."""
        every = [str(one["body"]) for one in self.fake.comments.get(number, [])]
        found = [body for body in every if body.startswith(f"<!-- ldconf {about} ")]
        assert len(found) <= 1, "one comment per pull request and workspace"
        assert all(body.startswith("<!-- ldconf ") for body in every)
        return found[0] if found else ""

    def applied(self) -> str | None:
        return self.fake.git("rev-parse", REF) if self.fake.has_ref(REF) else None


def digest_of(text: str) -> str:
    return re.findall(r"\b[0-9a-f]{64}\b", text)[-1]


def adopt(hub: Hub) -> str:
    """Apply the first time, as a person does after looking. Returns the commit."""
    stopped = hub.apply()
    assert stopped.code == 3
    done = hub.apply(digest_of(stopped.err))
    assert done.code == 0, done.err
    return hub.fake.git("rev-parse", "main")


def outputs_in(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, _, end = line.partition("<<")
        value = []
        for inner in lines:
            if inner == end:
                break
            value.append(inner)
        found[name] = "\n".join(value)
    return found


def begin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a repository with what `ldconf init configs` writes, and a clone; to be copied."""
    bare = folder / "origin.git"
    bare.mkdir()
    fake = FakeGitHub(bare)
    fake.git("init", "-q", "--bare", "-b", "main")
    hub = Hub(folder, fake, "", "", monkeypatch)
    hub.git("clone", "-q", str(bare), str(hub.work), cwd=folder)
    monkeypatch.chdir(hub.work)
    assert CliRunner().invoke(app, ["init", "configs"]).exit_code == 0
    hub.git("checkout", "-q", "-b", "main")
    hub.git("add", "-A")
    hub.git("commit", "-q", "-m", "Pet Store Agent")
    hub.git("push", "-q", "origin", "main")


@contextmanager
def opened(folder: Path, begun: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Give a copy of the repository that `begin` made: its workspace was never applied."""
    shutil.copytree(begun, folder, dirs_exist_ok=True)
    fake = FakeGitHub(folder / "origin.git")
    store = Store(None)
    seed(store, PROJECT, ("test", "production"))
    launchdarkly = create_app(store)
    stop = launchdarkly.state.hub.close
    with (
        LocalServer(fake.app(), "127.0.0.1", 0) as github,
        LocalServer(launchdarkly, "127.0.0.1", 0, on_stop=stop) as served,
    ):
        hub = Hub(folder, fake, github.host, served.host, monkeypatch)
        hub.git("remote", "set-url", "origin", str(fake.bare))
        monkeypatch.chdir(hub.work)
        yield hub
    store.close()

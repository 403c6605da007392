"""Pull requests from open to applied: a real repository, a local LaunchDarkly, a fake GitHub."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ldconf.emulator.access import READ_ONLY_TOKEN
from tests.github.fake import BOT, TOKEN
from tests.github.hub import ARTIFACT, LD_TOKEN, REF, Hub, adopt, digest_of, outputs_in
from tests.github.test_github_event import payload

ACTION = Path(__file__).parents[2] / ".github" / "actions" / "ldconf" / "action.yml"
PROMPT = "configs/prompts/pet-store-agent.md"


def greeting(hub: Hub, branch: str, words: str) -> str:
    path = hub.work / PROMPT
    path.write_text(f"{path.read_text('utf-8')}\n4. {words}\n", "utf-8")
    return hub.push(branch, words)


def test_first_merge_writes_nothing_and_the_approved_run_creates_the_ref(hub: Hub) -> None:
    stopped = hub.apply()
    assert stopped.code == 3
    assert "nothing was written" in stopped.err
    assert hub.applied() is None
    assert hub.rest("GET", "/projects/pet-store-agent/ai-configs")["items"] == []
    digest = digest_of(stopped.err)
    assert digest in stopped.summary
    assert hub.apply("0" * 64).code == 3
    assert hub.applied() is None
    assert hub.apply(digest).code == 0
    assert hub.applied() == hub.fake.git("rev-parse", "main")
    assert hub.apply().code == 0  # nothing is left to do, so nothing has to be reviewed


def test_a_pull_request_from_open_to_applied(hub: Hub) -> None:
    adopt(hub)
    hub.start("topic")
    number = hub.open("topic", greeting(hub, "topic", "Bark twice"))
    first = hub.plan(number, "opened")
    assert first.code == 0, first.err
    assert "Bark twice" in hub.comment(number), hub.comment(number)
    assert (first.outputs["changes"], first.outputs["destroys"]) == ("2", "0")  # a child inherits
    assert first.outputs["risk"] == "medium"
    assert json.loads(Path(first.outputs["plan-file"]).read_text())["digest"] in first.summary
    assert first.outputs["artifact"] == ARTIFACT

    hub.fake.pulls[number]["head"]["sha"] = greeting(hub, "topic", "Purr once")
    assert hub.plan(number).code == 0
    assert "Purr once" in hub.comment(number)

    hub.hot_fix(0.2)
    assert hub.plan(number, "reopened").code == 0
    assert "Moved in LaunchDarkly, left alone: 1 object" in hub.comment(number)

    merged = hub.merge(number)
    done = hub.apply()
    assert done.code == 0, done.err
    assert "Purr once" in hub.served_text()
    assert hub.applied() == merged
    assert "### Applied `pet-store-agent`" in hub.comment(number)
    assert "/actions/runs/" in hub.comment(number)
    versions = hub.rest("GET", "/projects/pet-store-agent/ai-configs/pet-store-agent"
                        "/variations/base-config")["items"]  # fmt: skip
    newest = max(versions, key=lambda one: one["version"])
    assert merged[:12] in newest["comment"]
    assert newest["model"]["parameters"]["temperature"] == 0.2  # the hot fix was kept


def test_a_fork_gets_an_offline_plan_and_is_applied_by_hand(hub: Hub) -> None:
    adopt(hub)
    hub.start("topic")
    number = hub.open("topic", greeting(hub, "topic", "Bark twice"), fork=True)
    requests = len(hub.fake.log)
    planned = hub.plan(number)
    assert planned.code == 0, planned.err
    assert hub.fake.log[requests:] == []  # its token could write nothing anyway
    assert "offline: compared with the files" in planned.summary
    assert "Bark twice" in planned.summary
    assert "plan-file" not in planned.outputs

    hub.merge(number)
    stopped = hub.apply()
    assert stopped.code == 3
    assert "came from a fork or Dependabot" in stopped.err
    assert "Bark twice" not in hub.served_text()
    assert "Merged, not applied" in hub.comment(number)
    assert "it came from a fork" in hub.comment(number)
    digest = digest_of(hub.comment(number))
    assert digest in stopped.summary
    assert hub.apply(digest).code == 0
    assert "Bark twice" in hub.served_text()
    assert "### Applied" in hub.comment(number)


def test_two_merges_are_applied_together_as_they_were_reviewed(hub: Hub) -> None:
    adopt(hub)
    hub.start("one")
    hub.edit("name: Base config", "name: Basis")
    one = hub.open("one", hub.push("one"))
    hub.start("two")
    two = hub.open("two", greeting(hub, "two", "Bark"))
    assert (hub.plan(one).code, hub.plan(two).code) == (0, 0)
    hub.merge(one)
    hub.merge(two)
    # Both change one object: no reviewer saw the change that holds both.
    stopped = hub.apply()
    assert stopped.code == 3
    assert "not in the reviewed plan" in stopped.err


def test_unrelated_merges_do_not_disturb_each_other(hub: Hub) -> None:
    adopt(hub)
    hub.start("one")
    hub.edit("name: ", "name: Our ", "configs/metrics.yaml")
    one = hub.open("one", hub.push("one"))
    hub.start("two")
    hub.edit("name: Model variant 2", "name: Second model")
    two = hub.open("two", hub.push("two"))
    assert (hub.plan(one).code, hub.plan(two).code) == (0, 0)
    hub.merge(one)
    merged = hub.merge(two)
    assert hub.apply().code == 0
    assert hub.applied() == merged
    assert all("### Applied" in hub.comment(number) for number in (one, two))
    entries = hub.rest("GET", "/auditlog")["items"]
    who = f"acme/prompts {merged[:12]}, pull request {one}, {two}, by jane"
    assert any(who in str(entry.get("comment")) for entry in entries)


def test_an_unreviewed_commit_on_main_stops(hub: Hub) -> None:
    first = adopt(hub)
    hub.start("main")
    greeting(hub, "main", "Straight to main")
    stopped = hub.apply()
    assert stopped.code == 3
    assert "Straight to main" not in hub.served_text()
    assert hub.applied() == first
    assert hub.apply(digest_of(stopped.summary)).code == 0


def test_a_plan_in_a_comment_is_never_believed(hub: Hub) -> None:
    adopt(hub)
    hub.start("topic")
    number = hub.open("topic", greeting(hub, "topic", "Bark"))
    planned = hub.plan(number)
    hub.fake.artifacts.clear()  # expired; the comment still shows the plan and its digest
    hub.fake.comment(number, hub.comment(number), {**BOT, "login": "mallory"})
    assert planned.code == 0
    hub.merge(number)
    stopped = hub.apply()
    assert stopped.code == 3
    assert "no reviewed plan of" in stopped.err


def test_failed_write_leaves_the_ref_and_the_next_run_goes_on(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = adopt(hub)
    hub.start("topic")
    number = hub.open("topic", greeting(hub, "topic", "Bark"))
    assert hub.plan(number).code == 0
    merged = hub.merge(number)
    with monkeypatch.context() as patched:
        patched.setattr("tests.github.hub.LD_TOKEN", READ_ONLY_TOKEN)
        failed = hub.apply()
    assert failed.code == 1
    assert hub.applied() == first
    assert "Merged, not applied" in hub.comment(number)
    assert hub.apply().code == 0
    assert hub.applied() == merged


def test_broken_files_take_the_old_plan_out_of_the_comment(hub: Hub) -> None:
    adopt(hub)
    hub.start("topic")
    number = hub.open("topic", greeting(hub, "topic", "Bark"))
    assert hub.plan(number).code == 0
    hub.edit("mode: agent", "mode: dog")
    hub.fake.pulls[number]["head"]["sha"] = hub.push("topic")
    failed = hub.plan(number)
    assert failed.code == 1
    assert "::error" in failed.err
    assert "No plan for" in hub.comment(number)
    assert "Bark" not in hub.comment(number)


def test_a_pull_request_that_changes_nothing_gets_no_comment_but_keeps_its_own(hub: Hub) -> None:
    adopt(hub)
    hub.start("topic")
    hub.edit("# ", "# (a remark) ", "configs/ldconf.yaml")
    number = hub.open("topic", hub.push("topic"))
    assert hub.plan(number).code == 0
    assert hub.comment(number) == ""
    hub.fake.pulls[number]["head"]["sha"] = greeting(hub, "topic", "Bark")
    assert hub.plan(number).code == 0
    hub.git("checkout", "-q", "origin/main", "--", "configs")
    hub.fake.pulls[number]["head"]["sha"] = hub.push("topic")
    assert hub.plan(number).code == 0
    assert "No changes." in hub.comment(number)


def test_guard_fails_the_job_and_is_in_the_comment(hub: Hub) -> None:
    adopt(hub)
    hub.start("main")
    protect = "  minObjects: 10\n  protect: [aiConfigs/pet-store-agent]"
    hub.edit("  minObjects: 10", protect, "configs/ldconf.yaml")
    hub.push("main")
    assert hub.apply().code == 0  # settings alone write nothing, but they become the base
    hub.start("topic")
    number = hub.open("topic", greeting(hub, "topic", "Bark"))
    refused = hub.plan(number)
    assert refused.code == 3
    assert "::error" in refused.err
    assert "**refused**" in hub.comment(number)


def test_merge_queue_plans_without_a_comment(hub: Hub) -> None:
    adopt(hub)
    hub.start("topic")
    commit = greeting(hub, "topic", "Bark")
    whole = payload("merge_group")
    whole["merge_group"]["base_sha"] = hub.fake.git("rev-parse", "main")
    env = {"GITHUB_REF": whole["merge_group"]["head_ref"]}
    found = hub.job(commit, "merge_group", whole, ("plan", "--out", "out"), env)
    assert found.code == 0, found.err
    assert found.outputs["changes"] == "2"
    assert hub.fake.comments == {}


def test_only_the_default_branch_is_applied_and_only_after_a_merge(hub: Hub) -> None:
    main = hub.fake.git("rev-parse", "main")
    dispatch = payload("workflow_dispatch")
    env = {"GITHUB_REF": "refs/heads/topic"}
    assert hub.job(main, "workflow_dispatch", dispatch, ("apply",), env).code == 64
    env = {"GITHUB_REF": "refs/pull/7/merge"}
    assert hub.job(main, "pull_request", payload("opened"), ("apply",), env).code == 64
    closed = hub.job(main, "pull_request", payload("merged"), ("plan", "--out", "out"), env)
    assert closed.code == 0
    assert "is closed" in closed.err


def test_local_plan_needs_no_account_and_nothing_local_is_delivered(hub: Hub) -> None:
    hub.start("topic")
    commit = greeting(hub, "topic", "Bark")
    whole = payload("opened")
    env = {"GITHUB_BASE_REF": "main", "LAUNCHDARKLY_ACCESS_TOKEN": ""}
    words = ("plan", "--out", "out", "--local")
    planned = hub.job(commit, "pull_request", whole, words, env)
    assert planned.code == 0, planned.err
    changes = planned.outputs["changes"]
    assert int(changes) >= 14  # everything: the local LaunchDarkly is empty
    assert f"{changes} to create" in hub.comment(7)
    missing = hub.job(commit, "pull_request", whole, words[:3], env)
    assert missing.code == 1  # a missing secret is never green
    main = {"GITHUB_REF": "refs/heads/main"}
    assert hub.job(commit, "push", payload("push"), ("apply", "--local"), main).code == 64


def test_drift_becomes_one_pull_request_that_is_kept_up_to_date(hub: Hub) -> None:
    assert "before the first apply" in hub.drift().err
    adopt(hub)
    assert "nothing to take over" in hub.drift().err
    hub.hot_fix(0.2)
    number = int(hub.drift().outputs["pull-request"])
    proposal = hub.fake.pulls[number]
    branch = "refs/heads/ldconf/drift/pet-store-agent/configs"
    shown = f"{branch}:configs/pet-store-agent.yaml"
    assert "temperature: 0.2" in hub.fake.git("show", shown)
    assert proposal["title"].startswith("Take over changes made in LaunchDarkly")
    assert "0.2" in proposal["body"]
    hub.hot_fix(0.3)
    assert int(hub.drift().outputs["pull-request"]) == number
    assert "temperature: 0.3" in hub.fake.git("show", shown)
    before = hub.fake.git("rev-parse", branch)
    hub.drift()
    assert hub.fake.git("rev-parse", branch) == before

    proposal["head"]["sha"] = before  # merged: files and LaunchDarkly agree, nothing is written
    assert hub.plan(number).code == 0
    hub.merge(number)
    assert hub.apply().code == 0
    assert "nothing to take over" in hub.drift().err

    hub.hot_fix(0.9)
    again = int(hub.drift().outputs["pull-request"])
    hub.hot_fix(0.3)
    assert f"pull request {again} is closed" in hub.drift().err


def test_scripts_of_the_action_fetch_the_ref_and_run_the_command(hub: Hub) -> None:
    adopt(hub)
    hub.start("topic")
    commit = greeting(hub, "topic", "Bark")
    whole = payload("opened")
    number = hub.open("topic", commit)
    whole["pull_request"] |= {"number": number}
    folder, env = hub.runner(commit, "pull_request", whole, {"GITHUB_BASE_REF": "main"})
    temporary = hub.folder / "temp"
    (temporary / "ldconf" / "bin").mkdir(parents=True)
    (temporary / "ldconf" / "bin" / "ldconf").symlink_to(Path(sys.executable).with_name("ldconf"))
    env |= {"PATH": os.environ["PATH"], "RUNNER_TEMP": str(temporary)}
    steps = {step["name"]: step for step in action()["runs"]["steps"] if "run" in step}

    def run(name: str, **given: str) -> subprocess.CompletedProcess[str]:
        script = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", steps[name]["run"])
        return subprocess.run(
            script, cwd=folder, env=env | given, capture_output=True, text=True, check=False
        )

    fetched = run("Fetch the applied refs", TOKEN=TOKEN, SERVER="https://github.com")
    assert fetched.returncode == 0, fetched.stderr
    assert "::add-mask::" in fetched.stdout
    assert hub.git("rev-parse", REF, cwd=folder) == hub.applied()
    given = {"COMMAND": "plan", "WORKSPACE": "configs", "DIGEST": "", "LOCAL": "false"}
    planned = run("Run ldconf", **given, REDACT="true", AUTHOR="github-actions[bot]")
    assert planned.returncode == 0, planned.stderr
    assert "Bark" not in hub.comment(number)  # redacted
    assert "2 to update" in hub.comment(number)
    assert (temporary / "ldconf-plan" / "plan.json").exists()
    outputs = outputs_in(Path(env["GITHUB_OUTPUT"]).read_text())
    named = re.findall(r"steps\.run\.outputs\.([\w-]+)", ACTION.read_text("utf-8"))
    others = {"pull-request", "pull-requests", "failed"}  # of the other commands
    assert {*named} - others <= outputs.keys()
    assert LD_TOKEN not in planned.stdout + planned.stderr
    hub.git("remote", "set-url", "origin", str(hub.folder / "gone"), cwd=folder)
    assert run("Fetch the applied refs", TOKEN=TOKEN, SERVER="https://github.com").returncode != 0


def action() -> Any:
    return yaml.safe_load(ACTION.read_text("utf-8"))

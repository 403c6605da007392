"""The scheduled report on experiments: an issue per experiment, a pull request that ships."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.compared import EXPERIMENT, KEY, events
from tests.github.hub import Hub, adopt

BRANCH = f"refs/heads/ldconf/ship/pet-store-agent/{KEY}"
BETTER, SAME = (0.3, 0.6), (0.4, 0.4)
FILE = "configs/experiments.yaml"


@pytest.fixture
def running(hub: Hub) -> Hub:
    """A repository whose experiment runs."""
    (hub.work / FILE).write_text(EXPERIMENT, "utf-8")
    hub.git("add", "-A")
    hub.push("main", "An experiment")
    adopt(hub)
    return hub


def exported(hub: Hub, rates: tuple[float, float], users: int = 200, name: str = KEY) -> str:
    """Write exported events and return the pattern of their place."""
    path = hub.folder / "exported" / f"{name}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{json.dumps(one)}\n" for one in events(rates, users)), "utf-8")
    return str(hub.folder / "exported" / "{key}.jsonl")


def the_issue(hub: Hub) -> dict[str, Any]:
    (found,) = hub.fake.issues.values()
    return found


def shown(hub: Hub, path: str = FILE, ref: str = BRANCH) -> str:
    return hub.fake.git("show", f"{ref}:{path}")


def test_report_is_one_issue_that_is_kept_up_to_date(running: Hub) -> None:
    first = running.experiments("--events", exported(running, SAME, 20))
    assert first.code == 0, first.err
    issue = the_issue(running)
    assert issue["title"] == f"Experiment {KEY} in production"
    assert issue["body"].startswith(f"<!-- ldconf experiment pet-store-agent {KEY} -->\n")
    assert "keep running" in issue["body"].lower()
    assert "Positive feedback rate" in issue["body"]
    assert "/actions/runs/" in issue["body"]
    assert "Positive feedback rate" in first.summary
    assert running.fake.pulls == {}
    second = running.experiments("--events", exported(running, SAME, 120))
    assert second.code == 0
    assert the_issue(running)["number"] == issue["number"]
    assert "120" in the_issue(running)["body"]


def test_winner_is_one_pull_request_made_by_ship(running: Hub) -> None:
    pattern = exported(running, BETTER)
    done = running.experiments("--events", pattern)
    assert done.code == 0, done.err
    number = int(done.outputs["pull-requests"])
    pull = running.fake.pulls[number]
    assert pull["title"] == f"Ship model-variant-2: experiment {KEY}"
    assert "1 to update, 1 to " in pull["body"]  # the plan it leads to
    assert "Positive feedback rate" in pull["body"]
    assert f"Pull request #{number} ships it." in the_issue(running)["body"]
    before = EXPERIMENT.removesuffix("    status: running # since May\n")
    assert shown(running).startswith(f"{before}    status: stopped # since May\n")
    assert "fallthrough: model-variant-2" in shown(running, "configs/pet-store-agent.yaml")
    changed = running.fake.git("diff", "--name-only", "main", BRANCH).split()
    assert changed == [FILE, "configs/pet-store-agent.yaml"]
    # The files of the job's own checkout are as they were.
    assert (done.folder / FILE).read_text("utf-8") == EXPERIMENT
    commit = running.fake.git("rev-parse", BRANCH)
    again = running.experiments("--events", pattern)
    assert int(again.outputs["pull-requests"]) == number
    assert running.fake.git("rev-parse", BRANCH) == commit


def test_merged_it_is_applied_and_the_issue_is_closed(running: Hub) -> None:
    pattern = exported(running, BETTER)
    number = int(running.experiments("--events", pattern).outputs["pull-requests"])
    running.fake.pulls[number]["head"]["sha"] = running.fake.git("rev-parse", BRANCH)
    planned = running.plan(number)
    assert planned.code == 0, planned.err
    running.merge(number)
    applied = running.apply()
    assert applied.code == 0, applied.err
    over = running.experiments("--events", pattern)
    assert over.code == 0
    assert "no experiment of the files is running" in over.err
    assert the_issue(running)["state"] == "closed"
    assert the_issue(running)["body"].count("Positive feedback rate") > 0
    running.experiments("--events", pattern)
    assert len(running.fake.issues) == 1


def test_pull_request_is_closed_when_the_verdict_changes(running: Hub) -> None:
    opened = running.experiments("--events", exported(running, BETTER))
    number = int(opened.outputs["pull-requests"])
    changed = running.experiments("--events", exported(running, SAME))
    assert changed.code == 0
    assert running.fake.pulls[number]["state"] == "closed"
    assert f"pull request {number} is closed" in changed.err
    assert changed.outputs["pull-requests"] == ""
    assert "ships it" not in the_issue(running)["body"]


def test_comment_on_a_chosen_issue_instead(running: Hub) -> None:
    pattern = exported(running, SAME, 30)
    for _round in range(2):
        assert running.experiments("--events", pattern, "--issue", "12").code == 0
    assert running.fake.issues == {}
    assert "Positive feedback rate" in running.comment(12, "experiment")


def test_missing_figures_fail_the_job_and_old_ones_do_not_stand(running: Hub) -> None:
    running.experiments("--events", exported(running, SAME, 30))
    found = running.experiments("--events", str(running.folder / "nothing" / "{key}.jsonl"))
    assert (found.code, found.outputs["failed"]) == (1, KEY)
    assert "Positive feedback rate" not in the_issue(running)["body"]
    assert the_issue(running)["state"] == "open"


def test_without_a_source_it_is_a_usage_error(running: Hub) -> None:
    found = running.experiments()
    assert found.code == 64
    assert running.fake.issues == {}


def test_issues_of_others_and_pull_requests_are_left_alone(running: Hub) -> None:
    body = f"<!-- ldconf experiment pet-store-agent {KEY} -->\nhello"
    mallory = {"login": "mallory"}
    theirs = running.fake.issue("x", body, ["ldconf"], mallory)
    a_pull = running.fake.issue("y", body, ["ldconf"], pull_request={"url": "x"})
    other = running.fake.issue("z", "<!-- ldconf experiment other gone -->", ["ldconf"])
    assert running.experiments("--events", exported(running, SAME, 30)).code == 0
    assert theirs["body"] == a_pull["body"] == body
    assert {theirs["state"], a_pull["state"], other["state"]} == {"open"}
    assert len(running.fake.issues) == 4


def test_a_rule_that_was_edited_since_the_start_is_said_first(running: Hub) -> None:
    running.start("main")
    running.edit("minimumUnitsPerArm: 100", "minimumUnitsPerArm: 50", FILE)
    running.push("main")
    done = running.experiments("--events", exported(running, BETTER))
    body = running.fake.pulls[int(done.outputs["pull-requests"])]["body"]
    doubt = body.index("was edited since the iteration started")
    assert doubt < body.index("<!-- ldconf experiment")


def test_losers_are_archived_by_option_and_what_stays_is_told(running: Hub) -> None:
    done = running.experiments("--events", exported(running, BETTER), "--archive-losers")
    pull = running.fake.pulls[int(done.outputs["pull-requests"])]
    assert "base-config is not archived" in pull["body"].replace("\\", "")


def test_input_of_the_workflow_reaches_the_command() -> None:
    root = Path(__file__).parents[2] / ".github"
    action = yaml.safe_load((root / "actions/ldconf/action.yml").read_text("utf-8"))
    workflow = yaml.safe_load((root / "workflows/ldconf-experiments.yml").read_text("utf-8"))
    (job,) = workflow["jobs"].values()
    step = job["steps"][-1]
    assert step["with"].keys() <= action["inputs"].keys()
    inputs = workflow[True]["workflow_call"]["inputs"]
    named = {name for name in inputs if f"inputs.{name} " in json.dumps(job)}
    assert named | {"workspaces"} == inputs.keys()

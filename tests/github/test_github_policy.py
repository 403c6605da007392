"""Policies in a pull request: a comment of their own, annotations, and a job that fails."""

from __future__ import annotations

import json
from pathlib import Path

from tests.github.hub import Hub, adopt

HEAT = """
policy:
  heat: {rule: maxTemperature, maximum: 1}
  owner: {rule: required, tags: [pet-store], severity: warning}
"""
CONSENT = """
consents:
  - {address: aiConfigs/pet-store-agent, allow: [policy], because: INC-7}
"""


def append(hub: Hub, text: str, file: str) -> None:
    with (hub.work / "configs" / file).open("a", encoding="utf-8") as opened:
        opened.write(text)


def too_hot(hub: Hub, *, fork: bool = False) -> int:
    """Open a pull request that runs into a policy of the main branch; return its number."""
    append(hub, HEAT, "ldconf.yaml")
    hub.push("main")
    adopt(hub)
    hub.start("topic")
    hub.edit("temperature: 0.7", "temperature: 1.5")
    return hub.open("topic", hub.push("topic"), fork=fork)


def test_a_violation_fails_the_job_until_it_is_gone_or_allowed(hub: Hub) -> None:
    number = too_hot(hub)
    hot = hub.plan(number, "opened")
    assert hot.code == 3
    assert (hot.outputs["violations"], hot.outputs["refused"]) == ("2", "0")  # a child inherits
    assert "`heat`" in hub.comment(number, "policy")
    assert "temperature" in hub.comment(number)
    assert "::error file=configs/pet-store-agent.yaml,line=" in hot.err
    assert "policy heat" in hot.err
    assert "### Policies of `pet-store-agent`" in hot.summary
    kept = json.loads((Path(hot.folder) / "out" / "policy.json").read_text("utf-8"))
    assert [one["id"] for one in kept["violations"]] == ["heat", "heat"]

    append(hub, CONSENT, "pet-store-agent.yaml")
    hub.fake.pulls[number]["head"]["sha"] = hub.push("topic")
    allowed = hub.plan(number)
    assert (allowed.code, allowed.outputs["violations"]) == (0, "0")
    assert "because: INC-7" in hub.comment(number, "policy")

    hub.edit("temperature: 1.5", "temperature: 0.6")
    hub.fake.pulls[number]["head"]["sha"] = hub.push("topic")
    assert hub.plan(number).code == 0
    assert "nothing against them" in hub.comment(number, "policy")


def test_a_pull_request_cannot_drop_the_policy_that_it_runs_into(hub: Hub) -> None:
    append(hub, HEAT, "ldconf.yaml")
    hub.push("main")
    adopt(hub)
    hub.start("topic")
    hub.edit(HEAT, "", "configs/ldconf.yaml")
    hub.edit("temperature: 0.7", "temperature: 1.5")
    number = hub.open("topic", hub.push("topic"))
    assert hub.plan(number).code == 3
    assert "`heat`" in hub.comment(number, "policy")


def test_broken_files_take_old_violations_out_of_the_comment(hub: Hub) -> None:
    number = too_hot(hub)
    assert hub.plan(number).code == 3
    hub.edit("mode: agent", "mode: dog")
    hub.fake.pulls[number]["head"]["sha"] = hub.push("topic")
    assert hub.plan(number).code == 1
    assert "heat" not in hub.comment(number, "policy")
    assert "Not checked" in hub.comment(number, "policy")


def test_a_fork_is_held_against_policies_without_a_comment(hub: Hub) -> None:
    number = too_hot(hub, fork=True)
    found = hub.plan(number)
    assert found.code == 3
    assert "policy heat" in found.err
    assert hub.fake.comments == {}


def test_without_violations_there_is_no_comment(hub: Hub) -> None:
    adopt(hub)
    hub.start("topic")
    hub.edit("temperature: 0.7", "temperature: 0.6")
    number = hub.open("topic", hub.push("topic"))
    found = hub.plan(number)
    assert (found.code, found.outputs["violations"]) == (0, "0")
    assert hub.comment(number, "policy") == ""
    assert "Policies" not in found.summary

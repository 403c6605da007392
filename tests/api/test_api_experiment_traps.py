"""Traps of experiments in the API (reference 21): what each ends with, and which words say so."""

from __future__ import annotations

import pytest
from ldlocal import Local, workspace
from test_api_experiments import DESIGN, PATH, TEST, WON, bad, begun, files, iteration

from ldconf.core.address import Address
from ldconf.core.outcome import Failed


async def ready() -> Local:
    """Return a local LaunchDarkly with all that the experiment is about."""
    local = Local.new()
    assert bad(await local.run(workspace())) == []
    return local


async def test_refusal_of_the_design_is_told_and_not_that_of_the_other_version() -> None:
    local = await ready()
    local.faults.full_audience_only = True
    first, _ = await local.run(files())
    assert isinstance(first, Failed)
    assert "allocationPercent adds up to 60" in first.reason
    assert "user interface" not in (first.hint or "")


async def test_refusal_of_the_design_is_told_where_the_whole_version_counts() -> None:
    local = await ready()
    local.faults.flag_version = "document"
    local.faults.full_audience_only = True
    first, _ = await local.run(files())
    assert isinstance(first, Failed)
    assert "allocationPercent adds up to 60" in first.reason


@pytest.mark.parametrize("name", ["mutableFieldsByStatus", "secondaryMetrics"])
async def test_value_of_expand_that_is_refused_costs_no_other(name: str) -> None:
    local = await ready()
    local.faults.refused_expand = frozenset({name})
    assert bad(await local.run(files())) == []
    assert (await local.plan(files())).is_empty


async def test_restart_with_another_share_than_was_sent_says_that_it_runs() -> None:
    local = await begun()
    local.faults.whole_audience = True
    allocation = {"one": 20, "two": 20}
    (outcome,) = await local.run(files({"iteration": 2, "allocation": allocation}))
    assert isinstance(outcome, Failed)
    assert outcome.reason == "it runs, but LaunchDarkly did not keep `allocation`"
    assert "stop it" in (outcome.hint or "")
    assert local.writes == [("PATCH", PATH)]
    assert (await iteration(local))["status"] == "running"


OTHER = "experiments/other"


async def test_draft_on_the_rule_of_a_running_experiment_masks_nothing() -> None:
    local = await begun()
    other = {**DESIGN, "status": "draft", "control": "one"}
    assert bad(await local.run(files(**{OTHER: other}))) == []
    assert (await local.plan(files(**{OTHER: other}))).is_empty


async def test_draft_moves_to_another_rule_while_its_own_goes() -> None:
    local = await ready()
    assert bad(await local.run(files({"status": "draft"}))) == []
    rules = files().resources[Address.parse(TEST)].managed()["rules"]
    moved = {"status": "running", "rule": {"description": "Beta"}, "control": "one"}
    desired = files(moved, **{TEST: {"rules": [rules[1]]}})
    assert bad(await local.run(desired)) == []
    assert (await local.plan(desired)).is_empty


async def test_rule_that_is_renamed_by_the_stop_keeps_its_name_in_the_experiment() -> None:
    local = await begun()
    rules = files().resources[Address.parse(TEST)].managed()["rules"]
    renamed = [{**rules[0], "description": "Paying"}, rules[1]]
    desired = files({**WON, "winner": "two"}, **{TEST: {"rules": renamed}})
    assert bad(await local.run(desired)) == []
    assert (await local.plan(desired)).is_empty

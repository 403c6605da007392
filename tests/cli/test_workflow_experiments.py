"""Experiments at the edges of a plan: offline, in the audit log, and whether events arrive."""

from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.address import Address
from ldconf.core.change import Plan
from ldconf.core.cost import CostChange, CostSide, Tokens
from ldconf.planning.costs import priced_ai_configs
from ldconf.planning.options import PlanOptions
from ldconf.planning.planner import plan
from ldconf.render import markdown, report, text
from ldconf.render.canvas import Look
from ldconf.workflow.audit import events_seen, spec
from ldconf.workflow.offline import as_live
from tests import build
from tests.planning.scenes import B
from tests.planning.trials import EXP, RATE, files, lines, live, planned, trial

ON_RULE = {"rule": {"description": "Premium"}}
EDIT = {B: {"instructions": "New"}}


def against(base: Any, desired: Any) -> Plan:
    return plan(desired, as_live(base, desired), base, PlanOptions(offline=True))


@pytest.mark.parametrize("where", [{}, ON_RULE], ids=["fallthrough", "rule"])
def test_experiment_is_protected_offline(where: Any) -> None:
    base = files(trial(**where))
    assert against(base, base).is_empty
    found = against(base, files(trial(**where), EDIT))
    assert found.changes == ()
    assert "experiment 'exp' runs in test" in found.refusals[0].summary
    restarted = against(base, files(trial(iteration=2, **where), EDIT))
    assert lines(restarted) == [
        f"1 stop {EXP}",
        f"2 update {B}",
        f"5 draft {EXP}",
        f"5 start {EXP}",
    ]


def test_audit_log_knows_experiments_by_environment() -> None:
    place = Address.parse(EXP)
    assert spec("p", place, "test") == "proj/p:env/test:experiment/exp"


def seen(at_ms: int | None) -> Plan:
    """The plan that starts the experiment; its metric had an event then."""
    there = live()
    metric = there.observed[build.at(RATE)]
    raw = {"key": "rate", **({"lastSeen": at_ms} if at_ms else {})}
    observed = {**there.observed, build.at(RATE): build.replace(metric, meta={"raw": raw})}
    there = build.replace(there, observed=observed)
    found = planned(files(trial()), there)
    drawn = report.build(found, report.ReportOptions(context=events_seen(found, there)))
    for words in (text.plan(drawn, Look()), markdown.plan(drawn)):
        assert ("seen no event yet: metrics/rate" in words) == (at_ms is None)
        assert ("last event seen 2026-11-25T" in words) == (at_ms is not None)
    return found


def test_plan_tells_whether_events_of_its_metrics_arrive() -> None:
    assert seen(None).digest == seen(1_795_600_000_000).digest


def test_metric_that_the_plan_makes_has_no_event_yet() -> None:
    found = planned(files(trial()), build.live({}))
    (entry,) = events_seen(found, build.live({}))
    assert (str(entry.address), entry.who, entry.when) == (RATE, "", "")


def test_no_start_no_question() -> None:
    found = planned(files(trial("draft")), live())
    assert events_seen(found, live()) == ()


def test_only_the_start_of_an_experiment_has_a_cost() -> None:
    desired = files(trial(iteration=2), EDIT)
    found = planned(desired, live(trial()), files(trial()))
    tokens = Tokens(1000, 100, "assumed")
    cost = CostChange(CostSide("a", 1.0), CostSide("a, b", 2.0), 100.0, tokens)
    at = build.at(EXP)
    assert list(priced_ai_configs(found, {at: cost})) == ["bot"]
    drawn = report.build(found, report.ReportOptions(costs={at: cost}))
    priced = [row.word for group in drawn.groups for row in group.rows if row.cost is not None]
    assert priced == ["start"]

from __future__ import annotations

from ldconf.core.outcome import Applied, Awaiting, Failed, Skipped
from ldconf.render import outcomes
from ldconf.render.canvas import Look
from tests.render import plans
from tests.render.golden import assert_golden

PLAN = plans.plan(
    plans.EDIT,
    plans.CHILD,
    plans.WHO,
    plans.ARCHIVED,
    plans.GONE,
    refused=(plans.NEW,),
    conflicts=plans.FULL.conflicts,
)
FOUND = (
    Applied(plans.EDIT, 2),
    Failed(plans.CHILD, "PATCH /projects/p/x 400: bad\x1b[2J", "mend the file"),
    Awaiting(plans.WHO, "5f1e"),
    Skipped(plans.ARCHIVED, plans.SECOND, "waits until all else is done"),
)


def test_what_did_not_go_through_is_named_with_its_reason() -> None:
    report = outcomes.build(PLAN, FOUND, interrupted=True)
    assert_golden("outcomes.txt", outcomes.text(report, Look(100)))


def test_all_done_is_one_line() -> None:
    report = outcomes.build(plans.plan(plans.EDIT), [Applied(plans.EDIT)])
    assert outcomes.text(report, Look()) == "Applied: 1 change done.\n"


def test_one_outcome_as_it_happens() -> None:
    row = outcomes.row(Applied(plans.EDIT))
    assert outcomes.line(row, Look()) == f"  ok update {plans.BASE}\n"


def test_reused_approval_request_is_called_pending() -> None:
    assert "request 5f1e is pending" in (
        outcomes.row(Awaiting(plans.WHO, "5f1e", True)).reason or ""
    )

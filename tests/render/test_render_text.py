from __future__ import annotations

import pytest

from ldconf.core.address import Address
from ldconf.core.change import Conflict, Drift, FieldDiff, Note, NoteKind, Transition
from ldconf.render import report, text
from ldconf.render.canvas import Look
from ldconf.render.report import ReportOptions
from ldconf.render.rows import RequestRow
from tests.render import plans
from tests.render.golden import assert_golden

OPTIONS = ReportOptions(
    workspace=plans.WORKSPACE,
    context=plans.CONTEXT,
    remarks=("sample contexts: not evaluated",),
    requests={
        "tools/get_product": (RequestRow("PATCH", "/projects/p/ai-tools/get_product", {"a": 1}),),
        str(plans.PRODUCTION): (),
    },
)
WIDE = Look(width=100)


def drawn(plan=plans.FULL, look=WIDE, options=OPTIONS) -> str:
    return text.plan(report.build(plan, options), look)


def test_full_plan() -> None:
    assert_golden("plan.txt", drawn())


def test_full_plan_in_colour() -> None:
    assert_golden("plan.ansi", drawn(look=Look(100, colour=True)))


def test_two_way_plan() -> None:
    assert_golden("plan-two-way.txt", drawn(plans.TWO_WAY))


def test_plan_without_changes_ends_with_no_changes() -> None:
    found = drawn(plans.EMPTY, options=ReportOptions())
    assert found.splitlines()[-1] == "No changes. 12 unchanged."
    assert "digest" not in found


def test_refused_alone_is_not_no_changes() -> None:
    found = drawn(plans.plan(refusals=plans.FULL.refusals), options=ReportOptions())
    assert found.splitlines()[-1] == "Nothing can be applied. 0 unchanged."


def test_drift() -> None:
    options = ReportOptions(context=plans.CONTEXT, unmanaged=(plans.TOOL,))
    assert_golden("drift.txt", text.drift(report.build(plans.FULL, options), WIDE))


def test_drift_without_base_is_of_unknown_direction() -> None:
    found = text.drift(report.build(plans.TWO_WAY), WIDE)
    assert "Different, direction unknown (no base)" in found
    assert "model.parameters.temperature: 0.7 → 0.3" in found


def test_no_drift() -> None:
    assert text.drift(report.build(plans.EMPTY), WIDE).splitlines()[-1] == "No drift."


@pytest.mark.parametrize("width", [40, 60, 80, 132])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = drawn(look=Look(width)).splitlines()
    unbreakable = {word for line in lines for word in line.split() if len(word) > width - 8}
    assert [line for line in lines if len(line) > width and not unbreakable] == []


def test_pipe_gets_whole_lines() -> None:
    line = "takes effect in: test 60 %, production 100 %, eu-prod 12.5 % and by rules (not managed)"
    assert line in drawn(look=Look(None))


def test_live_text_cannot_control_the_terminal() -> None:
    evil = "\x1b[2J\x1b]0;owned\x07 \u202etxet\u202c \r hidden\u200b"
    plan = plans.plan(
        plans.updated(plans.TOOL, FieldDiff("description", None, evil)),
        notes=(Note(NoteKind.WARNING, evil),),
        drift=(Drift(plans.TEST, "rules", None, [{**plans.BY_HAND, "description": evil}]),),
    )
    found = drawn(plan)
    assert not set("\x1b\x07\r\u202e\u202c\u200b") & set(found)
    assert "\\x1b[2J" in found
    assert "\\u202etxet" in found


def test_only_our_own_colours_reach_a_colour_terminal() -> None:
    plan = plans.plan(plans.updated(plans.TOOL, FieldDiff("description", "a", "\x1b[31mred")))
    assert "\x1b[31mred" not in drawn(plan, Look(100, colour=True))


def test_text_that_looks_like_markup_is_drawn_as_it_is() -> None:
    plan = plans.plan(
        plans.updated(plans.TOOL, FieldDiff("description", "a", "[bold]x[/] :smile:"))
    )
    assert '"[bold]x[/] :smile:"' in drawn(plan)


def test_text_that_launchdarkly_does_not_return_is_said_to_be_sent() -> None:
    found = drawn(plans.plan(plans.UNSEEN), Look())
    assert "instructions: sent; LaunchDarkly does not return it, its fingerprint differs" in found
    assert "description: sent; LaunchDarkly does not return it, what is live is not known" in found


def test_object_deleted_by_hand_and_changed_here() -> None:
    plan = plans.plan(conflicts=(Conflict(plans.TOOL, None, None, None, None),))
    assert "deleted in LaunchDarkly, changed in the files" in drawn(plan)


def test_experiments_that_are_touched_stand_on_top() -> None:
    address = Address.of("experiments", "models")
    change = Transition(address, "start", plans.resource(plans.TOOL))
    assert "experiments touched: models" in drawn(plans.plan(change))


def test_refusal_without_refused_change() -> None:
    plan = plans.plan(refusals=plans.FULL.refusals[1:2])
    assert "x deletes: 4 of 10 objects would be deleted" in drawn(plan)


def test_plan_without_head() -> None:
    found = drawn(plans.plan(base_ref=None, head_ref=None), options=ReportOptions())
    assert found.splitlines()[1] == "no base: two-way comparison"

from __future__ import annotations

import pytest

from ldconf.core.address import Address
from ldconf.core.change import Effect, FieldDiff, Note, NoteKind, Transition
from ldconf.render import github, markdown, report, text
from ldconf.render.canvas import Look
from ldconf.render.escape import visible, visible_line
from ldconf.render.report import ReportOptions
from ldconf.render.rows import ExperimentRow
from tests.render import plans


def test_variations_and_targeting_stand_with_their_ai_config() -> None:
    found = report.build(plans.plan(plans.EDIT, plans.GONE, plans.WHO))
    assert [(group.title, len(group.rows)) for group in found.groups] == [
        ("AI Config pet-store-agent", 2),
        ("Tools", 1),
    ]


def test_counts() -> None:
    counts = report.build(plans.FULL).summary.counts
    assert counts == {
        "create": 1,
        "update": 3,
        "archive": 1,
        "restore": 1,
        "delete": 1,
        "transition": 0,
        "adopt": 1,
        "unchanged": 7,
        "drift": 2,
        "conflict": 1,
        "refused": 1,
        "unverifiable": 1,
        "leftOut": 3,
        "approval": 2,
    }


UNUSED = plans.plan(plans.EDIT, effects={plans.BASE: (Effect("test", 0, True),)})
USED = plans.plan(plans.EDIT, effects={plans.BASE: (Effect("test", 5, True),)})
SETTINGS = plans.plan(notes=(Note(NoteKind.SETTINGS, "guards changed"),))


@pytest.mark.parametrize(
    ("plan", "risk"),
    [
        pytest.param(plans.EMPTY, "none", id="nothing"),
        pytest.param(plans.plan(plans.NEW), "low", id="new variation"),
        pytest.param(UNUSED, "low", id="edit nobody sees"),
        pytest.param(USED, "medium", id="edit in use"),
        pytest.param(plans.plan(plans.WHO), "medium", id="targeting"),
        pytest.param(plans.plan(plans.GONE), "high", id="delete"),
        pytest.param(SETTINGS, "high", id="settings"),
        pytest.param(plans.plan(consents=plans.FULL.consents), "high", id="consent"),
    ],
)
def test_risk(plan, risk: str) -> None:
    assert report.build(plan).summary.risk == risk


def test_settings_alone_are_shown_at_their_risk() -> None:
    found = report.build(SETTINGS)
    words = "risk: high (the settings of the workspace change)"
    assert words in text.plan(found, Look())
    words = "Risk: **high** (the settings of the workspace change)"
    assert words in markdown.plan(found)


def test_environments_are_those_that_feel_it() -> None:
    assert report.build(UNUSED).summary.environments == ()
    assert report.build(USED).summary.environments == ("test",)
    assert report.build(plans.plan(plans.WHO)).summary.environments == ("production",)


def test_unverifiable_field_says_that_it_is_sent() -> None:
    diff = FieldDiff("instructions", "abc", "Be kind.", unverifiable=True)
    (group,) = report.build(plans.plan(plans.updated(plans.BASE, diff))).groups
    assert group.rows[0].fields[0].details == ()
    assert group.rows[0].fields[0].unverifiable


def test_switched_off_targeting_is_said_in_one_sentence() -> None:
    change = plans.updated(plans.TEST, FieldDiff("fallthrough", "base-config", "disabled"))
    found = report.build(plans.plan(change), ReportOptions(workspace=plans.WORKSPACE))
    assert found.groups[0].rows[0].summary == "switched off: everyone gets `disabled`"


@pytest.mark.parametrize(
    ("verb", "risk"), [("draft", "low"), ("start", "medium"), ("stop", "high"), ("restart", "high")]
)
def test_experiment_transition_is_called_by_its_verb(verb: str, risk: str) -> None:
    address = Address.of("experiments", "models")
    after = plans.resource(address, environment="test", aiConfig="bot", status="running")
    found = report.build(plans.plan(Transition(address, verb, after)))
    assert found.groups[0].rows[0].word == verb
    assert found.summary.experiments == ("models",)
    assert found.summary.todo == f"1 to {verb}"
    assert found.summary.environments == ("test",)
    assert found.summary.risk == risk


def test_who_moved_it_stands_beside_drift() -> None:
    found = report.build(plans.FULL, ReportOptions(context=plans.CONTEXT))
    assert [entry.who for entry in found.drift[0].moved] == ["jane@example.org"]
    assert found.drift[1].moved == ()


def test_consents_for_counts_take_the_address_of_everything() -> None:
    consents = [row.consent for row in report.build(plans.FULL).refusals]
    assert consents[1] == '{address: "*", allow: [deletes], because: ...}'
    assert consents[2] is None


def test_annotations_of_a_plan_stand_at_the_lines() -> None:
    found = report.build(plans.FULL, ReportOptions(workspace=plans.WORKSPACE))
    lines = github.plan_annotations(found, "configs/").splitlines()
    assert lines[0].startswith(
        "::error file=configs/agent.yaml,line=30,col=5,title=refused%3A prot"
    )
    assert any(line.startswith("::error file=configs/tools.yaml,line=2") for line in lines)
    assert any(line.startswith("::warning file=configs/agent.yaml,line=20") for line in lines)


def test_outputs_for_later_steps() -> None:
    found = github.plan_outputs(report.build(plans.FULL))
    assert (found["changes"], found["refused"], found["risk"]) == ("7", "1", "high")


def test_output_value_cannot_end_itself() -> None:
    text = github.outputs({"verdict": "a\nend_0\nevil=1"})
    first, *_, last, _ = text.split("\n")
    assert first == f"verdict<<{last}"
    assert text.count(last) == 2


def test_visible() -> None:
    assert visible("a\n\tb\x00\U000e0041\ud800") == "a\n\tb\\x00\\U000e0041\\ud800"
    assert visible("👩\u200d🚀 é") == "👩\u200d🚀 é"
    assert visible_line("a\n\tb") == "a\\n\\tb"


def test_each_change_has_its_risk() -> None:
    found = report.build(plans.FULL)
    risks = {row.address: row.risk for group in found.groups for row in group.rows}
    assert risks[plans.OLD_TOOL] == "high"
    assert risks[plans.BASE] == "medium"
    assert risks[plans.SECOND] == "low"


def test_experiments_are_touched_by_changes_of_what_they_compare() -> None:
    def touched(environment: str, *variations: str) -> tuple[str, ...]:
        row = ExperimentRow("exp", "Exp", environment, plans.BOT, "running", variations)
        found = report.build(plans.plan(plans.EDIT), ReportOptions(experiments=(row,)))
        return found.summary.experiments

    assert touched("test", plans.EDIT.address.key, "other") == ("exp",)
    assert touched("test", "other") == ()

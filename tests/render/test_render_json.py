from __future__ import annotations

import json as stdlib_json

from ldconf.core.change import FieldDiff
from ldconf.core.outcome import Applied, Failed
from ldconf.render import json, outcomes, report
from ldconf.render.report import ReportOptions
from tests.render import plans
from tests.render.golden import assert_golden

OPTIONS = ReportOptions(workspace=plans.WORKSPACE, context=plans.CONTEXT, unmanaged=(plans.TOOL,))


def document(plan=plans.FULL, **named) -> str:
    options = ReportOptions(workspace=plans.WORKSPACE, context=plans.CONTEXT, **named)
    return json.document("plan", report.build(plan, options))


def test_full_plan() -> None:
    assert_golden("plan.json", document(unmanaged=(plans.TOOL,)))


def test_it_says_its_format_version_and_kind() -> None:
    found = stdlib_json.loads(document(plans.EMPTY))
    assert (found["formatVersion"], found["kind"]) == (1, "plan")


def test_values_are_whole_whatever_the_drawings_fold() -> None:
    found = stdlib_json.loads(document())
    fields = {row["field"]: row for row in found["groups"][0]["rows"][0]["fields"]}
    assert fields["instructions"]["before"] == plans.PROMPT
    assert fields["instructions"]["after"] == plans.NEW_PROMPT


def test_unsafe_characters_are_escaped_and_the_value_is_the_same() -> None:
    evil = "\x1b[31m \x9b \u202e \U000e0041 ünï"
    text = document(plans.plan(plans.updated(plans.TOOL, FieldDiff("description", None, evil))))
    assert not {"\x1b", "\x9b", "\u202e", "\U000e0041"} & set(text)
    assert "ünï" in text
    row = stdlib_json.loads(text)["groups"][0]["rows"][0]
    assert row["fields"][0]["after"] == evil


def test_redacted_plan_holds_no_prompt() -> None:
    for text in (document(redact=True), stdlib_json.dumps(document(redact=True))):
        assert "assistant of a pet store" not in text
        assert "Execution plan" not in text
    row = stdlib_json.loads(document(redact=True))["groups"][0]["rows"][0]
    fields = {field["field"]: field for field in row["fields"]}
    assert fields["instructions"]["before"].startswith(f"[{len(plans.PROMPT)} characters, ")
    assert fields["model"]["after"]["parameters"]["temperature"] == 0.3


def test_redaction_reaches_messages_and_lists() -> None:
    messages = [{"role": "user", "content": "hi"}, {"role": "system", "content": "Be kind."}]
    change = plans.updated(plans.BASE, FieldDiff("messages", None, messages))
    text = document(plans.plan(change), redact=True)
    assert "Be kind." not in text
    assert '"role": "system"' in text


def test_outcomes_as_json() -> None:
    plan = plans.plan(plans.EDIT, plans.WHO)
    found = outcomes.build(plan, [Applied(plans.EDIT), Failed(plans.WHO, "409 Conflict", "again")])
    members = stdlib_json.loads(json.document("outcomes", found))
    assert members["rows"][1] == {
        "address": str(plans.PRODUCTION),
        "result": "failed",
        "word": "update",
        "reason": "409 Conflict",
        "hint": "again",
    }

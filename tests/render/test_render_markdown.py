from __future__ import annotations

from ldconf.core.address import Address
from ldconf.core.change import Conflict, Delete, Drift, FieldDiff, Note, NoteKind, Transition
from ldconf.render import markdown, report
from ldconf.render.markup import code, comment, prose
from ldconf.render.report import ReportOptions
from tests.render import plans
from tests.render.golden import assert_golden

OPTIONS = ReportOptions(
    workspace=plans.WORKSPACE, context=plans.CONTEXT, remarks=("sample contexts: not evaluated",)
)


def drawn(plan=plans.FULL, **named) -> str:
    return markdown.plan(report.build(plan, OPTIONS), **named)


def edits(number: int, text: str, changed: str) -> list:
    addresses = [Address.of("aiConfigs", f"bot-{n}", "variations", "v") for n in range(number)]
    return [plans.updated(at, FieldDiff("instructions", text, changed)) for at in addresses]


def test_full_plan() -> None:
    assert_golden("plan.md", drawn())


def test_plan_without_changes() -> None:
    assert_golden("plan-empty.md", markdown.plan(report.build(plans.EMPTY)))


def test_same_plan_gives_the_same_bytes() -> None:
    assert drawn() == drawn()


def test_comment_is_found_by_its_marker() -> None:
    assert drawn().startswith("<!-- ldconf plan pet-store-agent configs -->\n")


def test_two_hundred_objects_stay_below_the_limit() -> None:
    before = "Be kind. " * 400
    after = "".join(f"Be kind{n}! " for n in range(400))
    found = drawn(plans.plan(*edits(200, before, after)), artifact="in the artifact `plan.json`")
    assert len(found) <= markdown.LIMIT
    assert "Shortened to fit GitHub's limit. The whole plan is in the artifact `plan.json`" in found
    assert found.count("<pre>") == found.count("</pre>")
    assert found.count("<details") == found.count("</details>")
    assert "bot-199" in found


def test_the_biggest_part_gives_way_first() -> None:
    small, huge = edits(2, "Be kind to every customer of the shop. " * 2, "Be short.")
    huge = plans.updated(
        huge.address, FieldDiff("instructions", "a. " * 100, "b! " * 40_000), huge.fields[0]
    )
    found = drawn(plans.plan(small, huge))
    assert len(found) <= markdown.LIMIT
    assert "<del>Be kind to every customer" in found
    assert "a long text" in found


def test_thousands_of_objects_are_counted_in_the_end() -> None:
    bots = [Address.of("aiConfigs", f"bot-with-a-rather-long-key-{n}") for n in range(3000)]
    gone = [Delete(at, plans.resource(at, description="x")) for at in bots]
    found = drawn(plans.plan(*gone))
    assert len(found) <= markdown.LIMIT
    assert "more objects" in found
    assert found.rstrip().endswith("</sub>")


def test_data_cannot_format_link_or_mention() -> None:
    evil = "**bold** [x](http://evil) @jane #12 <img src=x> | cell `code` a_b"
    plan = plans.plan(notes=(Note(NoteKind.WARNING, evil),))
    found = drawn(plan)
    assert r"\*\*bold\*\* \[x\]" in found
    assert "http://evil" not in found
    assert "@jane" not in found
    assert "#12" not in found
    assert r"\<img src=x\>" in found


def test_text_cannot_leave_its_block() -> None:
    evil = "</pre></details><script>x</script>\n" + "word " * 40
    found = drawn(plans.plan(plans.updated(plans.BASE, FieldDiff("instructions", evil, "new"))))
    assert "<script>" not in found
    assert "&lt;/pre&gt;&lt;/details&gt;" in found


def test_value_with_bars_and_backticks_stays_in_its_cell() -> None:
    found = drawn(plans.plan(plans.updated(plans.TOOL, FieldDiff("description", "a|b", "c`d\\e"))))
    assert '| `description` | `"a\\|b"` | ``"c`d\\\\e"`` |' in found


def test_code_span_of_backticks_only() -> None:
    assert code("``") == "``` `` ```"


def test_list_marker_at_the_start_is_text() -> None:
    assert prose("- item") == "&#45; item"
    assert prose("1. item") == "&#49;. item"


def test_html_comment_cannot_be_closed() -> None:
    assert "-->" not in comment("x --> y")


def test_unverifiable_texts_and_experiments_are_named() -> None:
    address = Address.of("experiments", "models")
    change = Transition(address, "start", plans.resource(plans.TOOL))
    found = drawn(plans.plan(plans.UNSEEN, change))
    assert "what is live is not known" in found
    assert "Experiments touched: `models`" in found


def test_object_deleted_by_hand_and_changed_here() -> None:
    plan = plans.plan(conflicts=(Conflict(plans.TOOL, None, None, None, None),))
    assert "Deleted in LaunchDarkly, changed in the files." in drawn(plan)


def test_long_drift_loses_its_texts_before_its_objects() -> None:
    text, other = "Be kind. " * 9000, "Be brief! " * 9000
    found = drawn(plans.plan(drift=(Drift(plans.BASE, "instructions", text, other),)))
    assert len(found) <= markdown.LIMIT
    assert "a long text" in found

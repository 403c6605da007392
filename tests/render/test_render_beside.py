from __future__ import annotations

from ldconf.render import beside
from ldconf.render.canvas import Look
from tests.render.plans import BASE, TOOL


def test_fields_are_equal_different_or_not_managed() -> None:
    files = {"name": "Base", "instructions": "Be kind.", "tools": None}
    live = {"name": "Base", "instructions": "Be brief.", "description": "x", "messages": None}
    found = beside.build(BASE, files, live, "agent.yaml:3")
    assert [row.field for row in found.equal] == ["name", "tools"]
    assert [row.field for row in found.differing] == ["instructions"]
    assert [row.field for row in found.unmanaged] == ["description"]
    assert beside.text(found, Look()) == (
        "AI Config pet-store-agent, variation base-config  agent.yaml:3; in LaunchDarkly\n"
        "\n"
        "Different: LaunchDarkly → files\n"
        '  instructions: "Be brief." → "Be kind."\n'
        "\n"
        "Equal\n"
        '  name: "Base"\n'
        "\n"
        "Not managed by the files\n"
        '  description: "x"\n'
    )


def test_object_that_is_only_live() -> None:
    found = beside.build(TOOL, None, {"description": "x"}, None)
    assert found.where == "in no file; in LaunchDarkly"
    assert beside.markdown(found) == (
        "### tool get\\_product\n\nin no file; in LaunchDarkly\n\n"
        '**Not managed by the files**\n\n- `description`: `"x"`\n'
    )


def test_object_that_is_only_in_the_files() -> None:
    found = beside.build(TOOL, {"description": "x"}, None, "tools.yaml:1")
    assert [row.field for row in found.differing] == ["description"]


def test_difference_as_markdown() -> None:
    found = beside.build(TOOL, {"description": "x"}, {"description": "y"}, "tools.yaml:1")
    assert '- `description`: `"y"` → `"x"`' in beside.markdown(found)

from __future__ import annotations

from ldconf.core.address import Address
from ldconf.core.diagnostic import Diagnostic, Position, Severity
from ldconf.render import diagnostics, github
from ldconf.render.canvas import Look

SOURCE = "tools:\n  search: {descripton: Look up}\n"
ERROR = Diagnostic(
    Severity.ERROR,
    "unknown key `descripton`",
    Position("tools.yaml", 2, 12),
    "unknown-key",
    "did you mean `description`?",
    Address.of("tools", "search"),
)
BARE = Diagnostic(Severity.WARNING, "nothing to manage")


def drawn(*found: Diagnostic, width: int | None = None, source: str = SOURCE) -> str:
    return diagnostics.text(found, Look(width), {"tools.yaml": source})


def test_place_problem_line_caret_and_hint() -> None:
    assert drawn(ERROR) == (
        "tools.yaml:2:12: error: unknown key `descripton` [unknown-key]\n"
        "  2 │   search: {descripton: Look up}\n"
        "    │            ^\n"
        "  did you mean `description`?\n"
    )


def test_problem_without_place() -> None:
    assert drawn(BARE) == "warning: nothing to manage\n"


def test_place_beyond_the_file_has_no_snippet() -> None:
    late = Diagnostic(Severity.NOTE, "x", Position("tools.yaml", 99, 1))
    assert drawn(late) == "tools.yaml:99:1: note: x\n"


def test_long_line_is_cut_around_the_caret() -> None:
    far = Diagnostic(Severity.ERROR, "x", Position("tools.yaml", 1, 5001))
    lines = drawn(far, source="a" * 5000 + "HERE" + "b" * 5000, width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1][lines[2].index("^")] == "H"


def test_caret_stands_below_wide_and_escaped_characters() -> None:
    found = Diagnostic(Severity.ERROR, "x", Position("tools.yaml", 1, 5))
    lines = drawn(found, source="日本\x1b x\n").splitlines()
    assert lines[1].endswith("日本\\x1b x")
    # two wide characters take four cells, the escaped one four, the blank one
    assert len(lines[2]) - len("    │ ") == 4 + 4 + 1 + 1


def test_counts() -> None:
    assert diagnostics.counts([ERROR, ERROR, BARE]) == "2 errors, 1 warning"
    assert diagnostics.counts([]) == "no problems"


def test_data_for_json() -> None:
    assert diagnostics.data([ERROR, BARE])[0] == {
        "severity": "error",
        "summary": "unknown key `descripton`",
        "rule": "unknown-key",
        "hint": "did you mean `description`?",
        "address": "tools/search",
        "file": "tools.yaml",
        "line": 2,
        "column": 12,
    }


def test_annotation_names_file_line_and_rule() -> None:
    assert github.annotations([ERROR], "configs/") == (
        "::error file=configs/tools.yaml,line=2,col=12,title=unknown-key::"
        "unknown key `descripton`%0Adid you mean `description`?\n"
    )


def test_annotation_without_place() -> None:
    assert github.annotations([BARE]) == "::warning::nothing to manage\n"


def test_annotation_cannot_be_forged() -> None:
    evil = Diagnostic(Severity.ERROR, "100 %\n::set-output name=x::y", Position("a,b:c.yaml", 1))
    found = github.annotations([evil])
    assert found.count("\n") == 1
    assert "file=a%2Cb%3Ac.yaml," in found
    assert "100 %25%0A::set-output" in found

from __future__ import annotations

import pytest

from ldconf.core.address import Address
from ldconf.core.diagnostic import Diagnostic, Position, Severity
from ldconf.documents.load_places import ObjectPlaces, Place, Positions, Sources
from ldconf.documents.load_problems import Problems, nearest, suggestion
from ldconf.documents.yaml import parse

TOOL = Address.of("tools", "t")


def sources(**texts: str) -> Sources:
    found = Sources()
    for name, text in texts.items():
        found.add(parse(text, name))
    return found


def test_many_documents_are_asked_in_turn() -> None:
    found = sources(**{f"f{n}": f"a: {'x' * n}\nb: 1\n" for n in range(30)})

    for _ in range(2):
        assert [found.value(Place(f"f{n}", ("b",))) for n in range(30)] == [
            Position(f"f{n}", 2, 4) for n in range(30)
        ]


def test_scalars_as_written() -> None:
    found = sources(a="x: 0o17\ny: 'q'\nz: [1]\n")

    assert found.written(Place("a", ("x",))) == "0o17"
    assert found.written(Place("a", ("y",))) == "'q'"
    assert found.written(Place("a", ("z",))) is None
    assert found.written(Place("a", ("w",))) is None


def test_own_places_come_before_inherited_ones() -> None:
    found = sources(a="own: {m: {x: 1}}\nbase: {m: {x: 2, y: 3}}\n")
    own, base = Place("a", ("own",)), Place("a", ("base",))
    positions = Positions(found, {TOOL: ObjectPlaces(own, {"m": (own, base)})})

    assert positions[(TOOL, ("m", "x"))] == Position("a", 1, 14)
    assert positions[(TOOL, ("m", "y"))] == Position("a", 2, 21)
    assert positions.written(TOOL, ("m", "y")) == "3"
    assert positions.written(TOOL, ("n",)) is None
    assert positions.written(TOOL, ()) is None
    assert list(positions) == [(TOOL, ()), (TOOL, ("m",)), (TOOL, ("m", "x")), (TOOL, ("m", "y"))]


def test_nearest_place() -> None:
    found = sources(a="t: {m: {x: 1}}\n")
    own = Place("a", ("t",))
    positions = Positions(found, {TOOL: ObjectPlaces(own, {"m": (own,)})})

    assert positions.nearest(TOOL, ("m", "x"), at_key=True) == Position("a", 1, 9)
    assert positions.nearest(TOOL, ("m", "z", 0)) == Position("a", 1, 8)
    assert positions.nearest(TOOL, ("n",)) == Position("a", 1, 1)


@pytest.mark.parametrize("wanted", [(TOOL, ("zz",)), (Address.of("tools", "u"), ())])
def test_unknown_places(wanted: tuple[Address, tuple[str, ...]]) -> None:
    own = Place("a", ("t",))
    positions = Positions(sources(a="t: {}\n"), {TOOL: ObjectPlaces(own, {"zz": (own,)})})

    assert wanted not in positions


def test_object_whose_document_is_gone_has_no_position() -> None:
    positions = Positions(Sources(), {TOOL: ObjectPlaces(Place("gone", ("t",)), {})})

    assert positions.nearest(TOOL, ("x",)) is None


def test_fields_of_which_no_node_is_left_are_not_listed() -> None:
    own = Place("a", ("t",))
    positions = Positions(sources(a="t: {}\n"), {TOOL: ObjectPlaces(own, {"zz": (own,)})})

    assert list(positions) == [(TOOL, ())]


def test_equal_problems_at_one_place_count_once() -> None:
    problems = Problems()
    for address in (TOOL, None):
        problems.error("x", Position("a"), "r", address=address)

    assert len(problems.sorted()) == 1
    assert problems.addresses == {TOOL}


def test_problems_without_a_place_come_first() -> None:
    problems = Problems()
    problems.error("b", Position("a"), "r")
    problems.error("a", None, "r")
    problems.add(Diagnostic(Severity.WARNING, "c", Position("a")))

    assert [found.summary for found in problems.sorted()] == ["a", "b", "c"]


def test_warnings_are_no_errors() -> None:
    problems = Problems()
    problems.add(Diagnostic(Severity.WARNING, "c", address=TOOL))

    assert not problems.has_errors
    assert problems.addresses == set()


@pytest.mark.parametrize(
    ("word", "expected"),
    [("event_key", "eventKey"), ("EventKey", "eventKey"), ("evntKey", "eventKey"), ("zzz", None)],
)
def test_nearest_word(word: str, expected: str | None) -> None:
    assert nearest(word, ["name", "eventKey"]) == expected


def test_long_lists_of_suggestions_are_cut() -> None:
    words = [f"word-{n}" for n in range(25)]

    assert suggestion("x", words).endswith("word-19, and 5 more")
    assert suggestion("x", []) == "allowed: none"

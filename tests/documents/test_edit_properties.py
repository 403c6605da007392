from __future__ import annotations

from collections.abc import Mapping
from random import Random

from hypothesis import given

from ldconf.core.resource import Json, same
from ldconf.documents import edit, yaml
from ldconf.documents.source import Source, written_at
from ldconf.documents.yaml import Path
from tests.documents.random_yaml import (
    WORDS,
    Writer,
    documents,
    examples,
    maps,
    plain_documents,
    randoms,
    values,
)


def read(text: str) -> Json:
    document = yaml.parse(text, "x.yaml")
    assert document.problems == (), text
    return document.value


def paths(value: Json, path: Path = ()) -> list[Path]:
    steps = (
        value.items()
        if isinstance(value, Mapping)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(inner for step, below in steps for inner in paths(below, (*path, step)))]


@examples
@given(maps, randoms)
def test_random_documents_say_what_they_should(value: Json, random: Random) -> None:
    text = Writer(random).document(value)
    assert read(text + "\n") == value


@examples
@given(documents, values, randoms)
def test_set_changes_the_value_at_the_path_alone(
    document: tuple[Json, str], new: Json, random: Random
) -> None:
    value, text = document
    path = random.choice(paths(value)[1:])
    assert same(read(edit.set_value(text, path, new)), edit.assigned(value, path, new))


@examples
@given(documents, values, randoms)
def test_new_key_is_added(document: tuple[Json, str], new: Json, random: Random) -> None:
    value, text = document
    parents = [path for path in paths(value) if isinstance(edit._get(value, path), Mapping)]
    path = (*random.choice(parents), random.choice([*WORDS, "new"]))
    assert same(read(edit.set_value(text, path, new)), edit.assigned(value, path, new))


@examples
@given(documents, randoms)
def test_remove_takes_away_what_is_at_the_path_alone(
    document: tuple[Json, str], random: Random
) -> None:
    value, text = document
    path = random.choice(paths(value)[1:])
    assert same(read(edit.remove(text, path)), edit.without(value, path))


@examples
@given(documents, values, randoms)
def test_item_is_inserted(document: tuple[Json, str], new: Json, random: Random) -> None:
    value, text = document
    lists = [path for path in paths(value) if isinstance(edit._get(value, path), list)]
    if lists:
        path = random.choice(lists)
        items = edit._get(value, path)
        index = random.randint(0, len(items))
        expected = edit.assigned(value, path, [*items[:index], new, *items[index:]])
        assert same(read(edit.insert(text, path, index, new)), expected)


@examples
@given(documents, maps)
def test_whole_document_takes_any_other_value(document: tuple[Json, str], new: Json) -> None:
    assert same(read(edit.set_value(document[1], (), new)), new)


def lines_outside(text: str, path: Path) -> tuple[str, str]:
    """Return the text before the lines of an entry and that after them."""
    source = Source(text)
    place = written_at(source, path)
    start, tail = (place.holder.start, place.holder.tail) if place.holder else (0, len(source.text))
    bom = len(text) - len(source.text)
    end = tail if place.node.tail > place.node.end else source.next_line(tail)
    return text[: source.line_start(start) + bom], text[end + bom :]


@examples
@given(plain_documents, values, randoms)
def test_other_lines_stay_byte_identical_when_a_value_is_set(
    document: tuple[Json, str], new: Json, random: Random
) -> None:
    value, text = document
    path = random.choice(paths(value)[1:])
    before, after = lines_outside(text, path)
    edited = edit.set_value(text, path, new)
    assert edited.startswith(before)
    assert edited.endswith(after)


@examples
@given(plain_documents, randoms)
def test_other_lines_stay_byte_identical_when_an_entry_is_removed(
    document: tuple[Json, str], random: Random
) -> None:
    value, text = document
    path = random.choice(paths(value)[1:])
    source = Source(text)
    holder = written_at(source, path).holder
    alone = holder is not None and source.starts_line(holder.start)
    only = len(edit._get(value, path[:-1])) == 1
    before, after = lines_outside(text, path[:-1] if only else path)
    edited = edit.remove(text, path)
    assert edited.startswith(before)
    assert edited.endswith(after) or not alone


@examples
@given(plain_documents, values, randoms)
def test_every_character_stays_when_a_key_is_added(
    document: tuple[Json, str], new: Json, random: Random
) -> None:
    value, text = document
    parents = [path for path in paths(value) if isinstance(edit._get(value, path), Mapping)]
    path = random.choice([path for path in parents if edit._get(value, path)])
    edited = edit.set_value(text, (*path, "new"), new)
    if text.endswith("\n"):  # else a final `|` may become `|-`
        assert any(
            edited.startswith(text[:cut]) and edited.endswith(text[cut:])
            for cut in range(len(text) + 1)
        )


@examples
@given(plain_documents, values)
def test_comments_outside_an_edit_survive(document: tuple[Json, str], new: Json) -> None:
    text = document[1]
    edited = edit.set_value(text, ("added",), new)
    assert edited.count("# note") >= text.count("# note")
    assert edited.count("# why") >= text.count("# why")

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from ldconf.core.resource import Json, Number
from ldconf.documents.load_explain import Flaw, allowed_keys, flaws, shown, spelt


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)

    some_text: str = ""
    number: Number | None = None


def must_be_even(value: int) -> int:
    if value % 2:
        raise ValueError("must be even")
    return value


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)

    inner: Inner | None = None
    by_key: dict[str, Inner | str] = Field(default_factory=dict)
    items: list[Inner] = Field(default_factory=list)
    choice: Literal["*"] | list[str] = "*"
    short: Annotated[str, Field(max_length=3)] = ""
    few: Annotated[list[int], Field(max_length=2, min_length=2)] = Field(default=[1, 2])
    above: Annotated[float, Field(gt=0, lt=10)] = 1
    word: Annotated[str, Field(pattern="^[a-z]+$")] = "a"
    even: Annotated[int, AfterValidator(must_be_even)] = 0
    finite: Annotated[float, Field(allow_inf_nan=False)] = 0
    steps: Annotated[int, Field(multiple_of=5)] = 0

    @model_validator(mode="after")
    def _check(self) -> Outer:
        if self.word == "bad":
            raise ValueError("`word` and `short` are not friends")
        if self.word == "worse":
            raise ValueError("nothing here is named")
        if self.word == "worst":
            raise ValueError("'quoted' is not there, `absent` neither")
        return self


def found(value: Json, written: str | None = None) -> list[Flaw]:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(value)
    return list(flaws(Outer, caught.value, value, lambda _: written, also=("extra",)))


@pytest.mark.parametrize(
    ("value", "path", "summary"),
    [
        (
            {"inner": {"number": "1"}},
            ("inner", "number"),
            '`inner.number` must be a number, not "1"',
        ),
        ({"inner": 5}, ("inner",), "`inner` must be a mapping, not the number 5"),
        (
            {"byKey": {"k": 1}},
            ("byKey", "k"),
            "`byKey.k` must be a mapping or text, not the number 1",
        ),
        (
            {"byKey": {"k": {"number": []}}},
            ("byKey", "k", "number"),
            "`byKey.k.number` must be a number, not a list",
        ),
        ({"items": [{}, None]}, ("items", 1), "`items[1]` cannot be null"),
        ({"choice": 1}, ("choice",), '`choice` must be "*" or a list, not the number 1'),
        ({"short": "abcd"}, ("short",), "`short` has more than 3 characters"),
        ({"few": [1, 2, 3]}, ("few",), "`few` has more than 2 entries"),
        ({"few": [1]}, ("few",), "`few` needs at least 2 entries"),
        ({"above": 0.0}, ("above",), "`above` must be above 0, not 0.0"),
        ({"above": 10.0}, ("above",), "`above` must be below 10, not 10.0"),
        ({"word": "A B"}, ("word",), '`word` cannot be "A B"'),
        ({"even": 3}, ("even",), "`even`: must be even"),
        (
            {"finite": float("inf")},
            ("finite",),
            "`finite` must be a finite number, not the number inf",
        ),
        ({"steps": 3}, ("steps",), "`steps`: input should be a multiple of 5"),
        ({"word": "bad"}, ("word",), "`word` and `short` are not friends"),
        ({"word": "worse"}, (), "nothing here is named"),
        ({"word": "worst"}, (), "'quoted' is not there, `absent` neither"),
        ("text", (), 'the entry must be a mapping, not "text"'),
    ],
)
def test_words_and_places(value: Json, path: tuple[str | int, ...], summary: str) -> None:
    (flaw,) = found(value)

    assert (flaw.path, flaw.summary) == (path, summary)


def test_unknown_keys_name_what_is_allowed_there() -> None:
    top, inner = found({"extr": 1, "inner": {"someTxt": 1}})[::-1]

    assert top.hint == (
        "did you mean `extra`? allowed: above, byKey, choice, even, extra, few, finite, inner, "
        "items, short, steps, word"
    )
    assert inner.hint == "did you mean `someText`? allowed: number, someText"
    assert inner.at_key


def test_text_is_quoted_as_it_stands_in_the_file() -> None:
    assert found({"inner": {"someText": 1.0}}, "1.00")[0].hint == 'write "1.00"'
    assert found({"inner": {"someText": 1.0}})[0].hint == 'write "1.0"'


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        (("inner",), {"someText", "number"}),
        (("byKey", "x"), {"someText", "number"}),
        (("items", 0), {"someText", "number"}),
        (("choice",), set()),
        (("nothing", "here"), set()),
        (("short", "x"), set()),
    ],
)
def test_allowed_keys(path: tuple[str | int, ...], keys: set[str]) -> None:
    assert allowed_keys(Outer, path) == keys


def test_long_texts_are_cut_in_messages() -> None:
    assert shown("x" * 100) == '"' + "x" * 37 + '..."'


def test_paths_as_people_write_them() -> None:
    assert spelt(("rules", 0, "clauses", 1, "op")) == "`rules[0].clauses[1].op`"

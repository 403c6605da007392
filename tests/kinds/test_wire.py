from __future__ import annotations

import pytest

from ldconf.core.change import FieldDiff
from ldconf.core.resource import Json
from ldconf.kinds import wire
from tests.kinds import fakes


def diff(field: str, after: Json) -> FieldDiff:
    return FieldDiff(field, "before", after)


def test_path_segments_are_quoted_whole():
    assert wire.q("a/b c%") == "a%2Fb%20c%25"


def test_cleared_path_that_is_absent_is_left_alone():
    fields = [diff("tags", None), diff("unit", None)]
    assert wire.json_patch(fields, {}, {"tags": []}) == []


def test_cleared_path_without_a_value_is_removed():
    assert wire.json_patch([diff("unit", None)], {"unit": "ms"}) == [
        {"op": "remove", "path": "/unit"}
    ]


def test_pointer_is_escaped():
    (operation,) = wire.json_patch([diff("a/b~c", 1)], {"a/b~c": 0})
    assert operation["path"] == "/a~1b~0c"


def test_field_without_a_clearing_value_is_sent_as_null():
    assert wire.object_patch([diff("cost", None), diff("name", "n")], {}) == {
        "cost": None,
        "name": "n",
    }


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"_maintainer": {"_id": "m1", "key": "ignored"}}, ("m1", None)),
        ({"_maintainer": {"key": "t1"}}, (None, "t1")),
        ({"_maintainer": {}}, (None, None)),
        ({"maintainerId": "m1"}, ("m1", None)),
        ({"maintainerTeamKey": "t1", "maintainerId": ""}, (None, "t1")),
        ({}, (None, None)),
    ],
)
def test_maintainer_is_read_as_a_union(payload: Json, expected: tuple[str | None, str | None]):
    assert wire.maintainer(payload) == expected


@pytest.mark.parametrize(
    ("managed", "expected"),
    [
        ({"maintainerId": None}, {"maintainerId": ""}),
        ({"maintainerId": None, "maintainerTeamKey": None}, {"maintainerId": ""}),
        ({"maintainerTeamKey": None}, {}),
        ({"maintainerId": None, "maintainerTeamKey": "t1"}, {}),
        ({"maintainerId": "m1"}, {}),
        ({}, {}),
    ],
)
def test_only_a_null_member_is_dismissed(managed: Json, expected: Json):
    assert wire.dismissal(managed) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a\r\nb\n", "a\nb"), ("", None), ("\n", None), (None, None), (3, None)],
)
def test_texts_of_the_api_are_normalised(value: Json, expected: str | None):
    assert wire.text(value) == expected


async def test_absent_object_is_none():
    reader = fakes.FakeReader({"/here": {"key": "k"}})
    assert await wire.get_or_none(reader, "/here") == {"key": "k"}
    assert await wire.get_or_none(reader, "/gone", beta=True) is None
    assert reader.seen == [("/here", False), ("/gone", True)]

"""What must read back, and what counts as kept."""

from __future__ import annotations

from typing import Any

import pytest

from ldconf.api.facts import WriteFacts
from ldconf.api.readback import expected, kept, model_config_of, remaining
from ldconf.core.address import Address, variation
from ldconf.core.change import Archive, Change, Create, Delete, FieldDiff, Restore, Update
from ldconf.core.live import Live
from ldconf.core.resource import Json, Observed
from ldconf.kinds.model_config import ModelConfig
from ldconf.kinds.tool import Tool
from ldconf.kinds.variation import Variation

ONE = variation("agent", "one")
SEARCH = Address.of("tools", "search")
SMALL = Address.of("modelConfigs", "Custom.small")


def made(**fields: Json) -> Variation:
    return Variation.model_validate({"name": "One", **fields})


def facts(one: Observed | None = None) -> WriteFacts:
    known = {
        SEARCH: Observed(Tool.from_api({}), version=3),
        SMALL: Observed(ModelConfig.from_api({"id": "small"}), version=5),
    }
    live = Live("shop", {}, {**known, ONE: one} if one else known)
    return WriteFacts(live, "comment", "commit")


def edit(field: str, after: Json, **fields: Json) -> Update:
    return Update(ONE, made(**fields), (FieldDiff(field, None, after),))


RESTORE = Restore(ONE, made(instructions="x"), (FieldDiff("instructions", None, "x"),))


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (Create(SEARCH, Tool.model_validate({"description": "S"})), {"description": "S"}),
        (edit("instructions", "x", instructions="x"), {"instructions": "x"}),
        (edit("modelConfigVersion", "new"), {"modelConfigVersion": "new"}),
        (RESTORE, {"instructions": "x", "state": "published"}),
        (Archive(ONE), {"state": "archived"}),
        (Delete(SEARCH, Tool.model_validate({})), {}),
    ],
    ids=["create", "update", "new version", "restore", "archive", "delete"],
)
def test_expected_fields(change: Change, fields: dict[str, Json]) -> None:
    assert expected(change) == fields


@pytest.mark.parametrize(
    ("name", "sent", "actual", "is_kept"),
    [
        ("name", "One", "One", True),
        ("name", "One", "Two", False),
        ("tools", [{"key": "search"}], [{"key": "search", "version": 3}], True),
        ("tools", [{"key": "search"}], [{"key": "search", "version": 2}], False),
        ("tools", [{"key": "search", "version": 2}], [{"key": "search", "version": 2}], True),
        ("tools", [{"key": "theirs"}], [{"key": "theirs", "version": 9}], True),
        ("tools", [{"key": "search"}], None, False),
        ("tools", None, [{"key": "search", "version": 3}], False),
        ("model", {"custom": {"a": 1}}, {"modelName": "small", "custom": {"a": 1}}, True),
        ("model", {"custom": {"a": 1}}, {"modelName": "small", "custom": {"a": 2}}, False),
        ("model", {"modelName": "x"}, {"modelName": "y"}, False),
        ("model", None, {"modelName": "small"}, True),
        ("model", {"custom": {"a": 1}}, None, False),
        ("modelConfigVersion", "new", 5, True),
        ("modelConfigVersion", "new", 4, False),
        ("modelConfigVersion", 4, 5, False),
    ],
)
def test_kept(name: str, sent: Json, actual: Json, is_kept: bool) -> None:
    change = edit(name, sent, modelConfigKey="Custom.small")
    assert kept(change, name, sent, actual, facts()) is is_kept


def test_model_config_in_use_is_the_live_one_unless_changed() -> None:
    live = Observed(Variation.from_api({"name": "One", "modelConfigKey": "Custom.live"}))
    known = facts(one=live)
    assert model_config_of(Archive(ONE), known) == Address.of("modelConfigs", "Custom.live")
    changed = edit("modelConfigKey", "Custom.small", modelConfigKey="Custom.small")
    assert model_config_of(changed, known) == SMALL
    assert model_config_of(Archive(ONE), facts()) is None


@pytest.mark.parametrize(("state", "left"), [("archived", Restore), ("published", Update)])
def test_restore_of_a_published_variation_is_an_edit(state: str, left: Any) -> None:
    before = Observed(Variation.from_api({"name": "One", "state": state}))
    assert type(remaining(RESTORE, before)) is left

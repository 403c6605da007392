from __future__ import annotations

import pytest

from ldconf.core.address import Address
from ldconf.core.resource import Json
from ldconf.kinds.tool import TOOL, Tool, observed
from tests.kinds import fakes
from tests.kinds.official import accepts

LOOKUP = Address.of("tools", "get_product")
SCHEMA: Json = {
    "type": "object",
    "properties": {"id": {"type": "string", "description": "Id\n"}},
    "required": ["id"],
}
PAYLOAD: Json = {
    "key": "get_product",
    "_access": {},
    "_links": {},
    "_site": {},
    "_maintainer": {"key": "team-1", "name": "Team"},
    "description": "Look up a product\n",
    "schema": SCHEMA,
    "customParameters": {"table": "products"},
    "tags": [],
    "version": 7,
    "createdAt": 1_700_000_000_000,
}


def test_payload_is_projected_to_canonical_fields():
    assert observed(PAYLOAD).resource.managed() == {
        "description": "Look up a product",
        "schema": SCHEMA,
        "customParameters": {"table": "products"},
        "tags": None,
        "maintainerId": None,
        "maintainerTeamKey": "team-1",
    }
    assert observed(PAYLOAD).version == 7


def test_function_calling_wrapper_is_kept_as_it_is():
    wrapper = {"type": "function", "function": {"name": "get_product", "parameters": SCHEMA}}
    assert observed({**PAYLOAD, "schema": wrapper}).resource.managed()["schema"] == wrapper
    assert Tool.model_validate({"schema": wrapper}).managed()["schema"] == wrapper


def test_empty_schema_is_a_schema():
    assert Tool.model_validate({"schema": {}}).managed() == {"schema": {}}
    (request,) = fakes.create(TOOL, LOOKUP, {"schema": {}})
    assert request.body == {"key": "get_product", "schema": {}}


def test_order_of_schema_keys_is_no_difference():
    live = observed(PAYLOAD).resource
    backwards = Tool.model_validate({"schema": dict(reversed(SCHEMA.items()))})
    assert fakes.differences(live, backwards) == ()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"schema": None}, "valid dictionary"),
        ({"schema": "tools/x.json"}, "valid dictionary"),
        ({"schema": []}, "valid dictionary"),
        ({"customParameters": {1: 2}}, "valid string"),
        ({"tags": ["a", 1]}, "valid string"),
        ({"maintainerId": "m", "maintainerTeamKey": "t"}, "exclude each other"),
    ],
)
def test_wrong_document_is_refused(document: Json, message: str):
    with pytest.raises(ValueError, match=message):
        Tool.model_validate(document)


def test_create_sends_the_whole_tool():
    document = {"schema": SCHEMA, "description": "Look up", "tags": None, "maintainerId": "m1"}
    (request,) = fakes.create(TOOL, LOOKUP, document)
    assert (request.method, request.path) == ("POST", "/projects/pets/ai-tools")
    assert request.creates
    assert request.body == {
        "key": "get_product",
        "schema": SCHEMA,
        "description": "Look up",
        "maintainerId": "m1",
    }
    assert accepts(request)


def test_null_maintainer_is_dismissed_after_create():
    create, patch = fakes.create(TOOL, LOOKUP, {"schema": {}, "maintainerId": None})
    assert create.body == {"key": "get_product", "schema": {}}
    assert (patch.method, patch.path) == ("PATCH", "/projects/pets/ai-tools/get_product")
    assert patch.body == {"maintainerId": ""}


def test_objects_are_replaced_whole_and_cleared_by_empty_ones():
    schema = {"type": "object"}
    document = {"schema": schema, "description": None, "customParameters": None}
    (request,) = fakes.update(TOOL, LOOKUP, PAYLOAD, document)
    assert request.path == "/projects/pets/ai-tools/get_product"
    assert request.body == {"schema": schema, "description": "", "customParameters": {}}
    assert accepts(request)


def test_team_is_cleared_by_empty_text():
    (request,) = fakes.update(TOOL, LOOKUP, PAYLOAD, {"maintainerTeamKey": None})
    assert request.body == {"maintainerTeamKey": ""}


def test_tool_names_nothing():
    assert TOOL.references(LOOKUP, Tool.model_validate({"schema": {}})) == ()


async def test_latest_versions_are_read_by_one_list():
    reader = fakes.FakeReader({"/projects/pets/ai-tools": [PAYLOAD]})
    ((address, found),) = await TOOL.fetch(reader)
    assert (address, found.version) == (LOOKUP, 7)
    assert reader.seen == [("/projects/pets/ai-tools", False)]


def test_tool_whose_schema_is_no_object_fits_no_file():
    assert observed({**PAYLOAD, "schema": ["id"]}).meta["unsupported"].startswith("schema: ")

from __future__ import annotations

import pytest

from ldconf.core.address import Address
from ldconf.core.change import Delete, Update
from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json
from ldconf.kinds.model_config import MODEL_CONFIG, ModelConfig, observed
from tests.kinds import fakes
from tests.kinds.official import accepts

SMALL = Address.of("modelConfigs", "Acme.small")
PAYLOAD: Json = {
    "_access": {"denied": [], "allowed": []},
    "_maintainer": {"_id": "member-1", "email": "a@example.test", "role": "writer"},
    "key": "Acme.small",
    "id": "small",
    "name": "Acme Small",
    "provider": "Acme",
    "icon": "acme",
    "global": False,
    "params": {"temperature": 0.3},
    "customParams": {},
    "tags": ["b", "a"],
    "version": 4,
    "costPerInputToken": 4e-7,
    "costPerOutputToken": 2e-6,
    "isRestricted": True,
    "usedInCount": 2,
}
COLLECTION = "/projects/pets/ai-configs/model-configs"


def test_payload_is_projected_to_canonical_fields():
    assert observed(SMALL, PAYLOAD).resource.managed() == {
        "name": "Acme Small",
        "id": "small",
        "provider": "Acme",
        "icon": "acme",
        "params": {"temperature": 0.3},
        "customParams": None,
        "tags": ["a", "b"],
        "costPerInputToken": 4e-7,
        "costPerOutputToken": 2e-6,
        "costPerCachedInputToken": None,
        "maintainerId": "member-1",
        "maintainerTeamKey": None,
    }


def test_version_catalogue_and_restriction_are_observed():
    found = observed(SMALL, PAYLOAD)
    assert found.version == 4
    assert found.meta == {"raw": PAYLOAD, "global": False, "restricted": True}
    assert observed(SMALL, {**PAYLOAD, "global": True}).meta["global"] is True


def test_team_maintains():
    payload = {**PAYLOAD, "_maintainer": {"key": "team-1", "name": "Team"}}
    managed = observed(SMALL, payload).resource.managed()
    assert (managed["maintainerId"], managed["maintainerTeamKey"]) == (None, "team-1")


def test_key_of_another_form_fits_no_file():
    plain = Address.of("modelConfigs", "small")
    assert "Provider.model-id" in observed(plain, PAYLOAD).meta["unsupported"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"maintainerId": "m", "maintainerTeamKey": "t"}, "exclude each other"),
        ({"costPerInputToken": -1}, "greater than or equal to 0"),
        ({"costPerInputToken": None}, "valid integer"),
        ({"costPerInputToken": "0.1"}, "valid"),
        ({"params": ["temperature"]}, "valid dictionary"),
        ({"params": {1: 2}}, "valid string"),
        ({"id": None}, "valid string"),
        ({"id": ""}, "at least 1 character"),
    ],
)
def test_wrong_document_is_refused(document: Json, message: str):
    with pytest.raises(ValueError, match=message):
        ModelConfig.model_validate(document)


@pytest.mark.parametrize(
    ("key", "document", "path"),
    [
        ("Acme", {"id": "small"}, ()),
        (".small", {"id": "small"}, ()),
        ("Acme.", {"id": "small"}, ()),
        ("Acme.small", {"id": "small", "provider": "Other"}, ("provider",)),
    ],
)
def test_key_has_to_agree_with_the_provider(key: str, document: Json, path: tuple[str, ...]):
    assert MODEL_CONFIG.check is not None
    model = ModelConfig.model_validate(document)
    (problem,) = MODEL_CONFIG.check(Address.of("modelConfigs", key), model)
    assert problem.path == path
    assert repr(key) in problem.summary or "'Other'" in problem.summary


@pytest.mark.parametrize("key", ["Acme.small", "Acme.small.v1", "Acme.small-and-cheap"])
def test_several_model_configs_may_stand_for_one_model(key: str):
    assert MODEL_CONFIG.check is not None
    model = ModelConfig.model_validate({"id": "small", "provider": "Acme"})
    assert MODEL_CONFIG.check(Address.of("modelConfigs", key), model) == ()


def test_create_derives_name_and_provider_from_the_key():
    (request,) = fakes.create(MODEL_CONFIG, SMALL, {"id": "small", "params": None})
    assert (request.method, request.path) == ("POST", COLLECTION)
    assert request.body == {
        "key": "Acme.small",
        "name": "Acme.small",
        "provider": "Acme",
        "id": "small",
    }
    assert accepts(request)


def test_maintainer_follows_in_a_patch_because_create_does_not_apply_it():
    create, patch = fakes.create(MODEL_CONFIG, SMALL, {"id": "small", "maintainerTeamKey": "t"})
    assert "maintainerTeamKey" not in create.body
    assert (patch.method, patch.path) == ("PATCH", f"{COLLECTION}/Acme.small")
    assert patch.body == {"maintainerTeamKey": "t"}


def test_null_maintainer_is_dismissed_after_create():
    _, patch = fakes.create(MODEL_CONFIG, SMALL, {"id": "small", "maintainerId": None})
    assert patch.body == {"maintainerId": ""}


def test_changed_fields_are_patched_as_an_object():
    document = {"id": "small", "name": "Small", "tags": None, "params": None}
    (request,) = fakes.update(MODEL_CONFIG, SMALL, PAYLOAD, document)
    assert request.path == f"{COLLECTION}/Acme.small"
    assert request.body == {"name": "Small", "tags": [], "params": {}}
    assert accepts(request)


def test_free_model_has_a_price():
    (request,) = fakes.update(MODEL_CONFIG, SMALL, PAYLOAD, {"costPerInputToken": 0})
    assert request.body == {"costPerInputToken": 0}


@pytest.mark.parametrize(
    ("maintainer", "document", "body"),
    [
        ({"_id": "m1"}, {"maintainerId": None}, {"maintainerId": ""}),
        ({"key": "t1"}, {"maintainerTeamKey": None}, {"maintainerId": ""}),
        (
            {"_id": "m1"},
            {"maintainerId": None, "maintainerTeamKey": "t1"},
            {"maintainerTeamKey": "t1"},
        ),
        ({"key": "t1"}, {"maintainerId": "m1"}, {"maintainerId": "m1"}),
    ],
    ids=["clear member", "clear team", "member to team", "team to member"],
)
def test_maintainer_is_a_member_or_a_team(maintainer: Json, document: Json, body: Json):
    payload = {**PAYLOAD, "_maintainer": maintainer}
    (request,) = fakes.update(MODEL_CONFIG, SMALL, payload, document)
    assert request.body == body


@pytest.mark.parametrize("verb", [Update, Delete])
def test_catalogue_cannot_be_written(verb: type):
    live = observed(SMALL, {**PAYLOAD, "global": True})
    facts = fakes.FakeFacts(observed={SMALL: live})
    change = Update(SMALL, live.resource, ()) if verb is Update else Delete(SMALL, live.resource)
    with pytest.raises(LdconfError, match="catalogue, which is read-only"):
        MODEL_CONFIG.requests(change, facts)


def test_model_config_names_nothing():
    assert MODEL_CONFIG.references(SMALL, ModelConfig.model_validate({"id": "small"})) == ()


async def test_catalogue_and_custom_ones_are_read_by_one_list():
    reader = fakes.FakeReader({COLLECTION: [PAYLOAD, {**PAYLOAD, "key": "OpenAI.gpt-4o"}]})
    found = await MODEL_CONFIG.fetch(reader)
    assert [str(address) for address, _ in found] == [
        "modelConfigs/Acme.small",
        "modelConfigs/OpenAI.gpt-4o",
    ]
    assert reader.seen == [(COLLECTION, False)]

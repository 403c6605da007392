"""The kind `aiConfigs`: model, reads and requests."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from ldconf.core.address import ai_config
from ldconf.core.change import Archive, Restore, Transition
from ldconf.core.resource import Json, same
from ldconf.kinds.ai_config import AI_CONFIG, AIConfig, observed
from tests import strategies_ai as strategies
from tests.kinds import fakes
from tests.kinds.ai_fakes import update
from tests.kinds.official import accepts

BOT = ai_config("bot")
LIST = "/projects/pets/ai-configs"
PATH = f"{LIST}/bot"
quick = settings(max_examples=40, deadline=None)


def payload(**fields: Json) -> dict[str, Json]:
    """Return an AI Config as the API answers, nothing set unless told otherwise."""
    bare = {
        "key": "bot",
        "name": "Bot",
        "description": "",
        "mode": "completion",
        "tags": [],
        "isInverted": False,
        "version": 3,
        "variations": [],
        "createdAt": 1,
        "updatedAt": 1,
    }
    return {**bare, **fields}


def managed(**fields: Json) -> dict[str, Json]:
    return AIConfig.model_validate(fields).managed()


@given(document=strategies.ai_configs())
@quick
def test_managed_values_validate_again_as_the_same_resource(document: Json):
    found = managed(**document)
    assert managed(**found) == found


@given(document=strategies.ai_configs())
@quick
def test_created_object_reads_back_as_written(document: Json):
    sent = fakes.create(AI_CONFIG, BOT, document)
    assert all(accepts(request) for request in sent)
    live = AIConfig.from_api(_answer(fakes.served(sent))).managed()
    assert all(same(live[name], value) for name, value in managed(**document).items())


@given(before=strategies.ai_configs("judge"), after=strategies.ai_configs("judge"))
@quick
def test_updated_object_reads_back_as_written(before: Json, after: Json):
    live = _answer(fakes.served(fakes.create(AI_CONFIG, BOT, before)))
    sent = update(AI_CONFIG, BOT, observed(live), after)
    assert all(accepts(request) for request in sent)
    found = AIConfig.from_api(_answer(fakes.served(sent, live))).managed()
    assert all(same(found[name], value) for name, value in managed(**after).items())


def _answer(kept: Json) -> Json:
    """Return what the API answers of a stored body: the maintainer as a union (reference 3.4)."""
    shown = {**kept}
    member, team = shown.pop("maintainerId", None), shown.pop("maintainerTeamKey", None)
    if member is not None or team is not None:
        shown.pop("_maintainer", None)
    if member:
        shown["_maintainer"] = {"_id": member, "email": "a@example.test"}
    if team:
        shown["_maintainer"] = {"key": team, "name": "Team"}
    return payload(**shown)


def test_create_sends_no_variation_and_no_empty_description():
    (request,) = fakes.create(AI_CONFIG, BOT, {"mode": "agent", "description": "", "tags": []})
    assert (request.method, request.path, request.creates) == ("POST", LIST, True)
    assert request.body == {"key": "bot", "name": "bot", "mode": "agent"}


def test_strings_are_cleared_with_empty_ones():
    live = payload(description="x", evaluationMetricKey="tone", isInverted=True, tags=["a"])
    cleared = {"description": None, "evaluationMetricKey": None, "isInverted": None, "tags": None}
    (request,) = update(AI_CONFIG, BOT, observed(live), cleared)
    assert request.body == {
        "description": "",
        "evaluationMetricKey": "",
        "isInverted": False,
        "tags": [],
    }


def test_prefix_of_the_judge_metric_makes_no_difference():
    written = managed(mode="judge", evaluationMetricKey="$ld:ai:judge:tone")
    assert written == managed(mode="judge", evaluationMetricKey="tone")


def test_live_prefix_of_the_judge_metric_makes_no_difference():
    live = payload(mode="judge", evaluationMetricKey="$ld:ai:judge:tone")
    assert AIConfig.from_api(live).managed()["evaluationMetricKey"] == "tone"


def test_judge_metric_is_sent_in_full():
    (request,) = fakes.create(AI_CONFIG, BOT, {"mode": "judge", "evaluationMetricKey": "tone"})
    assert request.body["evaluationMetricKey"] == "$ld:ai:judge:tone"


def test_never_inverted_equals_not_inverted():
    assert AIConfig.from_api(payload()).managed()["isInverted"] is None


def test_inverted_needs_a_metric():
    with pytest.raises(ValidationError, match="`isInverted: true` needs `evaluationMetricKey`"):
        managed(isInverted=True)


def test_maintainers_exclude_each_other():
    with pytest.raises(ValidationError, match="exclude each other"):
        managed(maintainerId="m", maintainerTeamKey="t")


@pytest.mark.parametrize("field", ["name", "mode"])
def test_fields_that_cannot_be_cleared_refuse_null(field: str):
    with pytest.raises(ValidationError):
        managed(**{field: None})


def test_mode_missing_on_old_ones_is_completion():
    old = payload()
    del old["mode"]
    assert AIConfig.from_api(old).managed()["mode"] == "completion"


def test_live_resource_has_every_field_of_the_model():
    names = {field.alias for field in AIConfig.model_fields.values()}
    assert AIConfig.from_api(payload()).managed_names == names


def test_what_no_file_could_hold_is_named():
    assert "isInverted" in observed(payload(isInverted=True)).meta["unsupported"]
    assert "unsupported" not in observed(payload()).meta


async def test_fetch_lists_once_with_a_page_size():
    reader = fakes.FakeReader({LIST: [payload(), payload(key="other")]})
    found = await AI_CONFIG.fetch(reader)
    assert [str(address) for address, _ in found] == ["aiConfigs/bot", "aiConfigs/other"]
    assert reader.params == [{"limit": "50"}]


async def test_read_returns_the_raw_payload_and_version():
    found = await AI_CONFIG.read(fakes.FakeReader({PATH: payload()}), BOT)
    assert found is not None
    assert (found.version, found.meta["raw"]) == (3, payload())


async def test_read_returns_none_for_an_absent_one():
    assert await AI_CONFIG.read(fakes.FakeReader({}), BOT) is None


def test_delete():
    (request,) = fakes.delete(AI_CONFIG, BOT)
    assert (request.method, request.path) == ("DELETE", PATH)


def test_nothing_changed_sends_nothing():
    assert update(AI_CONFIG, BOT, observed(payload()), {"name": "Bot"}) == ()


def test_no_references():
    assert AI_CONFIG.references(BOT, AIConfig()) == ()


@pytest.mark.parametrize(
    "change",
    [Archive(BOT), Restore(BOT, AIConfig()), Transition(BOT, "start", AIConfig())],
    ids=lambda change: type(change).__name__,
)
def test_other_changes_are_a_programming_error(change: Json):
    with pytest.raises(TypeError, match="AI Configs have no"):
        AI_CONFIG.requests(change, fakes.FakeFacts())

"""The kind `variations`: model and requests."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ldconf.core.address import Address, ai_config
from ldconf.core.address import variation as variation_address
from ldconf.core.change import Archive, Create, Delete, FieldDiff, Restore, Transition, Update
from ldconf.core.resource import Json, Observed, same
from ldconf.kinds.ai_config import AIConfig
from ldconf.kinds.tool import Tool
from ldconf.kinds.variation import VARIATION, Variation, fingerprint, fingerprints, mode_problems
from ldconf.kinds.variation_comment import write_comment
from ldconf.kinds.variation_live import observed
from ldconf.kinds.variation_model import float32
from tests import strategies_ai as strategies
from tests.kinds import fakes
from tests.kinds.ai_fakes import Facts, update
from tests.kinds.official import accepts

BASE = variation_address("bot", "base")
LIST = "/projects/pets/ai-configs/bot/variations"
PATH = f"{LIST}/base"
SONNET = "Anthropic.sonnet"
NEIGHBOURS = strategies.Neighbours(
    tools=("t1", "t2"), model_configs=(SONNET, "Acme.small"), judges=("j1", "j2")
)
quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
documents = st.sampled_from(strategies.MODES).flatmap(
    lambda mode: st.tuples(st.just(mode), strategies.variations(mode, NEIGHBOURS))
)


def facts(mode: str = "completion", **known: Observed) -> Facts:
    """Return facts: an AI Config of this mode, two tools, two model configs."""
    found = Facts(names={SONNET: "claude-sonnet", "Acme.small": "small-1"})
    found.observed[ai_config("bot")] = Observed(AIConfig.model_construct(mode=mode))
    found.observed[Address.of("tools", "t1")] = Observed(Tool.model_construct(), version=4)
    found.observed[Address.of("tools", "t2")] = Observed(Tool.model_construct(), version=1)
    found.observed[Address.of("modelConfigs", "Acme.small")] = Observed(
        Tool.model_construct(), version=7
    )
    return found


def row(**fields: Json) -> dict[str, Json]:
    """Return a version of a variation as the API answers it, with the injected empties."""
    bare = {
        "_id": "x",
        "key": "base",
        "name": "base",
        "version": 1,
        "createdAt": 1,
        "state": "published",
        "model": {"modelName": "", "parameters": {}, "custom": {}},
    }
    return {**bare, **fields}


def live(mode: str = "completion", **fields: Json) -> Observed:
    return observed(row(**fields), mode)


def managed(**fields: Json) -> dict[str, Json]:
    return Variation.model_validate(fields).managed()


def create(document: Json, known: Facts | None = None) -> Json:
    """Return the body of the POST."""
    change = Create(BASE, Variation.model_validate(document))
    (request,) = VARIATION.requests(change, known or facts())
    assert accepts(request)
    assert (request.method, request.path, request.creates) == ("POST", LIST, True)
    return request.body


def edit(before: Observed, document: Json, known: Facts | None = None) -> Json:
    """Return the body of the PATCH."""
    (request,) = update(VARIATION, BASE, before, document, known or facts())
    assert accepts(request)
    assert (request.method, request.path) == ("PATCH", PATH)
    return request.body


# The model


@given(drawn=documents)
@quick
def test_managed_values_validate_again_as_the_same_resource(drawn: Json):
    found = managed(**drawn[1])
    assert managed(**found) == found


@given(drawn=documents)
@quick
def test_written_form_reads_back_as_the_same(drawn: Json):
    found = managed(**drawn[1])
    written = Variation.model_validate(found).document()
    assert managed(**written) == {name: value for name, value in found.items() if value is not None}


@given(drawn=documents)
@quick
def test_a_variation_that_fits_its_mode_has_no_problems(drawn: Json):
    mode, document = drawn
    assert mode_problems(mode, Variation.model_validate(document)) == []


@given(drawn=documents)
@quick
def test_created_object_reads_back_as_written(drawn: Json):
    mode, document = drawn
    kept = observed(row(**create(document, facts(mode))), mode)
    assert _differences(kept, document) == []


@given(
    before=strategies.variations("agent", NEIGHBOURS),
    after=strategies.variations("agent", NEIGHBOURS),
)
@quick
def test_updated_object_reads_back_as_written(before: Json, after: Json):
    there = row(**create(before, facts("agent")))
    known = facts("agent")
    sent = update(VARIATION, BASE, observed(there, "agent"), after, known)
    assert all(accepts(request) for request in sent)
    kept = observed(fakes.served(sent, there), "agent")
    assert _differences(kept, after) == []


def _differences(kept: Observed, document: Json) -> list[str]:
    """Return the names of fields that differ from a document, apart from what a write derives."""
    found, wanted = kept.resource.managed(), managed(**document)
    for side in (found, wanted):
        for tool in side.get("tools") or ():
            tool.pop("version", None)
        side["model"] = {k: v for k, v in (side.get("model") or {}).items() if k != "modelName"}
    if "model" not in document:
        del wanted["model"]
    return [name for name, value in wanted.items() if not same(found[name], value)]


def test_absent_state_means_published():
    assert managed(name="Base") == {"name": "Base", "state": "published"}


def test_archived_variation_manages_its_state_alone():
    template = Variation.model_validate({"state": "archived", "name": "x", "tools": ["t1"]})
    assert template.managed() == {"state": "archived"}
    assert template.managed_names == {"state"}
    assert VARIATION.references(BASE, template) == ()


def test_live_archived_variation_still_uses_its_tools():
    resource = live(state="archived", tools=[{"key": "t1", "version": 1}]).resource
    assert [str(found.target) for found in VARIATION.references(BASE, resource)] == ["tools/t1"]


def test_live_archived_variation_is_written_as_archived():
    assert live(state="archived", name="Old").resource.document() == {"state": "archived"}


def test_published_state_is_not_written():
    assert live(name="New").resource.document() == {"name": "New"}


def test_live_resource_has_every_field_of_the_model():
    names = {field.alias for field in Variation.model_fields.values()}
    assert live().resource.managed_names == names


def test_injected_empty_model_is_no_model():
    assert live().resource.managed()["model"] is None


def test_whole_numbers_of_the_model_compare_whatever_their_spelling():
    written = managed(model={"parameters": {"temperature": 1}})["model"]
    assert same(
        written, live(model={"parameters": {"temperature": 1.0}}).resource.managed()["model"]
    )


def test_tools_are_a_set_by_key():
    assert managed(tools=["t2", {"key": "t1", "version": 3}])["tools"] == [
        {"key": "t1", "version": 3},
        {"key": "t2"},
    ]


def test_line_ends_and_final_newline_of_texts_make_no_difference():
    written = managed(instructions="a\r\nb\n", messages=[{"role": "user", "content": "c\r\n"}])
    assert written["instructions"] == "a\nb"
    assert written["messages"] == [{"role": "user", "content": "c"}]


def test_sampling_rates_compare_as_the_api_keeps_them():
    stored = 0.10000000149011612  # 0.1 as float32
    judges = [{"judgeConfigKey": "j1", "samplingRate": stored}]
    kept = live(judgeConfiguration={"judges": judges}).resource.managed()["judgeConfiguration"]
    judges = [{"judgeConfigKey": "j1", "samplingRate": 0.1}]
    assert kept == managed(judgeConfiguration={"judges": judges})["judgeConfiguration"]


@given(st.floats(0, 1, width=32))
def test_every_float32_keeps_its_identity(rate: float):
    assert float32(float32(rate)) == float32(rate)
    assert abs(float32(rate) - rate) < 1e-7


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"tools": ["t1", {"key": "t1", "version": 2}]}, "tool 't1' is listed twice"),
        ({"tools": [3]}, "takes a tool key, or `key:` with `version:`"),
        (
            {"judgeConfiguration": {"judges": [{"judgeConfigKey": "j", "samplingRate": 0.1}] * 2}},
            "judge 'j' is listed twice",
        ),
        (
            {"modelConfigKey": None, "modelConfigVersion": 2},
            "`modelConfigVersion` needs `modelConfigKey`",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "Input should be 'system'"),
        ({"modelConfigVersion": None}, "Input should be a valid integer"),
        ({"state": "draft"}, "Input should be 'published' or 'archived'"),
    ],
    ids=["tool twice", "tool form", "judge twice", "version alone", "role", "null", "state"],
)
def test_wrong_documents_are_refused_in_words(document: Json, message: str):
    with pytest.raises(ValidationError) as caught:
        managed(**document)
    (error,) = caught.value.errors()
    assert error["msg"].removeprefix("Value error, ").startswith(message)


@pytest.mark.parametrize(
    ("mode", "document", "fields"),
    [
        ("agent", {"messages": [{"role": "user", "content": "x"}]}, ["messages"]),
        ("completion", {"instructions": "x", "description": "y"}, ["description", "instructions"]),
        ("judge", {"tools": ["t1"], "instructions": "x"}, ["instructions", "tools"]),
        ("agent", {"messages": []}, []),
        ("completion", {"instructions": None}, []),
        (None, {"messages": [{"role": "user", "content": "x"}], "instructions": "x"}, []),
    ],
    ids=["agent", "completion", "judge", "empty", "cleared", "unknown mode"],
)
def test_fields_that_a_mode_does_not_take(mode: str | None, document: Json, fields: list[str]):
    found = mode_problems(mode, Variation.model_validate(document))
    assert sorted(path[0] for path, _ in found) == fields


def test_judges_cannot_be_judged():
    document = {"judgeConfiguration": {"judges": [{"judgeConfigKey": "j", "samplingRate": 1}]}}
    ((path, _),) = mode_problems("judge", Variation.model_validate(document))
    assert path == ("judgeConfiguration",)


def test_references_name_model_config_tools_and_judges_with_their_places():
    document = {
        "modelConfigKey": SONNET,
        "tools": ["t2", {"key": "t1", "version": 3}],
        "judgeConfiguration": {"judges": [{"judgeConfigKey": "j1", "samplingRate": 0.5}]},
    }
    found = VARIATION.references(BASE, Variation.model_validate(document))
    assert [(str(one.target), one.path) for one in found] == [
        ("modelConfigs/Anthropic.sonnet", ("modelConfigKey",)),
        ("tools/t2", ("tools", 0)),
        ("tools/t1", ("tools", 1, "key")),
        ("aiConfigs/j1", ("judgeConfiguration", "judges", 0, "judgeConfigKey")),
    ]


def test_references_of_another_resource_are_a_programming_error():
    with pytest.raises(TypeError, match="not a variation"):
        VARIATION.references(BASE, AIConfig())


def test_key_disabled_is_reserved():
    assert VARIATION.check is not None
    (problem,) = VARIATION.check(variation_address("bot", "disabled"), Variation())
    assert problem.summary == "'disabled' is a reserved variation key"


def test_other_keys_are_free():
    assert VARIATION.check is not None
    assert VARIATION.check(BASE, Variation()) == ()


# Requests


def test_create_sends_the_model_whole_with_its_derived_name():
    body = create({"modelConfigKey": SONNET, "model": {"parameters": {"temperature": 0.2}}})
    assert body["model"] == {
        "modelName": "claude-sonnet",
        "parameters": {"temperature": 0.2},
        "custom": {},
    }


def test_create_without_a_model_sends_an_empty_one():
    assert create({"name": "Base"})["model"] == {}


def test_create_pins_unpinned_tools_to_their_current_version():
    assert create({"tools": ["t1", {"key": "t2", "version": 9}]})["tools"] == [
        {"key": "t1", "version": 4},
        {"key": "t2", "version": 9},
    ]


def test_create_sends_the_key_as_name_if_there_is_none():
    assert create({})["name"] == "base"


def test_create_of_an_agent_sends_empty_messages():
    assert create({"instructions": "x"}, facts("agent"))["messages"] == []


def test_create_sends_neither_state_nor_tool_keys_nor_published():
    body = create({"tools": ["t1"]})
    assert {"state", "toolKeys", "published"}.isdisjoint(body)


def test_update_sends_only_what_changed():
    before = live("agent", instructions="a", description="d", name="Base")
    body = edit(before, {"name": "Base", "instructions": "b"})
    assert set(body) == {"instructions", "comment"}


def test_update_of_a_parameter_sends_the_whole_model():
    model = {"modelName": "claude-sonnet", "parameters": {"a": 1, "b": 2}, "custom": {"c": 3}}
    before = live(modelConfigKey=SONNET, model=model)
    body = edit(before, {"model": {"parameters": {"a": 5}, "custom": {"c": 3}}})
    assert body["model"] == {
        "modelName": "claude-sonnet",
        "parameters": {"a": 5},
        "custom": {"c": 3},
    }


def test_new_model_config_brings_its_name_and_keeps_the_parameters():
    model = {"modelName": "claude-sonnet", "parameters": {"a": 1}, "custom": {}}
    before = live(modelConfigKey=SONNET, model=model)
    body = edit(before, {"modelConfigKey": "Acme.small"})
    assert body["model"] == {"modelName": "small-1", "parameters": {"a": 1}, "custom": {}}


def test_model_name_of_an_unknown_model_config_is_kept():
    before = live(modelConfigKey="Other.x", model={"modelName": "x", "parameters": {"a": 1}})
    body = edit(before, {"model": {"modelName": "x", "parameters": {"a": 2}}})
    assert body["model"] == {"modelName": "x", "parameters": {"a": 2}, "custom": {}}


def test_cleared_fields_are_cleared_explicitly():
    before = live(
        modelConfigKey=SONNET,
        tools=[{"key": "t1", "version": 4}],
        judgeConfiguration={"judges": [{"judgeConfigKey": "j1", "samplingRate": 1}]},
        messages=[{"role": "user", "content": "x"}],
        outputFormat={"type": "object"},
        model={"parameters": {"a": 1}},
    )
    cleared = dict.fromkeys(
        ("modelConfigKey", "tools", "judgeConfiguration", "messages", "outputFormat", "model")
    )
    body = edit(before, cleared)
    del body["comment"]
    assert body == {
        "modelConfigKey": "",
        "tools": [],
        "judgeConfiguration": {"judges": []},
        "messages": [],
        "outputFormat": {},
        "model": {},
    }


def test_cleared_texts_are_cleared_with_empty_ones():
    before = live("agent", instructions="a", description="b")
    body = edit(before, {"instructions": None, "description": None})
    assert (body["instructions"], body["description"]) == ("", "")


def test_repin_of_a_tool_takes_the_version_made_a_moment_ago():
    known = facts()
    known.observed[BASE] = live(tools=[{"key": "t1", "version": 3}])
    diff = FieldDiff("tools", [{"key": "t1", "version": 3}], [{"key": "t1", "version": "new"}])
    (request,) = VARIATION.requests(Update(BASE, Variation(), (diff,)), known)
    assert request.body["tools"] == [{"key": "t1", "version": 4}]


@pytest.mark.parametrize(("after", "sent"), [(None, 7), ("new", 7), (5, 5)])
def test_repin_of_a_model_config_takes_the_current_version_unless_given(after: Json, sent: int):
    known = facts()
    known.observed[BASE] = live(modelConfigKey="Acme.small", modelConfigVersion=6)
    diff = FieldDiff("modelConfigVersion", 6, after, because="re-pin")
    (request,) = VARIATION.requests(Update(BASE, Variation(), (diff,)), known)
    assert request.body["modelConfigVersion"] == sent


def test_unknown_version_of_a_model_config_sends_nothing():
    known = facts()
    known.observed[BASE] = live()
    diff = FieldDiff("modelConfigVersion", None, None)
    assert VARIATION.requests(Update(BASE, Variation(), (diff,)), known) == ()


def test_nothing_changed_sends_nothing():
    assert update(VARIATION, BASE, live(name="Base"), {"name": "Base"}) == ()


def test_archive_sends_state_and_comment():
    known = facts()
    known.observed[BASE] = live("agent", instructions="a", description="")
    (request,) = VARIATION.requests(Archive(BASE), known)
    assert accepts(request)
    comment = f"ldconf 0123abc i={fingerprint('a')} d={fingerprint('')}"
    assert request.body == {"state": "archived", "comment": comment}


def test_restore_publishes_first_and_edits_then():
    known = facts()
    known.observed[BASE] = live("agent", state="archived", instructions="a")
    diffs = (FieldDiff("instructions", "a", "b"), FieldDiff("state", "archived", "published"))
    first, second = VARIATION.requests(Restore(BASE, Variation(), diffs), known)
    assert accepts(first)
    assert accepts(second)
    assert (first.body["state"], second.body["instructions"]) == ("published", "b")
    assert fingerprints(first.body["comment"])["instructions"] == fingerprint("a")
    assert fingerprints(second.body["comment"])["instructions"] == fingerprint("b")
    assert "state" not in second.body


def test_restore_without_differences_is_one_request():
    known = facts()
    known.observed[BASE] = live(state="archived")
    (request,) = VARIATION.requests(Restore(BASE, Variation()), known)
    assert request.body["state"] == "published"


def test_delete():
    (request,) = VARIATION.requests(Delete(BASE, Variation()), facts())
    assert (request.method, request.path, request.body) == ("DELETE", PATH, None)


def test_transition_is_a_programming_error():
    with pytest.raises(TypeError, match="no Transition"):
        VARIATION.requests(Transition(BASE, "start", Variation()), facts())


# Comments


@given(
    st.sampled_from(["", "0123abc", "f" * 40]),
    st.dictionaries(
        st.sampled_from(["instructions", "description"]), st.text(max_size=9).map(fingerprint)
    ),
)
def test_comment_states_what_it_was_given(commit: str, stated: dict[str, str]):
    assert fingerprints(write_comment(commit, stated)) == stated


@pytest.mark.parametrize(
    "comment",
    [None, "", "made by hand", "ldconf abc i=0123", "i=0123456789ab", "ldconf a b i=0123456789ab"],
)
def test_other_comments_state_nothing(comment: str | None):
    assert fingerprints(comment) == {}


def test_comment_has_the_form_of_the_contract():
    assert write_comment("abc1234", {"description": "d" * 12, "instructions": "1" * 12}) == (
        "ldconf abc1234 i=111111111111 d=dddddddddddd"
    )


def test_fingerprint_ignores_line_ends_and_the_final_newline():
    assert fingerprint("a\r\nb\n") == fingerprint("a\nb")


def comment_of(before: Observed, document: Json) -> dict[str, str]:
    return fingerprints(edit(before, document, facts("agent"))["comment"])


def test_text_that_is_sent_is_stated():
    before = live("agent", comment="ldconf x i=aaaaaaaaaaaa")
    assert comment_of(before, {"instructions": "new"}) == {"instructions": fingerprint("new")}


def test_text_that_is_cleared_is_stated_as_empty():
    before = live("agent", instructions="a")
    assert comment_of(before, {"instructions": None}) == {"instructions": fingerprint("")}


def test_text_that_is_read_is_stated():
    before = live("agent", instructions="a\n", comment="ldconf x i=aaaaaaaaaaaa")
    assert comment_of(before, {"name": "New"}) == {"instructions": fingerprint("a")}


def test_hash_of_a_text_that_is_neither_sent_nor_read_is_copied():
    before = live("agent", comment="ldconf x i=aaaaaaaaaaaa d=bbbbbbbbbbbb")
    assert comment_of(before, {"name": "New"}) == {
        "instructions": "a" * 12,
        "description": "b" * 12,
    }


def test_hash_that_nobody_knows_is_left_out():
    assert comment_of(live("agent", comment="by hand"), {"name": "New"}) == {}


def test_created_agent_states_a_text_that_is_managed_as_empty():
    body = create({"instructions": "a", "description": None}, facts("agent"))
    assert fingerprints(body["comment"]) == {
        "instructions": fingerprint("a"),
        "description": fingerprint(""),
    }


def test_created_completion_states_no_texts():
    assert create({"instructions": None})["comment"] == "ldconf 0123abc"

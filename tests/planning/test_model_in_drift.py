"""`modelName` is derived: while somebody else's model is left alone, its name stays with it."""

from __future__ import annotations

from ldconf.core.change import Plan, Update
from ldconf.core.resource import Json
from tests import build
from tests.planning.scenes import A, B, changes, edited, live_with, planned

CLAUDE = {"modelConfigKey": "Anthropic.claude"}


def drift(found: Plan) -> list[tuple[str, str | None]]:
    return [(str(one.address), one.field) for one in found.drift]


def sent(found: Plan, address: str) -> dict[str, Json]:
    update = changes(found)[address]
    assert isinstance(update, Update)
    return {diff.field: diff.after for diff in update.fields}


def test_another_model_is_one_field_in_drift() -> None:
    found = planned(edited({}), live_with({A: CLAUDE}))
    assert drift(found) == [(A, "modelConfigKey")]
    assert found.changes == ()


def test_parameters_go_on_under_the_model_in_use() -> None:
    cooler = {"parameters": {"temperature": 0.1}}
    found = planned(edited({A: {"model": cooler}}), live_with({A: CLAUDE}))
    assert drift(found) == [(A, "modelConfigKey")]
    assert sent(found, A) == {"model": {"modelName": "claude", **cooler}}


def test_model_managed_from_now_on_is_written_under_the_model_in_use() -> None:
    cool = {"parameters": {"temperature": 0}}
    found = planned(edited({B: {"model": cool}}), live_with({B: CLAUDE}))
    assert sent(found, B) == {"model": {"modelName": "claude", **cool}}
    cleared = planned(edited({B: {"model": None}}), live_with({B: CLAUDE}))
    assert cleared.changes == ()


def test_parameters_in_drift_are_shown_beside_the_model() -> None:
    found = planned(edited({}), live_with({A: {**CLAUDE, "model": {"parameters": {"x": 1}}}}))
    assert drift(found) == [(A, "modelConfigKey"), (A, "model")]


def test_consent_brings_the_model_and_its_name_back() -> None:
    desired = edited({}, consents=[build.consent(A, "drift")])
    found = planned(desired, live_with({A: CLAUDE}))
    assert sent(found, A) == {
        "modelConfigKey": build.MODEL,
        "model": {"modelName": "gpt-4o", "parameters": {"temperature": 0.5}},
    }


def test_value_that_files_said_meanwhile_is_ours_under_any_name() -> None:
    meanwhile = edited({A: {"model": {"parameters": {"temperature": 0.2}}}})
    live = live_with({A: {**CLAUDE, "model": {"parameters": {"temperature": 0.2}}}})
    found = planned(edited({}), live, history=[meanwhile])
    assert sent(found, A)["model"] == {"modelName": "claude", "parameters": {"temperature": 0.5}}

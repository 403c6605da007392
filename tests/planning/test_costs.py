"""What 1,000 requests cost before and after a change."""

from __future__ import annotations

from typing import Any

import pytest

from ldconf.core import address as at
from ldconf.core.address import Address
from ldconf.core.change import (
    Archive,
    Change,
    Create,
    FieldDiff,
    Plan,
    Restore,
    Transition,
    Update,
)
from ldconf.core.cost import ASSUMED, CostChange, Tokens
from ldconf.core.live import Live
from ldconf.core.resource import Observed
from ldconf.kinds import kind_of
from ldconf.planning.costs import costs, priced_ai_configs

A, B = at.variation("bot", "a"), at.variation("bot", "b")
TRIAL = Address.of("experiments", "trial")
WHO = at.targeting("bot", "test")
CHEAP, DEAR = Address.of("modelConfigs", "X.cheap"), Address.of("modelConfigs", "X.dear")
TOKENS = Tokens(1000, 100, "measured")


def resource(address: Address, **fields: Any) -> Any:
    return kind_of(address).model.model_validate(fields)


def price(per_input: float, per_output: float) -> dict[str, Any]:
    return {"id": "x", "costPerInputToken": per_input, "costPerOutputToken": per_output}


LIVE = Live(
    "shop",
    {},
    {
        CHEAP: Observed(resource(CHEAP, **price(1e-6, 2e-6))),
        DEAR: Observed(resource(DEAR, **price(1e-5, 2e-5))),
        A: Observed(resource(A, modelConfigKey="X.cheap")),
        B: Observed(resource(B, modelConfigKey="X.dear")),
    },
)


def updated(address: Address, field: str, before: Any, after: Any) -> Update:
    sent = resource(address, **{field: after})
    return Update(address, sent, (FieldDiff(field, before, after),))


def cost(*changes: Change, typical: Any = None) -> CostChange | None:
    plan = Plan("shop", "_root", changes, "", {})
    found = costs(
        plan, LIVE, {Address(("aiConfigs", "bot")): TOKENS} if typical is None else typical
    )
    return found.get(changes[-1].address)


def figures(found: CostChange | None) -> tuple[float | None, float | None]:
    assert found is not None
    return found.before.per_thousand if found.before else None, found.after.per_thousand


def test_another_model() -> None:
    found = cost(updated(A, "modelConfigKey", "X.cheap", "X.dear"))
    assert figures(found) == (1.2, 12.0)
    assert found is not None
    assert (found.percent, found.tokens) == (900.0, TOKENS)


def test_requests_of_the_variation_itself_count_before_those_of_the_ai_config() -> None:
    own = {A: Tokens(1, 0, "own"), Address(("aiConfigs", "bot")): TOKENS}
    found = cost(updated(A, "modelConfigKey", "X.cheap", "X.dear"), typical=own)
    assert figures(found) == (0.001, 0.01)


def test_without_any_use_the_assumption_is_said() -> None:
    found = cost(updated(A, "modelConfigKey", "X.cheap", "X.dear"), typical={})
    assert found is not None
    assert found.tokens == ASSUMED


def test_a_model_that_this_plan_makes_or_prices() -> None:
    new = Address.of("modelConfigs", "X.new")
    made = Create(new, resource(new, **price(2e-6, 0)))
    assert figures(cost(made, updated(A, "modelConfigKey", "X.cheap", "X.new"))) == (1.2, 2.0)
    dearer = updated(CHEAP, "costPerInputToken", 1e-6, 2e-6)
    assert figures(cost(dearer)) == (2.3, 3.8)  # of the request that is assumed


def test_a_model_without_a_price() -> None:
    assert figures(cost(updated(A, "modelConfigKey", "X.cheap", "X.gone"))) == (1.2, None)


def test_a_variation_without_model_config_is_called_by_its_model() -> None:
    change = updated(A, "modelConfigKey", "X.cheap", None)
    named = resource(A, modelConfigKey=None, model={"modelName": "llama"})
    found = cost(Update(A, named, change.fields))
    assert found is not None
    assert (found.after.model, found.after.per_thousand) == ("llama", None)


def test_what_is_new_has_no_cost_before() -> None:
    new = at.variation("bot", "new")
    assert figures(cost(Create(new, resource(new, modelConfigKey="X.dear")))) == (None, 12.0)
    assert cost(Create(new, resource(new, instructions="Hi"))) is None


@pytest.mark.parametrize(
    "change",
    [
        updated(A, "instructions", "a", "b"),
        updated(A, "model", {"parameters": {}}, {"parameters": {"temperature": 1}}),
        updated(CHEAP, "name", "a", "b"),
        updated(WHO, "targets", None, []),
        updated(WHO, "fallthrough", "a", "disabled"),
        updated(WHO, "fallthrough", "a", "a"),
        Archive(A),
        Restore(A, resource(A)),
    ],
)
def test_what_alters_no_cost(change: Change) -> None:
    assert cost(change) is None


def test_who_is_served() -> None:
    halves = {"rollout": {"a": 50, "b": 50}, "bucketBy": "key", "contextKind": "user"}
    assert figures(cost(updated(WHO, "fallthrough", "a", halves))) == (1.2, 6.6)
    off = {"rollout": {"b": 50, "disabled": 50}, "bucketBy": "key", "contextKind": "user"}
    assert figures(cost(updated(WHO, "fallthrough", halves, off))) == (6.6, 6.0)
    assert figures(cost(updated(WHO, "fallthrough", "disabled", "a"))) == (None, 1.2)
    assert figures(cost(updated(WHO, "fallthrough", "a", "unknown"))) == (1.2, None)


DESIGN = {
    "environment": "test",
    "aiConfig": "bot",
    "allocation": {"a": 40, "b": 20},
    "control": "a",
    "remainder": "b",
    "status": "running",
    "iteration": 1,
}


def step(verb: str, **edits: Any) -> Transition:
    return Transition(TRIAL, verb, resource(TRIAL, **{**DESIGN, **edits}))


def test_an_experiment_that_starts_divides_whom_its_control_served() -> None:
    assert figures(cost(step("start"))) == (1.2, 7.68)  # 40 % a, 60 % b: those outside get b
    assert figures(cost(step("start", remainder="a"))) == (1.2, 3.36)
    assert cost(step("stop")) is None


def test_ai_configs_that_typical_requests_are_asked_of() -> None:
    found = {A: cost(updated(A, "modelConfigKey", "X.cheap", "X.dear")), CHEAP: None}
    plan = Plan("shop", "_root", (), "", {})
    assert list(priced_ai_configs(plan, found)) == ["bot"]  # type: ignore[arg-type]
    start = Plan("shop", "_root", (step("start"),), "", {})
    assert list(priced_ai_configs(start, {TRIAL: None})) == ["bot"]  # type: ignore[dict-item]

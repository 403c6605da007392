"""The built-in rules, on plans as small as the rule needs them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ldconf.core.errors import LdconfError
from ldconf.core.policy import PolicyRule
from ldconf.policy.check import check, read, rules_of

BOT = "aiConfigs/bot"
BASE, LIVE = f"{BOT}/variations/base", f"{BOT}/targeting/production"


def row(address: str, word: str = "update", *, effects=None, cost=None, **fields: Any) -> Any:
    changed = [
        {"field": name, "before": sides[0], "after": sides[1]} for name, sides in fields.items()
    ]
    place = {"file": "bot.yaml", "line": 3, "column": 1}
    found = {"address": address, "word": word, "fields": changed, "position": place}
    return {**found, "effects": effects, "cost": cost}


def plan(*rows: Any, **parts: Any) -> Any:
    empty = {"refused": [], "samples": [], "prompts": {}, "experiments": [], "consents": []}
    head = {"formatVersion": 1, "kind": "plan", "project": "shop", "workspace": "_root"}
    groups = [{"title": "all", "rows": list(rows)}]
    return {**head, "digest": "d", "base": None, **empty, "groups": groups, **parts}


def found(rule: PolicyRule, *rows: Any, **parts: Any) -> list[str]:
    return [one.message for one in check(plan(*rows, **parts), {"r": rule}).violations]


MODELS = PolicyRule("allowedModels", models=("Anthropic.*", "OpenAI.gpt-4o-mini"))
HEAT = PolicyRule("maxTemperature", maximum=1)
OWNED = PolicyRule("required", tags=("shop",), maintainer=True)
COST = PolicyRule("maxCostIncrease", maximum=50)
AUDIENCE = PolicyRule("maxAudienceSwitched", maximum=25, environments=("production",))
GRADUAL = PolicyRule("noDirectRollout", environments=("production",))
PROMPTS = PolicyRule("experimentForPrompts", environments=("production",))


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("Anthropic.claude-sonnet-4-5", []),
        ("OpenAI.gpt-4o-mini", []),
        ("OpenAI.gpt-4o", ["model OpenAI.gpt-4o is not in the list of allowed models"]),
    ],
)
def test_models(key: str, words: list[str]) -> None:
    assert found(MODELS, row(BASE, modelConfigKey=(None, key))) == words


def test_a_model_without_model_config_is_held_against_the_list_by_its_name() -> None:
    assert found(MODELS, row(BASE, "create", model=(None, {"modelName": "gpt-5"}))) != []
    same = {"modelName": "gpt-5"}
    assert found(MODELS, row(BASE, model=(same, {**same, "parameters": {"top_p": 1}}))) == []


def test_an_archived_variation_is_not_held_against_anything() -> None:
    assert found(MODELS, row(BASE, "archive")) == []


@pytest.mark.parametrize(("degrees", "many"), [(0.7, 0), (1, 0), (1.01, 1), ("hot", 1)])
def test_temperature_of_variations_and_of_model_configs(degrees: Any, many: int) -> None:
    model = {"parameters": {"temperature": degrees}}
    assert len(found(HEAT, row(BASE, model=(None, model)))) == many
    params = {"temperature": degrees}
    assert len(found(HEAT, row("modelConfigs/Custom.x", params=(None, params)))) == many


def test_no_temperature_is_no_violation() -> None:
    assert found(HEAT, row(BASE, model=({"parameters": {"temperature": 2}}, None))) == []


def test_tags_and_maintainer_of_a_new_ai_config() -> None:
    assert found(OWNED, row(BOT, "create", name=(None, "Bot"))) == [
        "required tags are missing: shop",
        "it has no maintainer",
    ]
    kept = {"tags": (None, ["shop", "x"]), "maintainerTeamKey": (None, "team")}
    assert found(OWNED, row(BOT, "create", **kept)) == []


def test_tags_and_maintainer_that_go() -> None:
    assert found(OWNED, row(BOT, tags=(["shop"], ["x"]))) == ["required tags are missing: shop"]
    assert found(OWNED, row(BOT, maintainerId=("m", None))) == ["it has no maintainer"]
    assert found(OWNED, row(BOT, name=("a", "b"))) == []


def cost(before: float | None, after: float | None) -> Any:
    return {
        "before": {"model": "a", "perThousand": before},
        "after": {"model": "b", "perThousand": after},
    }


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (10.0, 15.0, []),
        (10.0, 15.1, ["1,000 requests cost $15.10 instead of $10.00: by 51 %, allowed are 50 %"]),
        (10.0, 1.0, []),
        (0.0, 0.0, []),
        (0.0, 1.0, ["1,000 requests cost $1.00 instead of $0.00: from nothing, allowed are 50 %"]),
        (10.0, None, ["the price of b is not known, so neither is the increase"]),
        (None, 10.0, ["the price of a is not known, so neither is the increase"]),
    ],
)
def test_cost(before: float | None, after: float | None, words: list[str]) -> None:
    assert found(COST, row(BASE, cost=cost(before, after))) == words


def test_the_cost_of_what_is_new_is_no_increase() -> None:
    assert found(COST, row(BASE, "create", cost={**cost(1, 9), "before": None})) == []


def rollout(**arms: float) -> Any:
    return {"rollout": arms, "bucketBy": "key", "contextKind": "user"}


@pytest.mark.parametrize(
    ("before", "after", "many"),
    [
        ("a", rollout(a=75, b=25), 0),
        ("a", rollout(a=74, b=26), 1),
        ("a", "disabled", 1),
        ("disabled", "a", 0),
        (None, "a", 0),
        (rollout(a=50, b=50), rollout(a=60, b=40), 0),
    ],
)
def test_audience_of_the_default_rule(before: Any, after: Any, many: int) -> None:
    assert len(found(AUDIENCE, row(LIVE, fallthrough=(before, after)))) == many
    test = LIVE.replace("production", "test")
    assert found(AUDIENCE, row(test, fallthrough=(before, after))) == []


def test_audience_by_sample_contexts() -> None:
    sample = {
        "aiConfig": "bot",
        "environment": "production",
        "contexts": 10,
        "moves": [
            {"before": "a", "after": "b", "count": 3},
            {"before": "disabled", "after": "b", "count": 7},
        ],
    }
    assert found(AUDIENCE, samples=[sample]) == [
        "30 % of the audience would switch, allowed are 25 %"
    ]


def start(rule: Any = "fallthrough", before: Any = "a", **arms: float) -> Any:
    place = {"aiConfig": "bot", "environment": "production", "rule": rule}
    was = {"serve": before} if isinstance(before, str) else before
    sides = (before and {**place, **was}, {**place, "rollout": arms})
    return row("experiments/trial", "start", audience=sides)


def test_an_experiment_that_starts_moves_the_audience() -> None:
    words = "50 % of the audience would switch, allowed are 25 %"
    assert found(AUDIENCE, start(a=50, b=50)) == [words]
    (violation,) = check(plan(start(a=50, b=50)), {"r": AUDIENCE}).violations
    assert violation.address == "experiments/trial"
    assert found(AUDIENCE, start(a=75, b=25)) == []
    again = {"before": {"rollout": {"a": 60, "b": 40}}}  # its next iteration
    assert found(AUDIENCE, start(a=50, b=50, **again)) == []
    assert found(AUDIENCE, start(a=30, b=70, **again)) != []
    assert found(AUDIENCE, start(a=50, b=50, before=None)) == []
    assert found(AUDIENCE, start({"description": "Premium"}, a=50, b=50)) == []
    elsewhere = PolicyRule("maxAudienceSwitched", maximum=25, environments=("test",))
    assert found(elsewhere, start(a=50, b=50)) == []


@pytest.mark.parametrize(
    ("before", "after", "many"),
    [
        ("a", "b", 1),
        (None, "b", 1),
        ("disabled", "b", 1),
        (rollout(a=90, b=10), "b", 0),
        ("a", rollout(a=1, b=99), 0),
        ("a", "disabled", 0),
    ],
)
def test_nobody_gets_a_new_variation_at_once(before: Any, after: Any, many: int) -> None:
    assert len(found(GRADUAL, row(LIVE, fallthrough=(before, after)))) == many


def effect(environment: str, percent: float, *, exact: bool = True) -> Any:
    return {"environment": environment, "percent": percent, "managed": True, "exact": exact}


def test_prompts_edited_in_place_where_they_are_served() -> None:
    text = {"instructions": ("a", "b")}
    assert len(found(PROMPTS, row(BASE, effects=[effect("production", 10)], **text))) == 1
    by_rule = [effect("production", 0, exact=False)]
    assert len(found(PROMPTS, row(BASE, effects=by_rule, **text))) == 1
    assert found(PROMPTS, row(BASE, effects=[effect("test", 100)], **text)) == []
    assert found(PROMPTS, row(BASE, effects=[effect("production", 9)], name=("a", "b"))) == []


def prompts(**texts: str) -> Any:
    return {f"{BOT}/variations/{key}": text for key, text in texts.items()}


EXPERIMENT = {
    "aiConfig": "bot",
    "environment": "production",
    "status": "running",
    "variations": ["a", "b"],
}


def test_a_new_prompt_needs_a_running_experiment() -> None:
    change = row(LIVE, fallthrough=("a", "b"))
    assert found(PROMPTS, change, prompts=prompts(a="1", b="2")) == [
        "b brings another prompt to production, and no experiment there compares it"
    ]
    assert found(PROMPTS, change, prompts=prompts(a="1", b="1")) == []
    running = {"prompts": prompts(a="1", b="2"), "experiments": [EXPERIMENT]}
    assert found(PROMPTS, change, **running) == []
    draft = {**running, "experiments": [{**EXPERIMENT, "status": "draft"}]}
    assert len(found(PROMPTS, change, **draft)) == 1


def test_a_prompt_that_is_not_known_is_like_no_other() -> None:
    assert len(found(PROMPTS, row(LIVE, fallthrough=("a", "b")), prompts=prompts(a="1"))) == 1


def test_new_prompts_by_rules_and_targets() -> None:
    known = {"prompts": prompts(a="1", b="2")}
    rules = ([{"serve": "a"}], [{"serve": rollout(a=50, b=50)}])
    assert len(found(PROMPTS, row(LIVE, rules=rules), **known)) == 1
    targets = ([{"variation": "a"}], [{"variation": "b"}])
    assert len(found(PROMPTS, row(LIVE, targets=targets), **known)) == 1
    assert found(PROMPTS, row(LIVE, "create", fallthrough=(None, "a")), **known) == []


def test_refused_changes_are_checked_too() -> None:
    refused = [{"title": "x", "rows": [row(BASE, modelConfigKey=(None, "X.y"))]}]
    assert len(found(MODELS, refused=refused)) == 1


def test_a_rule_that_cannot_be_checked_is_violated_and_nothing_lifts_it() -> None:
    broken = {"address": BASE, "word": "update", "position": None}
    consents = [{"address": "aiConfigs/*", "allow": "policy", "because": "x"}]
    report = check(plan(broken, consents=consents), {"r": MODELS})
    assert report.is_refused
    assert report.violations[0].message.startswith("the rule cannot be checked on this plan")
    assert report.violations[0].consent is None


def test_a_consent_lifts_what_it_names_and_says_why() -> None:
    bad = row(BASE, modelConfigKey=(None, "X.y"))
    other = row(f"{BOT}/variations/other", modelConfigKey=(None, "X.y"))
    consents = [
        {"address": BASE, "allow": "protected", "because": "no"},
        {"address": BASE, "allow": "policy", "because": "INC-7"},
    ]
    report = check(plan(bad, other, consents=consents), {"models": MODELS})
    assert [one.because for one in report.violations] == ["INC-7", None]
    assert report.is_refused
    assert not check(plan(bad, consents=consents), {"models": MODELS}).is_refused


def test_warnings_do_not_stop_and_messages_come_first() -> None:
    rule = PolicyRule("maxTemperature", "warning", "keep calm", maximum=1)
    hot = row(BASE, model=(None, {"parameters": {"temperature": 2}}))
    report = check(plan(hot), {"calm": rule})
    assert not report.is_refused
    assert report.violations[0].message == "keep calm (temperature 2 is above 1)"


def test_a_pull_request_cannot_loosen_a_rule_of_the_base() -> None:
    loose = PolicyRule("maxTemperature", maximum=2)
    assert rules_of({"heat": HEAT}, {"heat": loose, "new": MODELS}) == {
        "heat": HEAT,
        "new": MODELS,
    }
    assert rules_of({"heat": HEAT}, {}) == {"heat": HEAT}
    assert rules_of(None, {"heat": loose}) == {"heat": loose}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not a plan in JSON"),
        ("[]", "not the JSON of a plan"),
        (json.dumps({"kind": "tests"}), "not the JSON of a plan"),
        (json.dumps({"kind": "plan", "formatVersion": 2}), "a plan of format 2"),
        (json.dumps({"kind": "plan", "formatVersion": 1}), "not a whole plan: groups"),
    ],
)
def test_what_is_no_plan(text: str, words: str) -> None:
    with pytest.raises(LdconfError) as err:
        read(text)
    assert err.value.summary.startswith(words)

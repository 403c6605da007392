"""Hypothesis strategies of valid documents of AI Configs, their variations and targeting.

`ai_config_documents()` draws the value of the section `aiConfigs`: key -> AI Config with nested
`variations` and `targeting`, as a file holds them. References point at keys that are handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from ldconf.core.resource import Json
from tests.strategies_simple import (
    Documents,
    clauses,
    cleared,
    context_kinds,
    json_objects,
    json_values,
    keys,
    maintainers,
    merged,
    optional,
    tag_sets,
    texts,
    words,
)

MODES = ("completion", "agent", "judge")
WHOLE = 100_000

context_keys = st.sampled_from([f"context-{number}" for number in range(8)])
variation_keys = keys.filter(lambda key: key != "disabled")


@dataclass(frozen=True)
class Neighbours:
    """Keys that AI Configs may refer to."""

    tools: Sequence[str] = ()
    model_configs: Sequence[str] = ()
    judges: Sequence[str] = ()
    segments: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by environment
    environments: Sequence[str] = ("test", "production")


# AI Configs


def ai_configs(mode: str | None = None) -> st.SearchStrategy[dict[str, Json]]:
    """Draw one AI Config without variations and targeting."""
    common = optional(name=words, description=cleared(texts), tags=cleared(tag_sets))
    if mode is None:
        return st.sampled_from(MODES).flatmap(ai_configs)
    judged: st.SearchStrategy[dict[str, Json]] = st.just({})
    if mode == "judge":
        judged = merged(
            st.fixed_dictionaries(
                {"evaluationMetricKey": st.sampled_from(["tone", "$ld:ai:judge:accuracy"])}
            ),
            optional(isInverted=st.booleans()),
        )
    return merged(st.just({"mode": mode}), common, maintainers(), judged)


# Variations


@st.composite
def variations(
    draw: st.DrawFn, mode: str = "completion", neighbours: Neighbours = Neighbours()
) -> dict[str, Json]:
    """Draw one published variation that fits a mode."""
    found = draw(
        merged(
            optional(name=words, outputFormat=cleared(json_objects)),
            _models(neighbours.model_configs),
        )
    )
    if mode == "agent":
        found |= draw(optional(instructions=cleared(texts), description=cleared(texts)))
    else:
        found |= draw(optional(messages=cleared(st.lists(messages(), max_size=3))))
    if mode != "judge":
        found |= draw(optional(tools=cleared(tool_lists(neighbours.tools))))
        found |= draw(optional(judgeConfiguration=cleared(_judges(neighbours.judges))))
    return found


def messages() -> st.SearchStrategy[dict[str, Json]]:
    """Draw one message of a prompt."""
    roles = st.sampled_from(["system", "user", "assistant", "developer"])
    return st.fixed_dictionaries({"role": roles, "content": texts | st.just("Hi {{name}}")})


def tool_lists(tool_keys: Sequence[str], *, pinned: bool = False) -> st.SearchStrategy[list[Json]]:
    """Draw attached tools: plain keys, and pins of version 1 if asked for."""
    if not tool_keys:
        return st.just([])
    one = st.sampled_from(list(tool_keys))
    entries = one | one.map(lambda key: {"key": key})
    if pinned:
        entries |= one.map(lambda key: {"key": key, "version": 1})
    return st.lists(
        entries, max_size=3, unique_by=lambda tool: tool if isinstance(tool, str) else tool["key"]
    )


def _models(model_config_keys: Sequence[str]) -> st.SearchStrategy[dict[str, Json]]:
    parts = optional(
        parameters=cleared(st.dictionaries(keys, json_values, max_size=3)),
        custom=cleared(st.dictionaries(keys, json_values, max_size=2)),
    )
    by_key: st.SearchStrategy[dict[str, Json]] = st.just({})
    if model_config_keys:
        by_key = optional(modelConfigKey=cleared(st.sampled_from(list(model_config_keys))))
    return merged(by_key, optional(model=cleared(parts)))


def _judges(judge_keys: Sequence[str]) -> st.SearchStrategy[dict[str, Json]]:
    if not judge_keys:
        return st.just({"judges": []})
    rates = st.sampled_from([0, 0.1, 0.25, 1 / 3, 0.999, 1])
    one = st.fixed_dictionaries(
        {"judgeConfigKey": st.sampled_from(list(judge_keys)), "samplingRate": rates}
    )
    return st.fixed_dictionaries(
        {"judges": st.lists(one, max_size=2, unique_by=lambda judge: judge["judgeConfigKey"])}
    )


# Targeting


@st.composite
def rollouts(draw: st.DrawFn, served: Sequence[str]) -> dict[str, Json]:
    """Draw a percentage rollout: exact thousandths of a percent, `rest`, whole and zero arms."""
    arms = draw(st.lists(st.sampled_from(list(served)), min_size=1, max_size=4, unique=True))
    inner = len(arms) - 1
    cuts = sorted(draw(st.lists(st.integers(0, WHOLE), min_size=inner, max_size=inner)))
    ends = [*cuts, WHOLE]
    weights = [end - start for start, end in zip([0, *cuts], ends, strict=True)]
    percents: list[Json] = [
        weight // 1000 if weight % 1000 == 0 else weight / 1000 for weight in weights
    ]
    if draw(st.booleans()):
        percents[draw(st.integers(0, len(arms) - 1))] = "rest"
    extra = draw(optional(bucketBy=st.sampled_from(["key", "country"]), contextKind=context_kinds))
    return {"rollout": dict(zip(arms, percents, strict=True)), **extra}


def serves(served: Sequence[str]) -> st.SearchStrategy[Json]:
    """Draw what a rule or the fallthrough serves."""
    return st.sampled_from(list(served)) | rollouts(served)


@st.composite
def targets(draw: st.DrawFn, served: Sequence[str]) -> list[Json]:
    """Draw individual targets: each context gets one variation, entries may repeat a slot."""
    variation_by_context = draw(
        st.dictionaries(
            st.tuples(context_kinds, context_keys), st.sampled_from(list(served)), max_size=8
        )
    )
    found: list[Json] = []
    for (kind, key), variation in variation_by_context.items():
        last = found[-1] if found else None
        if last and (last["variation"], last.get("contextKind", "user")) == (variation, kind):
            last["values"].append(key)
            continue
        named = {} if kind == "user" else {"contextKind": kind}
        found.append({"variation": variation, **named, "values": [key]})
    return found


def rules(
    served: Sequence[str], segment_keys: Sequence[str] = (), max_size: int = 5
) -> st.SearchStrategy[list[Json]]:
    """Draw rules with unique descriptions; clauses often coincide, as in real life they do."""
    conditions = st.lists(clauses(segment_keys), min_size=1, max_size=3)
    common = st.just([{"attribute": "plan", "op": "in", "values": ["a", "b"]}])
    one = st.fixed_dictionaries(
        {
            "description": st.sampled_from("ABCDEFGH") | words,
            "clauses": common | conditions,
            "serve": serves(served),
        }
    )
    return st.lists(one, max_size=max_size, unique_by=lambda rule: rule["description"])


def targetings(
    served: Sequence[str], segment_keys: Sequence[str] = ()
) -> st.SearchStrategy[dict[str, Json]]:
    """Draw the targeting of one environment; any field may be unmanaged."""
    everything = [*served, "disabled"]
    return optional(
        targets=cleared(targets(everything)),
        rules=cleared(rules(everything, segment_keys)),
        fallthrough=serves(everything),
    )


@st.composite
def switched_off(draw: st.DrawFn, served: Sequence[str]) -> dict[str, Json]:
    """Draw targeting with the kill switch on: all fields managed, as it needs."""
    found = {"targets": draw(targets(served)), "rules": draw(rules(served))}
    return {**found, "fallthrough": draw(serves(served)), "off": True}


# All of it


@st.composite
def whole_ai_configs(
    draw: st.DrawFn, neighbours: Neighbours = Neighbours(), mode: str | None = None
) -> dict[str, Json]:
    """Draw one AI Config with its variations and the targeting of some environments."""
    found = draw(ai_configs(mode))
    of_variations = draw(
        st.dictionaries(variation_keys, variations(found["mode"], neighbours), max_size=3)
    )
    if of_variations:
        found["variations"] = of_variations
    of_environments: dict[str, Json] = {}
    for environment in neighbours.environments:
        if draw(st.booleans()):
            served = [*of_variations, "disabled"]
            segment_keys = neighbours.segments.get(environment, ())
            on = targetings(served, segment_keys)
            of_environments[environment] = draw(on | switched_off(served))
    if of_environments:
        found["targeting"] = of_environments
    return found


@st.composite
def ai_config_documents(
    draw: st.DrawFn, neighbours: Neighbours = Neighbours(), max_size: int = 3
) -> dict[str, Json]:
    """Draw the section `aiConfigs`; judges drawn first may be attached by those after them.

    Each judge has a metric of its own: two with one metric cannot judge one variation.
    """
    found: dict[str, Json] = {}
    judges: list[str] = list(neighbours.judges)
    for key in draw(st.lists(keys, max_size=max_size, unique=True)):
        known = Neighbours(
            neighbours.tools,
            neighbours.model_configs,
            tuple(judges),
            neighbours.segments,
            neighbours.environments,
        )
        found[key] = draw(whole_ai_configs(known))
        if found[key]["mode"] == "judge":
            prefix = draw(st.sampled_from(["", "$ld:ai:judge:"]))
            found[key]["evaluationMetricKey"] = f"{prefix}metric-of-{key}"
            judges.append(key)
    return found


def section(max_size: int = 3) -> Documents:
    """Draw the section `aiConfigs` of a workspace that has nothing else."""
    return ai_config_documents(max_size=max_size)

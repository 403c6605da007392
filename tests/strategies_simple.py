"""Hypothesis strategies of valid documents of the simple kinds (all but AI Configs).

Each `*_documents()` strategy draws the value of one section: key -> document (segments: key ->
environment -> document). References point at keys that are handed in or drawn beside.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from ldconf.core.resource import Json

Documents = st.SearchStrategy[dict[str, Json]]

KEY_START = string.ascii_letters + string.digits
# A few common keys, so that two drawn workspaces often speak of the same objects.
keys = st.sampled_from(["alpha", "beta", "gamma"]) | st.builds(
    str.__add__,
    st.sampled_from(KEY_START),
    st.text(KEY_START + "._-", max_size=8),
)
words = (
    st.text(string.ascii_letters + "äß€ 猫", min_size=1, max_size=12).map(str.strip).filter(bool)
)
texts = st.lists(words, min_size=1, max_size=4).flatmap(
    lambda lines: st.sampled_from([" ".join(lines), "\n".join(lines), "\n".join(lines) + "\n"])
)
tag_sets = st.lists(st.sampled_from(["ai", "pets", "team:core", "eu-1"]), max_size=4)
numbers = st.integers(-1000, 1000) | st.floats(-1e6, 1e6, allow_nan=False).map(
    lambda x: round(x, 6)
)
prices = st.integers(0, 10**6).map(lambda millionths: millionths / 1e9)
context_kinds = st.sampled_from(["user", "organization", "device"])
json_values = st.recursive(
    st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(keys, json_values, max_size=3)


def optional(**fields: st.SearchStrategy[Json]) -> st.SearchStrategy[dict[str, Json]]:
    """Draw any subset of these fields: absent fields are unmanaged."""
    return st.fixed_dictionaries({}, optional=fields)


def cleared(values: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Draw a value or null, the third state."""
    return st.none() | values


def merged(*parts: st.SearchStrategy[dict[str, Json]]) -> st.SearchStrategy[dict[str, Json]]:
    """Draw all parts and return their union."""
    return st.tuples(*parts).map(lambda drawn: {k: v for part in drawn for k, v in part.items()})


def maintainers() -> st.SearchStrategy[dict[str, Json]]:
    """Draw a member, a team, a cleared maintainer or none."""
    return st.sampled_from(
        [{}, {"maintainerId": "member-1"}, {"maintainerTeamKey": "team-1"}, {"maintainerId": None}]
    )


# Metrics and groups


def metrics() -> st.SearchStrategy[dict[str, Json]]:
    """Draw one metric that is defined whole."""
    common = optional(
        name=words,
        description=cleared(texts),
        tags=cleared(tag_sets),
        analysisUnits=st.lists(context_kinds, min_size=1, max_size=3),
        unitAggregationType=st.sampled_from(["average", "sum"]),
        maintainerId=st.just("member-1"),
    )
    numeric = st.fixed_dictionaries(
        {
            "isNumeric": st.just(True),
            "unit": st.sampled_from(["ms", "tokens", "$"]),
            "successCriteria": st.sampled_from(["HigherThanBaseline", "LowerThanBaseline"]),
        }
    )
    counting = merged(
        st.just({"isNumeric": False}),
        optional(successCriteria=st.sampled_from(["HigherThanBaseline", "LowerThanBaseline"])),
    )
    mean = optional(
        analysisType=st.just("mean"),
        eventDefault=cleared(
            st.just({"disabled": True}) | st.builds(lambda x: {"value": x}, st.integers(0, 9))
        ),
    )
    percentile = st.fixed_dictionaries(
        {"analysisType": st.just("percentile"), "percentileValue": st.integers(1, 99)},
        optional={"eventDefault": st.just({"disabled": True})},
    )
    winsor = optional(
        winsorLowerPercentile=cleared(st.integers(1, 40)),
        winsorUpperPercentile=cleared(st.integers(60, 99)),
        winsorIncludeImputed=cleared(st.booleans()),
    )
    head = st.fixed_dictionaries(
        {"kind": st.just("custom"), "eventKey": st.sampled_from(["$ld:ai:tokens:total", "bought"])}
    )
    return merged(head, common, numeric | counting, mean | percentile, winsor)


def metrics_documents(max_size: int = 3) -> Documents:
    """Draw the section `metrics`."""
    return st.dictionaries(keys, metrics(), max_size=max_size)


def metric_groups(metric_keys: Sequence[str]) -> st.SearchStrategy[dict[str, Json]]:
    """Draw one metric group of these metrics (at least one)."""
    common = optional(
        name=words,
        description=cleared(texts),
        tags=cleared(tag_sets),
        maintainerId=st.just("member-1"),
    )
    chosen = st.lists(st.sampled_from(metric_keys), min_size=1, max_size=4, unique=True)
    standard = chosen.map(
        lambda names: {
            "kind": "standard",
            "metrics": [name if at % 2 else {"key": name} for at, name in enumerate(names)],
        }
    )
    funnel = st.tuples(chosen, words).map(
        lambda drawn: {
            "kind": "funnel",
            "metrics": [{"key": name, "nameInGroup": f"{drawn[1]} {name}"} for name in drawn[0]],
        }
    )
    return merged(common, standard | funnel)


def metric_groups_documents(metric_keys: Sequence[str], max_size: int = 2) -> Documents:
    """Draw the section `metricGroups`; empty if there are no metrics."""
    if not metric_keys:
        return st.just({})
    return st.dictionaries(keys, metric_groups(metric_keys), max_size=max_size)


# Model configs and tools


@st.composite
def model_configs_documents(draw: st.DrawFn, max_size: int = 3) -> dict[str, Json]:
    """Draw the section `modelConfigs`: custom ones, keyed `Provider.id`."""
    names = draw(
        st.lists(st.from_regex(r"[a-z][a-z0-9.-]{0,8}", fullmatch=True), max_size=max_size)
    )
    fields = merged(
        optional(
            name=words,
            params=cleared(json_objects),
            customParams=cleared(json_objects),
            tags=cleared(tag_sets),
            costPerInputToken=prices,
            costPerOutputToken=prices,
            costPerCachedInputToken=prices,
        ),
        maintainers(),
    )
    found = {}
    for name in names:
        provider = draw(st.sampled_from(["Custom", "Acme"]))
        whole = {"id": name, **draw(fields)}
        if draw(st.booleans()):
            whole["provider"] = provider
        found[f"{provider}.{name}"] = whole
    return found


def schemas() -> st.SearchStrategy[dict[str, Json]]:
    """Draw the JSON Schema of a tool's parameters."""
    one = st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "integer", "boolean"])}, optional={"description": texts}
    )
    return st.dictionaries(keys, one, max_size=3).map(
        lambda properties: {
            "type": "object",
            "properties": properties,
            "required": sorted(properties)[:1],
            "additionalProperties": False,
        }
    )


def tools_documents(max_size: int = 3) -> Documents:
    """Draw the section `tools`."""
    one = merged(
        st.fixed_dictionaries({"schema": schemas()}),
        optional(
            description=cleared(texts),
            customParameters=cleared(json_objects),
            tags=cleared(tag_sets),
        ),
        maintainers(),
    )
    return st.dictionaries(keys, one, max_size=max_size)


# Clauses and segments

VALUES_BY_OPERATOR: Mapping[str, st.SearchStrategy[Json]] = {
    "in": st.booleans() | numbers | words,
    **dict.fromkeys(("endsWith", "startsWith", "contains"), words),
    "matches": st.sampled_from([r"^a+$", r"@example\.test$", r"\p{L}+"]),
    **dict.fromkeys(("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"), numbers),
    **dict.fromkeys(
        ("before", "after"),
        st.sampled_from(["2026-01-31T10:00:00Z", "2026-01-31T10:00:00.5+02:00"])
        | st.integers(0, 2 * 10**12),
    ),
    **dict.fromkeys(
        ("semVerEqual", "semVerLessThan", "semVerGreaterThan"),
        st.sampled_from(["2", "2.1", "2.1.0-rc.1+build.5"]),
    ),
}


@st.composite
def clauses(draw: st.DrawFn, segment_keys: Sequence[str] = ()) -> dict[str, Json]:
    """Draw one clause, with any operator; `segmentMatch` only if there are segments."""
    operators = [*VALUES_BY_OPERATOR, *(["segmentMatch"] if segment_keys else [])]
    op = draw(st.sampled_from(operators))
    if op == "segmentMatch":
        values = draw(st.lists(st.sampled_from(list(segment_keys)), min_size=1, max_size=2))
        return {"op": op, "values": values, **draw(optional(negate=st.booleans()))}
    values = draw(st.lists(VALUES_BY_OPERATOR[op], min_size=1, max_size=3))
    attribute = draw(st.sampled_from(["plan", "country", "/address/city"]))
    extra = draw(optional(contextKind=context_kinds, negate=st.booleans()))
    return {"attribute": attribute, "op": op, "values": values, **extra}


percents = st.integers(0, 100_000).map(lambda weight: weight / 1000)


@st.composite
def segments(draw: st.DrawFn, segment_keys: Sequence[str] = ()) -> dict[str, Json]:
    """Draw the segment of one environment; its rules may name these segments."""
    rollout = merged(
        st.fixed_dictionaries({"weight": percents | st.integers(0, 100)}),
        optional(rolloutContextKind=context_kinds, bucketBy=st.sampled_from(["key", "country"])),
    )
    rule = merged(
        st.fixed_dictionaries({"clauses": st.lists(clauses(segment_keys), min_size=1, max_size=2)}),
        optional(description=cleared(words)),
        st.just({}) | rollout,
    )
    found = draw(
        optional(
            name=words,
            description=cleared(texts),
            tags=cleared(tag_sets),
            rules=cleared(st.lists(rule, max_size=3)),
        )
    )
    # A context is never both: members inside and outside have names of their own.
    for users, contexts, prefix in (
        ("included", "includedContexts", "in"),
        ("excluded", "excludedContexts", "out"),
    ):
        members = st.lists(st.integers(1, 6).map(lambda n, p=prefix: f"{p}-{n}"), max_size=4)
        entry = st.builds(
            lambda kind, values: {"contextKind": kind, "values": values},
            st.sampled_from(["organization", "device"]),  # users have fields of their own
            members.filter(bool),
        )
        found |= draw(
            optional(**{users: cleared(members), contexts: cleared(st.lists(entry, max_size=3))})
        )
    return found


@st.composite
def segments_documents(
    draw: st.DrawFn, environments: Sequence[str] = ("test", "production"), max_size: int = 3
) -> dict[str, Json]:
    """Draw the section `segments`; a segment may name those before it in its environment."""
    found: dict[str, Json] = {}
    before: dict[str, list[str]] = {environment: [] for environment in environments}
    for key in draw(st.lists(keys, max_size=max_size, unique=True)):
        for environment in draw(st.lists(st.sampled_from(environments), min_size=1, unique=True)):
            document = draw(segments(before[environment]))
            found.setdefault(key, {})[environment] = document
            before[environment].append(key)
    return found


# Agent graphs


@st.composite
def agent_graphs(draw: st.DrawFn, ai_config_keys: Sequence[str]) -> dict[str, Json]:
    """Draw one agent graph over these AI Configs."""
    found = draw(merged(optional(name=words, description=cleared(texts)), maintainers()))
    shape = draw(st.sampled_from(["unmanaged", "cleared", "whole"]))
    if shape == "cleared":
        return {**found, "rootConfigKey": None, "edges": None}
    if shape == "unmanaged" or not ai_config_keys:
        return found
    one = st.sampled_from(list(ai_config_keys))
    edge = st.fixed_dictionaries(
        {"sourceConfig": one, "targetConfig": one}, optional={"handoff": cleared(json_objects)}
    )
    edges = draw(st.dictionaries(keys, edge, max_size=3))
    return {**found, "rootConfigKey": draw(one), "edges": edges}


def agent_graphs_documents(ai_config_keys: Sequence[str], max_size: int = 2) -> Documents:
    """Draw the section `agentGraphs`."""
    return st.dictionaries(keys, agent_graphs(ai_config_keys), max_size=max_size)

"""From events to counts: the published example, loops over random events, and each rule alone."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ldconf.core.aggregates import Aggregates, ClusterPoint, ClusterSlice, UnitStatistics
from ldconf.core.experiment import ExperimentDesign
from ldconf.core.experiment_json import (
    aggregates_from_json,
    aggregates_to_json,
    design_from_json,
    design_to_json,
)
from ldconf.emulator.events.counts import counts
from ldconf.emulator.events.store import EventStore, Payload
from ldconf.experiments.aggregation_sql import MOST_VALUES
from ldconf.experiments.analyse import analyse
from tests.experiments import naive
from tests.experiments.events import (
    CONTROL,
    NOW,
    TREATMENT,
    design,
    exposure,
    index,
    metric,
    outcome,
    store_of,
    user,
)

ORACLE = json.loads((Path(__file__).parent / "oracles" / "aggregation.json").read_text())


def counted(
    events: list[dict[str, Any]], wanted: ExperimentDesign, *looks: int
) -> tuple[Aggregates, ...]:
    with store_of(events) as store:
        return counts(store, wanted, looks or (NOW,))


def one(events: list[dict[str, Any]], wanted: ExperimentDesign, look: int = NOW) -> Aggregates:
    (found,) = counted(events, wanted, look)
    return found


def test_the_published_example() -> None:
    events = [exposure(user(e["unit"]), e["variation"], e["ts"]) for e in ORACLE["exposures"]]
    events += [outcome(user(e["unit"]), e["event"], e["ts"], e["value"]) for e in ORACLE["events"]]
    wanted = design(
        metric("positive", "pos"),
        metric("negative", "neg"),
        metric("latency", "dur", per_unit="sum", missing=None),
        metric("tokens", "tok", per_unit="average", missing=None),
        metric("cost", "cost", per_unit="sum", missing=None, denominator="cost"),
        allocation={"control": 50.0, "treatment": 50.0},
        control="control",
    )
    found = one(events, wanted)
    assert found.exposed == 6
    assert sum(arm.crossover for arm in found.arms.values()) == ORACLE["crossover_units"]
    for arm, expected in ORACLE["expected_arms"].items():
        counts_ = found.arms[arm]
        latency, tokens = counts_.metrics["latency"], counts_.metrics["tokens"]
        cost = counts_.metrics["cost"]
        assert cost.denominator is not None
        assert {
            "units": counts_.exposed,
            "latency_units": latency.units,
            "latency_mean": latency.total / latency.units,
            "token_mean_of_unit_means": tokens.total / tokens.units,
            "cost_ratio": cost.total / cost.denominator.total,
            "positive": counts_.metrics["positive"].total,
            "negative": counts_.metrics["negative"].total,
        } == pytest.approx(expected, rel=1e-15)
        units = [unit for unit in ORACLE["expected_per_unit"] if unit["variation"] == arm]
        sums = [unit["latency_sum"] for unit in units if unit["latency_sum"] is not None]
        assert latency.squares == sum(value**2 for value in sums)
        cross = sum((unit["cost_sum"] or 0) * unit["cost_n"] for unit in units)
        assert cost.denominator.cross == pytest.approx(cross, rel=1e-15)


KEYS = ("vote", "time", "$ld:ai:tokens:total", "cost")
EVERY_METRIC = (
    metric("vote"),
    metric("votes", "vote", per_unit="count"),
    metric("votes-of-voters", "vote", per_unit="count", missing=None),
    metric("time-sum", "time", per_unit="sum", missing=3.0),
    metric("time-p95", "time", per_unit="sum", missing=None, percentile=95.0),
    metric("time-p50-mean", "time", per_unit="average", missing=None, percentile=50.0),
    metric(
        "time-p95-of-requests",
        "time",
        per_unit="average",
        missing=None,
        percentile=95.0,
        over_requests=True,
    ),
    metric("tokens", "$ld:ai:tokens:total", per_unit="average", missing=None),
    metric("cost-per-vote", "cost", per_unit="sum", denominator="vote"),
    metric("cost-per-cost", "cost", per_unit="sum", missing=None, denominator="cost"),
)
TIMES = st.integers(min_value=0, max_value=9)
PEOPLE = st.sampled_from(["ann", "bob", "cy"])
CONTEXTS = st.one_of(
    st.builds(user, PEOPLE),
    st.builds(lambda key: {"kind": "org", "key": key}, PEOPLE),
    st.builds(
        lambda key, org: {"kind": "multi", "user": {"key": key}, "org": {"key": org}},
        PEOPLE,
        PEOPLE,
    ),
)
EXPOSURES = st.builds(
    exposure,
    CONTEXTS,
    st.sampled_from([CONTROL, TREATMENT, TREATMENT, "third"]),
    TIMES,
    version=st.integers(1, 3),
    flag=st.sampled_from(["agent"] * 5 + ["other"]),
    rule=st.sampled_from([None] * 5 + ["rule-1"]),
    in_experiment=st.sampled_from([True] * 5 + [False]),
)
OUTCOMES = st.builds(
    outcome,
    CONTEXTS,
    st.sampled_from([*KEYS, *KEYS, "unused"]),
    TIMES,
    st.one_of(st.none(), st.integers(-3, 1000).map(lambda tenths: tenths / 10)),
    st.sampled_from([None, "agent", "agent", "judge"]),
)


def close(found: UnitStatistics, expected: UnitStatistics) -> bool:
    """Sums of floats in another order are not equal to the last bit."""
    near = pytest.approx(_flat(asdict(expected)), rel=1e-9, abs=1e-9)
    return bool(_flat(asdict(found)) == near)


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        entries = list(value.items())
    elif isinstance(value, list | tuple):
        entries = list(enumerate(value))
    else:
        return {path: value}
    found = {f"{path}#": len(entries)}
    for name, inner in entries:
        found |= _flat(inner, f"{path}.{name}")
    return {path: value for path, value in found.items() if value is not None}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    events=st.lists(st.one_of(EXPOSURES, OUTCOMES, OUTCOMES), min_size=15, max_size=50),
    looks=st.sets(st.integers(0, 11), min_size=1, max_size=3),
    started=st.sampled_from([None, 0, 2]),
    ended=st.sampled_from([None, 8]),
    rule=st.sampled_from(["fallthrough", "fallthrough", "rule-1"]),
    unit=st.sampled_from(["user", "user", "org"]),
)
def test_sql_counts_as_loops_do(
    events: list[dict[str, Any]],
    looks: set[int],
    started: int | None,
    ended: int | None,
    rule: str,
    unit: str,
) -> None:
    wanted = design(*EVERY_METRIC, started=started, ended=ended, rule=rule, unit=unit)
    found = counted(events, wanted, *looks)
    assert [aggregates.as_of for aggregates in found] == sorted(looks)
    for aggregates in found:
        expected = naive.aggregate(events, wanted, aggregates.as_of)
        if aggregates is not found[-1]:
            expected = replace(expected, wrong_unit=0, unexpected={})
        for arm, arm_counts in aggregates.arms.items():
            for key, statistics in arm_counts.metrics.items():
                assert close(statistics, expected.arms[arm].metrics[key]), (arm, key)
        assert without_metrics(aggregates) == without_metrics(replace(expected, source="x"))


def without_metrics(aggregates: Aggregates) -> Aggregates:
    arms = {arm: replace(counts_, metrics={}) for arm, counts_ in aggregates.arms.items()}
    return replace(aggregates, arms=arms, source="")


def test_the_moment_of_the_exposure_and_of_the_look_count_the_end_does_not() -> None:
    events = [
        exposure(user("ann"), CONTROL, 10),
        *(outcome(user("ann"), "vote", ts) for ts in (9, 10, 20, 30)),
        exposure(user("bob"), TREATMENT, 20),
        exposure(user("bob"), CONTROL, 20 + 10),
        exposure(user("cy"), TREATMENT, 30),
    ]
    wanted = design(metric("votes", "vote", per_unit="count"), started=10)
    early, exact, late = counted(events, wanted, 19, 20, 30)
    votes = [look.arms[CONTROL].metrics["votes"].total for look in (early, exact, late)]
    assert votes == [1, 2, 3]
    assert [look.arms[TREATMENT].exposed for look in (early, exact, late)] == [0, 1, 2]
    assert [look.arms[TREATMENT].crossover for look in (early, exact, late)] == [0, 0, 1]
    assert early.last_event == 10
    (ended,) = counted(events, replace(wanted, ended=30), 99)
    assert (ended.arms[CONTROL].metrics["votes"].total, ended.exposed) == (2, 2)
    assert one(events, replace(wanted, started=11)).arms[CONTROL].exposed == 0


def test_sums_over_clusters() -> None:
    events = [
        *(exposure(user(key), CONTROL, 1) for key in ("ann", "bob")),
        *(outcome(user("ann"), "time", 2, value) for value in (300, 100, 300)),
        outcome(user("bob"), "time", 2, 50),
    ]
    wanted = design(
        metric("time", per_unit="average", missing=None, percentile=95.0, over_requests=True)
    )
    cluster = one(events, wanted).arms[CONTROL].metrics["time"].cluster
    assert cluster == ClusterSlice(
        events=4,
        events_squares=10,
        points=(
            ClusterPoint(50, below=1, below_squares=1, cross=1),
            ClusterPoint(100, below=2, below_squares=2, cross=1 + 3),
            ClusterPoint(300, below=4, below_squares=10, cross=1 + 9),
        ),
    )


def test_events_of_a_judge_and_of_other_ai_configs_do_not_count() -> None:
    wanted = design(metric("tokens", "$ld:ai:tokens:total", per_unit="sum"), metric("vote"))
    events = [
        exposure(user("ann"), CONTROL, 1),
        outcome(user("ann"), "$ld:ai:tokens:total", 2, 10, "agent"),
        outcome(user("ann"), "$ld:ai:tokens:total", 2, 500, "judge"),
        outcome(user("ann"), "$ld:ai:tokens:total", 2, 700),
        outcome(user("ann"), "vote", 2),
        outcome(user("ann"), "vote", 2, config="agent"),
        outcome(user("ann"), "vote", 2, config="judge"),
    ]
    found = one(events, wanted).arms[CONTROL].metrics
    assert (found["tokens"].total, found["tokens"].events) == (10, 1)
    assert found["vote"].events == 2


def test_other_projects_and_environments_do_not_count() -> None:
    with store_of([exposure(user("ann"), CONTROL, 1)]) as store:
        for project, environment in (("p", "production"), ("q", "test")):
            body = json.dumps([exposure(user("bob"), CONTROL, 1)]).encode()
            store.add_now(Payload(project, environment, "", body, NOW))
        (found,) = counts(store, design(metric("vote")), (NOW,))
    assert found.exposed == 1


def test_nothing_was_ever_sent() -> None:
    store = EventStore()
    (found,) = counts(store, design(*EVERY_METRIC, attributes=("country",)), (NOW,))
    store.close()
    assert found.exposed == 0
    assert set(found.arms) == {CONTROL, TREATMENT}
    assert set(found.arms[CONTROL].metrics) == {one.key for one in EVERY_METRIC}
    assert set(found.seen.values()) == {None}


def test_a_rule_whose_id_is_not_known_takes_any_rule() -> None:
    events = [
        exposure(user("ann"), CONTROL, 1, rule="r1"),
        exposure(user("bob"), CONTROL, 1, rule="r2"),
        exposure(user("cy"), CONTROL, 1),
    ]
    assert one(events, design(metric("vote"), rule="")).exposed == 2
    assert one(events, design(metric("vote"), rule="r1")).exposed == 1
    assert one(events, design(metric("vote"))).exposed == 1


def test_a_variation_without_key_has_its_number() -> None:
    made = exposure(user("ann"), CONTROL, 1)
    made["value"] = {"_ldMeta": {"enabled": False}}
    assert one([made], design(metric("vote"))).unexpected == {"variation 1": 1}


def country(key: str, name: Any, ts: int = 1) -> dict[str, Any]:
    return index({"kind": "user", "key": key, "country": name}, ts)


def test_slices_by_attributes() -> None:
    events = [
        country("ann", "de", 1),
        country("ann", "fr", 5),  # the newest known one counts
        index({"kind": "multi", "user": {"key": "bob", "country": "fr"}, "org": {"key": "o"}}, 1),
        index(user("cy"), 1),
        country("dee", None),
        country("eve", True),
        *(exposure(user(key), CONTROL, 2) for key in ("ann", "bob", "cy", "eve")),
        *(exposure(user(key), TREATMENT, 2) for key in ("dee", "fay")),
        outcome(user("bob"), "vote", 3),
    ]
    wanted = design(metric("vote"), attributes=("country", "/plan/name"))
    found = {(s.attribute, s.value): s.arms for s in one(events, wanted).slices}
    exposed = {name: {arm: c.exposed for arm, c in arms.items()} for name, arms in found.items()}
    assert exposed == {
        ("country", "(not set)"): {CONTROL: 1, TREATMENT: 2},
        ("country", "fr"): {CONTROL: 2, TREATMENT: 0},
        ("country", "true"): {CONTROL: 1, TREATMENT: 0},
        ("/plan/name", "(not set)"): {CONTROL: 4, TREATMENT: 2},
    }
    votes = found["country", "fr"][CONTROL].metrics["vote"]
    assert (votes.units, votes.total) == (2, 1)


def test_an_attribute_with_many_values_has_one_slice_for_the_rest() -> None:
    values = [f"c{number:02}" for number in range(MOST_VALUES + 5)]
    events = [
        event
        for number, value in enumerate(values)
        for key in ((f"u{number}",) if number else ("u0", "v0"))
        for event in (country(key, value), exposure(user(key), CONTROL, 2))
    ]
    found = one(events, design(metric("vote"), attributes=("country",))).slices
    assert [s.value for s in found] == [*values[:MOST_VALUES], "(5 other values)"]
    assert found[0].arms[CONTROL].exposed == 2
    assert found[-1].arms[CONTROL].exposed == 5
    assert sum(s.arms[CONTROL].exposed for s in found) == len(values) + 1


def test_a_percentile_needs_only_the_ranks_near_it() -> None:
    people = [f"u{number:04}" for number in range(5_000)]
    events = [exposure(user(key), CONTROL, 1) for key in people]
    events += [outcome(user(key), "time", 2, float(n)) for n, key in enumerate(people)]
    wanted = design(metric("time", per_unit="sum", missing=None, percentile=95.0))
    order = one(events, wanted).arms[CONTROL].metrics["time"].order
    assert order is not None
    ranks = [rank for rank, _ in order.ranks]
    assert ranks == list(range(4622, 4879))  # 4750 +- (8 sqrt(237.5) + 5)
    assert [value for _, value in order.ranks] == [rank - 1.0 for rank in ranks]


def test_a_percentile_over_requests_reaches_as_far_as_clusters_make_it_uncertain() -> None:
    events = []
    for number in range(200):
        key = user(f"u{number:03}")
        events.append(exposure(key, CONTROL, 1))
        events += [outcome(key, "time", 2, float(number)) for _ in range(10)]
    wanted = design(
        metric("time", per_unit="average", missing=None, percentile=50.0, over_requests=True)
    )
    cluster = one(events, wanted).arms[CONTROL].metrics["time"].cluster
    assert cluster is not None
    assert (cluster.events, cluster.events_squares) == (2000, 20_000)
    # As many independent values as units: 100 +- (8 sqrt(50) + 5) of 200.
    assert [point.value for point in cluster.points] == [float(n) for n in range(38, 162)]


def test_events_without_the_unit_are_told() -> None:
    org = {"kind": "org", "key": "o"}
    events = [exposure(user("ann"), CONTROL, 1), outcome(user("ann"), "vote", 2)]
    wanted = design(metric("vote"))
    told = []
    for more in ([], [outcome(org, "vote", 2)], [exposure(org, CONTROL, 2)]):
        counts_ = one([*events, *more], wanted)
        checks = {check.name: check for check in analyse(wanted, counts_).health}
        found = checks["randomization unit"]
        told.append((counts_.wrong_unit, counts_.events_without_unit, found.status.value))
    assert told == [(0, 0, "healthy"), (0, 1, "warning"), (1, 0, "warning")]


def test_values_that_are_no_figures_are_left_out() -> None:
    events = [
        exposure(user("ann"), CONTROL, 1),
        outcome(user("ann"), "time", 2, 1e300),
        outcome(user("ann"), "time", 2, 5.0),
    ]
    found = one(events, design(metric("time", per_unit="sum"))).arms[CONTROL].metrics["time"]
    assert (found.total, found.events) == (5.0, 1)


@given(
    events=st.lists(st.one_of(EXPOSURES, OUTCOMES), max_size=30),
    ended=st.sampled_from([None, 9]),
)
@settings(max_examples=15, deadline=None)
def test_counts_and_designs_survive_json(events: list[dict[str, Any]], ended: int | None) -> None:
    wanted = design(*EVERY_METRIC, ended=ended, attributes=("country",))
    found = counted(events, wanted, 5, NOW)
    assert aggregates_from_json(json.loads(json.dumps(aggregates_to_json(found)))) == found
    assert design_from_json(json.loads(json.dumps(design_to_json(wanted)))) == wanted

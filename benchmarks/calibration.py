"""How often intervals hold the truth, and equal arms look different.

`python benchmarks/calibration.py [runs]`, 1000 unless told; the decision rule gets twice as many.
Simulated experiments with two arms: all arms equal (A/A), and the treatment 10 % better. Intervals
are of the relative difference and should hold it in 90 % of the runs; P >= .9 should come in 10 %
of the A/A runs, or less where a prior says that treatments are as control is. Beside ours stands
gbstats, in an environment that this script makes (`.venv-gbstats` in the system's temporary
folder). Then the whole decision rule, beside acting on the primary metric at any look.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path

import numpy as np

from ldconf.core.aggregates import Aggregates, ArmCounts, UnitStatistics
from ldconf.core.experiment import (
    DecisionRule,
    ExperimentDesign,
    Guardrail,
    MetricDesign,
    PerUnit,
    Prior,
)
from ldconf.experiments.analyse import analyse
from ldconf.experiments.estimates import SLICED
from ldconf.experiments.simulate import Plan, simulate
from ldconf.experiments.sizing import Question, size
from ldconf.experiments.synthetic import Truth, units_of

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
GBSTATS = "gbstats==0.8.0"
ANSWER = Path(__file__).parent / "gbstats" / "answer.py"
EFFECT = 0.10
C, T = "control", "treatment"
VALUE = Truth(1000.0, 800.0)


def metric(
    per_unit: PerUnit,
    percentile: float | None = None,
    *,
    over_requests: bool = False,
    denominator: str | None = None,
) -> MetricDesign:
    return MetricDesign(
        "m",
        "m",
        "m",
        per_unit,
        missing=None,
        percentile=percentile,
        over_requests=over_requests,
        denominator=denominator,
    )


@dataclass(frozen=True)
class Case:
    name: str
    metric: MetricDesign
    truth: Truth
    units: int
    effect: float = 0.10


CASES = (
    Case("mean, n=100", metric("average"), VALUE, 100),
    Case("mean, n=1000", metric("average"), VALUE, 1000),
    Case("rate .30, n=100", metric("occurrence"), Truth(0.30), 100),
    Case("rate .05, n=100", metric("occurrence"), Truth(0.05), 100),
    Case("rate .05, n=1000", metric("occurrence"), Truth(0.05), 1000),
    Case("rate .98, n=100, +1 %", metric("occurrence"), Truth(0.98), 100, 0.01),
    Case("p95 per unit, n=100", metric("average", percentile=95), VALUE, 100),
    Case("p95 per unit, n=400", metric("average", percentile=95), VALUE, 400),
    Case("p95 per unit, n=2000", metric("average", percentile=95), VALUE, 2000),
    Case(
        "p95 of requests, 400 users",
        metric("average", percentile=95, over_requests=True),
        VALUE,
        400,
    ),
    Case("ratio per request, 400 users", metric("sum", denominator="d"), VALUE, 400),
)


def design(primary: MetricDesign, *others: MetricDesign) -> ExperimentDesign:
    return ExperimentDesign(
        project="p",
        key="calibration",
        name="",
        environment="e",
        ai_config="a",
        allocation={C: 50.0, T: 50.0},
        control=C,
        metrics=(primary, *others),
        primary=primary.key,
    )


def drawn(case: Case, effect: float, seed: int) -> list[dict[str, UnitStatistics]]:
    random = np.random.default_rng(seed)
    truth = replace(case.truth, effects={T: effect})
    return [
        {arm: units_of(case.metric, truth, arm, case.units, random)(case.units) for arm in (C, T)}
        for _ in range(RUNS)
    ]


@dataclass
class Tally:
    """Runs that gave a result; whose interval held the truth; with P >= .9."""

    results: int = 0
    held: int = 0
    sure: int = 0

    def add(self, p: float, lower: float, upper: float, truth: float) -> None:
        self.results += 1
        self.held += lower <= truth <= upper
        self.sure += p >= 0.9

    @property
    def row(self) -> str:
        missing = f" ({RUNS - self.results} without result)" if self.results < RUNS else ""
        shares = f"{self.held / max(self.results, 1):.3f} | {self.sure / RUNS:.3f}"
        return shares + missing


def ours(
    case: Case, found: list[dict[str, UnitStatistics]], effect: float, prior: Prior
) -> tuple[Tally, float]:
    tally, began = Tally(), time.perf_counter()
    for run, arms in enumerate(found):
        counts = {arm: ArmCounts(case.units, {"m": one}) for arm, one in arms.items()}
        one = replace(design(case.metric), prior=prior, iteration=run)
        result = analyse(one, Aggregates(counts, 1, "benchmark"), (), SLICED).primary.arm(T)
        if result.difference is None or result.p_beat_control is None:
            continue
        change, truth = result.difference, effect
        if not change.relative:
            truth *= case.truth.mean
        tally.add(result.p_beat_control, change.interval.lower, change.interval.upper, truth)
    return tally, (time.perf_counter() - began) / RUNS * 1000


def theirs(
    python: Path, found: list[dict[str, UnitStatistics]], case: Case, effect: float
) -> tuple[Tally, float]:
    lines = [
        json.dumps({"kind": kind_of(case), C: told(arms[C], case), T: told(arms[T], case)})
        for arms in found
    ]
    began = time.perf_counter()
    done = subprocess.run(
        [python, ANSWER], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    spent = (time.perf_counter() - began) / RUNS * 1000
    tally = Tally()
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        if not answer["error"]:
            lower, upper = answer["ci"]
            tally.add(answer["p"], lower, upper, effect)
    return tally, spent


def kind_of(case: Case) -> str:
    if case.metric.percentile is not None:
        return "clustered" if case.metric.over_requests else "percentile"
    if case.metric.denominator is not None:
        return "ratio"
    return "rate" if case.metric.per_unit == "occurrence" else "mean"


def told(found: UnitStatistics, case: Case) -> dict[str, object]:
    """Return one arm's statistics as gbstats asks for them."""
    units, kind = found.units, kind_of(case)
    if kind == "rate":
        return {"n": units, "sum": found.total}
    if kind == "mean":
        return {"n": units, "sum": found.total, "sum_squares": found.squares}
    if found.denominator is not None:
        below = found.denominator
        return {
            "n": units,
            "m_statistic": {"n": units, "sum": found.total, "sum_squares": found.squares},
            "d_statistic": {"n": units, "sum": below.total, "sum_squares": below.squares},
            "m_d_sum_of_products": below.cross,
        }
    return quantile(found)


def quantile(found: UnitStatistics) -> dict[str, object]:
    share, clusters = 0.95, found.cluster
    if clusters is None:
        assert found.order is not None
        count = float(found.units)
        points = [(float(rank), value) for rank, value in found.order.ranks]
    else:
        count, points = clusters.events, [(one.below, one.value) for one in clusters.points]
    half = 1.96 * sqrt(share * (1 - share) / count)

    ranks, found_values = [below for below, _ in points], [value for _, value in points]

    def at(level: float) -> float:
        place = 1 + (count - 1) * level if clusters is None else level * count
        return float(np.interp(place, ranks, found_values))

    told: dict[str, object] = {
        "n": int(count),
        "n_star": int(count),
        "nu": share,
        "quantile_hat": at(share),
        "quantile_lower": at(share - half),
        "quantile_upper": at(min(share + half, 1.0)),
    }
    if clusters is None:
        return told
    near = next(one for one in clusters.points if one.below >= share * count)
    return told | {
        "main_sum": near.below,
        "main_sum_squares": near.below_squares,
        "denominator_sum": clusters.events,
        "denominator_sum_squares": clusters.events_squares,
        "main_denominator_sum_product": near.cross,
        "n_clusters": found.units,
    }


def environment() -> Path | None:
    """Return a Python that has gbstats; None, and why on standard error, if none can be made."""
    folder = Path(tempfile.gettempdir()) / ".venv-gbstats"
    python = folder / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run(["python3.11", "-m", "venv", folder], check=True, capture_output=True)
        pip = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            GBSTATS,
        ]
        subprocess.run(pip, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as err:
        print(f"without gbstats, it cannot be installed: {err}", file=sys.stderr)
        return None
    return python


def calibration() -> None:
    python = environment()
    print(
        f"\n{RUNS} experiments per row and column; share of intervals that hold the truth | P >= .9"
    )
    print("| case | method | A/A cover | A/A P >= .9 | +10 % cover | +10 % P >= .9 | ms |")
    print("|---|---|---|---|---|---|---|")
    for number, case in enumerate(CASES):
        worlds = [(effect, drawn(case, effect, number)) for effect in (0.0, case.effect)]
        rows = []
        if python is not None:
            rows.append(("gbstats", [theirs(python, one, case, effect) for effect, one in worlds]))
        percentile = case.metric.percentile is not None
        priors: tuple[Prior, ...] = ("flat",) if percentile else ("flat", "launchdarkly")
        for prior in priors:
            name = "ours" if percentile else f"ours, {prior}"
            rows.append((name, [ours(case, one, effect, prior) for effect, one in worlds]))
        for name, found in rows:
            shares = " | ".join(tally.row for tally, _ in found)
            spent = sum(ms for _, ms in found) / 2
            print(f"| {case.name} | {name} | {shares} | {spent:.1f} |", flush=True)


def rule() -> None:
    primary = metric("average")
    guards = [replace(primary, key=f"g{n}", name=f"g{n}", lower_is_better=True) for n in range(4)]
    planned = size(Question(VALUE.mean, EFFECT, VALUE.sd), 0.9).per_arm
    base = DecisionRule(100, planned, 28)
    all_of = {guard.key: Guardrail() for guard in guards}
    proven = {guard.key: Guardrail(margin=EFFECT) for guard in guards}
    early = {guard.key: Guardrail(threshold=0.90) for guard in guards}
    columns = {
        "any of 10 looks, primary only": (DecisionRule(planned // 10, None, 28, looks=10), False),
        "planned n, primary only": (base, False),
        "+ veto .90": (replace(base, guardrails=early), True),
        "+ veto .95 (default)": (replace(base, guardrails=all_of), True),
        "default, guardrails at 10 looks": (replace(base, guardrails=all_of, looks=10), True),
        "+ nonInferior within 10 %": (
            replace(base, guardrails=proven, guardrail_rule="nonInferior"),
            True,
        ),
    }
    better, worse = replace(VALUE, effects={T: EFFECT}), replace(VALUE, effects={T: EFFECT})
    scenarios = {
        "A/A": {},
        "primary +10 %, guardrails equal": {"m": better},
        "primary +10 %, one guardrail 10 % worse": {"m": better, "g0": worse},
        "primary equal, one guardrail 10 % worse": {"g0": worse},
    }
    print(f"\n{2 * RUNS} experiments per cell, {planned} users per arm planned: share that ships")
    print(f"| scenario | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    for name, changes in scenarios.items():
        cells = []
        for declared, guarded in columns.values():
            one = design(primary, *(guards if guarded else ()))
            one = replace(one, decision=declared, threshold=0.9)
            world = {each.key: changes.get(each.key, VALUE) for each in one.metrics}
            found = simulate(one, world, Plan(2 * RUNS, per_arm=planned)).ships_treatment
            cells.append(f"{found.value:.3f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print(f"standard error at most {sqrt(0.125 / RUNS):.3f}")


if __name__ == "__main__":
    began = time.perf_counter()
    calibration()
    rule()
    print(f"\n{time.perf_counter() - began:.0f} s")

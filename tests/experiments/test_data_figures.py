"""Figures typed from a results page: what follows from them, and what is said if nothing does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldconf.core.aggregates import Aggregates, ArmCounts, UnitStatistics
from ldconf.core.errors import DocumentError, LdconfError
from ldconf.experiments.analyse import analyse
from ldconf.experiments.figures_file import counts_of_figures
from ldconf.experiments.figures_template import template
from ldconf.workflow.figures import read_figures
from tests.experiments.events import CONTROL, TREATMENT, design, metric

WANTED = design(
    metric("vote"),
    metric("tokens", per_unit="average", missing=None),
    metric("cost", per_unit="sum"),
    metric("p95", per_unit="sum", missing=None, percentile=95.0),
    metric("ratio", per_unit="sum", denominator="cost"),
)
AS_OF = 1_764_000_000_000
GOOD = """\
experiment: x
iteration: 1
asOf: 2026-11-24T15:00Z
started: 2026-11-10
exposures: {base: 108, variant: 107}
crossover: {variant: 2}
neverSeen: [cost]
metrics:
  vote: {base: {conversions: 15}, variant: {conversions: 0}}
  tokens:
    base: {units: 100, total: 200000, sd: 50}
    variant: {units: 90, mean: 2100, sd: 40.5}
  cost: {base: {total: 0, sd: 0}, variant: {total: 0, sd: 0}}
"""


def read(tmp_path: Path, text: str) -> Aggregates:
    file = tmp_path / "figures.yaml"
    file.write_text(text)
    return read_figures(file, WANTED, AS_OF)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(DocumentError) as found:
        read(tmp_path, text)
    return [
        f"{one.position.line}:{one.position.column} {one.summary}" if one.position else one.summary
        for one in found.value.diagnostics
    ]


def test_counts_and_totals(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    assert found.as_of == 1_795_532_400_000
    assert found.started == 1_794_268_800_000
    assert found.exposed == 215
    assert found.arms[TREATMENT].crossover == 2
    assert found.arms[CONTROL].metrics["vote"] == UnitStatistics(108, 15, 15)
    tokens = found.arms[TREATMENT].metrics["tokens"]
    assert (tokens.units, tokens.total) == (90, 189_000)
    assert (tokens.squares - tokens.total**2 / 90) / 89 == pytest.approx(40.5**2)
    assert found.arms[CONTROL].metrics["cost"].units == 108  # units without events count as 0
    assert found.seen == {
        "vote": found.as_of,
        "tokens": found.as_of,
        "cost": None,
        "p95": None,
        "ratio": None,
    }
    assert found.notes == (
        "p95 is not analysed: a percentile cannot be derived from figures of the results page",
        "ratio is not analysed: a ratio needs how value and divisor vary together, which the "
        "results page does not show",
    )
    assert found.source == f"figures in {tmp_path / 'figures.yaml'}"


def test_a_published_result(tmp_path: Path) -> None:
    """Rows 1 and 2 of the published table (statistics notes, section 8)."""
    wanted = design(metric("positive"), metric("negative", lower_is_better=True), threshold=0.9)
    figures = {
        "experiment": "x",
        "exposures": {CONTROL: 108, TREATMENT: 107},
        "metrics": {
            "positive": {CONTROL: {"conversions": 15}, TREATMENT: {"conversions": 0}},
            "negative": {CONTROL: {"conversions": 0}, TREATMENT: {"conversions": 0}},
        },
    }
    counts = counts_of_figures(figures, wanted, AS_OF, "figures")
    positive, negative = analyse(wanted, counts).metrics
    shown = {
        (one.key, arm.variation): (arm.mean, arm.p_beat_control)
        for one in (positive, negative)
        for arm in one.arms
    }
    assert shown["positive", CONTROL] == (pytest.approx(0.1455, abs=0.002), None)
    assert shown["positive", TREATMENT] == pytest.approx((0.0531, 0.0048), abs=0.002)
    assert shown["negative", TREATMENT] == pytest.approx((0.0045, 0.6662), abs=0.005)


@settings(max_examples=25, deadline=None)
@given(
    units=st.integers(10, 5000),
    control=st.floats(0.01, 1e5),
    lift=st.floats(0.5, 3).filter(lambda lift: abs(lift - 1) > 0.02),
    spread=st.floats(0.1, 3),
)
def test_the_spread_follows_from_posterior_and_interval(
    units: int, control: float, lift: float, spread: float
) -> None:
    """What an analysis shows, typed again, gives the sums that it started from."""
    wanted = design(metric("cost", per_unit="sum"))
    counts = {}
    for arm, mean in ((CONTROL, control), (TREATMENT, control * lift)):
        total, sd = mean * units, spread * mean
        squares = sd**2 * (units - 1) + total**2 / units
        counts[arm] = ArmCounts(units, {"cost": UnitStatistics(units, total, squares)})
    found = analyse(wanted, Aggregates(counts, AS_OF, "", seen={"cost": AS_OF})).metrics[0]
    figures: dict[str, Any] = {}
    for arm in found.arms:
        assert arm.interval is not None
        figures[arm.variation] = {
            "total": arm.total,
            "posteriorMean": arm.mean,
            "interval": [arm.interval.lower, arm.interval.upper],
        }
    typed = counts_of_figures(
        {
            "experiment": "x",
            "exposures": {CONTROL: units, TREATMENT: units},
            "metrics": {"cost": figures},
        },
        wanted,
        AS_OF,
        "",
    )
    for arm in counts:
        expected, again = counts[arm].metrics["cost"], typed.arms[arm].metrics["cost"]
        assert (again.total, again.squares) == pytest.approx(
            (expected.total, expected.squares), rel=1e-6
        )


def test_the_template_asks_for_what_is_needed(tmp_path: Path) -> None:
    text = template(WANTED)
    assert "# p95: a percentile cannot be derived" in text
    assert [words.partition(" ")[2] for words in problems(tmp_path, text)] == [
        "exposures.base: is empty",
        "exposures.variant: is empty",
    ]
    filled = text.replace("  base:  # control\n  variant:\n", "  base: 10\n  variant: 10\n", 1)
    assert [words.partition(" ")[2] for words in problems(tmp_path, filled)] == [
        "metrics: there are no figures of the primary metric vote"
    ]
    filled = filled.replace("      conversions:\n", "      conversions: 3\n")
    found = read(tmp_path, filled)
    assert found.arms[TREATMENT].metrics["vote"].total == 3
    assert "cost is not analysed: the file has no figures of it" in found.notes


def test_keys_that_look_like_other_values_stay_texts(tmp_path: Path) -> None:
    wanted = design(
        metric("1.5"),
        allocation={"true": 50.0, "2026": 50.0},
        control="true",
    )
    file = tmp_path / "figures.yaml"
    text = template(wanted).replace("conversions:", "conversions: 1")
    text = text.replace("'true':  # control\n  '2026':\n", "'true': 5\n  '2026': 5\n", 1)
    file.write_text(text)
    assert read_figures(file, wanted, AS_OF).arms["2026"].metrics["1.5"].total == 1


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("conversions: 15", "conversions: 109", "9:17 metrics.vote.base.conversions: 109 of 108"),
        ("conversions: 15", "", "9:10 metrics.vote.base: `conversions` is missing"),
        ("conversions: 15", "conversions: 1.5", "metrics.vote.base.conversions: "),
        ("conversions: 15", "conversion: 15", "metrics.vote.base.conversion: Extra inputs"),
        ("units: 100, ", "", "11:5 metrics.tokens.base: `units` is missing: units with events"),
        ("units: 100", "units: 200", "200 units are more than the 108 exposed"),
        ("total: 200000", "total: 200k", "number without separators or units, not '200k'"),
        ("total: 200000, ", "", "`total` is missing (or `mean`, that of the data)"),
        (", sd: 50", "", "metrics.tokens.base: `sd` is missing, or `interval`"),
        ("sd: 40.5", "interval: [1, 2]", "`posteriorMean` is missing: a treatment's `interval`"),
        ("sd: 50", "interval: [2, 1]", "the `interval` ends below its start"),
        ("sd: 40.5", "interval: [1, 2], posteriorMean: 3000", "3000 is not between control's mean"),
        (
            "mean: 2100, sd: 40.5",
            "mean: 2001, interval: [1, 2], posteriorMean: 2000",
            "too near to tell how much the data weigh",
        ),
        ("experiment: x", "experiment: y", "1:1 experiment: these are figures of y, not x"),
        ("iteration: 1", "iteration: 2", "2:1 iteration: these are figures of iteration 2"),
        ("asOf: 2026-11-24T15:00Z", "asOf: now", "3:1 asOf: must be a date or a time"),
        ("{base: 108, ", "{", "5:1 exposures: variation base is missing"),
        ("neverSeen: [cost]", "neverSeen: [costs]", "7:13 neverSeen.0: the experiment has no metr"),
        ("  cost:", "  p95:", "13:3 metrics.p95: a percentile cannot be derived"),
        ("  cost:", "  ratio:", "13:3 metrics.ratio: a ratio needs how value and divisor vary"),
        ("  cost:", "  csot:", "has no metric 'csot': did you mean cost?"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, before: str, after: str, expected: str
) -> None:
    assert before in GOOD
    (found,) = problems(tmp_path, GOOD.replace(before, after, 1))
    assert expected in found


def test_all_problems_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("experiment: x", "experiment: y").replace("sd: 50", "interval: [2, 1]")
    assert len(problems(tmp_path, text)) == 2


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LdconfError, match=r"nothing\.yaml cannot be read: No such file"):
        read_figures(tmp_path / "nothing.yaml", WANTED, AS_OF)
    assert problems(tmp_path, "") == ["1:1 is empty"]
    assert "not YAML" in problems(tmp_path, "a: [1")[0]


def test_json_will_do(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    file.write_text(
        '{"experiment": "x", "exposures": {"base": 4, "variant": 4}, "metrics": '
        '{"vote": {"base": {"conversions": 1}, "variant": {"conversions": 2}}}}'
    )
    assert read_figures(file, WANTED, AS_OF).arms[TREATMENT].metrics["vote"].total == 2


def test_figures_cannot_be_older_than_the_start(tmp_path: Path) -> None:
    text = GOOD.replace("asOf: 2026-11-24T15:00Z", "asOf: 2026-11-09")
    assert problems(tmp_path, text) == [
        "3:1 asOf: the figures were read before the iteration `started`"
    ]


def test_a_list_is_no_map_of_figures(tmp_path: Path) -> None:
    assert problems(tmp_path, "[]\n") == ["1:1 must be a map: names, each with its value"]

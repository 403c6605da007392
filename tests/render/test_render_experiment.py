"""Results and decisions of experiments, drawn for a terminal and for pull requests."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from ldconf.core.analysis import (
    Caution,
    Code,
    Decision,
    Difference,
    Interval,
    MetricResult,
    PreRegistration,
    Registration,
    Verdict,
)
from ldconf.render import density, experiment, experiment_markdown, scales
from ldconf.render.canvas import Look
from tests.render import analyses as found
from tests.render.golden import assert_golden


def test_results_in_a_pipe_have_every_column() -> None:
    assert_golden("experiment.txt", experiment.text(found.ANALYSIS, found.SHIP, Look()))


def test_results_in_80_columns_keep_every_figure() -> None:
    text = experiment.text(found.ANALYSIS, found.SHIP, Look(80), slices_of="country")
    assert_golden("experiment-80.txt", text)
    assert max(map(len, text.splitlines())) <= 80


def test_results_in_colour() -> None:
    text = experiment.text(found.ANALYSIS, found.SHIP, Look(120, colour=True))
    assert_golden("experiment.ansi", text)


def test_results_before_the_first_exposure() -> None:
    text = experiment.text(found.WAITING, found.TOO_EARLY, Look(80))
    assert_golden("experiment-waiting.txt", text)


@pytest.mark.parametrize("width", [30, 40, 60, 72, 100, 140])
def test_no_width_loses_a_figure(width: int) -> None:
    text = " ".join(experiment.text(found.ANALYSIS, found.SHIP, Look(width)).split())
    for figure in ("60.10 %", "[56.93, 63.27]", "+10.5 %", "91 %", "$0.00061"):
        assert figure in text or width < 40


def test_frequentist_results_show_p_values_in_place_of_probabilities() -> None:
    text = experiment.text(found.tested(found.ANALYSIS), found.SHIP, Look())
    assert "<0.001" in text
    assert "P(beat)" not in text
    assert "95 % interval" in text
    assert "90 %" not in text.replace("(90 % are needed)", "")
    marked = experiment_markdown.results(found.tested(found.ANALYSIS), None)
    assert "p-value" in marked
    assert "P(beat)" not in marked


def test_decision_in_words() -> None:
    text = experiment.decided(found.SHIP, found.ANALYSIS, Look(80))
    assert_golden("decision.txt", text)


def test_edited_rule_and_contamination_are_said() -> None:
    registered = PreRegistration(
        Registration.EDITED, "f" * 40, ("plannedUnitsPerArm",), ("prompt edited in 0123abc",)
    )
    decision = replace(found.SHIP, registration=registered)
    for text in (
        experiment.decided(decision, found.ANALYSIS, Look()),
        experiment_markdown.decided(decision, found.ANALYSIS),
    ):
        assert "was edited since the iteration started (commit ffffffffffff)" in text
        assert "plannedUnitsPerArm" in text
        assert "contaminated: prompt edited in 0123abc" in text


def test_results_for_a_pull_request() -> None:
    assert_golden("experiment.md", experiment_markdown.results(found.ANALYSIS, found.SHIP))


def test_decision_for_a_pull_request() -> None:
    assert_golden("decision.md", experiment_markdown.decided(found.SHIP, found.ANALYSIS))


@pytest.mark.parametrize("limit", [200, 400, 1_500, 2_500, 4_000, 65_536])
def test_markdown_stays_below_its_limit_and_whole(limit: int) -> None:
    text = experiment_markdown.results(found.ANALYSIS, found.SHIP, limit=limit)
    assert len(text) <= limit
    assert text.startswith("<!-- ldconf experiment ")
    assert text.count("<details") == text.count("</details>")
    if limit >= 400:
        assert "**Verdict: ship model-variant-2**" in text


HOSTILE = "<img src=x> | @team **bold** \x1b[31m `code` [a](https://b.example)\n# h"


def hostile() -> tuple[object, Decision]:
    metric = replace(found.RATES, name=HOSTILE, warnings=(Caution(Code.SRM, HOSTILE),))
    design = replace(found.DESIGN, name=HOSTILE, hypothesis=HOSTILE)
    analysis = replace(
        found.ANALYSIS, design=design, source=HOSTILE, metrics=(metric,), slices=(), history=()
    )
    return analysis, Decision(Verdict.KEEP_RUNNING, None, (HOSTILE,), provisional=HOSTILE)


def test_names_cannot_format_mention_or_escape() -> None:
    analysis, decision = hostile()
    text = experiment_markdown.results(analysis, decision)  # type: ignore[arg-type]
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(text)
    assert "<img" not in html
    assert "<a " not in html
    assert not re.search(r"@team", html)
    assert len(re.findall("<table>", html)) == 1
    shown = experiment.text(analysis, decision, Look(80))  # type: ignore[arg-type]
    assert "\x1b" not in shown
    assert "\\x1b" in shown


@pytest.mark.parametrize(
    ("found_", "words"),
    [
        (None, "-"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.0001, "<0.1 %"),
        (0.99996, ">99.9 %"),
        (0.6662, "66.6 %"),
    ],
)
def test_probabilities_never_claim_certainty(found_: float | None, words: str) -> None:
    assert scales.probability(found_) == words


def metric(unit: str, *means: float, kind: str = "mean") -> MetricResult:
    arms = tuple(
        found.arm(f"v{at}", mean, abs(mean) / 20 or 1.0, 1) for at, mean in enumerate(means)
    )
    return MetricResult("m", "m", arms, unit=unit, kind=kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("of", "value", "words"),
    [
        (metric("", 0.1455, kind="rate"), 0.1455, "14.55 %"),
        (metric("ms", 812.0), 812.0, "812 ms"),
        (metric("ms", 9480.0), 9480.0, "9.48 s"),
        (metric("$", 0.0119), 0.0119, "$0.0119"),
        (metric("$", 1234.5), 1234.5, "$1,234.50"),
        (metric("tokens", 1954.3), 1954.3, "1,954 tokens"),
        (metric("", 0.0), 0.0, "0"),
        (metric("$", 0.5, -0.2), -0.2, "-$0.200"),
    ],
)
def test_values_are_written_with_their_unit(of: MetricResult, value: float, words: str) -> None:
    assert scales.scale_of(of).value(value) == words


def test_difference_that_cannot_be_relative_is_in_the_metrics_unit() -> None:
    absolute = Difference(-0.00002, Interval(-0.01, 0.02), relative=False)
    assert scales.difference(absolute, scales.scale_of(metric("ms", 812.0))) == ("0 ms", "[0, 0]")
    rates = scales.difference(
        Difference(0.021, Interval(0.01, 0.03), relative=False), scales.PERCENT
    )
    assert rates == ("+2.10 %", "[1.00, 3.00]")


def test_sparklines_share_their_axis() -> None:
    ends = density.axis(found.RATES)
    bars = [density.sparkline(arm.density, ends, 20) for arm in found.RATES.arms]
    peaks = [bar.index("█") for bar in bars]
    assert peaks[0] < peaks[1]
    assert all(len(bar) == 20 for bar in bars)


def test_density_narrower_than_a_cell_is_a_full_cell() -> None:
    assert density.sparkline([(4.99, 0.0), (4.991, 9.0), (4.992, 0.0)], (0, 10), 10) == "    █     "
    assert density.sparkline([], (0, 10), 3) == "   "

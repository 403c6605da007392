"""The charts of the HTML report: where figures probably are, and how they came about."""

from __future__ import annotations

from functools import partial

from ldconf.core import figures
from ldconf.core.analysis import Analysis, ArmResult, MetricResult
from ldconf.core.experiment import ExperimentDesign
from ldconf.render import experiment_rows as say
from ldconf.render import scales, svg
from ldconf.render.names import numbered
from ldconf.render.svg import escaped


def densities(metric: MetricResult, design: ExperimentDesign) -> str:
    """Return where the means of a metric's arms probably are."""
    scale = scales.scale_of(metric)
    chart = svg.densities(
        f"Where the {say.mean_label(metric, design)} of {metric.name} probably is, by variation",
        [_curve(arm, scale) for arm in metric.arms],
        partial(scales.tick, scale),
    )
    if not chart:
        return '<p class="soft">Not enough data to draw.</p>'
    label = say.mean_label(metric, design)
    words = f"Where the {label} probably is; below, mean and {say.interval_label(design)}"
    return f"<figure><figcaption>{escaped(words)}</figcaption>{chart}</figure>"


def _curve(arm: ArmResult, scale: scales.Scale) -> svg.Curve:
    ends = (arm.interval.lower, arm.interval.upper) if arm.interval else None
    name = f"{arm.variation}: {scale.value(arm.mean)} {scale.ends(arm.interval)}"
    return svg.Curve(name, arm.density, arm.mean, ends)


def chances(metric: MetricResult, analysis: Analysis) -> str:
    """Return how the probability to beat control came about, if there are earlier looks."""
    arms = [arm.variation for arm in metric.arms if not arm.is_control]
    lines = [svg.Line("", ())]  # control has none, and keeps its colour
    for arm in arms:
        points = [
            (float(look.as_of), look.p_beat_control.get(metric.key, {}).get(arm))
            for look in analysis.history
        ]
        lines.append(svg.Line(arm, points))
    threshold = analysis.design.threshold
    chart = svg.over_time(
        f"Probability to beat control on {metric.name} over time",
        lines,
        [svg.Mark(f"threshold {scales.probability(threshold)}", threshold)]
        if metric.primary
        else [],
        1.0,
        (partial(_since, analysis), figures.share),
    )
    if not chart:
        return ""
    return f"<figure><figcaption>Probability to beat control</figcaption>{chart}</figure>"


def _since(analysis: Analysis, time: float) -> str:
    """Return a time of the history for people."""
    looks = analysis.history
    length = looks[-1].as_of - looks[0].as_of
    moment = figures.moment(int(time))
    if length >= 3 * say.DAY_MS:
        return moment[:6]
    return moment[7:12] if length >= 10 * 60_000 else moment[7:15]


def sizes(analysis: Analysis) -> str:
    """Return how the exposures of each arm grew, if there are earlier looks."""
    found = analysis.design.decision
    marks = [
        svg.Mark(
            f"minimum {figures.count(found.minimum_units_per_arm)}", found.minimum_units_per_arm
        )
    ]
    if found.planned_units_per_arm is not None:
        planned = found.planned_units_per_arm
        marks.append(svg.Mark(f"planned {figures.count(planned)}", planned, at_start=True))
    lines = [
        svg.Line(arm, [(float(look.as_of), look.exposed.get(arm)) for look in analysis.history])
        for arm in analysis.exposed
    ]
    unit = numbered(2, analysis.design.unit)
    chart = svg.over_time(
        f"Exposed {unit} per variation over time",
        lines,
        marks,
        None,
        (partial(_since, analysis), figures.count),
    )
    if not chart:
        return ""
    keys = " ".join(
        f'<span class="key c{at % svg.COLOURS}"></span>{escaped(arm)}'
        for at, arm in enumerate(analysis.exposed)
    )
    words = f"Exposed {escaped(unit)}: {keys}"
    return f"<figure><figcaption>{words}</figcaption>{chart}</figure>"

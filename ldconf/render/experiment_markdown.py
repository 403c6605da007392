"""Results and decision of an experiment as GitHub Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from ldconf.core.analysis import (
    Analysis,
    Caution,
    Decision,
    HealthStatus,
    MetricResult,
    Verdict,
)
from ldconf.core.experiment import ExperimentDesign
from ldconf.render import experiment_rows as say
from ldconf.render.experiment_rows import ArmRow
from ldconf.render.markdown import LIMIT
from ldconf.render.markup import code, comment, prose, summary
from ldconf.render.names import counted

_VERDICTS = {
    Verdict.SHIP_TREATMENT: "🚀",
    Verdict.SHIP_CONTROL: "🚀",
    Verdict.KEEP_RUNNING: "⏳",
    Verdict.STOP_INCONCLUSIVE: "🤷",
    Verdict.BLOCKED_BY_GUARDRAIL: "🛑",
    Verdict.INVALID: "⚠️",
}
_HEALTH = {
    HealthStatus.HEALTHY: "✅",
    HealthStatus.WAITING: "⏳",
    HealthStatus.WARNING: "⚠️",
    HealthStatus.FAILED: "🛑",
}
_TONES = {"good": "🟢 ", "bad": "🔴 ", "": ""}


def results(analysis: Analysis, decision: Decision | None, *, limit: int = LIMIT) -> str:
    """Return the results, below `limit` characters: slices go first, then the last metrics."""
    design, frequentist = analysis.design, say.is_frequentist(analysis)
    mark = marker(design.project, design.key)
    head = [mark, f"### Experiment {code(design.key)}"]
    if decision is not None:
        warned = _warned(say.cautions(analysis, decision))
        head += [_verdict(decision), _list(decision.reasons), *warned]
    head.append(_about(analysis))
    metrics = [_metric(metric, design, frequentist=frequentist) for metric in analysis.metrics]
    tail = [_health(analysis), _rule(design, decision)]
    slices = _slices(analysis, frequentist=frequentist)
    bodies = (
        [*head, *metrics, *slices, *tail],
        *(
            [*head, *metrics[:kept], _left(len(metrics) - kept), *tail]
            for kept in range(len(metrics), -1, -1)
        ),
        [*head[:3], _left(len(metrics))],
    )
    texts = map(_joined, bodies)
    return next((text for text in texts if len(text) <= limit), f"{mark}\n")


def decided(decision: Decision, analysis: Analysis, *, limit: int = LIMIT) -> str:
    """Return the decision alone, with the rule that it follows."""
    design = analysis.design
    parts = [
        marker(design.project, design.key),
        f"### Decision on experiment {code(design.key)}",
        _verdict(decision),
        _list(decision.reasons),
        *_warned(decision.warnings),
        _about(analysis),
        _rule(design, decision, is_open=True),
    ]
    whole = _joined(parts)
    return whole if len(whole) <= limit else _joined(parts[:3])


def marker(project: str, key: str) -> str:
    """Return the hidden line by which the report on an experiment is found again."""
    return f"{markers(project)}{comment(key)} -->"


def markers(project: str) -> str:
    """Return how the markers of a project's experiments start."""
    return f"<!-- ldconf experiment {comment(project)} "


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdict(decision: Decision) -> str:
    words = say.verdict(decision)
    return f"{_VERDICTS[decision.verdict]} **Verdict: {prose(words)}**"


def _about(analysis: Analysis) -> str:
    return (
        f"{prose(say.sentence(say.status(analysis)))} {prose(say.sentence(say.source(analysis)))}"
    )


def _list(found: Sequence[str]) -> str:
    return "\n".join(f"- {prose(one)}" for one in found)


def _warned(found: Sequence[Caution]) -> list[str]:
    return ["\n".join(f"> ⚠️ {code(one.code.value)}: {prose(one.words)}<br>" for one in found)]


def _metric(metric: MetricResult, design: ExperimentDesign, *, frequentist: bool) -> str:
    rows = say.arm_rows(metric, design)
    tests = ["p-value"] if frequentist else ["P(beat)", "P(best)", "exp. loss", "data"]
    names = ["variation", "exposed", say.total_label(metric), say.mean_label(metric, design)]
    names += [say.interval_label(design), "vs control", *tests]
    lines = [
        f"| {' | '.join(names)} |",
        f"|---|{'---:|' * (len(names) - 1)}",
        *(_row(row, frequentist=frequentist) for row in rows),
    ]
    title = f"**{prose(metric.name or metric.key)}**"
    if metric.name and metric.name != metric.key:
        title += f" {code(metric.key)}"
    parts = [f"{title} ({prose(say.roles(metric))})", "\n".join(lines), *_warned(metric.warnings)]
    return "\n\n".join(part for part in parts if part)


def _row(row: ArmRow, *, frequentist: bool) -> str:
    change = row.change
    if change != say.NOTHING:
        change = f"{_TONES[row.tone]}{row.change} {row.change_interval}"
    name = code(row.variation) + (" (control)" if row.is_control else "")
    tests = [row.p_value] if frequentist else [row.beat, row.best, row.loss, row.weight]
    cells = [row.exposed, row.total, row.mean, row.interval, change, *tests]
    return f"| {name} | {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    """Figures in a cell start no list: `prose` need not escape a leading number."""
    return prose(f"x{text}")[1:]


def _health(analysis: Analysis) -> str:
    checks = [
        f"- {_HEALTH[check.status]} {prose(check.name)}: {prose(check.words)}"
        for check in analysis.health
    ]
    warned = say.cautions(analysis)
    lines = [f"- {prose(say.sample_ratio(analysis))}", *checks]
    lines += [f"- ⚠️ {code(one.code.value)}: {prose(one.words)}" for one in warned]
    bad = [one for one in analysis.health if one.status is not HealthStatus.HEALTHY]
    title = "Health: " + (", ".join(f"{one.name} {one.status.value}" for one in bad) or "good")
    return summary(title, "\n".join(lines), is_open=bool(bad))


def _rule(design: ExperimentDesign, decision: Decision | None, *, is_open: bool = False) -> str:
    lines = [f"- {prose(name)}: {prose(value)}" for name, value in say.rule(design)]
    found = decision.registration if decision else None
    lines += [f"- {prose(line)}" for line in say.registration(found)]
    return summary("The rule, as the files say it", "\n".join(lines), is_open=is_open)


def _slices(analysis: Analysis, *, frequentist: bool) -> list[str]:
    return [
        summary(
            f"By {attribute}, for reading and not for deciding",
            "\n\n".join(
                f"**{code(attribute)} is {code(one.value)}**\n\n"
                + "\n\n".join(
                    _metric(metric, analysis.design, frequentist=frequentist)
                    for metric in one.metrics
                )
                for one in found
            ),
        )
        for attribute, found in say.slices(analysis)
    ]


def _left(number: int) -> str:
    what = f"{counted(number, 'metric')} and all slices" if number else "the slices"
    where = "in the output of `ldconf experiment results`"
    return f"> Shortened to fit GitHub's limit: {what} are {where}."

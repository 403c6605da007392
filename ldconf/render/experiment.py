"""Results and decision of an experiment for a terminal: a table per metric, then what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ldconf.core.analysis import (
    Analysis,
    Caution,
    Decision,
    HealthStatus,
    MetricResult,
    Verdict,
)
from ldconf.core.experiment import ExperimentDesign
from ldconf.render import density
from ldconf.render import experiment_rows as say
from ldconf.render.canvas import Look, drawn
from ldconf.render.escape import visible_line
from ldconf.render.experiment_rows import ArmRow

WIDE = 200  # columns where nobody wraps
_BAR = 12
_TONES = {"good": "green", "bad": "red", "": ""}
_HEALTH = {
    HealthStatus.HEALTHY: "green",
    HealthStatus.WAITING: "cyan",
    HealthStatus.WARNING: "yellow",
    HealthStatus.FAILED: "bold red",
}
_VERDICTS = {
    Verdict.SHIP_TREATMENT: "bold green",
    Verdict.SHIP_CONTROL: "bold green",
    Verdict.KEEP_RUNNING: "bold cyan",
    Verdict.STOP_INCONCLUSIVE: "bold yellow",
    Verdict.BLOCKED_BY_GUARDRAIL: "bold red",
    Verdict.INVALID: "bold red",
}
Columns: TypeAlias = Sequence[tuple[str, Callable[[ArmRow], str]]]


def text(
    analysis: Analysis, decision: Decision | None, look: Look, *, slices_of: str | None = None
) -> str:
    """Return the results as one string that ends with a newline."""
    return drawn(tables(analysis, decision, slices_of=slices_of), look, WIDE)


def decided(decision: Decision, analysis: Analysis, look: Look) -> str:
    """Return the decision alone: verdict, reasons, the rule and whether it is the one that was
    registered."""
    parts = [_title(analysis.design), _line(say.status(analysis), "dim"), Text("")]
    return drawn(Group(*parts, *_decision(decision, analysis)), look, WIDE)


def tables(analysis: Analysis, decision: Decision | None, *, slices_of: str | None = None) -> Group:
    """Return the results; tables take the widest form that the console has room for."""
    design = analysis.design
    parts: list[RenderableType] = [
        _title(design),
        _line(say.status(analysis)),
        _line(say.source(analysis), "dim"),
        Text(""),
        *_health(analysis),
        Text(""),
    ]
    for metric in analysis.metrics:
        parts += _metric(metric, design, frequentist=say.is_frequentist(analysis))
    parts += _slices(analysis, slices_of)
    if decision is not None:
        parts += _decision(decision, analysis, rule=False)
    return Group(*parts)


def _title(design: ExperimentDesign) -> Text:
    title = Text(visible_line(design.name or design.key), "bold")
    if design.name and design.name != design.key:
        title.append(visible_line(f" ({design.key})"), "not bold")
    return title


def _line(words: str, style: str = "") -> Text:
    return Text(visible_line(words), style)


def _item(words: str, style: str = "", mark: str = "-") -> RenderableType:
    """Return a sentence behind a mark, indented below itself."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(mark, style), Text(visible_line(words)))
    return grid


def _health(analysis: Analysis) -> Iterator[RenderableType]:
    yield _line(say.sample_ratio(analysis))
    for check in analysis.health:
        if check.status is not HealthStatus.HEALTHY:
            yield _item(f"{check.name}: {check.words}", _HEALTH[check.status], check.status.value)
    healthy = [one.name for one in analysis.health if one.status is HealthStatus.HEALTHY]
    if healthy:
        yield _item(", ".join(healthy), "green", "healthy")
    yield from _cautions(say.cautions(analysis))


def _cautions(found: Sequence[Caution]) -> Iterator[RenderableType]:
    for caution in found:
        yield _item(caution.words, "yellow", f"warning: {caution.code.value}:")


class _Fitting:
    """The first of several tables for which there is room; else the last."""

    def __init__(self, tables: Sequence[Callable[[], RenderableType]]) -> None:
        self.tables = tables

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for make in self.tables[:-1]:
            made = make()
            if console.measure(made, options=options.update(width=10_000)).maximum <= (
                options.max_width
            ):
                yield made
                return
        yield self.tables[-1]()


def _metric(
    metric: MetricResult, design: ExperimentDesign, *, frequentist: bool
) -> Iterator[RenderableType]:
    title = Text(visible_line(metric.name or metric.key), "bold")
    if metric.name and metric.name != metric.key:
        title.append(visible_line(f" {metric.key}"), "not bold dim")
    title.append(f" ({visible_line(say.roles(metric))})", "not bold")
    yield title
    yield _Fitting(_forms(metric, design, _effects(frequentist=frequentist)))
    yield from (Padding(one, (0, 0, 0, 2)) for one in _cautions(metric.warnings))
    yield Text("")


def _forms(
    metric: MetricResult, design: ExperimentDesign, effects: Columns
) -> list[Callable[[], RenderableType]]:
    """Return how a metric can be drawn, from the widest form to the narrowest.

    Exposures go first: they are those of the whole experiment, and stand above.
    """
    rows, bars = say.arm_rows(metric, design), _bars(metric)
    estimates = _estimates(metric, design)
    has_effects = any(cell(row) != say.NOTHING for row in rows for _, cell in effects)
    lower = effects if has_effects else ()
    return [
        partial(_table, rows, [*estimates, *lower], bars),
        partial(_stacked, rows, estimates, lower, bars),
        partial(_stacked, rows, estimates[1:], lower, bars),
        partial(_stacked, rows, estimates[1:], lower, ()),
        partial(_told, rows, estimates[2:], lower),
    ]


def _estimates(metric: MetricResult, design: ExperimentDesign) -> Columns:
    return [
        ("exposed", lambda row: row.exposed),
        (say.total_label(metric), lambda row: row.total),
        (say.mean_label(metric, design), lambda row: row.mean),
        (say.interval_label(design), lambda row: row.interval),
    ]


def _effects(*, frequentist: bool) -> Columns:
    change: Columns = [("vs control", _change)]
    if frequentist:
        return [*change, ("p-value", lambda row: row.p_value)]
    return [
        *change,
        ("P(beat)", lambda row: row.beat),
        ("P(best)", lambda row: row.best),
        ("loss", lambda row: row.loss),
        ("data", lambda row: row.weight),
    ]


def _change(row: ArmRow) -> str:
    if row.change == say.NOTHING:
        return row.change
    return f"{row.change} {row.change_interval}"


def _bars(metric: MetricResult) -> tuple[str, ...]:
    ends = density.axis(metric)
    if ends is None:
        return ()
    return tuple(density.sparkline(arm.density, ends, _BAR) for arm in metric.arms)


def _table(
    rows: Sequence[ArmRow], columns: Columns, bars: Sequence[str], *, marks: bool = True
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("  variation", overflow="fold")
    for name, _ in columns:
        table.add_column(name, justify="right", no_wrap=True)
    if bars:
        table.add_column("density", no_wrap=True)
    for at, row in enumerate(rows):
        cells = [Text(cell(row), _style(name, row)) for name, cell in columns]
        table.add_row(_name(row, marks=marks), *cells, *([bars[at]] if bars else []))
    return table


def _stacked(
    rows: Sequence[ArmRow], estimates: Columns, effects: Columns, bars: Sequence[str]
) -> RenderableType:
    """Return the estimates as a table, and what follows from them as another below it."""
    upper = _table(rows, estimates, bars)
    lower = _table(rows, effects, (), marks=False)
    return Group(upper, Text(""), lower) if effects else upper


def _told(rows: Sequence[ArmRow], estimates: Columns, effects: Columns) -> RenderableType:
    """Return the estimates as a table, and a sentence per arm."""
    sentences = []
    for row in rows:
        said = [(name, cell(row)) for name, cell in effects if cell(row) != say.NOTHING]
        words = Text(f"{visible_line(row.variation)}: ")
        for at, (name, value) in enumerate(said):
            words.append(f"{', ' if at else ''}{name} ")
            words.append(value, _style(name, row))
        if said:
            sentences.append(Padding(words, (0, 0, 0, 2)))
    return Group(_table(rows, estimates, ()), *sentences)


def _name(row: ArmRow, *, marks: bool) -> Text:
    name = Text(f"  {visible_line(row.variation)}")
    if row.is_control and marks:
        name.append(" (control)", "dim")
    return name


def _style(column: str, row: ArmRow) -> str:
    return _TONES[row.tone] if column in ("vs control", "P(beat)", "p-value") else ""


def _slices(analysis: Analysis, wanted: str | None) -> Iterator[RenderableType]:
    for attribute, found in say.slices(analysis):
        if attribute != wanted:
            values = ", ".join(one.value for one in found[:5]) + (", ..." if len(found) > 5 else "")
            yield _line(f"by {attribute}: {values} (--slice {attribute} shows them)", "dim")
            continue
        yield _line(f"by {attribute}, for reading and not for deciding:", "bold")
        for one in found:
            yield Text("")
            yield _line(f"{attribute} = {one.value}", "bold underline")
            for metric in one.metrics:
                frequentist = say.is_frequentist(analysis)
                yield from _metric(metric, analysis.design, frequentist=frequentist)
    if analysis.slices:
        yield Text("")


def _decision(
    decision: Decision, analysis: Analysis, *, rule: bool = True
) -> Iterator[RenderableType]:
    words = Text("verdict: ")
    words.append(visible_line(say.verdict(decision)), _VERDICTS[decision.verdict])
    yield words
    for reason in decision.reasons:
        yield _item(reason)
    yield from _cautions(decision.warnings if rule else say.cautions(analysis, decision))
    if rule:
        yield Text("")
        yield Text("the rule, as the files say it:")
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim")
        grid.add_column(overflow="fold")
        for name, value in say.rule(analysis.design):
            grid.add_row(f"  {visible_line(name)}", visible_line(value))
        yield grid
    found = decision.registration
    style = "" if found is None or found.is_clean else "yellow"
    yield from (_line(line, style) for line in say.registration(found))

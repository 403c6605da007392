"""How large an experiment must be, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ldconf.core import figures
from ldconf.core.analysis import Verdict
from ldconf.core.sizing import Chances, Detects, SizeReport
from ldconf.render import scales
from ldconf.render.canvas import Look, drawn
from ldconf.render.escape import visible_line
from ldconf.render.experiment import WIDE
from ldconf.render.experiment_rows import VERDICTS


def text(report: SizeReport, look: Look) -> str:
    """Return the answer: what was assumed, what is needed, what the declared numbers find."""
    return drawn(Group(*_parts(report)), look, WIDE)


def _parts(report: SizeReport) -> Iterator[RenderableType]:
    title = "Size of an experiment"
    if report.experiment:
        title = f"Size of experiment {report.experiment}, metric {report.metric}"
    yield Text(visible_line(title), "bold")
    yield Text(visible_line(_assumed(report)))
    yield Text("")
    if report.per_arm is not None:
        yield from _needed(report)
        yield Text("")
    yield Text("what a number of units per arm finds:", "bold")
    yield _detected(report)
    if report.simulated:
        yield Text("")
        yield from _simulated(report)
    for warning in report.warnings:
        words = Text("warning: ", "yellow")
        yield words.append(f"{warning.code.value}: ").append(visible_line(warning.words), "default")
    for note in report.notes:
        yield Text(f"note: {visible_line(note)}", "dim")


def _assumed(report: SizeReport) -> str:
    baseline = _value(report, report.baseline)
    words = f"baseline {baseline}"
    if report.sd is not None:
        words += f" (sd {report.sd:g})"
    if report.baseline_from != "typed":
        words += f", from {report.baseline_from}"
    if report.effect is not None:
        reached = _value(report, report.baseline * (1 + report.effect))
        words += f"; to find: {report.effect * 100:+.3g} % (to {reached})"
    words += f"; ships at {scales.probability(report.threshold)} to beat control"
    return f"{words}; power {figures.share(report.power)}"


def _value(report: SizeReport, found: float) -> str:
    return figures.share(found) if report.is_rate else f"{found:,.6g}"


def _needed(report: SizeReport) -> Iterator[Text]:
    words = Text("needed: ")
    words.append(f"{figures.count(report.per_arm)} {report.unit}s per arm", "bold")
    arms = ", ".join(f"{arm} {figures.count(number)}" for arm, number in report.arms.items())
    words.append(visible_line(f" ({arms}; {figures.count(report.total)} in all)"))
    yield words
    if report.days is not None:
        traffic = figures.count(report.daily_units)
        yield Text(f"takes: {report.days:.1f} days at {traffic} {report.unit}s a day")


def _detected(report: SizeReport) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    for _ in range(3):
        table.add_column(justify="right")
    for one in report.detects:
        days = "" if one.days is None else f"in {one.days:.1f} days"
        number = f"{figures.count(one.per_arm)} {report.unit}s"
        table.add_row(f"  {one.name}", number, _effect(report, one), days)
    return table


def _effect(report: SizeReport, found: Detects) -> str:
    if found.effect is None:
        return "nothing that is possible"
    reached = _value(report, report.baseline * (1 + found.effect))
    return f"{found.effect * 100:+.3g} % (to {reached})"


def _simulated(report: SizeReport) -> Iterator[RenderableType]:
    first = report.simulated[0]
    looks = "one look" if report.looks == 1 else f"{report.looks} looks"
    words = f"what the rule decides, in {figures.count(first.runs)} simulated experiments each"
    yield Text(f"{words} ({figures.count(first.per_arm)} {report.unit}s per arm, {looks}):", "bold")
    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for one in report.simulated:
        shipped = f"ships {_share(one)}"
        others = [
            f"{VERDICTS[Verdict(verdict)]} {scales.probability(share)}"
            for verdict, share in one.verdicts.items()
            if verdict != Verdict.SHIP_TREATMENT.value
        ]
        table.add_row(f"  {_scenario(one)}", shipped, ", ".join(others))
    yield table


def _share(found: Chances) -> str:
    return f"{found.shipped * 100:.1f} % ± {found.error * 100:.1f}"


def _scenario(found: Chances) -> str:
    effect = f" by {abs(found.effect) * 100:.3g} %" if found.effect else ""
    return visible_line(f"{found.scenario}{effect}")

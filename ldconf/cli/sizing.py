"""The work of `ldconf experiment size`."""

from __future__ import annotations

from dataclasses import dataclass

from ldconf.cli import quantities
from ldconf.cli.experimenting import Asked, found_results
from ldconf.cli.options import Plain
from ldconf.cli.run import Run
from ldconf.core.errors import UsageError
from ldconf.render import experiment_json
from ldconf.render import experiment_size as drawing
from ldconf.workflow.experiment_place import declared
from ldconf.workflow.experiment_size import SizeWish, Tries, size


@dataclass(frozen=True)
class Typed:
    """What was typed, as text."""

    key: str | None
    baseline: str | None
    mde: str | None
    sd: str | None
    lower_is_better: bool
    threshold: str | None
    power: str
    split: str | None
    traffic: str | None
    simulate: int | None
    looks: int | None


def show_size(run: Run, typed: Typed, pilot: Asked, form: Plain) -> int:
    """Size, simulate if wanted, and write the answer. Returns the exit code."""
    wish = _wish(typed)
    has_source = pilot.source or pilot.events or pilot.aggregates or run.local
    if typed.key is None and (pilot.source or pilot.events or pilot.aggregates):
        raise UsageError("events belong to an experiment: name its KEY")
    design = declared(run.root(), typed.key).design if typed.key else None
    analysis = None
    if design is not None and wish.baseline is None and has_source:
        analysis = found_results(run, pilot, history=False).analysis
    tries = None
    with run.progress() as bar:
        if typed.simulate is not None:
            total = 2 * typed.simulate
            tries = Tries(
                typed.simulate,
                None if bar is None else lambda done: bar("simulating", done, total),
            )
        report = size(design, wish, analysis, tries)
    run.out(experiment_json.size(report) if form is Plain.JSON else drawing.text(report, run.look))
    return 0


def _wish(typed: Typed) -> SizeWish:
    if typed.key is not None:
        taken = {"--split": typed.split, "--lower-is-better": typed.lower_is_better}
        for flag, value in taken.items():
            if value:
                raise UsageError(f"{flag} is what the experiment says itself: leave KEY or it out")
    if typed.simulate is not None and typed.mde is None:
        raise UsageError("--simulate needs --mde", "the difference that is to be found")
    effect = None if typed.mde is None else abs(quantities.percent("--mde", typed.mde))
    return SizeWish(
        baseline=_number("--baseline", typed.baseline),
        effect=effect,
        sd=_number("--sd", typed.sd),
        threshold=None
        if typed.threshold is None
        else quantities.share("--threshold", typed.threshold),
        power=quantities.share("--power", typed.power),
        split=None if typed.split is None else quantities.split("--split", typed.split),
        daily_units=None
        if typed.traffic is None
        else quantities.per_day("--traffic", typed.traffic),
        looks=typed.looks,
        lower_is_better=typed.lower_is_better,
    )


def _number(flag: str, text: str | None) -> float | None:
    return None if text is None else quantities.number(flag, text)

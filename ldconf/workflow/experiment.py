"""`ldconf experiment results` and `decide`: counts from where they are, what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ldconf.api.aggregates import read_aggregates
from ldconf.api.client import Client
from ldconf.core import figures
from ldconf.core.aggregates import Aggregates, ArmCounts
from ldconf.core.analysis import Analysis, Caution, Code, Decision
from ldconf.core.errors import ApiError, UsageError
from ldconf.core.experiment import ExperimentDesign, Prior
from ldconf.experiments import figures_template
from ldconf.experiments.analyse import analyse
from ldconf.experiments.decide import decide
from ldconf.experiments.event_files import count_files
from ldconf.kinds.experiment_model import DRAFT
from ldconf.workflow.experiment_place import Declared, declared, facts_of, not_there
from ldconf.workflow.figures import read_figures
from ldconf.workflow.registration import registration
from ldconf.workflow.site import Site

LOOKS = 20
NO_SOURCE = (
    "LaunchDarkly's API returns no experiment results",
    "say where the events are:\n"
    "    --from local        events of the local LaunchDarkly\n"
    "    --events FILE|DIR   events exported from LaunchDarkly, parquet or jsonl\n"
    "    --aggregates FILE   figures from the results page; "
    "`ldconf experiment results KEY --template` prints a file to fill in",
)

NO_START = (
    "when the iteration started is not known without an account, so no maximum duration applies "
    "and every event in files counts; --since TIME tells it"
)


@dataclass(frozen=True)
class ResultsWish:
    """Which experiment, counted from where, analysed how. Times are epoch ms.

    Without `events` and `aggregates` the local LaunchDarkly is asked. `since` stands in for the
    start of the iteration, `slice_by` for the attributes that the files name.
    """

    key: str
    events: Path | None = None
    aggregates: Path | None = None
    prior: Prior | None = None
    as_of: int | None = None
    since: int | None = None
    slice_by: str | None = None
    history: bool = True

    @property
    def from_files(self) -> bool:
        """True if the counts are not in the local LaunchDarkly."""
        return self.events is not None or self.aggregates is not None


@dataclass(frozen=True)
class Results:
    """What was found. `remarks` say what could not be found out."""

    analysis: Analysis
    decision: Decision
    remarks: tuple[str, ...] = ()


async def results(root: Path, site: Site | None, wish: ResultsWish, now_ms: int) -> Results:
    """Return the results of an experiment, and what its rule says of them.

    `site` None: nobody is asked when the iteration started. Raises LdconfError in words for an
    experiment that is not in the files, was never started, or has no such attribute.
    """
    found = declared(root, wish.key)
    as_of = now_ms if wish.as_of is None else wish.as_of
    if site is None:
        design = _design(found, wish, as_of)
        return _concluded(found, design, _from_files(design, wish, as_of))
    async with site.client() as client:
        found = await _asked(client, site, found, wish)
        design = _design(found, wish, as_of)
        if design.status == "draft":
            looks: Sequence[Aggregates] = (_nothing(design, as_of),)
        elif wish.from_files:
            looks = _from_files(design, wish, as_of)
        else:
            earlier = times(design, as_of) if wish.history else ()
            looks = await read_aggregates(client, design, as_of, earlier)
    return _concluded(found, design, looks)


def times(design: ExperimentDesign, as_of: int) -> tuple[int, ...]:
    """Return the earlier times at which results are looked at: evenly from the start."""
    if design.started is None:
        return ()
    end = as_of if design.ended is None else min(as_of, design.ended)
    step = (end - design.started) / LOOKS
    if step < 1:
        return ()
    return tuple(design.started + round(step * number) for number in range(1, LOOKS))


async def _asked(client: Client, site: Site, found: Declared, wish: ResultsWish) -> Declared:
    """Return the experiment with what LaunchDarkly knows of its iteration.

    Raises LdconfError if it has no such iteration, unless the events are in files.
    """
    try:
        facts = await facts_of(client, site, found)
    except ApiError as error:
        if not wish.from_files:
            raise
        words = f"LaunchDarkly does not tell when the iteration started: {error.summary}"
        return replace(found, remarks=(words,))
    if facts is None and found.experiment.status != DRAFT and not wish.from_files:
        raise not_there(found, local=site.connection.is_local)
    return replace(found, facts=facts)


def _design(found: Declared, wish: ResultsWish, as_of: int) -> ExperimentDesign:
    design = found.design
    if wish.prior is not None:
        design = replace(design, prior=wish.prior)
    if wish.since is not None:
        design = replace(design, started=wish.since)
    if wish.slice_by is not None:
        if not wish.slice_by.strip("/ "):
            raise UsageError("--slice names an attribute of the context", "for instance country")
        design = replace(design, attributes=(wish.slice_by,))
    if design.started is not None and as_of < design.started:
        raise UsageError(
            f"{figures.iso(as_of)} is before the iteration started, {figures.iso(design.started)}"
        )
    return design


def _nothing(design: ExperimentDesign, as_of: int) -> Aggregates:
    """Return the counts of a draft: it has none, whatever earlier iterations have."""
    arms = {arm: ArmCounts(0) for arm in design.allocation}
    return Aggregates(arms, as_of, "no events (a draft)")


def _concluded(found: Declared, design: ExperimentDesign, looks: Sequence[Aggregates]) -> Results:
    """Return the analysis of the last look, with the decision and what git says of its rule."""
    *earlier, last = looks
    history = looks if earlier else ()
    analysis = analyse(design, last, history)
    registered = registration(found.root, found.workspace, found.key, design.iteration)
    decision = replace(decide(analysis), registration=registered)
    words = [Caution(Code.CONTAMINATED, one) for one in registered.contaminations]
    decision = replace(decision, warnings=(*decision.warnings, *words))
    remarks = (*found.remarks, *last.notes)
    if design.attributes and not analysis.slices and last.exposed:
        remarks = (*remarks, f"no slices: {last.source} do not tell {', '.join(design.attributes)}")
    if analysis.design.started is None and analysis.design.status != "draft":
        remarks = (*remarks, NO_START)
    return Results(analysis, decision, remarks)


def _from_files(design: ExperimentDesign, wish: ResultsWish, as_of: int) -> Sequence[Aggregates]:
    if wish.events is not None:
        earlier = times(design, as_of) if wish.history else ()
        return count_files(wish.events, design, (*earlier, as_of))
    if wish.aggregates is None:
        raise ValueError("neither events nor figures")
    return (read_figures(wish.aggregates, design, as_of),)


def template(root: Path, key: str) -> str:
    """Return a file for `--aggregates` to fill in."""
    return figures_template.template(declared(root, key).design)

"""The work of `ldconf evaluate`: where flags come from, and how the result is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ldconf.cli.options import Origin, Plain
from ldconf.cli.run import Run
from ldconf.core.errors import UsageError
from ldconf.core.evaluation import Distribution, Evaluation
from ldconf.render import evaluation as drawing
from ldconf.render import json
from ldconf.workflow import evaluate as asking
from ldconf.workflow.evaluate import Question, Source


@dataclass(frozen=True)
class Asked:
    """What the command line says, as it says it."""

    ai_config: str
    environment: str
    context: str | None
    variables: str | None
    sample: Path | None
    origin: Origin | None


def evaluate(run: Run, asked: Asked, form: Plain) -> None:
    """Evaluate one context or a file of them, and write the result. Raises UsageError."""
    if (asked.context is None) == (asked.sample is None):
        raise UsageError("give either --context JSON or --sample FILE")
    if asked.sample is not None and asked.variables is not None:
        raise UsageError("--variables are for a prompt: they go with --context")
    question = asking.question(asked.ai_config, asked.environment, asked.context, asked.variables)
    origin = _origin(run, asked.origin)
    source = _source(run, question, origin)
    note = asking.SALTS if origin is Origin.LIVE else None
    if asked.sample is not None:
        spread = asking.sample(source, question, asked.sample)
        note = note or asking.remark(source, spread)
        _write_distribution(run, spread, asked.sample, note, form)
    else:
        found = asking.evaluate(source, question)
        note = note or asking.remark(source, found)
        _write_evaluation(run, found, note, form)


def _origin(run: Run, wanted: Origin | None) -> Origin:
    if wanted is None:
        return Origin.LOCAL if run.local else Origin.FILES
    if run.local and wanted is not Origin.LOCAL:
        raise UsageError(f"--local and --from {wanted.value} contradict each other")
    return wanted


def _source(run: Run, question: Question, origin: Origin) -> Source:
    if origin is Origin.FILES:
        return asking.files_source(run.root(), question.ai_config, question.environment)
    run.local = origin is Origin.LOCAL
    with run.site() as site, run.progress() as progress:
        return run.wait(
            asking.account_source, site, question.ai_config, question.environment, progress
        )


def _write_evaluation(run: Run, found: Evaluation, note: str | None, form: Plain) -> None:
    note = note if found.reason.is_rollout else None
    if form is Plain.JSON:
        run.out(json.document("evaluation", {**json.data(found), "note": note}))
    else:
        run.out(drawing.evaluation(found, run.look, note))


def _write_distribution(
    run: Run, found: Distribution, source: Path, note: str | None, form: Plain
) -> None:
    if form is Plain.JSON:
        members = {**json.data(found), "total": found.total, "note": note}
        run.out(json.document("distribution", members))
    else:
        run.out(drawing.distribution(found, str(source), run.look, note))

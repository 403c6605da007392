"""The file to type figures of LaunchDarkly's results page into."""

from __future__ import annotations

from collections.abc import Iterator

from ldconf.core.experiment import ExperimentDesign
from ldconf.experiments.figures_file import underivable


def template(design: ExperimentDesign) -> str:
    """Return a YAML file to fill in with what the results page shows."""
    return "\n".join((*_head(design), *_metrics(design))) + "\n"


def _head(design: ExperimentDesign) -> Iterator[str]:
    yield f"# Figures of experiment {design.key}, from LaunchDarkly's results page."
    yield "# Numbers without separators and units: 13308721, 0.0119."
    yield f"experiment: {_text(design.key)}"
    yield f"iteration: {design.iteration}"
    yield "asOf:  # when the figures were read, e.g. 2026-11-24T15:00Z; now if empty"
    yield "started:  # when the iteration started; not needed if LaunchDarkly can be asked"
    yield "exposures:  # the page's Exposures"
    for arm in design.allocation:
        yield f"  {_text(arm)}:{_control(design, arm)}"
    yield "neverSeen: []  # metrics of which the page says that no events came"
    yield "metrics:"


def _metrics(design: ExperimentDesign) -> Iterator[str]:
    for metric in design.metrics:
        if words := underivable(metric):
            yield f"  # {_text(metric.key)}: {words}"
            continue
        yield f"  {_text(metric.key)}:{'  # primary' if metric.key == design.primary else ''}"
        unit = f" in {metric.unit}" if metric.unit else ""
        for arm in design.allocation:
            yield f"    {_text(arm)}:{_control(design, arm)}"
            if metric.per_unit == "occurrence":
                yield "      conversions:"
                continue
            if metric.missing is None:
                yield "      units:  # units with events"
            yield f"      total:  # total value{unit}; or `mean:`, that of the data"
            if arm != design.control:
                yield "      posteriorMean:  # the page's mean; with `sd` not needed"
            yield "      interval:  # [lower, upper], 90 %; or `sd:`, of units"


def _control(design: ExperimentDesign, arm: str) -> str:
    return "  # control" if arm == design.control else ""


def _text(key: str) -> str:
    """Return a key as YAML reads it back: a text, whatever it looks like."""
    plain = key.replace("-", "").replace("_", "").replace(".", "")
    is_word = plain.isascii() and plain.isalnum() and key[0].isalpha()
    reserved = key.lower() in ("true", "false", "null")
    return key if is_word and not reserved else "'" + key.replace("'", "''") + "'"

"""Results of an experiment as one HTML file: no network, no script, light and dark."""

from __future__ import annotations

from collections.abc import Sequence

from ldconf.core import figures
from ldconf.core.analysis import (
    Analysis,
    Caution,
    Decision,
    HealthStatus,
    MetricResult,
    Verdict,
)
from ldconf.core.experiment import ExperimentDesign
from ldconf.render import experiment_charts as charts
from ldconf.render import experiment_rows as say
from ldconf.render import scales, svg
from ldconf.render.experiment_rows import ArmRow
from ldconf.render.experiment_style import STYLE
from ldconf.render.svg import escaped

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_VERDICTS = {
    Verdict.SHIP_TREATMENT: "good",
    Verdict.SHIP_CONTROL: "good",
    Verdict.KEEP_RUNNING: "wait",
    Verdict.STOP_INCONCLUSIVE: "warn",
    Verdict.BLOCKED_BY_GUARDRAIL: "bad",
    Verdict.INVALID: "bad",
}
_HEALTH = {
    HealthStatus.HEALTHY: "good",
    HealthStatus.WAITING: "wait",
    HealthStatus.WARNING: "warn",
    HealthStatus.FAILED: "bad",
}


def page(analysis: Analysis, decision: Decision | None) -> str:
    """Return the whole report as one page."""
    design = analysis.design
    title = design.name or design.key
    body = [
        _head(analysis),
        _verdict(decision, say.cautions(analysis, decision)) if decision else "",
        "<h2>Metrics</h2>",
        *(_metric(metric, analysis) for metric in analysis.metrics),
        "<h2>Exposures and health</h2>",
        _health(analysis),
        *_slices(analysis),
        "<h2>The rule, as the files say it</h2>",
        _rule(design, decision),
        _method(analysis),
    ]
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="robots" content="noindex">\n<link rel="icon" href="data:,">\n'
        f"<title>{escaped(title)}: results</title>\n<style>{STYLE}</style>\n</head>\n"
        "<body>\n<main>\n" + "\n".join(filter(None, body)) + "\n</main>\n</body>\n</html>\n"
    )


def _head(analysis: Analysis) -> str:
    design = analysis.design
    hypothesis = f"<p>{escaped(design.hypothesis)}</p>" if design.hypothesis else ""
    return (
        f"<header><h1>{escaped(design.name or design.key)}</h1>"
        f'<p class="soft"><code>{escaped(design.key)}</code> of project '
        f"<code>{escaped(design.project)}</code></p>"
        f"<p>{escaped(say.sentence(say.status(analysis)))}</p>{hypothesis}"
        f'<p class="soft">{escaped(say.sentence(say.source(analysis)))}</p></header>'
    )


def _verdict(decision: Decision, warnings: Sequence[Caution]) -> str:
    items = "".join(f"<li>{escaped(reason)}</li>" for reason in decision.reasons)
    items += "".join(_caution(one) for one in warnings)
    tone = _VERDICTS[decision.verdict]
    return (
        f'<h2>Verdict</h2><section class="card verdict {tone}">'
        f'<b class="{tone}">{escaped(say.sentence(say.verdict(decision)))}</b>'
        f"<ul>{items}</ul></section>"
    )


def _caution(found: Caution) -> str:
    return (
        f'<li><span class="warn">Warning</span> <code>{escaped(found.code.value)}</code>: '
        f"{escaped(found.words)}</li>"
    )


def _metric(metric: MetricResult, analysis: Analysis) -> str:
    design = analysis.design
    warnings = "".join(_caution(one) for one in metric.warnings)
    name = metric.name or metric.key
    key = f' <code class="soft">{escaped(metric.key)}</code>' if name != metric.key else ""
    badges = "".join(f'<span class="badge">{escaped(w)}</span>' for w in _badges(metric))
    drawn = charts.densities(metric, design) + charts.chances(metric, analysis)
    table = _estimates(metric, design, frequentist=say.is_frequentist(analysis))
    many = " many" * (len(metric.arms) > 2) + " most" * (len(metric.arms) > 3)
    body = f'<div class="pair{many}"><div>{drawn}</div>{table}</div>' if drawn else table
    return (
        f'<section class="card"><h3>{escaped(name)}{key}{badges}</h3>{body}'
        + (f"<ul>{warnings}</ul>" if warnings else "")
        + "</section>"
    )


def _badges(metric: MetricResult) -> list[str]:
    return say.roles(metric).split(", ")


def _estimates(metric: MetricResult, design: ExperimentDesign, *, frequentist: bool) -> str:
    rows = say.arm_rows(metric, design)
    heads = "".join(
        f'<th scope="col"><span class="key c{at % svg.COLOURS}"></span>{escaped(row.variation)}'
        + (" <small>control</small>" if row.is_control else "")
        + "</th>"
        for at, row in enumerate(rows)
    )
    tests = [("p-value", "p_value")]
    if not frequentist:
        tests = [
            ("P(beat control)", "beat"),
            ("P(best)", "best"),
            ("expected loss", "loss"),
            ("weight of the data", "weight"),
        ]
    names = [
        ("exposed", "exposed"),
        (say.total_label(metric), "total"),
        (say.mean_label(metric, design), "mean"),
        (say.interval_label(design), "interval"),
        ("vs control", "change"),
        ("its interval", "change_interval"),
        *tests,
    ]
    body = "".join(
        f'<tr><th scope="row">{escaped(label)}</th>'
        + "".join(_cell(row, attribute) for row in rows)
        + "</tr>"
        for label, attribute in names
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escaped(metric.name)}">'
        f'<table><thead><tr><th scope="col">'
        f"<small>variation</small></th>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(row: ArmRow, attribute: str) -> str:
    tone = row.tone if attribute in ("change", "beat", "p_value") else ""
    tone = "wraps" if attribute == "total" else tone
    mark = f' class="{tone}"' if tone else ""
    return f"<td{mark}>{escaped(getattr(row, attribute))}</td>"


def _health(analysis: Analysis) -> str:
    checks = "".join(
        f'<li><span class="{_HEALTH[check.status]}">{escaped(check.status.value)}</span> '
        f"{escaped(check.name)}: {escaped(check.words)}</li>"
        for check in analysis.health
    )
    checks += "".join(_caution(one) for one in say.cautions(analysis))
    words = f"<p>{escaped(say.sentence(say.sample_ratio(analysis)))}</p><ul>{checks}</ul>"
    chart = charts.sizes(analysis)
    inner = f'<div class="pair"><div>{chart}</div><div>{words}</div></div>' if chart else words
    return f'<section class="card">{inner}{_history_table(analysis)}</section>'


def _history_table(analysis: Analysis) -> str:
    if not analysis.history:
        return ""
    design = analysis.design
    treatments = [arm.variation for arm in analysis.primary.arms if not arm.is_control]
    heads = ["as of", *(f"{arm} exposed" for arm in analysis.exposed)]
    heads += [f"P({arm} beats control)" for arm in treatments]
    rows = []
    for look in analysis.history:
        chances = look.p_beat_control.get(design.primary, {})
        cells = [figures.count(look.exposed.get(arm)) for arm in analysis.exposed]
        cells += [scales.probability(chances.get(arm)) for arm in treatments]
        inner = "".join(f"<td>{escaped(cell)}</td>" for cell in cells)
        time = escaped(figures.moment(look.as_of))
        rows.append(f'<tr><th scope="row">{time}</th>{inner}</tr>')
    head = "".join(f'<th scope="col">{escaped(one)}</th>' for one in heads)
    return (
        f"<details><summary>Earlier looks as a table</summary>"
        '<div class="scroll" tabindex="0" role="region" aria-label="Earlier looks"><table>'
        f"<caption>Exposures, and the primary metric {escaped(design.primary)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def _slices(analysis: Analysis) -> list[str]:
    if not analysis.slices:
        return []
    frequentist = say.is_frequentist(analysis)
    parts = ["<h2>Slices, for reading and not for deciding</h2>"]
    for attribute, found in say.slices(analysis):
        inner = "".join(
            f"<h3>{escaped(attribute)}: {escaped(one.value)}</h3>"
            + "".join(
                f"<p>{escaped(metric.name or metric.key)}</p>"
                + _estimates(metric, analysis.design, frequentist=frequentist)
                for metric in one.metrics
            )
            for one in found
        )
        parts.append(
            f'<details class="card"><summary>By {escaped(attribute)}</summary>{inner}</details>'
        )
    return parts


def _rule(design: ExperimentDesign, decision: Decision | None) -> str:
    pairs = "".join(
        f"<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>" for name, value in say.rule(design)
    )
    lines = say.registration(decision.registration if decision else None)
    items = "".join(f"<p>{escaped(say.sentence(line))}</p>" for line in lines)
    return f'<section class="card"><dl>{pairs}</dl>{items}</section>'


def _method(analysis: Analysis) -> str:
    design = analysis.design
    if say.is_frequentist(analysis):
        words = (
            "Frequentist tests; intervals hold what their significance leaves, "
            f"{figures.share(1 - design.frequentist.significance)}."
        )
    elif design.prior == "flat":
        words = "Bayesian estimates with flat priors; intervals hold 90 %."
    else:
        words = (
            "Bayesian estimates as LaunchDarkly makes them: control from its data alone, "
            f"treatments with a prior centred on control (relative spread {design.tau:g}); "
            "intervals hold 90 %. Loss is what choosing a variation costs if it is the worse one, "
            "times how probable that is."
        )
    return f'<p class="soft"><small>{escaped(words)}</small></p>'

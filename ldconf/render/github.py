"""What GitHub Actions reads from a command: annotations, step outputs."""

from collections.abc import Iterable, Mapping

from ldconf.core.diagnostic import Diagnostic, Position, Severity
from ldconf.core.resource import sha256
from ldconf.render.escape import visible
from ldconf.render.rows import Report

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_MOST = 50  # GitHub shows no more annotations than that per step and type, and few of them


def annotations(diagnostics: Iterable[Diagnostic], prefix: str = "") -> str:
    """Return one workflow command per problem. `prefix` leads from the repository to the files."""
    lines = [
        _annotation(_LEVELS[found.severity], _words(found), found.position, found.rule, prefix)
        for found in diagnostics
    ]
    return "".join(lines[:_MOST])


def plan_annotations(report: Report, prefix: str = "") -> str:
    """Return annotations for what stops or surprises: refusals, conflicts (errors), drift."""
    lines = [
        _annotation("error", refusal.summary, refusal.position, f"refused: {refusal.guard}", prefix)
        for refusal in report.refusals
    ]
    lines += [
        _annotation("error", row.hint, row.position, f"conflict: {row.label}", prefix)
        for row in report.conflicts
    ]
    lines += [
        _annotation("warning", "moved in LaunchDarkly", row.position, f"drift: {row.label}", prefix)
        for row in report.drift
    ]
    return "".join(lines[:_MOST])


def outputs(values: Mapping[str, str]) -> str:
    """Return the lines for the file that `GITHUB_OUTPUT` names; values may have several lines."""
    parts = []
    for name, value in values.items():
        end = f"end_{sha256(name + value)[:16]}"  # a value cannot hold its own hash: never closes
        parts.append(f"{name}<<{end}\n{value}\n{end}\n")
    return "".join(parts)


def plan_outputs(report: Report) -> dict[str, str]:
    """Return the step outputs of a plan."""
    counts = report.summary.counts
    return {
        "changes": str(sum(len(group.rows) for group in report.groups)),
        "destroys": str(sum(row.symbol == "-" for group in report.groups for row in group.rows)),
        "refused": str(counts["refused"]),
        "conflicts": str(counts["conflict"]),
        "drift": str(counts["drift"]),
        "risk": report.summary.risk,
        "digest": report.digest,
        "verdict": report.summary.verdict,
    }


def _annotation(
    level: str, message: str, position: Position | None, title: str | None, prefix: str
) -> str:
    properties: dict[str, str] = {}
    if position is not None:
        properties |= {"file": prefix + position.file, "line": str(position.line)}
        properties |= {"col": str(position.column)}
    if title:
        properties["title"] = title
    named = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level}{' ' if named else ''}{named}::{_message(message)}\n"


def _words(found: Diagnostic) -> str:
    return f"{found.summary}\n{found.hint}" if found.hint else found.summary


def _message(text: str) -> str:
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")

"""What `ldconf policy` found, drawn."""

from __future__ import annotations

from ldconf.core.diagnostic import Diagnostic, Severity
from ldconf.core.policy import PolicyReport, Violation
from ldconf.render.canvas import Canvas, Look
from ldconf.render.markdown import LIMIT
from ldconf.render.markup import code, comment, prose
from ldconf.render.names import counted

_ROOM = 200  # for the last line
_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_ICONS = {"error": "🛑", "warning": "⚠️", "note": "ℹ️"}  # noqa: RUF001 - the sign is meant


def text(report: PolicyReport, look: Look) -> str:
    """Return one paragraph per violation, and what it comes to."""
    canvas = Canvas(look)
    for found in report.violations:
        severity = (found.severity, _STYLES[found.severity])
        canvas.add(0, severity, f" {found.id}: {found.message}")
        place = f" ({found.position})" if found.position else ""
        canvas.add(2, (f"{found.address}{place}", "dim"))
        if out := _way_out(found):
            canvas.add(2, out)
    canvas.add(0, (verdict(report), "bold"))
    return canvas.draw()


def markdown(report: PolicyReport, *, limit: int = LIMIT) -> str:
    """Return the violations as a list for GitHub, below `limit` characters.

    What is too long loses the ways out first, then the last violations, and says how many.
    """
    head = [*_head(report.project, report.workspace), f"**{verdict(report)}**", ""]
    for items in (
        [_item(found, whole=True) for found in report.violations],
        [_item(found, whole=False) for found in report.violations],
    ):
        text = "\n".join([*head, *items]).rstrip("\n") + "\n"
        if len(text) <= limit:
            return text
    kept, room = [], limit - sum(len(line) + 1 for line in head) - _ROOM
    for item in items:
        room -= len(item) + 1
        if room < 0:
            break
        kept.append(item)
    rest = f"\nand {len(items) - len(kept)} more, in the output of `ldconf policy`"
    return "\n".join([*head, *kept, rest]) + "\n"


def not_checked(project: str, workspace: str) -> str:
    """Return the comment for a commit that cannot be planned: older violations must not stand."""
    return "\n".join([*_head(project, workspace), "Not checked: this commit has no plan."]) + "\n"


def _head(project: str, workspace: str) -> list[str]:
    mark = f"<!-- ldconf policy {comment(project)} {comment(workspace)} -->"
    return [mark, "", f"### Policies of {code(project)}", ""]


def _item(found: Violation, *, whole: bool) -> str:
    icon = "☑️" if found.because is not None else _ICONS[found.severity]
    line = f"- {icon} {code(found.id)} {code(found.address)}: {prose(found.message)}"
    if found.because is not None:
        return f"{line}<br>Allowed by a consent, because: {prose(found.because)}"
    if found.consent is None or not whole:
        return line
    return f"{line}<br>To allow it, write under `consents:` {code(found.consent)}"


def verdict(report: PolicyReport) -> str:
    """Return what it comes to, in one line."""
    rules = counted(len(report.rules), "policy rule")
    if not report.rules:
        return "No policies: write some under `policy:` in ldconf.yaml."
    lifted = sum(found.because is not None for found in report.violations)
    stopping = sum(found.stops for found in report.violations)
    others = len(report.violations) - lifted - stopping
    parts = [counted(stopping, "violation")] if stopping else []
    parts += [counted(others, "remark")] if others else []
    parts += [f"{lifted} allowed by consent"] if lifted else []
    return f"{rules} checked: {', '.join(parts) or 'nothing against them'}."


def diagnostics(report: PolicyReport) -> list[Diagnostic]:
    """Return what no consent allows, for annotations."""
    return [
        Diagnostic(
            Severity(found.severity),
            found.message,
            found.position,
            f"policy {found.id}",
            _way_out(found),
        )
        for found in report.violations
        if found.because is None
    ]


def _way_out(found: Violation) -> str | None:
    if found.because is not None:
        return f"allowed by a consent, because: {found.because}"
    return found.consent and f"to allow it, write under `consents:` {found.consent}"

"""A report for people at a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ldconf.render import fields as say
from ldconf.render.canvas import Canvas, Look, Piece
from ldconf.render.names import counted
from ldconf.render.rows import (
    ConflictRow,
    Detail,
    DriftRow,
    FieldRow,
    Group,
    NoteRow,
    RefusalRow,
    Report,
    Row,
    SetChange,
    TextChange,
    ValueChange,
    WhoChange,
)
from ldconf.render.textdiff import Op, Span

_STYLES = {"+": "green", "~": "yellow", "-": "red"}
_MARKS = {
    Op.SAME: ("", "", "dim"),
    Op.REMOVED: ("[-", "-]", "red strike"),
    Op.ADDED: ("{+", "+}", "green"),
    Op.FOLDED: ("… ", " …", "dim italic"),
}
_RISKS = {"none": "green", "low": "green", "medium": "yellow", "high": "bold red"}


def plan(report: Report, look: Look) -> str:
    """Return the text of a plan: summary, changes by object, what is left alone, counts last."""
    canvas = Canvas(look)
    _head(canvas, f"Plan for {report.project}", report)
    for group in report.groups:
        _group(canvas, group)
    _refusals(canvas, report)
    _conflicts(canvas, report.conflicts)
    _drift(canvas, report.drift, "Moved in LaunchDarkly, left alone")
    _notes(canvas, report)
    _requests(canvas, report)
    canvas.blank()
    canvas.add(0, (report.summary.verdict, "bold"))
    if report.groups and report.digest:
        canvas.add(0, (f"digest: {report.digest}", "dim"))
    return canvas.draw()


def drift(report: Report, look: Look) -> str:
    """Return who moved: LaunchDarkly or both (in full), or the repository (one line each)."""
    canvas = Canvas(look)
    canvas.add(0, (f"Drift of {report.project}", "bold"), f" (workspace {report.workspace})")
    unknown = report.direction_unknown
    _drift(canvas, report.drift, "LaunchDarkly is ahead")
    _conflicts(canvas, report.conflicts)
    rows = [row for group in (*report.groups, *report.refused) for row in group.rows]
    if rows:
        canvas.blank()
        title = "Different, direction unknown (no base)" if unknown else "The repository is ahead"
        canvas.add(0, (title, "bold"))
    for row in rows:
        if unknown:
            _row(canvas, row)
        else:
            names = ", ".join(field.field for field in row.fields) if row.symbol == "~" else ""
            canvas.add(2, _sign(row.symbol), f" {row.word} {row.address}", (f"  {names}", "dim"))
    _unmanaged(canvas, report)
    canvas.blank()
    ahead = [
        f"{len(report.drift)} moved in LaunchDarkly",
        f"{len(report.conflicts)} moved in both",
        f"{len(rows)} {'different' if unknown else 'ahead in the repository'}",
    ]
    clean = not (report.drift or report.conflicts or rows)
    canvas.add(0, ("No drift." if clean else f"Drift: {', '.join(ahead)}.", "bold"))
    return canvas.draw()


def _head(canvas: Canvas, title: str, report: Report) -> None:
    canvas.add(0, (title, "bold"), f" (workspace {report.workspace})")
    base = f"base {report.base}" if report.base else "no base: two-way comparison"
    dirty = ", with uncommitted changes" if report.dirty else ""
    canvas.add(0, (f"{base}{f', head {report.head}' if report.head else ''}{dirty}", "dim"))
    summary = report.summary
    if report.groups or summary.risk_reasons:
        reasons = f" ({', '.join(summary.risk_reasons)})" if summary.risk_reasons else ""
        where = (
            f"; takes effect in {', '.join(summary.environments)}" if summary.environments else ""
        )
        risk = (summary.risk, _RISKS[summary.risk])
        canvas.add(0, f"{summary.todo or 'nothing to apply'}; risk: ", risk, f"{reasons}{where}")
    if summary.experiments:
        canvas.add(0, f"experiments touched: {', '.join(summary.experiments)}")


def _group(canvas: Canvas, group: Group) -> None:
    canvas.blank()
    canvas.add(0, (group.title, "bold"))
    for row in group.rows:
        _row(canvas, row)


def _row(canvas: Canvas, row: Row) -> None:
    adopts: list[Piece] = [("  adopts: exists already, managed from now on", "cyan")]
    risk: list[Piece] = [("  risk: ", "dim"), (row.risk, _RISKS[row.risk])]
    more = [*(risk if row.risk != "low" else []), *(adopts if row.adopts else [])]
    canvas.add(2, _sign(row.symbol), f" {row.word} {row.label}", *more)
    effects = say.effects(row.effects)
    if effects:
        canvas.add(6, (effects, "magenta"))
    cost = say.cost(row.cost)
    if cost:
        canvas.add(6, (cost, "magenta"))
    if row.summary:
        canvas.add(6, row.summary)
    for field in row.fields:
        _field(canvas, field)


def _field(canvas: Canvas, field: FieldRow) -> None:
    if field.unverifiable:
        canvas.add(6, say.unverifiable(field), (say.origin(field), "dim"))
    for found in field.details:
        detail(canvas, found, 6, say.origin(field, found))


def detail(canvas: Canvas, found: Detail, indent: int, origin: str = "") -> None:
    """Draw one line (or block) of a field."""
    match found:
        case ValueChange(path=path, before=before, after=after):
            arrow = _arrow(_given(before), _given(after))
            canvas.add(indent, f"{path}: ", *arrow, (origin, "dim"))
        case WhoChange(who=who, before=None, after=after):
            canvas.add(indent, f"{who} → ", (after or "", "green"), (origin, "dim"))
        case WhoChange(who=who, before=before, after=after):
            canvas.add(indent, f"{who}: ", *_arrow(before, after), (origin, "dim"))
        case SetChange(path=path, added=added, removed=removed):
            pieces = [(f"+{name} ", "green") for name in added]
            pieces += [(f"-{name} ", "red") for name in removed]
            canvas.add(indent, f"{path}: ", *pieces, (origin.strip(), "dim"))
        case TextChange(path=path, spans=spans):
            canvas.add(indent, f"{path}:", (origin, "dim"))
            only_new = all(span.op in (Op.ADDED, Op.FOLDED) for span in spans)
            canvas.block(indent + 2, _spans(spans, marks=not (canvas.look.colour or only_new)))


def _given(value: object) -> str | None:
    return None if value is None else say.value(value)


def _arrow(before: str | None, after: str | None) -> list[Piece]:
    if before is None:
        return [(after or "", "green")]
    if after is None:
        return [(before, "red"), " → (none)"]
    return [(before, "red"), " → ", (after, "green")]


def _spans(spans: Iterable[Span], *, marks: bool) -> list[Piece]:
    """Word-level differences: by colour, or with `marks` as `[-removed-]` and `{+added+}`."""
    pieces: list[Piece] = []
    for span in spans:
        text = span.text.rstrip("\n")
        start, end, style = _MARKS[span.op]
        marked = marks or span.op is Op.FOLDED
        pieces.append((f"{start}{text}{end}" if marked else text, style))
        pieces.append("\n" * (len(span.text) - len(text) + (span.op is Op.FOLDED)))
    return pieces


def _sign(symbol: str) -> Piece:
    return (symbol, f"bold {_STYLES[symbol]}")


def _refusals(canvas: Canvas, report: Report) -> None:
    if not (report.refusals or report.refused):
        return
    canvas.blank()
    canvas.add(0, ("Refused", "bold red"))
    for refusal in report.refusals:
        _refusal(canvas, refusal)
    for group in report.refused:
        _group(canvas, Group(f"{group.title} (refused, not written)", group.rows))


def _refusal(canvas: Canvas, row: RefusalRow) -> None:
    where = f" {row.address}" if row.address else ""
    canvas.add(2, ("x", "bold red"), f" {row.guard}{where}: {row.summary}")
    if row.hint:
        canvas.add(6, row.hint)
    if row.consent:
        canvas.add(6, ("to allow it, write under `consents:` ", "dim"), row.consent)


def _conflicts(canvas: Canvas, rows: Iterable[ConflictRow]) -> None:
    for number, row in enumerate(rows):
        if number == 0:
            canvas.blank()
            canvas.add(0, ("In conflict: moved here and in LaunchDarkly, not written", "bold red"))
        moved = say.moved(row.moved)
        canvas.add(2, ("!", "bold red"), f" {row.label}", (f"  {moved}" if moved else "", "dim"))
        if row.deleted:
            canvas.add(6, "deleted in LaunchDarkly, changed in the files")
        for title, fields in (("the files:", row.ours), ("LaunchDarkly:", row.theirs)):
            if fields:
                canvas.add(4, (title, "italic"))
            for field in fields:
                _field(canvas, field)
        canvas.add(6, (row.hint, "dim"))


def _drift(canvas: Canvas, rows: Iterable[DriftRow], title: str) -> None:
    for number, row in enumerate(rows):
        if number == 0:
            canvas.blank()
            canvas.add(0, (title, "bold"))
        moved = say.moved(row.moved)
        canvas.add(2, ("<", "bold cyan"), f" {row.label}", (f"  {moved}" if moved else "", "dim"))
        if row.deleted:
            canvas.add(6, "deleted in LaunchDarkly; not made again without a consent `drift`")
        for field in row.fields:
            _field(canvas, field)


def _notes(canvas: Canvas, report: Report) -> None:
    lines = [_note(note) for note in report.notes]
    if report.unverifiable:
        many = counted(len(report.unverifiable), "text")
        lines.append(
            f"not verifiable: {many} that LaunchDarkly does not return "
            f"({', '.join(report.unverifiable)}); `--resend ADDRESS` sends them again"
        )
    lines += [*say.seen(report.context), *report.remarks]
    if not lines:
        return
    canvas.blank()
    canvas.add(0, ("Notes", "bold"))
    for line in lines:
        canvas.add(2, f"· {line}")


def _note(note: NoteRow) -> str:
    where = f"{note.address}: " if note.address else ""
    return f"{note.kind}: {where}{note.summary}{f' ({note.hint})' if note.hint else ''}"


def _requests(canvas: Canvas, report: Report) -> None:
    if not report.requests:
        return
    canvas.blank()
    canvas.add(0, ("Requests", "bold"))
    for address, rows in report.requests.items():
        canvas.add(2, (address, "bold"))
        for row in rows:
            body = "" if row.body is None else json.dumps(row.body, ensure_ascii=False)
            canvas.add(4, f"{row.method} {row.path} ", (body, "dim"))
        if not rows:
            canvas.add(4, "(built when it is sent, from the ids that LaunchDarkly then has)")


def _unmanaged(canvas: Canvas, report: Report) -> None:
    if report.unmanaged is None:
        return
    canvas.blank()
    canvas.add(0, (f"Not managed by the files: {len(report.unmanaged)}", "bold"))
    for address in report.unmanaged:
        canvas.add(2, f"· {address}")

"""A report as GitHub Markdown, for a comment or a step summary.

GitHub takes 65,536 characters. A report that is longer loses the details of its biggest parts
first (never the middle of one) and says where the whole of it is.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from ldconf.render import fields as say
from ldconf.render.markup import code, comment, pre, prose, summary
from ldconf.render.names import counted
from ldconf.render.rows import (
    ConflictRow,
    DriftRow,
    FieldRow,
    Group,
    Report,
    Row,
    SetChange,
    TextChange,
    ValueChange,
    WhoChange,
)

LIMIT = 65_536
_ROOM = 1_000  # for the sentence about the artifact and what the caller adds
_LOW = "low"  # what is not worth a word
_SYMBOLS = {"+": "🟢", "~": "🟡", "-": "🔴"}


@dataclass(frozen=True)
class Section:
    """A part of the report in forms of decreasing length; the last is one line."""

    forms: tuple[str, ...]


def plan(report: Report, *, artifact: str | None = None, limit: int = LIMIT) -> str:
    """Return the Markdown of a plan, below `limit` characters."""
    sections = [
        *_refused(report),  # first: they keep the pull request from being applied
        *(_conflict(row) for row in report.conflicts),
        *(_group(group) for group in report.groups),
        *_drift(report.drift),
        *_notes(report),
    ]
    where = artifact or "in the output of `ldconf plan --format json`"
    body, shortened = _fitting(sections, limit - len(_head(report)) - len(_tail(report)) - _ROOM)
    pointer = [f"> Shortened to fit GitHub's limit. The whole plan is {prose(where)}."]
    return (
        "\n\n".join([_head(report), *(pointer if shortened else []), *body, _tail(report)]) + "\n"
    )


def marker(report: Report) -> str:
    """Return the hidden line by which the comment of a workspace is found again."""
    return f"<!-- ldconf plan {comment(report.project)} {comment(report.workspace)} -->"


def _head(report: Report) -> str:
    found = report.summary
    lines = [marker(report), f"### Plan for {code(report.project)} ({code(report.workspace)})"]
    lines.append(f"**{prose(found.verdict)}**")
    if report.groups or found.risk_reasons:
        reasons = f" ({', '.join(map(prose, found.risk_reasons))})" if found.risk_reasons else ""
        where = ", ".join(map(code, found.environments))
        lines.append(
            f"Risk: **{found.risk}**{reasons}" + (f"; takes effect in {where}" * bool(where))
        )
    if found.experiments:
        lines.append(f"Experiments touched: {', '.join(map(code, found.experiments))}")
    return "\n\n".join(lines)


def _tail(report: Report) -> str:
    base = f"base {code(report.base)}" if report.base else "no base: two-way comparison"
    head = f", head {code(report.head)}" if report.head else ""
    dirty = ", with uncommitted changes" if report.dirty else ""
    digest = f" · digest {code(report.digest)}" if report.groups and report.digest else ""
    return f"<sub>{base}{head}{dirty}{digest}</sub>"


def _fitting(sections: list[Section], room: int) -> tuple[list[str], bool]:
    """Return the longest forms that fit: the biggest section gives way first."""
    level = [0] * len(sections)
    size = sum(len(section.forms[0]) + 2 for section in sections)
    biggest = [(-len(found.forms[0]), at) for at, found in enumerate(sections)]
    heapq.heapify(biggest)
    while size > room and biggest:
        length, at = heapq.heappop(biggest)
        if level[at] + 1 < len(sections[at].forms):
            level[at] += 1
            shorter = len(sections[at].forms[level[at]])
            size += length + shorter
            heapq.heappush(biggest, (-shorter, at))
    parts = [section.forms[level[at]] for at, section in enumerate(sections)]
    if size <= room:
        return parts, any(level)
    return _first(parts, room), True


def _first(parts: list[str], room: int) -> list[str]:
    kept: list[str] = []
    for part in parts:
        room -= len(part) + 2
        if room < 0:
            break
        kept.append(part)
    return [*kept, f"and {len(parts) - len(kept)} more objects"]


def _group(group: Group, title: str = "") -> Section:
    heading = f"#### {title}{prose(group.title)}"
    words = f"- {title}{prose(group.title)}: {counted(len(group.rows), 'change')}"
    full = [_row(row, with_texts=True) for row in group.rows]
    short = [_row(row, with_texts=False) for row in group.rows]
    lines = [_first_line(row) for row in group.rows]
    forms = ("\n\n".join([heading, *rows]) for rows in (full, short, lines))
    return Section((*forms, words))


def _row(row: Row, *, with_texts: bool) -> str:
    parts = [_first_line(row)]
    if row.summary:
        parts.append(prose(row.summary))
    return "\n\n".join([*parts, *_fields(row.fields, with_texts=with_texts)])


def _first_line(row: Row) -> str:
    facts = (say.effects(row.effects), say.cost(row.cost))
    extra = [f"risk **{row.risk}**"] if row.risk != _LOW else []
    extra += [prose(words) for words in facts if words]
    extra += ["**adopts**: exists already, managed from now on"] if row.adopts else []
    more = "".join(f" · {words}" for words in extra)
    return f"{_SYMBOLS[row.symbol]} {row.word} **{prose(row.label)}**{more}"


def _fields(rows: Iterable[FieldRow], *, with_texts: bool) -> Iterable[str]:
    """One table of short values, then each long text as a block of its own."""
    table, texts = [], []
    for row in rows:
        if row.unverifiable:
            texts.append(prose(say.unverifiable(row)))
        for detail in row.details:
            words = say.origin(row, detail)
            origin = prose(words)
            match detail:
                case ValueChange(path=path, before=before, after=after):
                    cells = (code(path) + origin, code(say.value(before)), code(say.value(after)))
                    table.append(cells)
                case WhoChange(who=who, before=before, after=after):
                    table.append((prose(who) + origin, _serve(before), _serve(after)))
                case SetChange(path=path, added=added, removed=removed):
                    table.append((code(path) + origin, _members(removed), _members(added)))
                case TextChange(path=path, spans=spans) if with_texts:
                    texts.append(summary(f"{path}{words}", pre(spans), is_open=True))
                case TextChange(path=path):
                    table.append((code(path) + origin, "a long text", "changed"))
    if table:
        rows_text = "\n".join(f"| {' | '.join(cells)} |" for cells in table)
        yield f"| field | before | after |\n|---|---|---|\n{rows_text}"
    yield from texts


def _serve(words: str | None) -> str:
    return "" if words is None else code(words)


def _members(names: Iterable[str]) -> str:
    return " ".join(code(name) for name in names)


def _refused(report: Report) -> Iterable[Section]:
    for refusal in report.refusals:
        where = f" {code(str(refusal.address))}" if refusal.address else ""
        line = f"🛑 **refused** ({code(refusal.guard)}){where}: {prose(refusal.summary)}"
        more = [prose(refusal.hint)] if refusal.hint else []
        if refusal.consent:
            more.append(f"To allow it, write under `consents:` {code(refusal.consent)}")
        yield Section(("\n\n".join([line, *more]), line))
    for group in report.refused:
        yield _group(group, "refused: ")


def _conflict(row: ConflictRow) -> Section:
    moved = say.moved(row.moved)
    line = f"⚔️ **conflict** {prose(row.label)}" + (f" · {prose(moved)}" if moved else "")
    parts = [line]
    if row.deleted:
        parts.append("Deleted in LaunchDarkly, changed in the files.")
    for title, fields in (("The files:", row.ours), ("LaunchDarkly:", row.theirs)):
        if fields:
            parts += [title, *_fields(fields, with_texts=True)]
    return Section(("\n\n".join([*parts, prose(row.hint)]), line))


def _drift(rows: Iterable[DriftRow]) -> Iterable[Section]:
    found = list(rows)
    if not found:
        return
    title = f"Moved in LaunchDarkly, left alone: {counted(len(found), 'object')}"
    yield Section(
        (
            summary(title, "\n\n".join(_drift_row(row, with_texts=True) for row in found)),
            summary(title, "\n\n".join(_drift_row(row, with_texts=False) for row in found)),
            title,
        )
    )


def _drift_row(row: DriftRow, *, with_texts: bool) -> str:
    moved = say.moved(row.moved)
    line = f"**{prose(row.label)}**" + (f" · {prose(moved)}" if moved else "")
    gone = ["deleted in LaunchDarkly; not made again without a consent `drift`"]
    fields = _fields(row.fields, with_texts=with_texts)
    return "\n\n".join([line, *(gone if row.deleted else []), *fields])


def _notes(report: Report) -> Iterable[Section]:
    lines = [
        f"- {note.kind}: {f'{code(str(note.address))}: ' if note.address else ''}"
        f"{prose(note.summary)}{f' ({prose(note.hint)})' if note.hint else ''}"
        for note in report.notes
    ]
    if report.unverifiable:
        lines.append(f"- not verifiable: {', '.join(map(code, report.unverifiable))}")
    lines += [f"- {prose(words)}" for words in (*say.seen(report.context), *report.remarks)]
    if lines:
        title = f"Notes: {len(lines)}"
        yield Section((summary(title, "\n".join(lines), is_open=len(lines) <= 10), title))

"""One object as the files say it beside LaunchDarkly: every field, and whether they agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ldconf.core.address import Address
from ldconf.core.resource import Json, same
from ldconf.render import fields as say
from ldconf.render.canvas import Canvas, Look
from ldconf.render.details import details
from ldconf.render.markup import code, prose
from ldconf.render.names import label
from ldconf.render.rows import Detail, FieldRow
from ldconf.render.text import detail as draw

Values = Mapping[str, Json] | None


@dataclass(frozen=True)
class Beside:
    """One object. `equal` fields are the same on both sides, `differing` lead from live to files,
    `unmanaged` are only live."""

    label: str
    where: str
    equal: tuple[FieldRow, ...]
    differing: tuple[FieldRow, ...]
    unmanaged: tuple[FieldRow, ...]


def build(address: Address, files: Values, live: Values, place: str | None) -> Beside:
    """Return the two sides of an object, field by field."""
    rows: dict[str, list[FieldRow]] = {"equal": [], "differing": [], "unmanaged": []}
    for name in dict.fromkeys((*(files or {}), *(live or {}))):
        here, there = (files or {}).get(name), (live or {}).get(name)
        if files is None or name not in files:
            if there is not None:
                rows["unmanaged"].append(_row(address, name, None, there))
        elif live is not None and same(here, there):
            rows["equal"].append(_row(address, name, None, here))
        else:
            rows["differing"].append(_row(address, name, there, here))
    there_too = "in LaunchDarkly" if live is not None else "not in LaunchDarkly"
    return Beside(
        label(address, alone=True),
        f"{place or 'in no file'}; {there_too}",
        tuple(rows["equal"]),
        tuple(rows["differing"]),
        tuple(rows["unmanaged"]),
    )


def text(found: Beside, look: Look) -> str:
    """Return both sides for a terminal."""
    canvas = Canvas(look)
    canvas.add(0, (found.label, "bold"), (f"  {found.where}", "dim"))
    for title, rows in _parts(found):
        if rows:
            canvas.blank()
            canvas.add(0, (title, "bold"))
        for row in rows:
            for one in row.details:
                draw(canvas, one, 2)
    return canvas.draw()


def markdown(found: Beside) -> str:
    """Return both sides as a list for GitHub."""
    lines = [f"### {prose(found.label)}", "", prose(found.where)]
    for title, rows in _parts(found):
        if rows:
            lines += ["", f"**{title}**", ""]
        for row in rows:
            lines.append(f"- {code(row.field)}: {_sides(row)}")
    return "\n".join(lines) + "\n"


def _parts(found: Beside) -> tuple[tuple[str, tuple[FieldRow, ...]], ...]:
    return (
        ("Different: LaunchDarkly → files", found.differing),
        ("Equal", found.equal),
        ("Not managed by the files", found.unmanaged),
    )


def _row(address: Address, name: str, before: Json, after: Json) -> FieldRow:
    drawn: tuple[Detail, ...] = details(address.kind, name, before, after)
    return FieldRow(name, drawn, before, after)


def _sides(row: FieldRow) -> str:
    after = code(say.value(row.after))
    return after if row.before is None else f"{code(say.value(row.before))} → {after}"

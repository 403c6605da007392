"""Lines with styles -> one string, for a terminal or plain; and what rich draws."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from rich.console import Console, RenderableType
from rich.text import Text

from ldconf.render.escape import visible, visible_line

Piece: TypeAlias = str | tuple[str, str]  # text, or (text, rich style)


@dataclass(frozen=True)
class Look:
    """How to draw: `width` None means never wrap (a pipe or a file)."""

    width: int | None = None
    colour: bool = False


def drawn(what: RenderableType, look: Look, wide: int) -> str:
    """Return something of rich as a string that ends with a newline, without trailing spaces.

    `wide` is how many columns there are where nobody wraps.
    """
    out = io.StringIO()
    console = Console(
        file=out,
        force_terminal=look.colour,
        color_system="standard" if look.colour else None,
        no_color=not look.colour,
        width=look.width or wide,
        legacy_windows=False,
        _environ={},
    )
    console.print(what, highlight=False)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().rstrip("\n").split("\n"))


_WRAPPER = Console(file=io.StringIO(), _environ={})  # rich asks for one to split a text


@dataclass
class Canvas:
    """Collects lines and draws them. Everything put in is made safe to print."""

    look: Look
    lines: list[Text] = field(default_factory=list)

    def add(self, indent: int, *pieces: Piece) -> None:
        """Add one line, wrapped below itself if it is too long."""
        self._put(" " * indent, "  ", pieces)

    def keep(self, indent: int, *pieces: Piece) -> None:
        """Add one line that is never wrapped (source lines, whose columns matter)."""
        self.lines.append(Text(" " * indent) + _text(pieces, visible_line))

    def block(self, indent: int, pieces: Sequence[Piece], bar: str = "│ ") -> None:
        """Add a text of several lines behind a bar."""
        whole = _text(pieces, visible)
        whole.rstrip()
        for line in whole.split("\n", allow_blank=True):
            self._wrap(" " * indent + bar, " " * indent + bar, line, "dim")

    def blank(self) -> None:
        """Add an empty line, unless there is one or nothing yet."""
        if self.lines and self.lines[-1].plain:
            self.lines.append(Text(""))

    def draw(self) -> str:
        """Return everything as one string that ends with a newline."""
        for line in self.lines:
            line.rstrip()
        if not self.look.colour:
            return "".join(f"{line.plain}\n" for line in self.lines)
        out = io.StringIO()
        console = Console(
            file=out,
            force_terminal=True,
            color_system="standard",
            width=self.look.width or 100,
            legacy_windows=False,
            _environ={},
        )
        whole = Text("\n").join(self.lines)
        console.print(whole, soft_wrap=True, highlight=False, markup=False, emoji=False)
        return out.getvalue()

    def _put(self, first: str, more: str, pieces: Sequence[Piece]) -> None:
        self._wrap(first, first + more, _text(pieces, visible_line), "")

    def _wrap(self, first: str, rest: str, line: Text, style: str) -> None:
        if self.look.width is None or line.cell_len <= self.look.width - len(rest):
            self.lines.append(Text(first, style) + line)
            return
        room = max(self.look.width - len(rest), 20)
        for number, part in enumerate(line.wrap(_WRAPPER, room)):
            self.lines.append(Text(first if number == 0 else rest, style) + part)


def _text(pieces: Sequence[Piece], safe: Callable[[str], str]) -> Text:
    whole = Text()
    for piece in pieces:
        text, style = piece if isinstance(piece, tuple) else (piece, "")
        whole.append(safe(text), style)
    return whole

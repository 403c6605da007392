"""Escaping for GitHub's Markdown: data can neither format, nor link, nor mention anybody."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from ldconf.render.escape import visible, visible_line
from ldconf.render.textdiff import Op, Span

_PUNCTUATION = re.compile(r"([\\*_{}\[\]<>#|~$&])")
_AT_START = re.compile(r"^(\s*)([-+=]|\d+(?=[.)]))")  # would start a list or a heading
_TAGS = {Op.REMOVED: "del", Op.ADDED: "ins", Op.FOLDED: "i"}


def code(text: str) -> str:
    """Return a code span that holds exactly this text, also inside a table cell."""
    shown = visible_line(text).replace("|", "\\|") or " "
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def prose(text: str) -> str:
    """Return a sentence: text between backticks as code, everything else as it is written."""
    parts = re.split(r"`([^`\n]+)`", visible_line(text))
    return "".join(code(part) if at % 2 else _plain(part) for at, part in enumerate(parts))


def comment(text: str) -> str:
    """Return text that cannot end the HTML comment it stands in."""
    return visible_line(text).replace(">", "&gt;")


def summary(title: str, body: str, *, is_open: bool = False) -> str:
    """Return a block that folds. `title` is plain text, `body` Markdown."""
    state = " open" if is_open else ""
    heading = html.escape(visible_line(title))
    return f"<details{state}><summary>{heading}</summary>\n\n{body}\n\n</details>"


def pre(spans: Iterable[Span]) -> str:
    """Return a text difference; `<pre>` keeps GitHub from reading its content as Markdown."""
    parts = []
    for span in spans:
        shown = html.escape(visible(span.text), quote=False)
        tag = _TAGS.get(span.op)
        if span.op is Op.FOLDED:
            shown = f"… {shown} …\n"
        parts.append(f"<{tag}>{shown}</{tag}>" if tag else shown)
    return f"<pre>\n{''.join(parts)}</pre>"


def _plain(text: str) -> str:
    """Backslashes before punctuation; a zero width space keeps `@name` and `#1` from linking."""
    escaped = _PUNCTUATION.sub(r"\\\1", text).replace("`", "\\`").replace("://", ":\u200b//")
    escaped = _AT_START.sub(lambda found: f"{found[1]}&#{ord(found[2][0])};{found[2][1:]}", escaped)
    return re.sub(r"(@|\\#)(?=\w)", "\\1\u200b", escaped)

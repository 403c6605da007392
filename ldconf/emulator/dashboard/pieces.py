"""Small pieces that several sections use."""

from __future__ import annotations

from collections.abc import Sequence

from ldconf.core import figures
from ldconf.emulator.dashboard.markup import Child, Markup, el


def chip(text: str, kind: str = "") -> Markup:
    """Return a short word in a frame."""
    return el("span", text, class_=f"chip {kind}".strip())


def swatch(colour: int) -> Markup:
    """Return the colour of a variation; its name always stands beside it."""
    return el("span", class_=f"swatch s{colour}", aria_hidden="true")


def when(ms: int) -> Markup:
    """Return a moment; the script turns it into `5 s ago`."""
    return el("time", figures.moment(ms), datetime=figures.iso(ms), title=figures.moment(ms))


def empty(*children: Child) -> Markup:
    """Return what stands where there is nothing to show."""
    return el("p", children, class_="empty")


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[Child]]) -> Markup:
    """Return a table whose rows become cards on a narrow screen. The first cell heads its row."""
    body = [
        el(
            "tr",
            el("th", row[0], scope="row"),
            [
                el("td", cell, data_label=head)
                for head, cell in zip(heads[1:], row[1:], strict=True)
            ],
        )
        for row in rows
    ]
    return el(
        "table",
        el("caption", caption, class_="unseen"),
        el("thead", el("tr", [el("th", head, scope="col") for head in heads])),
        el("tbody", body),
    )

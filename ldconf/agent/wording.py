"""How answers and traffic read on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ldconf.agent.pet_store import Answer
from ldconf.agent.summary import Summary


def about(answer: Answer, *, simulated: bool) -> str:
    """Return the line about an answer: who answered, how long it took, what it cost."""
    if answer.model is None:
        return f"no model was called: {answer.reason}"
    name = f"simulated {answer.model.name}" if simulated else answer.model.name
    tokens = answer.result.tokens
    parts = [
        f"variation {answer.variation}" if answer.variation else "the built-in default",
        name,
        f"{answer.result.duration_ms / 1000:.2f} s",
        f"{tokens.input} + {tokens.output} tokens",
        f"${answer.cost_usd:.6f}" if answer.cost_usd is not None else "cost unknown",
    ]
    if answer.result.tool_calls:
        parts.append(", ".join(answer.result.tool_calls))
    return " · ".join(parts)


def warnings(answer: Answer) -> list[str]:
    """Return what the user of the command should know besides."""
    found = [f"warning: the built-in default answered: {answer.reason}"] if answer.reason else []
    skipped = answer.skipped_tools
    return found + [f"warning: the tool {one.name} is skipped: {one.reason}" for one in skipped]


def table(summary: Summary) -> str:
    """Return the summary as text."""
    header = (
        *("variation", "model", "requests", "users", "p50 ms", "p95 ms", "tokens", "$/request"),
        *("helpful", "up", "down"),
    )
    rows = [
        (
            one.variation,
            one.model,
            str(one.requests),
            str(one.users),
            str(one.p50_ms),
            str(one.p95_ms),
            f"{one.tokens:.0f}",
            "?" if one.cost_usd is None else f"{one.cost_usd:.6f}",
            f"{one.helpful:.1%}",
            str(one.thumbs_up),
            str(one.thumbs_down),
        )
        for one in summary.variations
    ]
    lines = list(_aligned([header, *rows]))
    lines += [f"failed: {count} x {error}" for error, count in summary.failed.items()]
    lines += [f"the built-in default answered: {reason}" for reason in summary.reasons]
    return "".join(f"{line}\n" for line in lines)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()

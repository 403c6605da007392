"""Global options may stand anywhere: they are moved before the command, where typer wants them."""

from __future__ import annotations

from collections.abc import Sequence

_FLAGS = frozenset({"--local", "--quiet", "-q", "--verbose", "-v"})
_WITH_VALUE = "--workspace"


def hoisted(words: Sequence[str]) -> list[str]:
    """Return the command line with the global options first. Words after `--` stay."""
    options: list[str] = []
    rest: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            rest += [word, *queue]
            break
        if word in _FLAGS or word.startswith(f"{_WITH_VALUE}="):
            options.append(word)
        elif word == _WITH_VALUE and queue:
            options += [word, queue.pop(0)]
        else:
            rest.append(word)
    return [*options, *rest]

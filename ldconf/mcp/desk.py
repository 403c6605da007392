"""What the tools work on: one workspace, its account, and the plans that were shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ToolError

from ldconf.core.diagnostic import Diagnostic
from ldconf.core.errors import DocumentError, LdconfError
from ldconf.workflow.plan import PlanWish
from ldconf.workflow.site import Site

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Desk:
    """`site` connects to the account for one call; `shown` maps digests to how they were asked."""

    root: Path
    site: Callable[[], AbstractContextManager[Site]]
    allow_apply: bool = False
    shown: dict[str, PlanWish] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def alone(self, work: Callable[P, T]) -> Callable[P, T]:
        """Make a tool wait for others that write: calls run in threads, and each reads first."""

        @wraps(work)
        def waiting(*arguments: P.args, **named: P.kwargs) -> T:
            with self.lock:
                return work(*arguments, **named)

        return waiting


@contextmanager
def explained() -> Iterator[None]:
    """Make problems of the world errors of the tool, in words; the client sees no others.

    Decorates a tool, or goes around what an asynchronous one awaits.
    """
    try:
        yield
    except LdconfError as error:
        raise ToolError(words(error)) from error


def words(error: LdconfError) -> str:
    """Return an error with everything that helps to repair it."""
    lines = [error.summary, *filter(None, [error.hint])]
    if isinstance(error, DocumentError):
        lines += problems(error.diagnostics)
    return "\n".join(lines)


def problems(found: Iterable[Diagnostic]) -> list[str]:
    """Return diagnostics as lines."""
    return [
        f"{f'{one.position}: ' if one.position else ''}{one.severity.value}: {one.summary}"
        f"{f' [{one.rule}]' if one.rule else ''}{f' ({one.hint})' if one.hint else ''}"
        for one in found
    ]

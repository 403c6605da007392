"""What a lint rule is, and what it may look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ldconf.core.address import Address
from ldconf.core.diagnostic import Severity
from ldconf.core.live import Live
from ldconf.core.resource import Json
from ldconf.core.workspace import Workspace


@dataclass(frozen=True)
class Scope:
    """The files, and the live state if there is a connection."""

    workspace: Workspace
    live: Live | None = None

    def of_kind(self, kind: str) -> Iterator[tuple[Address, dict[str, Json]]]:
        """Yield (address, managed fields) of every object of a kind that the files list."""
        for address, resource in self.workspace.resources.items():
            if address.kind == kind:
                yield address, resource.managed()


@dataclass(frozen=True)
class Finding:
    """One hit. `path` is where in the object; `offset` is the character inside that text."""

    address: Address
    path: tuple[str | int, ...]
    summary: str
    hint: str | None = None
    offset: int | None = None


@dataclass(frozen=True)
class Rule:
    """A check with a stable id. `bad` and `good` are documents; the tests run them."""

    id: str
    severity: Severity
    title: str
    why: str
    check: Callable[[Scope], Iterator[Finding]]
    bad: str
    good: str
    online: bool = False

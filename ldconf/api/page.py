"""One page of a list, in any of the API's forms. Source: reference 1.6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ldconf.core.errors import Unreachable
from ldconf.core.resource import Json


@dataclass(frozen=True)
class Page:
    """The items of one answer, and what it says about further ones."""

    items: Sequence[Mapping[str, Json]]
    total: int | None
    has_next: bool | None  # None: the answer does not tell
    whole: bool = False  # a bare array: there are no further pages

    @classmethod
    def of(cls, payload: Json, path: str) -> Page:
        """Read a page; raises Unreachable for anything that is no list."""
        if isinstance(payload, list):
            return cls(payload, total=None, has_next=None, whole=True)
        items = payload.get("items") if isinstance(payload, Mapping) else None
        if not isinstance(items, list):
            raise Unreachable(f"the answer to GET {path} is not a list", method="GET", path=path)
        total = payload.get("totalCount", payload.get("total_count"))
        links = payload.get("_links")
        has_next = "next" in links if isinstance(links, Mapping) else None
        return cls(items, total if isinstance(total, int) else None, has_next)

    def more(self, seen: int, limit: int) -> bool:
        """True if another page has to be read after `seen` items."""
        if self.whole or not self.items:
            return False
        if self.total is not None:
            return seen < self.total
        return len(self.items) >= limit if self.has_next is None else self.has_next

"""Equality of the field `tools`: versions that the files leave open do not count."""

from __future__ import annotations

from collections.abc import Collection

from ldconf.core.resource import Json, same


class Tools:
    """Equality of attached tools, seen from a desired value that pins some and leaves others."""

    def __init__(self, desired: Json) -> None:
        self._open = _unpinned(desired)

    def in_sync(self, desired: Json, live: Json) -> bool:
        """True if the same tools are attached, pinned ones at their version."""
        return same(desired, _without_version(live, self._open))

    def ours(self, said: Json, live: Json) -> bool:
        """True if live differs from what a file said only in versions that were left open."""
        left_open = self._open | _unpinned(said)
        return same(_without_version(said, left_open), _without_version(live, left_open))

    def unmoved(self, base: Json, desired: Json) -> bool:
        """True if the files still name the same tools, apart from a pin that was taken out."""
        return same(_without_version(base, self._open), desired)


def _unpinned(tools: Json) -> frozenset[str]:
    return frozenset(tool["key"] for tool in tools or () if "version" not in tool)


def _without_version(tools: Json, keys: Collection[str]) -> Json:
    return [{"key": tool["key"]} if tool["key"] in keys else tool for tool in tools or ()] or None

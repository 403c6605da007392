"""The last look before files are written: they load, and say exactly what was meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ldconf.core.address import Address
from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json, same
from ldconf.core.workspace import Workspace
from ldconf.documents.load import load
from ldconf.documents.overlay import Overlay
from ldconf.documents.tree import Tree

Expected = Callable[[Address, Mapping[str, Json], Workspace], Mapping[str, Json]]

_BY_HAND = "change it by hand; nothing was written"


def check_written(
    tree: Tree, before: Workspace, written: Mapping[str, str], expected: Expected
) -> None:
    """Load the files as they would be. Raises LdconfError if they do not say what was meant.

    `expected` returns, for an address, its fields before and the workspace after, the canonical
    fields that it should have after.
    """
    if not written:
        return
    loaded = load(Overlay(tree, written))
    after = loaded.workspace
    if after is None:
        problem = next(one for one in loaded.diagnostics if one.is_error)
        summary = f"nothing was written, for the files would not load then: {problem.summary}"
        raise LdconfError(summary, f"{problem.position}: {problem.hint or _BY_HAND}")
    for address in {**before.resources, **after.resources}:
        was = before.resources[address].managed() if address in before.resources else {}
        found = after.resources[address].managed() if address in after.resources else {}
        wanted = expected(address, was, after)
        for name in sorted({*found, *wanted}):
            unlike = (name in found) != (name in wanted)
            if unlike or not same(found[name], wanted[name]):
                summary = f"this would make `{name}` of {address} something that nobody asked for"
                raise LdconfError(summary, _BY_HAND)

"""The order of fields in canonical form: that of the kind's model. Maps by key keep their order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from ldconf.core.address import Address
from ldconf.documents import extends
from ldconf.documents.load_settings import NESTED
from ldconf.documents.source_nodes import Node, Pair
from ldconf.documents.yaml import Path
from ldconf.kinds import KIND_BY_NAME


def ordered(node: Node, path: Path) -> Sequence[Pair]:
    """Return the pairs of a map in the order in which they should stand.

    Only objects are put in order, and only where no alias could come to stand before its anchor.
    """
    kind = _kind(path)
    if kind is None or any(inner.anchor or inner.kind == "alias" for inner in node.walk()):
        return node.pairs
    order = field_order(kind)
    return sorted(node.pairs, key=lambda pair: order.get(pair.key.value, len(order)))


@cache
def field_order(kind: str) -> dict[str, int]:
    """Return the place of each field of a kind, `extends` first, children last."""
    fields = KIND_BY_NAME[kind].model.model_fields
    names = [fields[name].alias or name for name in fields]
    before = extends.KEYS if kind in extends.RULES else ()
    after = NESTED if kind == "aiConfigs" else ()
    return {name: place for place, name in enumerate((*before, *names, *after))}


def _kind(path: Path) -> str | None:
    """Return the kind of the object that stands at a path of a document, None if none does."""
    if len(path) not in (2, 3, 4):
        return None
    address = Address(tuple(str(step) for step in path))
    kind = address.kind
    expected = {"segments": 3, "variations": 4, "targeting": 4}.get(kind, 2)
    return kind if kind in KIND_BY_NAME and len(path) == expected else None

"""How people call an address. One word per kind, the same in every format."""

from __future__ import annotations

from ldconf.core.address import Address

_KINDS = {
    "metrics": "metric",
    "metricGroups": "metric group",
    "modelConfigs": "model config",
    "tools": "tool",
    "segments": "segment",
    "aiConfigs": "AI Config",
    "variations": "variation",
    "targeting": "targeting",
    "agentGraphs": "agent graph",
    "experiments": "experiment",
}


_FAMILIES = ("aiConfigs", "segments")  # objects with others below them


def family(address: Address) -> tuple[str, ...]:
    """Return what groups an address with others: its object, or its kind if that is flat."""
    return address.parts[:2] if address.section in _FAMILIES else address.parts[:1]


def title(parts: tuple[str, ...]) -> str:
    """Return the heading of a `family`, or of the object that an address lies in."""
    name = _KINDS.get(parts[0], parts[0])
    return f"{name} {parts[1]}" if len(parts) > 1 else f"{name[0].upper()}{name[1:]}s"


def label(address: Address, *, alone: bool = False) -> str:
    """Return what a row is called below its heading; `alone` where there is no heading."""
    kind = _KINDS.get(address.kind, address.kind)
    if address.kind in ("variations", "targeting"):
        inner = f"{kind} {address.parts[3]}"
        return f"{title(address.parts)}, {inner}" if alone else inner
    if address.environment is not None:
        return f"{kind} {address.key} in {address.environment}"
    return f"{kind} {address.key}"


def counted(number: int, noun: str) -> str:
    """Return `1 change`, `3 changes`."""
    return f"{number} {numbered(number, noun)}"


def numbered(number: int, noun: str) -> str:
    """Return the noun as it stands behind a number: `change` behind 1, else `changes`."""
    return noun if number == 1 else f"{noun}s"

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


def title(parts: tuple[str, ...]) -> str:
    """Return the heading of the object that an address (or its first two parts) lies in."""
    return f"{_KINDS.get(parts[0], parts[0])} {'/'.join(parts[1:2])}"


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
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""The address of a resource: its YAML path, e.g. `aiConfigs/pet-store-agent/targeting/test`."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

_NESTED = ("variations", "targeting")


@dataclass(frozen=True, order=True)
class Address:
    """A YAML path that names one resource. Server ids never identify anything here.

    Shapes: `metrics/K`, `metricGroups/K`, `modelConfigs/K`, `tools/K`, `agentGraphs/K`,
    `experiments/K`, `segments/K/ENVIRONMENT`, `aiConfigs/K`, `aiConfigs/K/variations/V`,
    `aiConfigs/K/targeting/ENVIRONMENT`.
    """

    parts: tuple[str, ...]

    @classmethod
    def of(cls, *parts: str) -> Address:
        """Return the address made of these parts."""
        return cls(parts)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Return the address that `str()` printed as `text`. Raises ValueError on empty parts."""
        parts = tuple(text.split("/"))
        if not all(parts):
            raise ValueError(f"not an address: {text!r}")
        return cls(parts)

    def __str__(self) -> str:
        return "/".join(self.parts)

    @property
    def section(self) -> str:
        """The document section: the first part."""
        return self.parts[0]

    @property
    def kind(self) -> str:
        """The name of the kind: the section, or `variations` / `targeting` inside an AI Config."""
        if len(self.parts) == 4 and self.parts[0] == "aiConfigs" and self.parts[2] in _NESTED:
            return self.parts[2]
        return self.parts[0]

    @property
    def key(self) -> str:
        """The LaunchDarkly key of the object itself (for a variation: the variation's key)."""
        return self.parts[3] if self.kind == "variations" else self.parts[1]

    @property
    def environment(self) -> str | None:
        """The environment key, for targeting and segments."""
        if self.kind == "targeting":
            return self.parts[3]
        if self.kind == "segments" and len(self.parts) == 3:
            return self.parts[2]
        return None

    @property
    def ai_config(self) -> str | None:
        """The AI Config key, for AI Configs, variations and targeting."""
        return self.parts[1] if self.parts[0] == "aiConfigs" else None

    def covers(self, other: Address) -> bool:
        """True if `other` is this address or lies below it."""
        return other.parts[: len(self.parts)] == self.parts

    def matches(self, pattern: str) -> bool:
        """True if `pattern` (glob per segment, `*` is one segment) covers this address.

        A pattern covers everything below it, as in `guards.protect`, `--target`, `consents`.
        """
        wanted = pattern.strip("/").split("/")
        if len(wanted) > len(self.parts):
            return False
        pairs = zip(wanted, self.parts, strict=False)
        return all(fnmatch.fnmatchcase(part, glob) for glob, part in pairs)


def ai_config(key: str) -> Address:
    """Return the address of an AI Config."""
    return Address.of("aiConfigs", key)


def variation(ai_config_key: str, key: str) -> Address:
    """Return the address of a variation."""
    return Address.of("aiConfigs", ai_config_key, "variations", key)


def targeting(ai_config_key: str, environment: str) -> Address:
    """Return the address of the targeting of an AI Config in one environment."""
    return Address.of("aiConfigs", ai_config_key, "targeting", environment)


def segment(key: str, environment: str) -> Address:
    """Return the address of a segment in one environment."""
    return Address.of("segments", key, environment)

"""What an environment serves right now, with versions that only ever rise.

The versions are kept in the store: an SDK that stays connected over a restart, or over the deletion
and return of a flag, drops nothing that is new (protocol notes 1.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ldconf.compile import Source, compile_environment
from ldconf.core.resource import Json, canonical_json, sha256
from ldconf.emulator.database import Ref
from ldconf.emulator.sdk.environments import Environment
from ldconf.emulator.store import Store

FAMILY = "sdkItems"  # parent: environment; one document per item ever served, and PAYLOAD
PAYLOAD = "payload"
SECTIONS = ("flags", "segments")


@dataclass(frozen=True)
class Item:
    """A flag or segment at a version. `data` None: it is gone since this version."""

    section: str  # flags | segments
    key: str
    version: int
    data: Mapping[str, Json] | None


class Content:
    """The flags and segments of one environment. `version` counts its changes."""

    def __init__(self, store: Store, environment: Environment) -> None:
        self._store = store
        self._environment = environment
        self._known: dict[tuple[str, str], tuple[int, str]] = {}  # -> version, digest ("": gone)
        self._compiled: dict[str, dict[str, Json]] = {}
        self.items: dict[tuple[str, str], Item] = {}
        self.version = 0
        for stored in store.documents(environment.project, FAMILY, environment.key):
            if stored["key"] == PAYLOAD:
                self.version = stored["version"]
            else:
                place = (stored["section"], stored["item"])
                self._known[place] = (stored["version"], stored["digest"])

    def refresh(self, source: Source) -> Sequence[Item]:
        """Compile again and return what differs from before, at a new version; () if nothing."""
        compiled = compile_environment(source, self._environment.key)
        if self.items and compiled == self._compiled:
            return ()
        changed = list(self._changes(compiled))
        if changed or self.version == 0:
            self.version += 1
            self._remember(changed)
        self._compiled = compiled
        for place in [place for place, _ in changed] if self.items else list(self._known):
            self._take(*place)
        return [
            self.items.get(place) or Item(*place, version=self.version, data=None)
            for place, _ in changed
        ]

    def _take(self, section: str, key: str) -> None:
        """Bring `items` up to date with one flag or segment."""
        version, digest = self._known[section, key]
        if not digest:
            self.items.pop((section, key), None)
            return
        data = {**self._compiled[section][key], "version": version}
        self.items[section, key] = Item(section, key, version, data)

    def payload(self) -> dict[str, dict[str, Json]]:
        """Return everything as `GET /sdk/latest-all` shows it."""
        found: dict[str, dict[str, Json]] = {section: {} for section in SECTIONS}
        for (section, key), item in self.items.items():
            found[section][key] = item.data
        return found

    def _changes(
        self, compiled: Mapping[str, Mapping[str, Json]]
    ) -> Iterable[tuple[tuple[str, str], str]]:
        """Yield (place, digest) of each item that is not as it was last served."""
        for section in SECTIONS:
            for key, data in compiled[section].items():
                place = (section, key)
                before = self._compiled.get(section, {}).get(key)
                if before is not None and before == data:
                    continue
                digest = _digest(data)
                if self._known.get(place, (0, ""))[1] != digest:
                    yield place, digest
        for place, (_, digest) in self._known.items():
            if digest and place[1] not in compiled[place[0]]:
                yield place, ""

    def _remember(self, changed: Iterable[tuple[tuple[str, str], str]]) -> None:
        """Keep the new versions; all of them or none."""
        project, parent = self._environment.project, self._environment.key
        with self._store.transaction():
            self._store.put(
                Ref(project, FAMILY, PAYLOAD, parent), {"key": PAYLOAD, "version": self.version}
            )
            for (section, key), digest in changed:
                self._known[section, key] = (self.version, digest)
                name = f"{section}/{key}"
                document = {
                    "key": name,
                    "section": section,
                    "item": key,
                    "version": self.version,
                    "digest": digest,
                }
                self._store.put(Ref(project, FAMILY, name, parent), document)


def _digest(data: Mapping[str, Json]) -> str:
    """Return a digest of an item, its own version (which is not served) left out."""
    return sha256(canonical_json({**data, "version": 0}))[:24]

"""Stand-ins that the kinds of AI Configs need beyond those in `fakes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ldconf.core.address import Address
from ldconf.core.change import Update
from ldconf.core.kind import Kind, Request
from ldconf.core.resource import Json, Observed
from tests.kinds.fakes import FakeFacts, FakeReader, differences


@dataclass
class Facts(FakeFacts):
    """Facts with model names by model config key and targeting documents by AI Config."""

    names: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, Json] = field(default_factory=dict)

    def model_name(self, model_config_key: str) -> str | None:
        return self.names.get(model_config_key)

    def targeting(self, ai_config: str) -> Mapping[str, Json]:
        return self.documents[ai_config]


@dataclass
class Reader(FakeReader):
    """A reader of a caller who wants only what is named: (address, field) and AI Configs."""

    wanted: frozenset[tuple[Address, str]] = frozenset()
    targetings: frozenset[str] = frozenset()

    def wants(self, address: Address, field: str) -> bool:
        return (address, field) in self.wanted

    def wants_targeting(self, ai_config: str) -> bool:
        return ai_config in self.targetings


def update(
    kind: Kind, address: Address, live: Observed, document: Json, facts: FakeFacts | None = None
) -> Sequence[Request]:
    """Return the requests that bring a live object to a document."""
    desired = kind.model.model_validate(document)
    known = facts or Facts()
    known.observed[address] = live
    fields = differences(live.resource, desired)
    return kind.requests(Update(address, desired, fields), known)

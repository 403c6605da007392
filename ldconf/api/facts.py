"""What requests need to know at the moment of writing: as read last, never stored."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.address import Address
from ldconf.core.live import Live
from ldconf.core.resource import Json, Observed


class WriteFacts:
    """The `Facts` of one apply: starts from the live state and learns from every read-back."""

    def __init__(self, live: Live, comment: str, commit: str) -> None:
        self.project = live.project
        self.member = live.member
        self.comment = comment
        self.commit = commit
        self._observed = dict(live.observed)
        self._targeting: dict[str, Mapping[str, Json]] = {}

    def version(self, address: Address) -> int | None:
        """Return the current version of a tool or model config, after the writes so far."""
        found = self._observed.get(address)
        return found.version if found else None

    def model_name(self, model_config_key: str) -> str | None:
        """Return the provider's model name of a model config."""
        found = self._observed.get(Address.of("modelConfigs", model_config_key))
        return found.resource.managed().get("id") if found else None

    def live(self, address: Address) -> Observed | None:
        """Return the object as last read."""
        return self._observed.get(address)

    def targeting(self, ai_config: str) -> Mapping[str, Json]:
        """Return the targeting document read for the change in hand. KeyError if none was."""
        return self._targeting[ai_config]

    def learn(self, address: Address, observed: Observed | None) -> None:
        """Take in what was just read; None means absent."""
        if observed is None:
            self._observed.pop(address, None)
        else:
            self._observed[address] = observed

    def learn_targeting(self, ai_config: str, document: Mapping[str, Json]) -> None:
        """Take in a targeting document that was just read."""
        self._targeting[ai_config] = document

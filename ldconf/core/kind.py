"""What a resource kind has to provide. Everything else loops over `KINDS`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ldconf.core.address import Address
from ldconf.core.change import Change, Phase, Update
from ldconf.core.errors import ApiError
from ldconf.core.live import Environment
from ldconf.core.resource import Json, Observed, Resource


@dataclass(frozen=True)
class Request:
    """One HTTP request as a value. `path` starts after `/api/v2` and is already quoted.

    `beta` sends `LD-API-Version: beta` (reference 1.2). `semantic` sends the semantic patch
    content type. `creates` marks non-idempotent creates of the AI Config family, whose 400 may
    be a disguised 429 (reference Q1, U17). `address` is for messages.
    """

    method: str
    path: str
    body: Json = None
    beta: bool = False
    semantic: bool = False
    creates: bool = False
    address: Address | None = None


@dataclass(frozen=True)
class Reference:
    """`path` (inside the object, for positions) names `target`.

    `served` marks references of targeting to variations (who gets what).
    """

    target: Address
    path: tuple[str | int, ...] = ()
    served: bool = False


@dataclass(frozen=True)
class Problem:
    """What is wrong at `path` inside an object, in words; known without the network."""

    summary: str
    path: tuple[str | int, ...] = ()
    hint: str | None = None


class Reader(Protocol):
    """Reads for `fetch`. Remembers GETs, so several kinds may list AI Configs for one request."""

    project: str
    environments: Sequence[Environment]

    async def list(
        self, path: str, *, beta: bool = False, params: Mapping[str, str] | None = None
    ) -> Sequence[Mapping[str, Json]]:
        """Return all items of all pages. `path` is below `/api/v2`. A bare array is accepted."""

    async def get(self, path: str, *, beta: bool = False) -> Mapping[str, Json]:
        """Return one object; raises NotFound."""

    async def gather(
        self, paths: Iterable[str], *, beta: bool = False
    ) -> Sequence[Mapping[str, Json] | None]:
        """GET many with bounded concurrency, in order; None where 404."""

    def wants(self, address: Address, field: str) -> bool:
        """True if the files (or the caller) manage this field, so an extra read is worth it."""

    def wants_targeting(self, ai_config: str) -> bool:
        """True if the targeting of this AI Config has to be read."""


class Facts(Protocol):
    """What requests need to know at the moment of writing: fresh, never stored."""

    project: str
    member: str | None  # id of the calling member, None for a service token
    comment: str  # provenance for audit log comments
    commit: str  # of the files, for variation comments; "" without git

    def version(self, address: Address) -> int | None:
        """Current version of a tool or model config, after the writes so far."""

    def model_name(self, model_config_key: str) -> str | None:
        """`id` of a model config: the provider's model name."""

    def live(self, address: Address) -> Observed | None:
        """The object as last read or read back (fresh for the address being applied)."""

    def targeting(self, ai_config: str) -> Mapping[str, Json]:
        """The raw targeting document of an AI Config, read just now."""


@dataclass(frozen=True)
class Kind:
    """One resource kind. `name` is the section in YAML, or `variations` / `targeting`.

    fetch     read all live objects of the kind
    read      read one object afresh (uncached), None if absent
    requests  the requests that bring about a change; called again after a read-back until it
              returns () (at most `rounds` times): targeting needs two (addRule, then description)
    references  who this resource names
    check     what the model alone cannot see: the address against the fields
    clash     what the server would refuse of an update, beside the live fields that no file gives
    advice    what to do about a refused request, where the server's words do not tell
    """

    name: str
    label: str
    model: type[Resource]
    fetch: Callable[[Reader], Awaitable[Sequence[tuple[Address, Observed]]]]
    read: Callable[[Reader, Address], Awaitable[Observed | None]]
    requests: Callable[[Change, Facts], Sequence[Request]]
    references: Callable[[Address, Resource], Sequence[Reference]]
    phase: Phase = Phase.OBJECTS
    rounds: int = 1
    parallel: bool = True  # may objects of this kind be written at the same time?
    approval: Callable[[Change, Facts], Request] | None = None  # opens an approval request instead
    check: Callable[[Address, Resource], Sequence[Problem]] | None = None
    clash: Callable[[Update, Observed], Sequence[Problem]] | None = None
    advice: Callable[[Change, ApiError], str | None] | None = None
    example: str = ""  # one YAML document that shows the kind

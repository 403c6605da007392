"""Model configs: custom entries beside LaunchDarkly's catalogue. Source: reference section 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, assert_never

from pydantic import Field, model_validator

from ldconf.core.address import Address
from ldconf.core.change import Archive, Change, Create, Delete, Restore, Transition, Update
from ldconf.core.errors import LdconfError
from ldconf.core.kind import Facts, Kind, Problem, Reader, Reference, Request
from ldconf.core.resource import Json, Number, Observed, Resource, Str
from ldconf.kinds.wire import (
    MAINTAINERS,
    check_maintainer,
    dismissal,
    get_or_none,
    given,
    maintainer,
    object_patch,
    q,
    sorted_set,
    tags,
    text,
    unsupported,
)

CLEARED: Mapping[str, Json] = {"params": {}, "customParams": {}, "tags": []}
PRICES: Mapping[str, str] = {
    "cost_per_input_token": "costPerInputToken",
    "cost_per_output_token": "costPerOutputToken",
    "cost_per_cached_input_token": "costPerCachedInputToken",
}


class ModelConfig(Resource):
    """A model of our own: its name at the provider, default parameters, and what tokens cost."""

    immutable: ClassVar[frozenset[str]] = frozenset({"id", "provider", "icon"})
    required_to_create: ClassVar[frozenset[str]] = frozenset({"id"})

    name: Str = Field(default="", min_length=1, description="Display name; the key if absent")
    id: Str = Field(
        default="", min_length=1, description="The provider's model name; cannot change later"
    )
    provider: Str = Field(
        default="", min_length=1, description="Provider, the first part of the key; cannot change"
    )
    icon: Str = Field(default="", min_length=1, description="Icon; cannot change later")
    params: dict[Str, Json] | None = Field(
        default=None, description="Default parameters of the model, free-form; replaced whole"
    )
    custom_params: dict[Str, Json] | None = Field(
        default=None, description="Default parameters of your own, free-form; replaced whole"
    )
    tags: list[Str] | None = Field(default=None, description="Tags, a set")
    cost_per_input_token: Number = Field(
        default=0, ge=0, description="US dollars per input token; the API cannot clear it"
    )
    cost_per_output_token: Number = Field(
        default=0, ge=0, description="US dollars per output token; the API cannot clear it"
    )
    cost_per_cached_input_token: Number = Field(
        default=0, ge=0, description="US dollars per cached input token; the API cannot clear it"
    )
    maintainer_id: Str | None = Field(default=None, description="Member id")
    maintainer_team_key: Str | None = Field(default=None, description="Team key")

    @model_validator(mode="after")
    def _one_maintainer(self) -> ModelConfig:
        check_maintainer(self.maintainer_id, self.maintainer_team_key)
        return self

    @classmethod
    def canonical(cls, name: str, value: Json) -> Json:
        """Tags are a set."""
        return sorted_set(value) if name == "tags" else super().canonical(name, value)

    @classmethod
    def from_api(cls, payload: Mapping[str, Json]) -> ModelConfig:
        """Project a ModelConfig; `version`, `global`, `isRestricted`, `usedInCount` drop here."""
        member, team = maintainer(payload)
        prices: dict[str, Json] = {
            attribute: payload.get(name) for attribute, name in PRICES.items()
        }
        return cls.model_construct(
            name=text(payload.get("name")) or "",
            id=payload.get("id") or "",
            provider=payload.get("provider") or "",
            icon=payload.get("icon") or "",
            params=payload.get("params") or None,
            custom_params=payload.get("customParams") or None,
            tags=tags(payload),
            **prices,
            maintainer_id=member,
            maintainer_team_key=team,
        )


def observed(address: Address, payload: Mapping[str, Json]) -> Observed:
    """Return a live model config.

    `meta`: `global` (an entry of the catalogue, which nobody can write), `restricted`, `raw`, and
    `unsupported` if no file could hold it.
    """
    model = ModelConfig.from_api(payload)
    meta: dict[str, Json] = {
        "raw": payload,
        "global": bool(payload.get("global")),
        "restricted": bool(payload.get("isRestricted")),
    }
    if meta["global"]:  # there are many, and no file speaks of them
        return Observed(model, version=payload.get("version"), meta=meta)
    problems = [unsupported(model), *(problem.summary for problem in check(address, model))]
    if any(problems):
        meta["unsupported"] = next(filter(None, problems))
    return Observed(model, version=payload.get("version"), meta=meta)


async def fetch(reader: Reader) -> Sequence[tuple[Address, Observed]]:
    """Read all model configs, the catalogue included: one bare array, no pages (reference 6)."""
    payloads = await reader.list(_collection(reader.project))
    addresses = [Address.of("modelConfigs", found["key"]) for found in payloads]
    return [
        (address, observed(address, found))
        for address, found in zip(addresses, payloads, strict=True)
    ]


async def read(reader: Reader, address: Address) -> Observed | None:
    """Read one model config afresh."""
    payload = await get_or_none(reader, _path(reader.project, address))
    return None if payload is None else observed(address, payload)


def requests(change: Change, facts: Facts) -> Sequence[Request]:
    """POST (answers 200), PATCH of changed fields, DELETE (refused by the server while in use).

    The API does not apply a maintainer on create (reference 6), so it follows in a PATCH. Raises
    LdconfError for an entry of LaunchDarkly's catalogue, which is read-only.
    """
    address = change.address
    path = _path(facts.project, address)
    live = facts.live(address)
    if live is not None and live.meta.get("global"):
        raise LdconfError(
            f"{address} is an entry of LaunchDarkly's own catalogue, which is read-only",
            hint="refer to it by key from a variation; do not list it under `modelConfigs`",
        )
    match change:
        case Create(after=after):
            managed = after.managed()
            fields = given(managed)
            keeper = {name: fields.pop(name) for name in MAINTAINERS if name in fields}
            keeper |= dismissal(managed)
            provider, _, _ = address.key.partition(".")
            body = {"name": address.key, "provider": provider, **fields, "key": address.key}
            create = Request("POST", _collection(facts.project), body, address=address)
            return (
                (create, Request("PATCH", path, keeper, address=address)) if keeper else (create,)
            )
        case Update(fields=diffs):
            patch = object_patch(diffs, CLEARED)
            if "maintainerTeamKey" in patch and not patch["maintainerTeamKey"]:
                # Only an empty `maintainerId` is documented to remove the maintainer.
                del patch["maintainerTeamKey"]
                patch["maintainerId"] = ""
            return (Request("PATCH", path, patch, address=address),) if patch else ()
        case Delete():
            return (Request("DELETE", path, address=address),)
        case Archive() | Restore() | Transition():
            raise TypeError(f"model configs have no {type(change).__name__}")
        case _:
            assert_never(change)


def references(address: Address, resource: Resource) -> Sequence[Reference]:
    """A model config names no other managed object."""
    return ()


def check(address: Address, resource: Resource) -> Sequence[Problem]:
    """The key is `Provider.model-id`: variations reject other keys (reference 6).

    Only the provider has to agree: several model configs may stand for one model of the provider.
    """
    assert isinstance(resource, ModelConfig)
    provider, _, model = address.key.partition(".")
    if not (provider and model):
        example = f"{resource.provider or 'Custom'}.{resource.id or address.key}"
        summary = f"the key of a model config has the form Provider.model-id, not {address.key!r}"
        return (Problem(summary, hint=f"for example {example}"),)
    if resource.provider and resource.provider != provider:
        summary = f"`provider` {resource.provider!r} is not the key's first part, {provider!r}"
        return (Problem(summary, ("provider",)),)
    return ()


def _collection(project: str) -> str:
    return f"/projects/{q(project)}/ai-configs/model-configs"


def _path(project: str, address: Address) -> str:
    return f"{_collection(project)}/{q(address.key)}"


EXAMPLE = """\
modelConfigs:
  Custom.pet-store-small:
    name: Pet Store Small
    id: pet-store-small
    provider: Custom
    params: {temperature: 0.7}
    costPerInputToken: 0.0000008
    costPerOutputToken: 0.000004
"""

MODEL_CONFIG = Kind(
    name="modelConfigs",
    label="model config",
    model=ModelConfig,
    fetch=fetch,
    read=read,
    requests=requests,
    references=references,
    check=check,
    example=EXAMPLE,
)

"""Builders of values for tests: small, plain, with only what a test wants to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ldconf.core import address as addresses
from ldconf.core.address import Address
from ldconf.core.diagnostic import Position
from ldconf.core.live import Environment, Live, PendingApproval, RunningExperiment
from ldconf.core.resource import Json, Observed, Resource
from ldconf.core.workspace import (
    Consent,
    External,
    Guards,
    Inherited,
    Workspace,
    WorkspaceSettings,
)
from ldconf.kinds import kind_of
from ldconf.kinds.variation_model import ARCHIVED

__all__ = ["Guards", "Inherited", "Position", "replace"]  # what tests build changed values with

PROJECT = "shop"
ENVIRONMENTS = ("test", "production")
MODEL = "OpenAI.gpt-4o"
NO_GUARDS = Guards()


def at(text: str) -> Address:
    """Return the address that a text names."""
    return Address.parse(text)


def resource(address: str | Address, **fields: Json) -> Resource:
    """Return a resource as the loader makes it: `off: true` compiled away."""
    found = at(address) if isinstance(address, str) else address
    made = kind_of(found).model.model_validate(fields)
    compiled = getattr(made, "compiled", None)
    return compiled() if compiled else made


def workspace(
    objects: Mapping[str, Mapping[str, Json]] | None = None,
    *,
    removed: Iterable[str] = (),
    consents: Iterable[Consent] = (),
    guards: Guards = NO_GUARDS,
    external: Mapping[str, Iterable[str] | None] | None = None,
    environments: tuple[str, ...] = ENVIRONMENTS,
    **more: Json,
) -> Workspace:
    """Return what files say: address -> fields. `more` are further fields of `Workspace`."""
    keys = {
        section: None if named is None else frozenset(named)
        for section, named in (external or {"modelConfigs": None}).items()
    }
    settings = WorkspaceSettings(PROJECT, environments, guards=guards, external=External(keys))
    listed = {at(name): resource(name, **fields) for name, fields in (objects or {}).items()}
    off = frozenset(at(name) for name, fields in (objects or {}).items() if fields.get("off"))
    return Workspace(
        settings,
        listed,
        removed={at(name): Position("removed.yaml", n) for n, name in enumerate(removed, 1)},
        consents=tuple(consents),
        off=off,
        **more,
    )


def consent(address: str, allow: str, because: str = "INC-1") -> Consent:
    """Return a consent."""
    return Consent(address, allow, because)


def observed(address: str | Address, *, version: int | None = 1, **fields: Json) -> Observed:
    """Return a live object: every field set, None where none is given."""
    found = at(address) if isinstance(address, str) else address
    model = kind_of(found).model
    state = fields.pop("state", None)
    given = model.model_validate(fields)
    empty: dict[str, Json] = {
        name: None
        for name, field in model.model_fields.items()
        if name not in given.model_fields_set and name != "off"
    }
    values = {name: getattr(given, name) for name in given.model_fields_set}
    if found.kind == "variations":
        empty.pop("state", None)
        values["state"] = state or "published"
    if found.kind == "targeting":
        empty["fallthrough"] = "disabled"
        values = {**empty, **values}
        empty = {}
    meta: dict[str, Json] = {"raw": {"key": found.key}}
    return Observed(model.model_construct(**{**empty, **values}), version=version, meta=meta)


def model_config(key: str = MODEL, **fields: Json) -> tuple[Address, Observed]:
    """Return an entry of the live catalogue of model configs."""
    address = Address.of("modelConfigs", key)
    live = observed(address, id=key.partition(".")[2], name=key, **fields)
    return address, replace(live, meta={**live.meta, "global": True, "restricted": False})


def live(
    objects: Mapping[str, Mapping[str, Json] | Observed] | None = None,
    *,
    environments: Iterable[str | Environment] = ENVIRONMENTS,
    experiments: Iterable[RunningExperiment] = (),
    approvals: Iterable[PendingApproval] = (),
    catalogue: Iterable[str] = (MODEL, "Anthropic.claude"),
    **more: Json,
) -> Live:
    """Return the live state: address -> fields, beside a catalogue of model configs.

    Every AI Config has targeting in every environment, as LaunchDarkly gives it.
    """
    known = [one if isinstance(one, Environment) else Environment(one) for one in environments]
    found = dict(model_config(key) for key in catalogue)
    for name, fields in (objects or {}).items():
        address = at(name)
        if address.kind == "aiConfigs":
            for environment in known:
                place = addresses.targeting(address.key, environment.key)
                found.setdefault(place, observed(place))
        if isinstance(fields, Observed):
            found[address] = fields
        else:
            found[address] = observed(address, **fields)
    return Live(
        PROJECT,
        {environment.key: environment for environment in known},
        found,
        experiments=tuple(experiments),
        approvals=tuple(approvals),
        **more,
    )


def as_live(files: Workspace, **more: Json) -> Live:
    """Return the live state after these files were applied to an empty project."""
    objects: dict[str, Mapping[str, Json] | Observed] = {}
    for address, listed in files.resources.items():
        values = listed.managed()
        if address.kind == "variations":
            if values.get("state") == ARCHIVED:
                continue
            values = _as_written(files, values)
        objects[str(address)] = {name: value for name, value in values.items() if value is not None}
    return live(objects, **more)


def _as_written(files: Workspace, values: dict[str, Json]) -> dict[str, Json]:
    """Return a variation as apply writes it: tools pinned, the model named."""
    if values.get("tools"):
        values["tools"] = [{"version": 1, **tool} for tool in values["tools"]]
    if key := values.get("modelConfigKey"):
        own = files.resources.get(Address.of("modelConfigs", key))
        name = own.managed()["id"] if own else key.partition(".")[2]
        values["model"] = {**(values.get("model") or {}), "modelName": name}
    return values

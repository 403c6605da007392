"""The `external` entries of `ldconf.yaml` that an import needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ldconf.core.address import Address
from ldconf.core.resource import Json

EVERY = "*"


def external(
    before: Mapping[str, Json], listed: Collection[Address], needed: Iterable[Address]
) -> dict[str, Json]:
    """Return the `external` block with what is referenced and not listed, without what is listed.

    Catalogue models need no entry, unless our own models have the same provider.
    """
    found = {section: _without(section, keys, listed) for section, keys in before.items()}
    found = {section: keys for section, keys in found.items() if keys}
    providers = {"Custom"} | {_provider(a.key) for a in listed if a.kind == "modelConfigs"}
    for address in sorted(set(needed) - set(listed)):
        if address.kind == "modelConfigs" and _provider(address.key) not in {*providers, ""}:
            continue
        found[address.section] = _with(found.get(address.section), address)
    return found


def _provider(key: str) -> str:
    return key.partition(".")[0] if "." in key else ""


def _with(keys: Json, address: Address) -> Json:
    """Return the keys of a section (`*`, a list, for segments also a map) with one more."""
    if keys == EVERY:
        return keys
    environment = address.environment
    if environment is None or isinstance(keys, list):
        return keys if keys and address.key in keys else [*(keys or ()), address.key]
    inner = (keys or {}).get(environment)
    if inner == EVERY:
        return keys
    added = inner if inner and address.key in inner else [*(inner or ()), address.key]
    return {**(keys or {}), environment: added}


def _without(section: str, keys: Json, listed: Collection[Address]) -> Json:
    if keys == EVERY:
        return keys
    if isinstance(keys, Mapping):
        inner = {
            environment: _kept(section, named, listed, environment)
            for environment, named in keys.items()
        }
        return {environment: named for environment, named in inner.items() if named}
    return _kept(section, keys, listed, None)


def _kept(section: str, keys: Json, listed: Collection[Address], environment: str | None) -> Json:
    if keys == EVERY:
        return keys
    taken = {
        a.parts[1] for a in listed if a.section == section and environment in (None, a.environment)
    }
    return [key for key in keys if key not in taken]

"""Reading variations: from the list of AI Configs, and singly where that list leaves things out.

There is no list of variations (reference 4.1), answers differ in what they hold (4.5, 4.6), and
reads lag behind writes; so every row known of a variation counts, and the highest version wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from ldconf.core.address import Address
from ldconf.core.address import variation as variation_address
from ldconf.core.kind import Reader
from ldconf.core.resource import Json, Observed, Resource
from ldconf.kinds import ai_config
from ldconf.kinds.variation_comment import TEXTS
from ldconf.kinds.variation_model import Variation
from ldconf.kinds.wire import get_or_none, q, unsupported

Row: TypeAlias = Mapping[str, Json]  # one version of a variation, as some answer shows it
PAGE = {"limit": "50"}


def path(project: str, address: Address) -> str:
    """Return the path of one variation."""
    return f"{ai_config.path(project, address.parts[1])}/variations/{q(address.key)}"


def newest(rows: Iterable[Row]) -> dict[str, Json]:
    """Return the row of the highest version, filled in from other answers on that version."""
    known = list(rows)
    highest = max((row.get("version") or 0 for row in known), default=0)
    merged: dict[str, Json] = {}
    for row in known:
        if (row.get("version") or 0) == highest:
            filling = {name: value for name, value in row.items() if not merged.get(name)}
            merged |= {name: value for name, value in filling.items() if value is not None}
    return merged


def observed(row: Row, mode: str) -> Observed:
    """Return a live variation.

    `omitted` names texts of an agent that no answer held, `meta["raw"]` is the merged row,
    `meta["unsupported"]` says what files cannot represent.
    """
    omitted = frozenset(_missing_texts(row)) if mode == "agent" else frozenset()
    meta: dict[str, Json] = {"raw": row}
    resource = Variation.from_api(row)
    if words := ", ".join(_unsupported(row)) or unsupported(resource):
        meta["unsupported"] = words
    return Observed(
        resource,
        version=row.get("version"),
        omitted=omitted,
        comment=row.get("comment"),
        meta=meta,
    )


async def fetch(reader: Reader) -> Sequence[tuple[Address, Observed]]:
    """Read every variation from the list of AI Configs; singly only what it omits and is wanted."""
    modes: dict[Address, str] = {}
    rows: dict[Address, list[Row]] = {}
    for config in await ai_config.payloads(reader):
        for row in config.get("variations") or ():
            address = variation_address(config["key"], row["key"])
            modes[address] = config.get("mode") or "completion"
            rows.setdefault(address, []).append(row)
    incomplete = [
        address
        for address, known in rows.items()
        if any(reader.wants(address, name) for name in _missing(newest(known), modes[address]))
    ]
    answers = await reader.gather([path(reader.project, address) for address in incomplete])
    for address, answer in zip(incomplete, answers, strict=True):
        rows[address] += (answer or {}).get("items") or ()
    found = {address: newest(known) for address, known in rows.items()}
    await _find_tools(reader, found)
    return [(address, observed(row, modes[address])) for address, row in found.items()]


async def read(reader: Reader, address: Address) -> Observed | None:
    """Read one variation afresh: all its versions, and its AI Config's entry of it."""
    answer = await get_or_none(reader, path(reader.project, address))
    if answer is None:
        return None
    config = await get_or_none(reader, ai_config.path(reader.project, address.parts[1])) or {}
    entries = [row for row in config.get("variations") or () if row.get("key") == address.key]
    row = newest([*(answer.get("items") or ()), *entries])
    if not row:
        return None
    await _find_tools(reader, {address: row})
    return observed(row, config.get("mode") or "completion")


def wanted_fields(resource: Resource) -> frozenset[str]:
    """Return what `Reader.wants` has to answer for this variation: fields, `tools/KEY` by tool."""
    tools = resource.managed().get("tools") or () if isinstance(resource, Variation) else ()
    return resource.managed_names | {f"tools/{tool['key']}" for tool in tools}


async def _find_tools(reader: Reader, rows: Mapping[Address, dict[str, Json]]) -> None:
    """Fill in tools that the answers omit: an empty list proves nothing (reference 4.5.4)."""
    bare = {
        address
        for address, row in rows.items()
        if not row.get("tools") and reader.wants(address, "tools")
    }
    if not bare:
        return
    tools = f"/projects/{q(reader.project)}/ai-tools"
    listed = await reader.list(tools, params=PAGE)
    keys = [
        tool["key"]
        for tool in listed
        if any(reader.wants(address, f"tools/{tool['key']}") for address in bare)
    ]
    paths = [f"{tools}/{q(key)}/references" for key in keys]
    pins: dict[Address, dict[str, int]] = {}
    for key, references in zip(keys, await _references(reader, paths), strict=True):
        for found in references:
            address = variation_address(found.get("aiConfigKey", ""), found.get("variationKey", ""))
            if address in bare and reader.wants(address, f"tools/{key}"):
                versions = pins.setdefault(address, {})
                versions[key] = max(versions.get(key, 0), found.get("toolVersion") or 0)
    for address, versions in pins.items():
        attached = [{"key": key, "version": version} for key, version in versions.items()]
        rows[address]["tools"] = attached


async def _references(reader: Reader, paths: Sequence[str]) -> Sequence[Sequence[Row]]:
    """Return who uses each tool. Most fit one page; only the others are paged."""
    found: list[Sequence[Row]] = []
    for tool, answer in zip(paths, await reader.gather(paths), strict=True):
        items = (answer or {}).get("items") or ()
        total = (answer or {}).get("totalCount") or 0
        found.append(items if len(items) >= total else await reader.list(tool, params=PAGE))
    return found


def _missing(row: Row, mode: str) -> Iterator[str]:
    """Yield the texts of a variation that an answer does not hold."""
    yield from _missing_texts(row) if mode == "agent" else ()
    if mode != "agent" and row.get("messages") is None:
        yield "messages"


def _missing_texts(row: Row) -> Iterator[str]:
    return (name for name in TEXTS if row.get(name) is None)


def _unsupported(row: Row) -> Iterator[str]:
    for name, words in (("skills", "agent skills"), ("classifiers", "classifiers")):
        if row.get(name):
            yield words
    for name, value in (row.get("model") or {}).items():
        if name not in ("modelName", "parameters", "custom") and value:
            yield f"`model.{name}`"

"""The kind `variations`: how changes of a variation are written. Source: reference section 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from ldconf.core.address import Address
from ldconf.core.address import ai_config as ai_config_address
from ldconf.core.change import (
    Archive,
    Change,
    Create,
    Delete,
    FieldDiff,
    Restore,
    Transition,
    Update,
)
from ldconf.core.kind import Facts, Kind, Request
from ldconf.core.resource import Json, Observed
from ldconf.kinds import ai_config
from ldconf.kinds.variation_comment import TEXTS, fingerprint, fingerprints, write_comment
from ldconf.kinds.variation_live import fetch, path, read
from ldconf.kinds.variation_model import (
    ARCHIVED,
    PUBLISHED,
    Variation,
    check,
    mode_problems,
    references,
)

__all__ = ["VARIATION", "Variation", "fingerprint", "fingerprints", "mode_problems"]

CLEARED: Mapping[str, Json] = {
    "description": "",
    "instructions": "",
    "judgeConfiguration": {"judges": []},
    "messages": [],
    "modelConfigKey": "",
    "outputFormat": {},
    "tools": [],
}


def requests(change: Change, facts: Facts) -> Sequence[Request]:
    """POST whole, PATCH changed fields, archive, restore (then edit), DELETE.

    Every write makes a new version, so nothing is sent that changes nothing, and every write
    carries a comment with the fingerprints of the texts that its version holds.
    """
    address = change.address
    one = path(facts.project, address)
    match change:
        case Create(after=after):
            body = _creation(address, after.managed(), facts)
            collection = f"{ai_config.path(facts.project, address.parts[1])}/variations"
            return (Request("POST", collection, body, creates=True, address=address),)
        case Update(fields=fields):
            return _edits(address, fields, facts)
        case Restore(fields=fields):
            published = _with_comment(address, {"state": PUBLISHED}, {}, facts)
            restore = Request("PATCH", one, published, address=address)
            return (restore, *_edits(address, fields, facts))
        case Archive():
            archived = _with_comment(address, {"state": ARCHIVED}, {}, facts)
            return (Request("PATCH", one, archived, address=address),)
        case Delete():
            return (Request("DELETE", one, address=address),)
        case Transition():
            raise TypeError("variations have no Transition")
        case _:
            assert_never(change)


def _creation(address: Address, managed: Mapping[str, Json], facts: Facts) -> dict[str, Json]:
    parent = facts.live(ai_config_address(address.parts[1]))
    is_agent = parent is not None and parent.resource.managed().get("mode") == "agent"
    values = {name: value for name, value in managed.items() if value is not None}
    body: dict[str, Json] = {"name": address.key, **_fields(values, None, facts)}
    body |= {"key": address.key, "model": _model(values, None, facts)}
    if is_agent:
        body["messages"] = []  # validation may want it (reference 4.2)
    # A text that is managed and empty is known as well: the new version has none.
    texts = {
        name: managed[name] for name in TEXTS if name in managed and (is_agent or managed[name])
    }
    return _with_comment(address, body, texts, facts)


def _edits(address: Address, fields: Sequence[FieldDiff], facts: Facts) -> Sequence[Request]:
    """Return the PATCH of these fields, if there is anything to change."""
    after = {diff.field: diff.after for diff in fields}
    live = facts.live(address)
    body = _fields(after, live, facts)
    if not body:
        return ()
    texts = {name: after[name] for name in TEXTS if name in after}
    body = _with_comment(address, body, texts, facts)
    return (Request("PATCH", path(facts.project, address), body, address=address),)


def _fields(after: Mapping[str, Json], live: Observed | None, facts: Facts) -> dict[str, Json]:
    """Return the body of a write that sets these fields. `state` moves in a request of its own."""
    body = {
        name: CLEARED.get(name) if value is None else value
        for name, value in after.items()
        if name not in ("state", "model", "modelConfigVersion")
    }
    if tools := body.get("tools"):
        body["tools"] = [_pinned(tool, facts) for tool in tools]
    if "modelConfigVersion" in after and (version := _model_version(after, live, facts)):
        body["modelConfigVersion"] = version
    # The model's name follows the model config, and `model` is replaced whole (reference 4.3).
    if "model" in after or after.get("modelConfigKey"):
        body["model"] = _model(after, live, facts)
    return body


def _model(after: Mapping[str, Json], live: Observed | None, facts: Facts) -> dict[str, Json]:
    """Return the whole `model`; without `modelName` the user interface shows "NO MODEL"."""
    present = live.resource.managed() if live else {}
    parts = after["model"] if "model" in after else present.get("model")
    parts = parts or {}
    key = after["modelConfigKey"] if "modelConfigKey" in after else present.get("modelConfigKey")
    name = (facts.model_name(key) if key else None) or parts.get("modelName")
    whole = {"parameters": parts.get("parameters") or {}, "custom": parts.get("custom") or {}}
    if name:
        return {"modelName": name, **whole}
    return whole if parts else {}


def _model_version(after: Mapping[str, Json], live: Observed | None, facts: Facts) -> int | None:
    """Return the version to pin: as given, else the one that this apply has just made."""
    if isinstance(after["modelConfigVersion"], int):
        return after["modelConfigVersion"]
    present = live.resource.managed() if live else {}
    key = after.get("modelConfigKey") or present.get("modelConfigKey")
    return facts.version(Address.of("modelConfigs", key)) if key else None


def _pinned(tool: Mapping[str, Json], facts: Facts) -> dict[str, Json]:
    """Return a tool with its version: `toolKeys` would attach nothing (reference Q10)."""
    version = tool.get("version")
    if not isinstance(version, int):
        version = facts.version(Address.of("tools", tool["key"]))
    return {"key": tool["key"], "version": version}


def _with_comment(
    address: Address, body: Mapping[str, Json], sent: Mapping[str, Json], facts: Facts
) -> dict[str, Json]:
    """Return the body with a comment that states what is known of the texts after this write.

    Of a text: as sent; else as read; else what the previous comment stated; else nothing.
    """
    live = facts.live(address)
    previous = fingerprints(live.comment) if live else {}
    read_back = live.meta.get("raw", {}) if live else {}
    stated: dict[str, str] = {}
    for name in TEXTS:
        if name in sent:
            stated[name] = fingerprint(sent[name] or "")
        elif isinstance(read_back.get(name), str):
            stated[name] = fingerprint(read_back[name])
        elif name in previous:
            stated[name] = previous[name]
    return {**body, "comment": write_comment(facts.commit, stated)}


EXAMPLE = """\
aiConfigs:
  pet-store-agent:
    variations:
      base-config:
        name: Base config
        modelConfigKey: Anthropic.claude-sonnet-4-5
        model: {parameters: {temperature: 0.7, max_tokens: 4096}, custom: {max_search_results: 5}}
        instructions: You are the assistant of a pet store.
        tools: [get_product]
      model-variant-2:
        extends: base-config
        name: Model variant 2
        modelConfigKey: OpenAI.gpt-4o-mini
"""

VARIATION = Kind(
    name="variations",
    label="variation",
    model=Variation,
    fetch=fetch,
    read=read,
    requests=requests,
    references=references,
    check=check,
    parallel=False,  # creates count against the limit of flag creation (reference Q1)
    example=EXAMPLE,
)

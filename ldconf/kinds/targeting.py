"""The kind `targeting`: who gets which variation in an environment. Source: reference section 5."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_address
from ldconf.core.change import Archive, Change, Create, Delete, Phase, Restore, Transition, Update
from ldconf.core.errors import LdconfError
from ldconf.core.kind import Facts, Kind, Reader, Request
from ldconf.core.live import Environment
from ldconf.core.resource import Json, Observed
from ldconf.kinds import ai_config
from ldconf.kinds.targeting_document import FALLTHROUGH, Document, live_targeting
from ldconf.kinds.targeting_model import Targeting, references
from ldconf.kinds.targeting_patch import approval_instructions, instructions
from ldconf.kinds.wire import get_or_none, unsupported

__all__ = ["TARGETING", "Targeting", "approval", "by_environment", "observed"]


def observed(document: Document, environment: str) -> Observed:
    """Return the live targeting of one environment.

    `meta`: `raw` (the environment's block), `document` (the whole, shared by all environments),
    `enabled`, `version` (the environment's `_version`), `rule_ids` (by index), `experiment_slots`
    (`fallthrough` or rule indexes under a running experiment), `unsupported` (words, if any).
    """
    block = document["environments"][environment]
    live = live_targeting(document, environment)
    slots: list[Json] = [index for index, rule in enumerate(live.rules) if rule.experiment]
    meta: dict[str, Json] = {
        "raw": block,
        "document": document,
        "enabled": block.get("enabled", True),
        "version": block.get("_version"),
        "rule_ids": [rule.id for rule in live.rules],
        "experiment_slots": [*slots, FALLTHROUGH] if live.experiment else slots,
    }
    resource = Targeting.from_live(live)
    if problem := "; ".join(live.problems) or unsupported(resource):
        meta["unsupported"] = problem
    return Observed(resource, meta=meta)


async def fetch(reader: Reader) -> Sequence[tuple[Address, Observed]]:
    """Read the wanted targeting documents, one per AI Config, and split them by environment."""
    listed = await ai_config.payloads(reader)
    keys = [found["key"] for found in listed if reader.wants_targeting(found["key"])]
    documents = await reader.gather([ai_config.targeting_path(reader.project, key) for key in keys])
    return [
        pair
        for key, document in zip(keys, documents, strict=True)
        if document is not None
        for pair in by_environment(key, document, reader.environments)
    ]


def by_environment(
    ai_config: str, document: Document, environments: Iterable[Environment]
) -> Sequence[tuple[Address, Observed]]:
    """Return the live targeting of one AI Config in each environment that its document knows."""
    return [
        (targeting_address(ai_config, environment.key), observed(document, environment.key))
        for environment in environments
        if environment.key in document.get("environments", {})
    ]


async def read(reader: Reader, address: Address) -> Observed | None:
    """Read the targeting of one environment afresh."""
    document = await get_or_none(reader, ai_config.targeting_path(reader.project, address.parts[1]))
    environment = address.parts[3]
    if document is None or environment not in document.get("environments", {}):
        return None
    return observed(document, environment)


def requests(change: Change, facts: Facts) -> Sequence[Request]:
    """One semantic patch of the fields to send, computed against targeting read just now."""
    address = change.address
    found = instructions(_desired(change), _document(address, facts), address.parts[3])
    if not found:
        return ()
    body = {
        "environmentKey": address.parts[3],
        "instructions": list(found),
        "comment": facts.comment,
    }
    path = ai_config.targeting_path(facts.project, address.parts[1])
    return (Request("PATCH", path, body, semantic=True, address=address),)


def approval(change: Change, facts: Facts) -> Request:
    """Open an approval request for the change instead of writing it (reference 16.2, U21)."""
    address = change.address
    key, environment = address.parts[1], address.parts[3]
    found = approval_instructions(_desired(change), _document(address, facts), environment)
    body = {
        "resourceId": f"proj/{facts.project}:env/{environment}:aiconfig/{key}",
        "description": f"ldconf: targeting of {key} in {environment}",
        "instructions": list(found),
        "comment": facts.comment,
    }
    return Request("POST", "/approval-requests", body, address=address)


def _desired(change: Change) -> dict[str, Json]:
    """Return the fields that a change sets."""
    match change:
        case Create(after=after):
            return after.managed()
        case Update(fields=fields):
            return {diff.field: diff.after for diff in fields}
        case Archive() | Restore() | Delete() | Transition():
            raise TypeError(f"targeting has no {type(change).__name__}")
        case _:
            assert_never(change)


def _document(address: Address, facts: Facts) -> Document:
    """Return the targeting document, which must know the environment."""
    document = facts.targeting(address.parts[1])
    known = document.get("environments") or {}
    if address.parts[3] not in known:
        raise LdconfError(
            f"AI Config {address.parts[1]!r} has no targeting in environment {address.parts[3]!r}",
            f"environments it has: {', '.join(sorted(known)) or 'none'}",
        )
    return document


EXAMPLE = """\
aiConfigs:
  pet-store-agent:
    variations:
      base-config: {modelConfigKey: Anthropic.claude-sonnet-4-5}
      model-variant-2: {modelConfigKey: OpenAI.gpt-4o-mini}
    targeting:
      test:
        targets: [{variation: base-config, contextKind: user, values: [qa-1, qa-2]}]
        rules:
          - description: Premium users
            clauses: [{attribute: subscription_status, op: in, values: [premium]}]
            serve: base-config
        fallthrough: {rollout: {base-config: 50, model-variant-2: rest}}
"""

TARGETING = Kind(
    name="targeting",
    label="targeting",
    model=Targeting,
    fetch=fetch,
    read=read,
    requests=requests,
    references=references,
    phase=Phase.TARGETING,
    rounds=2,
    approval=approval,
    example=EXAMPLE,
)

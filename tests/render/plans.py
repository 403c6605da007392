"""Plans of real values that the drawings are tested with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ldconf.core import address as at
from ldconf.core.address import Address
from ldconf.core.change import (
    ApprovalNeed,
    Archive,
    Conflict,
    ConsentUse,
    Create,
    Delete,
    Drift,
    Effect,
    FieldDiff,
    Note,
    NoteKind,
    Plan,
    Refusal,
    Restore,
    Unverifiable,
    Update,
    step,
)
from ldconf.core.diagnostic import Position
from ldconf.core.resource import sha256
from ldconf.core.workspace import Workspace, WorkspaceSettings
from ldconf.kinds import kind_of
from ldconf.render.rows import ContextEntry

BOT = "pet-store-agent"
BASE, SECOND = at.variation(BOT, "base-config"), at.variation(BOT, "model-variant-2")
TEST, PRODUCTION = at.targeting(BOT, "test"), at.targeting(BOT, "production")
TOOL, OLD_TOOL = Address.of("tools", "get_product"), Address.of("tools", "legacy_search")
SEGMENT = at.segment("beta", "test")

PROMPT = """\
You are the assistant of a pet store. Answer the customer kindly and use the tools you have.

## Execution plan
1. Find out which animal the customer has.
2. Look up products with `get_product`.
3. Never recommend more than three products.
4. Say the price of each product.

## Business rules
Refunds are decided by people. Dogs come first.
Ask before you order anything.

## Response format
Answer in plain text, in the language of the customer.
"""
NEW_PROMPT = PROMPT.replace("kindly", "briefly and kindly").replace("three", "two")

PREMIUM = {
    "description": "Premium users",
    "clauses": [
        {
            "contextKind": "user",
            "attribute": "subscription_status",
            "op": "in",
            "negate": False,
            "values": ["premium"],
        }
    ],
    "serve": "base-config",
}
BY_HAND = {
    "description": None,
    "clauses": [
        {
            "contextKind": "user",
            "attribute": "email",
            "op": "endsWith",
            "negate": False,
            "values": ["@x.org"],
        }
    ],
    "serve": "model-variant-2",
}
HALF = {
    "rollout": {"base-config": 50, "model-variant-2": 50},
    "bucketBy": "key",
    "contextKind": "user",
}


def resource(address: Address, **fields: Any) -> Any:
    return kind_of(address).model.model_validate(fields)


def updated(address: Address, *fields: FieldDiff, adopts: bool = False) -> Update:
    after = resource(address, **{diff.field: diff.after for diff in fields})
    return Update(address, after, fields, adopts=adopts)


EDIT = updated(
    BASE,
    FieldDiff(
        "model",
        {"parameters": {"temperature": 0.7, "max_tokens": 4096}},
        {"parameters": {"temperature": 0.3, "max_tokens": 4096, "top_p": 0.9}},
    ),
    FieldDiff("instructions", PROMPT, NEW_PROMPT),
    FieldDiff(
        "tools", [{"key": "get_product", "version": 3}], [{"key": "get_product"}], because="re-pin"
    ),
)
CHILD = updated(SECOND, FieldDiff("instructions", PROMPT, NEW_PROMPT, inherited=BASE), adopts=True)
WHO = updated(
    PRODUCTION,
    FieldDiff(
        "targets",
        [{"variation": "base-config", "contextKind": "user", "values": ["qa-1", "qa-2"]}],
        [
            {"variation": "base-config", "contextKind": "user", "values": ["qa-2"]},
            {"variation": "model-variant-2", "contextKind": "user", "values": ["qa-1", "qa-3"]},
        ],
    ),
    FieldDiff("rules", [BY_HAND, PREMIUM], [{**PREMIUM, "serve": "model-variant-2"}]),
    FieldDiff("fallthrough", "base-config", HALF),
)
NEW = Create(
    at.variation(BOT, "brief"),
    resource(
        at.variation(BOT, "brief"),
        name="Brief",
        modelConfigKey="OpenAI.gpt-4o-mini",
        model={"parameters": {"temperature": 0.2}},
        instructions=PROMPT,
    ),
)
ARCHIVED = Archive(at.variation(BOT, "old-config"))
GONE = Delete(OLD_TOOL, resource(OLD_TOOL, description="Old", schema={"type": "object"}))
BACK = Restore(
    at.variation(BOT, "spring"),
    resource(at.variation(BOT, "spring"), name="Spring"),
    (FieldDiff("name", "Summer", "Spring"),),
)


def plan(*changes: Any, **fields: Any) -> Plan:
    hashes = {step(change): sha256(str(change.address)) for change in changes}
    return Plan(
        project="pet-store-agent",
        workspace="configs",
        changes=changes,
        digest=sha256("".join(sorted(hashes.values()))),
        change_hashes=hashes,
        **{"base_ref": "0123456789ab (applied last)", "head_ref": "ba9876543210", **fields},
    )


EMPTY = plan(unchanged=12)

FULL = plan(
    EDIT,
    CHILD,
    NEW,
    BACK,
    WHO,
    ARCHIVED,
    GONE,
    unchanged=7,
    drift=(
        Drift(TEST, "fallthrough", "base-config", "model-variant-2"),
        Drift(SEGMENT, None, None, None),
    ),
    conflicts=(
        Conflict(TOOL, "description", "Look up", "Look up a product", "Look up *products*"),
    ),
    unverifiable=(Unverifiable(SECOND, "instructions"),),
    refusals=(
        Refusal(PRODUCTION, "protected", "the address is protected", "protected", "ask the owners"),
        Refusal(None, "deletes", "4 of 10 objects would be deleted (limit 30 %)", "deletes"),
        Refusal(BASE, "immutable", "the mode cannot change"),
    ),
    refused=(updated(TEST, FieldDiff("fallthrough", "base-config", "brief")),),
    consents=(ConsentUse(BASE, "inPlaceEdit", "INC-1234 | see <b>wiki</b> @jane"),),
    notes=(
        Note(NoteKind.SETTINGS, "guards.maxDeletePercent: 30 -> 50"),
        Note(NoteKind.RELEASED, "no longer managed", TOOL, "customParameters", "nothing to do"),
    ),
    effects={
        BASE: (
            Effect("test", 60, True),
            Effect("production", 100, True),
            Effect("eu-prod", 12.5, False, exact=False),
        ),
        SECOND: (),
    },
    approvals=(ApprovalNeed(PRODUCTION), ApprovalNeed(TEST, blocked_by="5f1e")),
    left_out=3,
    dirty=True,
)

CONTEXT = (
    ContextEntry(TEST, "jane@example.org", "2026-11-24T10:00:00Z", "updated the fallthrough"),
    ContextEntry(TOOL, "token ci", "2026-11-23T08:30:00Z"),
)

UNSEEN = updated(
    BASE,
    FieldDiff("instructions", "59b630582abe", NEW_PROMPT, unverifiable=True),
    FieldDiff("description", None, "New", because="--resend", unverifiable=True),
)

WORKSPACE = Workspace(
    WorkspaceSettings("pet-store-agent", ("test", "production")),
    {},
    positions={
        (PRODUCTION, ()): Position("agent.yaml", 30, 5),
        (TEST, ()): Position("agent.yaml", 20, 5),
        (TOOL, ()): Position("tools.yaml", 2, 3),
    },
    off=frozenset({TEST}),
)

TWO_WAY = replace(FULL, direction_unknown=True, base_ref=None, drift=(), conflicts=())

"""A plan as versioned JSON text: what was reviewed, for `apply FILE` and `--reviewed FILE`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ldconf.core.change import VERBS, Change, ConsentUse, FieldDiff, Plan, Restore, Update, step
from ldconf.core.errors import LdconfError
from ldconf.core.resource import Json
from ldconf.planning.digest import digest, fields

FORMAT_VERSION = 1


@dataclass(frozen=True)
class ReviewedPlan:
    """What a plan file says was reviewed: hashes of changes, and the consents it listed."""

    digest: str
    hashes: frozenset[str]
    consents: frozenset[tuple[str, str, str]] = frozenset()  # address, allow, because
    project: str = ""
    workspace: str = ""
    head_ref: str | None = None


NOTHING = ReviewedPlan(digest(()), frozenset())  # reviewed: that nothing is sent


def dumps(plan: Plan) -> str:
    """Return the plan as JSON text. Same plan, same bytes; holds prompts, but never a secret."""
    whole = {
        "formatVersion": FORMAT_VERSION,
        "project": plan.project,
        "workspace": plan.workspace,
        "base": plan.base_ref,
        "head": plan.head_ref,
        "dirty": plan.dirty,
        "digest": plan.digest,
        "changes": [_change(plan, change) for change in plan.changes],
        "consents": [_consent(use) for use in plan.consents],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, sort_keys=False) + "\n"


def loads(text: str) -> ReviewedPlan:
    """Return what a plan file reviewed. Raises LdconfError if the text is not a whole plan file."""
    try:
        whole = json.loads(text)
    except ValueError as err:
        raise LdconfError("not a plan file: it is not JSON", hint=_HINT) from err
    if not isinstance(whole, Mapping) or "formatVersion" not in whole:
        raise LdconfError("not a plan file: it has no `formatVersion`", hint=_HINT)
    if whole["formatVersion"] != FORMAT_VERSION:
        raise LdconfError(
            f"plan file of format {whole['formatVersion']!r}; this version reads {FORMAT_VERSION}",
            hint="plan again with this version",
        )
    try:
        return _reviewed(whole)
    except (KeyError, TypeError, AttributeError) as err:
        raise LdconfError(f"not a whole plan file: {err} is missing or wrong", hint=_HINT) from err


_HINT = "write one with `ldconf plan --out FILE`"


def _reviewed(whole: Mapping[str, Json]) -> ReviewedPlan:
    hashes = frozenset(str(change["hash"]) for change in whole["changes"])
    if digest(hashes) != whole["digest"]:
        raise LdconfError("the plan file was edited: its digest does not fit its changes")
    return ReviewedPlan(
        whole["digest"],
        hashes,
        frozenset((c["address"], c["allow"], c["because"]) for c in whole["consents"]),
        whole["project"],
        whole["workspace"],
        whole.get("head"),
    )


def _change(plan: Plan, change: Change) -> dict[str, Json]:
    return {
        "address": str(change.address),
        "change": VERBS[type(change)],
        "phase": change.phase.name.lower(),
        "hash": plan.change_hashes[step(change)],
        "fields": {
            name: {"before": before, "after": after, **_why(change, name)}
            for name, (before, after) in sorted(fields(change).items())
        },
    }


def _why(change: Change, name: str) -> dict[str, Json]:
    diffs: Iterable[FieldDiff] = change.fields if isinstance(change, Update | Restore) else ()
    by_field = {diff.field: diff for diff in diffs}
    if name not in by_field:
        return {}
    diff = by_field[name]
    said = {
        "because": diff.because,
        "inherited": str(diff.inherited) if diff.inherited else None,
        "unverifiable": diff.unverifiable or None,
    }
    return {key: value for key, value in said.items() if value is not None}


def _consent(use: ConsentUse) -> dict[str, str]:
    return {"address": str(use.address), "allow": use.allow, "because": use.because}

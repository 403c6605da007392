"""A plan held against the rules of `policy:`; consents lift what they name (design section 9)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from ldconf.core.address import Address
from ldconf.core.diagnostic import Position
from ldconf.core.errors import LdconfError
from ldconf.core.policy import POLICY, PolicyReport, PolicyRule, Violation
from ldconf.core.resource import Json
from ldconf.policy.rules import RULES, Finding, PlanJson, rows

FORMAT_VERSION = 1
_ALL = "*"  # where a finding is about no change alone
_HINT = "write one with `ldconf plan --format json=FILE`"
_BROKEN = (KeyError, TypeError, AttributeError, ValueError, IndexError, ZeroDivisionError)
_PARTS = ("groups", "refused", "samples", "prompts", "experiments", "consents")


def read(text: str) -> PlanJson:
    """Return the plan of a file. Raises LdconfError if it is none, or of another version."""
    try:
        plan = json.loads(text)
    except ValueError as err:
        raise LdconfError("not a plan in JSON", _HINT) from err
    if not isinstance(plan, Mapping) or plan.get("kind") != "plan":
        raise LdconfError("not the JSON of a plan", _HINT)
    if plan.get("formatVersion") != FORMAT_VERSION:
        version = plan.get("formatVersion")
        raise LdconfError(f"a plan of format {version!r}; this version reads {FORMAT_VERSION}")
    missing = [name for name in _PARTS if name not in plan]
    if missing:
        raise LdconfError(f"not a whole plan: {', '.join(missing)} is missing", _HINT)
    return plan


def rules_of(
    base: Mapping[str, PolicyRule] | None, files: Mapping[str, PolicyRule]
) -> Mapping[str, PolicyRule]:
    """Return the rules that count: those of the base as they are there, and new ones.

    A pull request can neither loosen nor drop the rule that it runs into. `base` None: no base.
    """
    return {**files, **(base or {})}


def check(plan: PlanJson, rules: Mapping[str, PolicyRule]) -> PolicyReport:
    """Return every violation. A rule that cannot be checked counts as violated."""
    consents = [_consent(entry) for entry in plan["consents"]]
    found = [
        _lifted(violation, consents)
        for key, rule in rules.items()
        for violation in _violations(plan, key, rule)
    ]
    return PolicyReport(
        plan["project"], plan["workspace"], plan["digest"], tuple(rules), tuple(found)
    )


def _violations(plan: PlanJson, key: str, rule: PolicyRule) -> Iterator[Violation]:
    places = {row["address"]: row["position"] for row in rows(plan)}
    for address, words in _findings(plan, rule):
        at = places.get(address)
        yield Violation(
            id=key,
            rule=rule.rule,
            severity=rule.severity,
            address=address,
            message=f"{rule.message} ({words})" if rule.message else words,
            consent=_way_out(address),
            position=Position(at["file"], at["line"], at["column"]) if at else None,
        )


def _findings(plan: PlanJson, rule: PolicyRule) -> list[Finding]:
    try:
        return list(RULES[rule.rule](plan, rule))
    except _BROKEN as err:
        return [(_ALL, f"the rule cannot be checked on this plan: {type(err).__name__}: {err}")]


def _way_out(address: str) -> str | None:
    """Return the consent that lifts a violation; a rule that cannot be checked has none."""
    return None if address == _ALL else f"{{address: {address}, allow: [{POLICY}], because: ...}}"


def _consent(entry: Mapping[str, Json]) -> tuple[str, str, str]:
    return entry["address"], entry["allow"], entry["because"]


def _lifted(found: Violation, consents: list[tuple[str, str, str]]) -> Violation:
    for pattern, allow, because in consents:
        if allow == POLICY and _covers(pattern, found.address):
            return Violation(**{**vars(found), "because": because})
    return found


def _covers(pattern: str, address: str) -> bool:
    return address != _ALL and Address.parse(address).matches(pattern)

"""Lint of targeting: rules that cannot match, variations that nobody gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from ldconf.core.address import Address
from ldconf.core.address import variation as variation_address
from ldconf.core.diagnostic import Severity
from ldconf.core.resource import Json
from ldconf.documents.lint.implication import excludes, implies, is_empty
from ldconf.documents.lint.rule import Finding, Rule, Scope


def _ruled(scope: Scope) -> Iterator[tuple[Address, list[Mapping[str, Json]]]]:
    for kind in ("targeting", "segments"):
        for address, fields in scope.of_kind(kind):
            yield address, fields.get("rules") or []


def never_matching_rules(scope: Scope) -> Iterator[Finding]:
    """Rules with a clause that matches nothing, or with two clauses that exclude each other."""
    for address, rules in _ruled(scope):
        for index, rule in enumerate(rules):
            summary = _why_never(rule["clauses"])
            if summary is not None:
                yield Finding(
                    address,
                    ("rules", index),
                    f"{_name(rule, index)} never matches: {summary}",
                    "clauses of a rule must all hold; values of a clause are alternatives",
                )


def _why_never(clauses: list[Mapping[str, Json]]) -> str | None:
    for number, clause in enumerate(clauses, start=1):
        if is_empty(clause):
            return f"clause {number} has no values"
    numbered = list(enumerate(clauses, start=1))
    for (one, first), (other, second) in combinations(numbered, 2):
        whom = excludes(first, second)
        if whom is not None:
            return f"clauses {one} and {other} exclude each other for {whom}"
    return None


def shadowed_rules(scope: Scope) -> Iterator[Finding]:
    """Rules below one that already takes every context they would match."""
    for address, rules in _ruled(scope):
        for index, rule in enumerate(rules):
            for above, earlier in enumerate(rules[:index]):
                if not _takes_all(earlier) or not _covers(earlier, rule):
                    continue
                yield Finding(
                    address,
                    ("rules", index),
                    f"{_name(rule, index)} is never reached: {_name(earlier, above)} above it "
                    "matches every context that it would match",
                    "put the narrower rule first",
                )
                break


def _takes_all(rule: Mapping[str, Json]) -> bool:
    """A segment rule with a weight takes only a share."""
    return rule.get("weight") in (None, 100)


def _covers(earlier: Mapping[str, Json], later: Mapping[str, Json]) -> bool:
    return bool(earlier["clauses"]) and all(
        any(implies(narrow, wide) for narrow in later["clauses"]) for wide in earlier["clauses"]
    )


def _name(rule: Mapping[str, Json], index: int) -> str:
    description = rule.get("description")
    return f'rule "{description}"' if description else f"rule {index + 1}"


def _served(serve: Json) -> set[str]:
    if isinstance(serve, str):
        return {serve}
    return set(serve["rollout"]) if isinstance(serve, Mapping) else set()


def served_variations(fields: Mapping[str, Json]) -> set[str]:
    """Return the variation keys that a targeting can serve."""
    served = {target["variation"] for target in fields.get("targets") or ()}
    for rule in fields.get("rules") or ():
        served |= _served(rule["serve"])
    return served | _served(fields.get("fallthrough"))


def _targeting_of(scope: Scope) -> dict[str, list[tuple[Address, dict[str, Json]]]]:
    found: dict[str, list[tuple[Address, dict[str, Json]]]] = {}
    for address, fields in scope.of_kind("targeting"):
        found.setdefault(address.parts[1], []).append((address, fields))
    return found


def unreachable_variations(scope: Scope) -> Iterator[Finding]:
    """Variations that no managed targeting serves, where all of it is managed."""
    targeting = _targeting_of(scope)
    compared = _compared(scope)
    for address, fields in scope.of_kind("variations"):
        places = targeting.get(address.parts[1], [])
        whole = places and all({"rules", "targets", "fallthrough"} & set(f) for _, f in places)
        if not whole or fields.get("state") == "archived" or _off_everywhere(scope, places):
            continue
        if address in compared:
            continue
        if not any(address.key in served_variations(found) for _, found in places):
            yield Finding(
                address,
                (),
                f"nobody can get the variation `{address.key}`: no environment serves it",
                "serve it to a few contexts in a test environment, or write `state: archived`",
            )


def _compared(scope: Scope) -> set[Address]:
    """Return the variations that an experiment serves, or will once it starts."""
    return {
        variation_address(fields["aiConfig"], key)
        for _, fields in scope.of_kind("experiments")
        if fields.get("status") != "stopped"
        for key in (*(fields.get("allocation") or ()), fields.get("remainder"))
        if key is not None
    }


def _off_everywhere(scope: Scope, places: list[tuple[Address, dict[str, Json]]]) -> bool:
    return all(address in scope.workspace.off for address, _ in places)


def only_disabled(scope: Scope) -> Iterator[Finding]:
    """AI Configs whose targeting serves only `disabled` in an environment, without `off: true`."""
    for address, fields in scope.of_kind("targeting"):
        if address in scope.workspace.off or fields.get("fallthrough") is None:
            continue
        if served_variations(fields) == {"disabled"}:
            yield Finding(
                address,
                ("fallthrough",),
                f"{address.environment} serves only `disabled`: agents get no configuration there",
                "serve a variation, or write `off: true` if that is what you mean",
            )


_HEAD = """\
aiConfigs:
  greeter:
    name: Greeter
    mode: agent
    variations:
      main: {name: Main, modelConfigKey: OpenAI.gpt-4o-mini, instructions: Greet the customer.}
"""


def _document(targeting: str) -> str:
    return f"{_HEAD}    targeting:\n      test:\n{targeting}"


_NARROW_LAST = """\
        rules:
          - description: Europe
            clauses: [{attribute: country, op: in, values: [DE, FR]}]
            serve: main
          - description: Germany
            clauses: [{attribute: country, op: in, values: [DE]}]
            serve: disabled
        fallthrough: main
"""
_NARROW_FIRST = """\
        rules:
          - description: Germany
            clauses: [{attribute: country, op: in, values: [DE]}]
            serve: disabled
          - description: Europe
            clauses: [{attribute: country, op: in, values: [DE, FR]}]
            serve: main
        fallthrough: main
"""
_CONTRADICTION = """\
        rules:
          - description: Germany
            clauses:
              - {attribute: country, op: in, values: [DE]}
              - {attribute: country, op: in, values: [DE, AT], negate: true}
            serve: main
        fallthrough: main
"""
_AGREEMENT = """\
        rules:
          - description: Germany
            clauses:
              - {attribute: country, op: in, values: [DE]}
              - {attribute: plan, op: in, values: [free], negate: true}
            serve: main
        fallthrough: main
"""
_SECOND = "      second: {extends: main, name: Second}\n"

RULES = (
    Rule(
        "rule-never-matches",
        Severity.WARNING,
        "A rule that can never match",
        "The clauses of a rule must all hold. Two that exclude each other make the rule dead.",
        never_matching_rules,
        _document(_CONTRADICTION),
        _document(_AGREEMENT),
    ),
    Rule(
        "rule-shadowed",
        Severity.WARNING,
        "A rule that is never reached",
        "Rules are tried in order, and the first that matches decides. A narrow rule below a "
        "wide one is never reached.",
        shadowed_rules,
        _document(_NARROW_LAST),
        _document(_NARROW_FIRST),
    ),
    Rule(
        "variation-unreachable",
        Severity.WARNING,
        "A variation that nobody can get",
        "No target, rule or fallthrough of a managed environment serves it. That is right for a "
        "short while between two pull requests, and otherwise a forgotten variation.",
        unreachable_variations,
        f"{_HEAD}{_SECOND}    targeting:\n      test: {{fallthrough: main}}\n",
        f"{_HEAD}{_SECOND}    targeting:\n"
        "      test: {fallthrough: {rollout: {main: 90, second: rest}}}\n",
    ),
    Rule(
        "only-disabled",
        Severity.WARNING,
        "An environment that serves only `disabled`",
        "A new AI Config serves `disabled` until its targeting says otherwise. Where everything "
        "stays `disabled`, agents fall back to what their code has built in.",
        only_disabled,
        _document("        fallthrough: disabled\n"),
        _document("        fallthrough: main\n"),
    ),
)

"""Targeting in words: who gets what. Works on canonical JSON (`resource.managed()`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ldconf.core.resource import Json

_OPERATORS = {
    "in": ("is", "is not"),
    "startsWith": ("starts with", "does not start with"),
    "endsWith": ("ends with", "does not end with"),
    "matches": ("matches", "does not match"),
    "contains": ("contains", "does not contain"),
    "lessThan": ("<", "is not <"),
    "lessThanOrEqual": ("<=", "is not <="),
    "greaterThan": (">", "is not >"),
    "greaterThanOrEqual": (">=", "is not >="),
    "before": ("is before", "is not before"),
    "after": ("is after", "is not after"),
    "segmentMatch": ("is in segment", "is not in segment"),
    "semVerEqual": ("is version", "is not version"),
    "semVerLessThan": ("is a version below", "is not a version below"),
    "semVerGreaterThan": ("is a version above", "is not a version above"),
}
_MANY = 8  # values named before the rest is only counted


def serve(value: Json) -> str:
    """Return what a rule, a target list or the fallthrough serves."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        return "nothing"
    arms = ", ".join(f"{percent(part)} {key}" for key, part in value["rollout"].items())
    unit, kind = value.get("bucketBy", "key"), value.get("contextKind", "user")
    return arms if (unit, kind) == ("key", "user") else f"{arms} (by {kind} {unit})"


def percent(number: Json) -> str:
    """Return a percentage with as many decimals as it needs: `12.5 %`."""
    return f"{number:.3f}".rstrip("0").rstrip(".") + " %"


def clauses(values: Sequence[Mapping[str, Json]] | None) -> str:
    """Return the clauses of one rule, joined by `and`."""
    return " and ".join(clause(value) for value in values or ()) or "everyone"


def clause(value: Mapping[str, Json]) -> str:
    """Return one clause: `user subscription_status is premium or trial`."""
    operator = value.get("op", "in")
    plain, negated = _OPERATORS.get(operator, (operator, f"not {operator}"))
    words = negated if value.get("negate") else plain
    wanted = named([_value(item) for item in value.get("values") or ()], last="or")
    kind = value.get("contextKind", "user")
    subject = kind if operator == "segmentMatch" else f"{kind} {value.get('attribute')}"
    return f"{subject} {words} {wanted}"


def named(values: Sequence[str], last: str = "and") -> str:
    """Return up to eight values in words; the rest is counted."""
    if len(values) > _MANY + 1:
        return ", ".join(values[:_MANY]) + f" {last} {len(values) - _MANY} more"
    if len(values) > 1:
        return ", ".join(values[:-1]) + f" {last} {values[-1]}"
    return values[0] if values else "nothing"


def rule(value: Mapping[str, Json]) -> str:
    """Return how a rule is called: its description, else its clauses."""
    description = value.get("description")
    return f'rule "{description}"' if description else f"unnamed rule ({clauses(value['clauses'])})"


def _value(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)

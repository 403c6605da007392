"""Targeting: who gets which variation in one environment. Source: reference section 5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from pydantic import Field, field_validator

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_address
from ldconf.core.address import variation as variation_address
from ldconf.core.change import Archive, Change, Create, Delete, Phase, Restore, Transition, Update
from ldconf.core.errors import LdconfError
from ldconf.core.kind import Facts, Kind, Reader, Reference, Request
from ldconf.core.resource import Bool, Json, Observed, Part, Resource, Str
from ldconf.kinds import ai_config, serve
from ldconf.kinds.clause import CONTEXT_KIND, Clause, segment_references
from ldconf.kinds.serve import DISABLED, Serve, VariationKey
from ldconf.kinds.targeting_document import (
    FALLTHROUGH,
    Document,
    LiveRule,
    LiveTargeting,
    canonical_targets,
    live_targeting,
)
from ldconf.kinds.targeting_patch import approval_instructions, instructions
from ldconf.kinds.targeting_rules import name_rules
from ldconf.kinds.wire import get_or_none, unsupported


class Target(Part):
    """Contexts that get a variation by key, before any rule is looked at."""

    variation: VariationKey = Field(description="Variation key, or `disabled`")
    context_kind: Str = Field(
        default="user", pattern=f"^{CONTEXT_KIND.pattern}$", description="Kind of the contexts"
    )
    values: list[Str] = Field(description="Context keys, a set")


class Rule(Part):
    """A rule. Its description is its identity, so it is required and unique."""

    description: Str = Field(min_length=1, description="Says who the rule is for; unique here")
    clauses: list[Clause] = Field(min_length=1, description="All of these must hold")
    serve: Serve = Field(description="Variation key, or a percentage rollout")


class Targeting(Resource):
    """The targeting of an AI Config in one environment. It exists as soon as the AI Config does.

    Targets are looked at first, then rules in order, then the fallthrough.
    """

    targets: list[Target] | None = Field(default=None, description="Individual contexts")
    rules: list[Rule] | None = Field(default=None, description="First rule that matches wins")
    fallthrough: Serve = Field(default=DISABLED, description="What everybody else gets")
    off: Bool = Field(
        default=False, description="Kill switch: true serves `disabled` to all, rules stay written"
    )

    @field_validator("targets")
    @classmethod
    def _one_variation_per_context(cls, targets: list[Target] | None) -> list[Target] | None:
        variation_by_context: dict[tuple[str, str], str] = {}
        for target in targets or ():
            for key in target.values:
                context = (target.context_kind, key)
                other = variation_by_context.setdefault(context, target.variation)
                if other != target.variation:
                    raise ValueError(
                        f"{target.context_kind} {key!r} cannot get both {other!r} "
                        f"and {target.variation!r}"
                    )
        return targets

    @field_validator("rules")
    @classmethod
    def _unique_descriptions(cls, rules: list[Rule] | None) -> list[Rule] | None:
        seen: dict[str, int] = {}
        for index, rule in enumerate(rules or ()):
            first = seen.setdefault(rule.description, index)
            if first != index:
                raise ValueError(
                    f"rules {first + 1} and {index + 1} have the same description "
                    f"{rule.description!r}; it is what tells rules apart"
                )
        return rules

    @classmethod
    def canonical(cls, name: str, value: Json) -> Json:
        """Targets are a set, rules are in order, percents add up to 100 (module `serve`)."""
        if value is None or name == "off":
            return value or None
        if name == "targets":
            return canonical_targets(value) or None
        if name == "rules":
            return [{**rule, "serve": serve.canonical(rule["serve"])} for rule in value] or None
        return serve.canonical(value)

    def document(self) -> dict[str, Json]:
        """Return the fields as a person would write them; rules without description are named."""
        managed = self.managed()
        if managed.get("rules"):
            managed["rules"] = [_written(rule) for rule in name_rules(managed["rules"])]
        if FALLTHROUGH in managed:
            managed[FALLTHROUGH] = serve.document(managed[FALLTHROUGH])
        return {name: value for name, value in managed.items() if value is not None}

    def compiled(self) -> Targeting:
        """Return what the API can hold: `off: true` applied, `off` itself gone."""
        return self.switched_off() if self.off else self._with()

    def switched_off(self) -> Targeting:
        """Return the compiled form of `off: true`: no targets, no rules, `disabled` for all.

        Only `targets` and `rules` that are managed are emptied: the planner refuses to switch off
        what stands in unmanaged ones (design section 9).
        """
        emptied = {name: None for name in ("targets", "rules") if name in self.model_fields_set}
        return self._with(**emptied, fallthrough=DISABLED)

    def _with(self, **fields: Json) -> Targeting:
        given = {name: getattr(self, name) for name in self.model_fields_set if name != "off"}
        return Targeting.model_construct(**{**given, **fields})

    @classmethod
    def from_live(cls, live: LiveTargeting) -> Targeting:
        """Return live targeting as a resource, without validation; `off` is not a live field."""
        return cls.model_construct(
            targets=[
                Target.model_construct(
                    variation=target["variation"],
                    context_kind=target["contextKind"],
                    values=target["values"],
                )
                for target in live.targets
            ],
            rules=[_constructed(rule) for rule in live.rules],
            fallthrough=serve.constructed(live.fallthrough),
        )


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
    documents = await reader.gather([_path(reader.project, key) for key in keys])
    return [
        (targeting_address(key, environment.key), observed(document, environment.key))
        for key, document in zip(keys, documents, strict=True)
        if document is not None
        for environment in reader.environments
        if environment.key in document.get("environments", {})
    ]


async def read(reader: Reader, address: Address) -> Observed | None:
    """Read the targeting of one environment afresh."""
    document = await get_or_none(reader, _path(reader.project, address.parts[1]))
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
    path = _path(facts.project, address.parts[1])
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


def references(address: Address, resource: Resource) -> Sequence[Reference]:
    """Return the variations that are served and the segments that rules name."""
    if not isinstance(resource, Targeting):
        raise TypeError(f"not targeting: {resource!r}")
    key, environment = address.parts[1], address.parts[3]
    slots: list[tuple[tuple[str | int, ...], Json]] = [
        (("targets", index, "variation"), target.variation)
        for index, target in enumerate(resource.targets or ())
    ]
    segments: list[Reference] = []
    for index, rule in enumerate(resource.rules or ()):
        slots.append((("rules", index, "serve"), rule.serve))
        segments += segment_references(rule.clauses, environment, ("rules", index, "clauses"))
    if FALLTHROUGH in resource.model_fields_set:
        slots.append(((FALLTHROUGH,), resource.fallthrough))
    variations = [
        Reference(variation_address(key, name), (*path, *inner), served=True)
        for path, value in slots
        for inner, name in serve.served(value)
        if name != DISABLED
    ]
    return [*variations, *segments]


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


def _constructed(rule: LiveRule) -> Rule:
    value = rule.value
    clauses = [Clause.from_api(clause) for clause in value["clauses"]]
    named = {"description": value["description"]} if "description" in value else {}
    return Rule.model_construct(**named, clauses=clauses, serve=serve.constructed(value["serve"]))


def _written(rule: Mapping[str, Json]) -> dict[str, Json]:
    clauses = [_written_clause(clause) for clause in rule["clauses"]]
    return {**rule, "clauses": clauses, "serve": serve.document(rule["serve"])}


def _written_clause(clause: Mapping[str, Json]) -> dict[str, Json]:
    plain = dict(clause)
    if plain["op"] == "segmentMatch":
        del plain["attribute"]
    if plain["contextKind"] == "user":
        del plain["contextKind"]
    if not plain["negate"]:
        del plain["negate"]
    return plain


def _path(project: str, key: str) -> str:
    return f"{ai_config.path(project, key)}/targeting"


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

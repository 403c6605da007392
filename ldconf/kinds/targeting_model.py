"""The model of targeting, in the words of files and of LaunchDarkly alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field, field_validator

from ldconf.core.address import Address
from ldconf.core.address import variation as variation_address
from ldconf.core.kind import Reference
from ldconf.core.resource import Bool, Json, Part, Resource, Str
from ldconf.kinds import serve
from ldconf.kinds.clause import CONTEXT_KIND, Clause, segment_references
from ldconf.kinds.serve import DISABLED, Serve, VariationKey
from ldconf.kinds.targeting_document import (
    FALLTHROUGH,
    LiveRule,
    LiveTargeting,
    canonical_targets,
)
from ldconf.kinds.targeting_rules import name_rules


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

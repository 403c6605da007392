"""`policy:` in `ldconf.yaml`: the rules that `ldconf policy` holds a plan against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from ldconf.core.policy import PolicyRule
from ldconf.core.resource import Bool, Number, Part, Str

_Text: TypeAlias = Annotated[Str, Field(min_length=1)]
RuleName: TypeAlias = Literal[
    "allowedModels",
    "maxTemperature",
    "required",
    "maxCostIncrease",
    "maxAudienceSwitched",
    "noDirectRollout",
    "experimentForPrompts",
]
# rule -> (settings that it needs, settings that it also takes)
_SETTINGS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "allowedModels": (("models",), ()),
    "maxTemperature": (("maximum",), ()),
    "required": ((), ("tags", "maintainer")),
    "maxCostIncrease": (("maximum",), ()),
    "maxAudienceSwitched": (("maximum",), ("environments",)),
    "noDirectRollout": (("environments",), ()),
    "experimentForPrompts": (("environments",), ()),
}
_ALL = ("models", "maximum", "tags", "maintainer", "environments")


class PolicyDocument(Part):
    """One rule that every plan is held against; its key is its id."""

    rule: RuleName = Field(description="What is checked")
    severity: Literal["note", "warning", "error"] = Field(
        default="error", description="Only errors end `ldconf policy` with exit 3"
    )
    message: _Text | None = Field(default=None, description="Said in place of the rule's own words")
    models: list[_Text] = Field(
        default_factory=list, description="allowedModels: model config keys; `*` is any text"
    )
    maximum: Annotated[Number, Field(ge=0)] | None = Field(
        default=None, description="maxTemperature: the value; the other two: percent"
    )
    tags: list[_Text] = Field(default_factory=list, description="required: tags of every AI Config")
    maintainer: Bool = Field(default=False, description="required: a maintainer of every AI Config")
    environments: list[_Text] = Field(
        default_factory=list, description="Where the rule holds; maxAudienceSwitched: all if absent"
    )

    def rule_of_plan(self) -> PolicyRule:
        """Return the rule as a plan is held against it."""
        return PolicyRule(
            rule=self.rule,
            severity=self.severity,
            message=self.message,
            models=tuple(self.models),
            maximum=self.maximum,
            tags=tuple(self.tags),
            maintainer=self.maintainer,
            environments=tuple(self.environments),
        )


def problems(
    policy: Mapping[str, PolicyDocument], environments: Sequence[str]
) -> Iterator[tuple[tuple[str | int, ...], str, str | None]]:
    """Yield (path, summary, hint) of each entry that could check nothing, or not what it says."""
    for key, entry in policy.items():
        needed, taken = _SETTINGS[entry.rule]
        for name in needed:
            if not getattr(entry, name) and getattr(entry, name) != 0:
                yield ("policy", key), f"the rule `{entry.rule}` needs `{name}`", None
        if entry.rule == "required" and not (entry.tags or entry.maintainer):
            yield ("policy", key), "the rule `required` needs `tags` or `maintainer: true`", None
        for name in _ALL:
            if getattr(entry, name) and name not in (*needed, *taken):
                hint = f"it takes {', '.join((*needed, *taken))}"
                yield ("policy", key, name), f"the rule `{entry.rule}` takes no `{name}`", hint
        for index, environment in enumerate(entry.environments):
            if environment not in environments:
                path = ("policy", key, "environments", index)
                summary = f"environment `{environment}` is not listed under `environments:`"
                yield path, summary, f"listed: {', '.join(environments) or 'none'}"

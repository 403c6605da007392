"""Variations of AI Configs: model, prompt, tools, judges. Source: reference section 4."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, StringConstraints, Tag, field_validator, model_validator

from ldconf.core.address import Address
from ldconf.core.address import ai_config as ai_config_address
from ldconf.core.kind import Problem, Reference
from ldconf.core.resource import Int, Json, Number, Part, Resource, Str, normalise_text
from ldconf.kinds.serve import DISABLED
from ldconf.kinds.variation_comment import TEXTS
from ldconf.kinds.wire import text

PUBLISHED, ARCHIVED = "published", "archived"
NonEmpty: TypeAlias = Annotated[Str, StringConstraints(min_length=1)]


class Message(Part):
    """One message of a prompt."""

    role: Literal["system", "user", "assistant", "developer"] = Field(description="Who speaks")
    content: Str = Field(description="Text; `{{name}}` is filled in by the application")


class Model(Part):
    """Settings of the model. `modelName` follows from `modelConfigKey` and need not be given."""

    model_name: Str | None = Field(default=None, description="The provider's name of the model")
    parameters: dict[Str, Json] | None = Field(default=None, description="Sent to the provider")
    custom: dict[Str, Json] | None = Field(default=None, description="For the application only")


class ToolPin(Part):
    """A tool at a version."""

    key: NonEmpty = Field(description="Tool key")
    version: Int | None = Field(default=None, ge=1, description="The current one if absent")


class Judge(Part):
    """A judge that scores a share of the answers."""

    judge_config_key: NonEmpty = Field(description="Key of an AI Config with `mode: judge`")
    sampling_rate: Number = Field(ge=0, le=1, description="Share of answers judged, 0 to 1")


class JudgeConfiguration(Part):
    """The judges of a variation."""

    judges: list[Judge] = Field(default_factory=list, description="Judges, a set")

    @field_validator("judges")
    @classmethod
    def _each_once(cls, judges: list[Judge]) -> list[Judge]:
        _check_unique("judge", [judge.judge_config_key for judge in judges])
        return judges


def _form(value: Any) -> str | None:
    if isinstance(value, str):
        return "tool key"
    return "tool at a version" if isinstance(value, Mapping | ToolPin) else None


Tool: TypeAlias = Annotated[
    Annotated[NonEmpty, Tag("tool key")] | Annotated[ToolPin, Tag("tool at a version")],
    Discriminator(
        _form,
        custom_error_type="tool_form",
        custom_error_message="takes a tool key, or `key:` with `version:`",
    ),
]


class Variation(Resource):
    """A variation. It is shared by all environments: an edit takes effect wherever it is served."""

    name: NonEmpty = Field(default="", description="Display name; the key if absent")
    model_config_key: Str | None = Field(
        default=None, description="Key of a model config, `Provider.model-id`"
    )
    model_config_version: Int = Field(
        default=1, ge=1, description="Pins a custom model config; absent: the current version"
    )
    model: Model | None = Field(default=None, description="Settings of the model, one field")
    messages: list[Message] | None = Field(
        default=None, description="Prompt of a completion or judge"
    )
    instructions: Str | None = Field(default=None, description="Prompt of an agent")
    description: Str | None = Field(default=None, description="What an agent is for")
    tools: list[Tool] | None = Field(default=None, description="Attached tools, a set")
    judge_configuration: JudgeConfiguration | None = Field(
        default=None, description="Judges that score the answers"
    )
    output_format: dict[Str, Json] | None = Field(
        default=None, description="JSON Schema of structured output"
    )
    state: Literal["published", "archived"] = Field(
        default="published", description="archived: retired, can be restored; always managed"
    )

    @field_validator("tools")
    @classmethod
    def _each_once(cls, tools: list[Tool] | None) -> list[Tool] | None:
        keys = [tool if isinstance(tool, str) else tool.key for tool in tools or ()]
        _check_unique("tool", keys)
        return tools

    @model_validator(mode="after")
    def _state_is_managed(self) -> Variation:
        """`state` is managed always; it is all that is managed of an archived variation."""
        given = self.model_fields_set
        keyless = "model_config_key" in given and not self.model_config_key
        if keyless and "model_config_version" in given:
            raise ValueError("`modelConfigVersion` needs `modelConfigKey`")
        if self.state == ARCHIVED:
            self.model_fields_set.clear()
        self.model_fields_set.add("state")
        return self

    @classmethod
    def canonical(cls, name: str, value: Json) -> Json:
        """Tools and judges are sets, texts have normal line ends, `model` has no empty parts."""
        match name:
            case "model":
                return {part: inner for part, inner in (value or {}).items() if inner} or None
            case "tools":
                return sorted(map(_tool, value or ()), key=_key_of) or None
            case "judgeConfiguration":
                judges = sorted(map(_judge, (value or {}).get("judges") or ()), key=_judge_key_of)
                return {"judges": judges} if judges else None
            case "messages":
                return [_message(message) for message in value or ()] or None
            case _:
                return super().canonical(name, value)

    def document(self) -> dict[str, Json]:
        """Return the fields as a person would write them; of an archived one only that it is."""
        if self.state == ARCHIVED:
            return {"state": ARCHIVED}
        written = super().document()
        written.pop("state", None)
        if tools := written.get("tools"):
            written["tools"] = [tool if "version" in tool else tool["key"] for tool in tools]
        return written

    @classmethod
    def from_api(cls, payload: Mapping[str, Json]) -> Variation:
        """Project an AIConfigVariation without validation (reference 4.4, 4.5)."""
        model = payload.get("model") or {}
        judges = (payload.get("judgeConfiguration") or {}).get("judges") or ()
        pinned: Json = payload.get("modelConfigVersion")
        state: Json = payload.get("state") or PUBLISHED
        return cls.model_construct(
            name=payload.get("name") or "",
            model_config_key=payload.get("modelConfigKey") or None,
            model_config_version=pinned,
            model=Model.model_construct(
                model_name=model.get("modelName"),
                parameters=model.get("parameters"),
                custom=model.get("custom"),
            ),
            messages=[
                Message.model_construct(role=message.get("role"), content=message.get("content"))
                for message in payload.get("messages") or ()
            ],
            instructions=text(payload.get("instructions")),
            description=text(payload.get("description")),
            tools=[
                ToolPin.model_construct(key=tool["key"], version=tool.get("version"))
                for tool in payload.get("tools") or ()
            ],
            judge_configuration=JudgeConfiguration.model_construct(
                judges=[
                    Judge.model_construct(
                        judge_config_key=judge["judgeConfigKey"],
                        sampling_rate=judge.get("samplingRate", 0),
                    )
                    for judge in judges
                ]
            ),
            output_format=payload.get("outputFormat") or None,
            state=state,
        )


def mode_problems(mode: str | None, variation: Variation) -> list[tuple[tuple[str, ...], str]]:
    """Return (path, message) of each field that the AI Config's mode does not take.

    None is an unknown mode: nothing can be said. Cleared fields fit every mode.
    """
    fields = {name for name, value in variation.managed().items() if value is not None}
    refused: dict[str, str] = {}
    if mode == "agent":
        refused["messages"] = "an agent takes `instructions`, not `messages`"
    elif mode is not None:
        refused = dict.fromkeys(TEXTS, f"only agents take it; the mode here is `{mode}`")
        refused["instructions"] = f"a {mode} takes `messages`, not `instructions`"
    if mode == "judge":
        refused["tools"] = "a judge takes no tools"
        refused["judgeConfiguration"] = "a judge cannot be judged"
    return [((name,), message) for name, message in refused.items() if name in fields]


def check(address: Address, resource: Resource) -> Sequence[Problem]:
    """Refuse the name of the variation that every AI Config has from birth."""
    if address.key != DISABLED:
        return ()
    hint = "it exists in every AI Config; choose another key"
    return (Problem(f"{DISABLED!r} is a reserved variation key", hint=hint),)


def references(address: Address, resource: Resource) -> Sequence[Reference]:
    """Return the model config, tools and judges that a variation names."""
    if not isinstance(resource, Variation):
        raise TypeError(f"not a variation: {resource!r}")
    return tuple(_references(resource, resource.model_fields_set))


def _references(variation: Variation, managed: Set[str]) -> Iterator[Reference]:
    """Yield what managed fields name: a change holds only those that it sends, and in a file all
    that is managed of an archived variation is that it is archived."""
    if variation.model_config_key and "model_config_key" in managed:
        yield Reference(Address.of("modelConfigs", variation.model_config_key), ("modelConfigKey",))
    for index, tool in enumerate((variation.tools if "tools" in managed else None) or ()):
        key, path = (tool, ()) if isinstance(tool, str) else (tool.key, ("key",))
        yield Reference(Address.of("tools", key), ("tools", index, *path))
    scored = variation.judge_configuration if "judge_configuration" in managed else None
    for index, judge in enumerate(scored.judges if scored else ()):
        named = ("judgeConfiguration", "judges", index, "judgeConfigKey")
        yield Reference(ai_config_address(judge.judge_config_key), named)


def _tool(tool: Json) -> dict[str, Json]:
    if isinstance(tool, str):
        return {"key": tool}
    return {name: value for name, value in tool.items() if value is not None}


def _judge(judge: Mapping[str, Json]) -> dict[str, Json]:
    return {**judge, "samplingRate": float32(judge["samplingRate"])}


def _message(message: Mapping[str, Json]) -> dict[str, Json]:
    return {"role": message["role"], "content": normalise_text(message["content"] or "")}


def _key_of(tool: Mapping[str, Json]) -> str:
    return str(tool["key"])


def _judge_key_of(judge: Mapping[str, Json]) -> str:
    return str(judge["judgeConfigKey"])


def float32(value: float) -> float:
    """Return the shortest decimal that is the same float32: the API keeps rates so (4.5)."""
    stored = _stored(value)
    shorter = (float(f"{stored:.{digits}g}") for digits in range(1, 9))
    return next((candidate for candidate in shorter if _stored(candidate) == stored), stored)


def _stored(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _check_unique(word: str, keys: Sequence[str]) -> None:
    for index, key in enumerate(keys):
        if key in keys[:index]:
            raise ValueError(f"{word} {key!r} is listed twice")

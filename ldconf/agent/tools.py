"""Step 4 in detail: tools from the AI Config. The schema is LaunchDarkly's, the code is ours."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from ldconf.agent.task import Tool

log = logging.getLogger("ldconf.agent")

Settings = Mapping[str, Any]
Function = Callable[[Mapping[str, Any]], Any]
Builder = Callable[[Settings, str], Function]  # merged settings, key of who asks -> the code


@dataclass(frozen=True)
class Skipped:
    """A tool that the AI Config names and the model does not get."""

    name: str
    reason: str


class ServedTool(Protocol):
    """A tool as the AI SDK hands it out (`ldai.LDTool`)."""

    @property
    def name(self) -> str:
        """What the model calls it by."""

    @property
    def description(self) -> str | None:
        """What the model is told about it."""

    @property
    def parameters(self) -> dict[str, Any] | None:
        """The JSON Schema of its arguments."""

    @property
    def custom_parameters(self) -> dict[str, Any] | None:
        """Settings of this tool alone, which the model does not see."""


def build_tools(
    served: Iterable[ServedTool],
    custom: Settings,
    builders: Mapping[str, Builder],
    user_key: str,
) -> tuple[list[Tool], list[Skipped]]:
    """Return the tools that can be used, and those that cannot, which is never an error.

    A tool's settings are the model's `custom` with the tool's own `customParameters` over it.
    """
    tools: list[Tool] = []
    skipped: list[Skipped] = []
    for one in served:
        builder = builders.get(one.name)
        if builder is None:
            skipped.append(Skipped(one.name, "this agent has no such tool"))
            continue
        try:
            function = builder({**custom, **(one.custom_parameters or {})}, user_key)
        except (ValueError, TypeError) as error:
            skipped.append(Skipped(one.name, f"its customParameters are wrong: {error}"))
            continue
        schema = one.parameters or {"type": "object", "properties": {}}
        call = _checked(one.name, schema, function)
        tools.append(Tool(one.name, one.description or "", schema, call))
    return tools, skipped


def _checked(name: str, schema: Mapping[str, Any], function: Function) -> Callable[[Settings], str]:
    """Return the function behind a check of its arguments, with errors as text for the model.

    Models invent arguments, and no framework checks them against a JSON Schema for us.
    """
    validator = Draft202012Validator(schema)
    written = json.dumps(schema, sort_keys=True)

    def call(arguments: Mapping[str, Any]) -> str:
        if wrong := _what_is_wrong_with(written):
            problems = [f"the tool's schema is not valid: {wrong}"]
        else:
            problems = [_problem(error) for error in validator.iter_errors(dict(arguments))]
        if problems:
            return _text({"error": f"{name}: {'; '.join(problems)}"})
        try:
            return _text(function(arguments))
        except Exception as error:  # the model must be able to go on without this tool
            log.exception("tool %s failed", name)
            return _text({"error": f"{name} failed: {error}"})

    return call


@lru_cache(maxsize=1000)
def _what_is_wrong_with(schema: str) -> str:
    """Return why this is no JSON Schema, else "". Kept: to check it takes milliseconds."""
    try:
        Draft202012Validator.check_schema(json.loads(schema))
    except SchemaError as error:
        return str(error.message)
    return ""


def _problem(error: Any) -> str:
    place = "/".join(str(part) for part in error.absolute_path)
    return f"{place}: {error.message}" if place else str(error.message)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)

"""Step 4 in detail: tools from the AI Config. The schema is LaunchDarkly's, the code is ours."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from jsonschema import Draft202012Validator, SchemaError

from ldconf.agent.task import Tool

log = logging.getLogger("ldconf.agent")

Settings = Mapping[str, Any]
Function = Callable[[Mapping[str, Any]], Any]
Builder = Callable[[Settings, str], Function]  # merged settings, key of who asks -> the code


class ServedTool(Protocol):
    """A tool as the AI SDK hands it out (`ldai.LDTool`)."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def description(self) -> str | None: ...  # noqa: D102
    @property
    def parameters(self) -> dict[str, Any] | None: ...  # noqa: D102
    @property
    def custom_parameters(self) -> dict[str, Any] | None: ...  # noqa: D102


def build_tools(
    served: Iterable[ServedTool],
    custom: Settings,
    builders: Mapping[str, Builder],
    user_key: str,
) -> tuple[list[Tool], list[str]]:
    """Return the tools that we have code for, and the names of those that we have none for.

    A tool's settings are the model's `custom` with the tool's own `customParameters` over it.
    """
    tools: list[Tool] = []
    unknown: list[str] = []
    for one in served:
        builder = builders.get(one.name)
        if builder is None:
            unknown.append(one.name)
            continue
        function = builder({**custom, **(one.custom_parameters or {})}, user_key)
        schema = one.parameters or {"type": "object", "properties": {}}
        call = _checked(one.name, schema, function)
        tools.append(Tool(one.name, one.description or "", schema, call))
    return tools, unknown


def _checked(name: str, schema: Mapping[str, Any], function: Function) -> Callable[[Settings], str]:
    """Return the function behind a check of its arguments, with errors as text for the model.

    Models invent arguments, and no framework checks them against a JSON Schema for us.
    """
    validator = Draft202012Validator(schema)

    def call(arguments: Mapping[str, Any]) -> str:
        try:
            problems = [_problem(error) for error in validator.iter_errors(dict(arguments))]
        except SchemaError as error:
            problems = [f"the tool's schema is not valid: {error.message}"]
        if problems:
            return _text({"error": f"{name}: {'; '.join(problems)}"})
        try:
            return _text(function(arguments))
        except Exception as error:  # the model must be able to go on without this tool
            log.exception("tool %s failed", name)
            return _text({"error": f"{name} failed: {error}"})

    return call


def _problem(error: Any) -> str:
    place = "/".join(str(part) for part in error.absolute_path)
    return f"{place}: {error.message}" if place else str(error.message)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)

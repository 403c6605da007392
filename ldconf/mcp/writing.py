"""Tools that write into the files. Comments stay; what would not load is not written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mcp.server import MCPServer
from mcp.types import ToolAnnotations

from ldconf.core import address as at
from ldconf.core.address import Address
from ldconf.core.errors import UsageError
from ldconf.mcp.answers import Written
from ldconf.mcp.desk import Desk, explained, problems
from ldconf.workflow.author import Wrote, write_objects, write_rule, written_fields
from ldconf.workflow.show import parsed

WRITES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


def add_writing(server: MCPServer, desk: Desk) -> None:
    """Add set_ai_config, set_variation, set_default, set_rule, set_metric and set_fields."""

    def write(objects: Mapping[Address, Mapping[str, Any]]) -> Written:
        return written_answer(desk, write_objects(desk.root, objects))

    @server.tool(annotations=WRITES)
    @explained()
    @desk.alone
    def set_ai_config(
        key: str,
        name: str | None = None,
        mode: str | None = None,
        description: str | None = None,
        tags: list[str] | None = None,
    ) -> Written:
        """Write an AI Config into the files, or change the given fields of one.

        mode: agent, completion or judge; it cannot change later. Add variations afterwards.
        """
        fields = {"name": name, "mode": mode, "description": description, "tags": tags}
        return write({at.ai_config(key): given_fields(fields)})

    @server.tool(annotations=WRITES)
    @explained()
    @desk.alone
    def set_variation(
        ai_config: str,
        key: str,
        name: str | None = None,
        extends: str | None = None,
        model_config_key: str | None = None,
        parameters: dict[str, Any] | None = None,
        custom: dict[str, Any] | None = None,
        instructions: str | None = None,
        messages: list[dict[str, str]] | None = None,
        description: str | None = None,
        tools: list[str] | None = None,
    ) -> Written:
        """Write a variation into the files, or change the given fields of one.

        A variation is shared by all environments: prefer a new one to editing one that is served.
        extends: key of the variation that it inherits from. model_config_key: Provider.model-id,
        for instance Anthropic.claude-sonnet-4-5. parameters: sent to the model (temperature,
        max_tokens); custom: for the application only; both are laid over what is there.
        instructions: the prompt of an agent; messages: [{role, content}], that of a completion.
        """
        address = at.variation(ai_config, key)
        fields = {
            "extends": extends,
            "name": name,
            "modelConfigKey": model_config_key,
            "instructions": instructions,
            "messages": messages,
            "description": description,
            "tools": tools,
        }
        given = given_fields(fields)
        if parameters is not None or custom is not None:
            model = dict(written_fields(desk.root, address).get("model") or {})
            for part, values in (("parameters", parameters), ("custom", custom)):
                if values is not None:
                    model[part] = {**(model.get(part) or {}), **values}
            given["model"] = model
        return write({address: given})

    @server.tool(annotations=WRITES)
    @explained()
    @desk.alone
    def set_default(ai_config: str, environment: str, serve: str | dict[str, Any]) -> Written:
        """Write what everyone gets whom no rule names. This is how an AI Config is enabled.

        serve: a variation key, `disabled`, or {"rollout": {"KEY": 50, "OTHER": "rest"}}.
        """
        return write({at.targeting(ai_config, environment): {"fallthrough": serve}})

    @server.tool(annotations=WRITES)
    @explained()
    @desk.alone
    def set_rule(
        ai_config: str,
        environment: str,
        description: str,
        clauses: list[dict[str, Any]],
        serve: str | dict[str, Any],
        first: bool = False,
    ) -> Written:
        """Write a targeting rule, or change the one with this description.

        clauses: all must hold; [{"attribute": "subscription_status", "op": "in", "values":
        ["premium"]}]; contextKind is user if not given. serve: as in set_default. A new rule goes
        behind the others (the first that matches counts), or in front of them with first.
        """
        rule = {"description": description, "clauses": clauses, "serve": serve}
        return written_answer(
            desk, write_rule(desk.root, (ai_config, environment), rule, first=first)
        )

    @server.tool(annotations=WRITES)
    @explained()
    @desk.alone
    def set_metric(key: str, fields: dict[str, Any]) -> Written:
        """Write a metric into the files, or change the given fields of one.

        fields: names of LaunchDarkly's API: name, kind, eventKey, isNumeric, unit,
        successCriteria, unitAggregationType, analysisType, percentileValue, analysisUnits, tags.
        """
        return write({Address.of("metrics", key): fields})

    @server.tool(annotations=WRITES)
    @explained()
    @desk.alone
    def set_fields(address: str, fields: dict[str, Any]) -> Written:
        """Write fields of any object: tools, model configs, segments, and what the other tools
        do not name. null clears a field. Made if the files do not have it."""
        if not fields:
            raise UsageError("there are no fields to write")
        return write({parsed(address): fields})


def given_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that were given."""
    return {name: value for name, value in fields.items() if value is not None}


def written_answer(desk: Desk, wrote: Wrote) -> Written:
    """Return the files that were written, and what the linter says now."""
    files = sorted(os.path.relpath(path, desk.root) for path in wrote.paths)
    return Written(files=files, remarks=problems(wrote.diagnostics))

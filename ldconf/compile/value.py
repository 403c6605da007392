"""The JSON value that SDKs get for one variation (reference 22.17, protocol notes 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ldconf.core.resource import Json

DISABLED_VALUE: Mapping[str, Json] = {"_ldMeta": {"enabled": False}}


def served_value(
    ai_config: Mapping[str, Json],
    row: Mapping[str, Json],
    model_config: Mapping[str, Json] | None,
    tools: Sequence[Mapping[str, Json]],
) -> dict[str, Json]:
    """Return the value of a variation.

    All in the words of the API: `ai_config` has `mode` and `evaluationMetricKey`, `row` is the
    variation's newest version with its `key`, `tools` are the attached versions of its tools.
    """
    mode = ai_config["mode"]
    meta = {
        "enabled": True,
        "variationKey": row["key"],
        "version": row["version"],
        "mode": mode,
    }
    value: dict[str, Json] = {"_ldMeta": meta}
    if row.get("modelConfigKey"):
        meta["modelKey"] = row["modelConfigKey"]
        meta["modelVersion"] = row.get("modelConfigVersion") or 1
    model = _model(row, model_config, tools)
    if model is not None:
        value["model"] = model
    if provider := _provider(row, model_config):
        value["provider"] = {"name": provider}
    if mode == "agent":
        value["instructions"] = row.get("instructions") or ""
    else:
        value["messages"] = row.get("messages") or []
    if tools:
        value["tools"] = {tool["key"]: _tool(tool) for tool in tools}
    judges = (row.get("judgeConfiguration") or {}).get("judges") or []
    if judges:
        value["judgeConfiguration"] = {
            "judges": [
                {"key": judge["judgeConfigKey"], "samplingRate": judge["samplingRate"]}
                for judge in judges
            ]
        }
    if ai_config.get("evaluationMetricKey"):
        value["evaluationMetricKey"] = ai_config["evaluationMetricKey"]
        value["evaluationMetricKeys"] = [ai_config["evaluationMetricKey"]]
    if row.get("outputFormat"):
        value["outputFormat"] = row["outputFormat"]
    return value


def _model(
    row: Mapping[str, Json],
    model_config: Mapping[str, Json] | None,
    tools: Sequence[Mapping[str, Json]],
) -> dict[str, Json] | None:
    """Return `model`, or None without a name: SDKs fail on a model without one.

    A model config that is not known (managed elsewhere) is named by its key: `Provider.model-id`.
    """
    stored = row.get("model") or {}
    _, _, named = (row.get("modelConfigKey") or "").partition(".")
    name = stored.get("modelName") or (model_config or {}).get("id") or named
    if not name:
        return None
    parameters = dict(stored.get("parameters") or {})
    if tools and "tools" not in parameters:  # runner packages read tools only here
        parameters["tools"] = [_tool(tool) for tool in tools]
    model: dict[str, Json] = {"name": name, "parameters": parameters}
    if stored.get("custom"):
        model["custom"] = stored["custom"]
    return model


def _provider(row: Mapping[str, Json], model_config: Mapping[str, Json] | None) -> str:
    named: str = (row.get("modelConfigKey") or "").partition(".")[0]
    known: str = (model_config or {}).get("provider") or ""
    return known or named


def _tool(tool: Mapping[str, Json]) -> dict[str, Json]:
    shown = {
        "name": tool["key"],
        "description": tool.get("description") or "",
        "type": "function",
        "parameters": tool.get("schema") or {},
    }
    if tool.get("customParameters"):
        shown["customParameters"] = tool["customParameters"]
    return shown

"""What SDKs are served for one variation (reference 22.17), as shown in the targeting document."""

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
    """Return the JSON value of a variation.

    `row` is the variation's newest version, `tools` the attached versions of its tools.
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
        meta["modelVersion"] = row.get("modelConfigVersion", 1)
    model = _model(row, model_config, tools)
    if model is not None:
        value["model"] = model
    if model_config is not None and model_config.get("provider"):
        value["provider"] = {"name": model_config["provider"]}
    if mode == "agent":
        value["instructions"] = row.get("instructions", "")
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
    """Return `model`, or None without a name: SDKs fail on a model without one."""
    stored = row["model"]
    name = stored.get("modelName") or (model_config or {}).get("id")
    if not name:
        return None
    parameters = dict(stored.get("parameters") or {})
    if tools and "tools" not in parameters:  # runner packages read tools only here
        parameters["tools"] = [_tool(tool) for tool in tools]
    model: dict[str, Json] = {"name": name, "parameters": parameters}
    if stored.get("custom"):
        model["custom"] = stored["custom"]
    return model


def _tool(tool: Mapping[str, Json]) -> dict[str, Json]:
    shown = {
        "name": tool["key"],
        "description": tool.get("description", ""),
        "type": "function",
        "parameters": tool["schema"],
    }
    if tool.get("customParameters"):
        shown["customParameters"] = tool["customParameters"]
    return shown

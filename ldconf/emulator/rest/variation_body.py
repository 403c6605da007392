"""What a variation body may hold, and how it is kept (reference 4.2)."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator import fields, library
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, bad_request, not_implemented

ROLES = ("system", "user", "assistant", "developer")


def checked_body(
    call: Call, project: str, ai_config: Json, body: Mapping[str, Json], before: Json | None
) -> dict[str, Json]:
    """Return the fields to keep of a POST (`before` None) or PATCH; 400 for what the API refuses.

    `toolKeys` is no field here: the API accepts it and attaches nothing (Q10).
    """
    if body.get("skills"):
        raise not_implemented("agent skills on a variation")
    if body.get("published") is False:
        raise not_implemented("unpublished versions of a variation")
    kept = {name: value for name, value in body.items() if name not in ("skills", "published")}
    if kept.get("name") == "":
        raise bad_request("name must not be empty")
    if "messages" in kept:
        kept["messages"] = [_message(message) for message in kept["messages"]]
    if kept.get("classifiers") and (kept.get("messages") or (before or {}).get("messages")):
        raise bad_request("messages must be empty when classifiers are given")
    kept.update(_model_config(call, project, kept, before or {}))
    if "tools" in kept:
        kept["tools"] = [_tool(call, project, tool) for tool in kept["tools"]]
    if "judgeConfiguration" in kept:
        kept["judgeConfiguration"] = _judges(call, project, ai_config, kept["judgeConfiguration"])
    return kept


def _message(message: Json) -> Json:
    body = fields.pick(message, {"role": fields.text, "content": fields.text}, required=("role",))
    if body["role"] not in ROLES:
        raise bad_request(f"role must be one of {', '.join(ROLES)}")
    if "content" not in body:
        raise bad_request("content is required")
    return body


def _model_config(
    call: Call, project: str, body: Mapping[str, Json], before: Mapping[str, Json]
) -> dict[str, Json]:
    """Return `modelConfigKey` and `modelConfigVersion` after this body: a new key without version
    records the latest; the same key keeps its pin (reference 4.2)."""
    key, version = body.get("modelConfigKey"), body.get("modelConfigVersion")
    if key is None and version is None:
        return {}
    if key == "":
        return {"modelConfigKey": None, "modelConfigVersion": None}
    key = key or before.get("modelConfigKey")
    if key is None:
        raise bad_request("modelConfigVersion needs modelConfigKey")
    if "." not in key:
        raise bad_request(f"modelConfigKey {key!r} must look like Provider.model-id")
    model = library.model_config(call.store, project, key)
    if model is None:
        raise bad_request(f"unknown model config {key}")
    unchanged = key == before.get("modelConfigKey")
    if not unchanged and call.store.get(Ref(project, "restrictedModels", key)) is not None:
        raise bad_request(f"model config {key} is restricted")  # [INF]
    if version is None:
        version = before.get("modelConfigVersion") if unchanged else model["version"]
    elif library.model_config_version(call.store, project, key, version) is None:
        raise bad_request(f"model config {key} has no version {version}")
    return {"modelConfigKey": key, "modelConfigVersion": version}


def _tool(call: Call, project: str, tool: Json) -> Json:
    body = fields.pick(
        tool, {"key": fields.text, "version": fields.integer}, required=("key", "version")
    )
    found = library.tool_version(call.store, project, body["key"], body["version"])
    if found is None:
        raise bad_request(f"unknown tool {body['key']} version {body['version']}")
    if found.get("customParameters"):
        body["customParameters"] = found["customParameters"]
    return body


def _judges(call: Call, project: str, ai_config: Json, configuration: Json) -> Json:
    """Return a judge configuration with rates as float32 (Q13). No judge on a judge, and no two
    judges with one metric (reference 8)."""
    body = fields.pick(configuration, {"judges": fields.mappings})
    judges, metrics = [], set()
    for entry in body.get("judges", []):
        judge = fields.pick(
            entry,
            {"judgeConfigKey": fields.text, "samplingRate": fields.number},
            required=("judgeConfigKey", "samplingRate"),
        )
        if ai_config["mode"] == "judge":
            raise bad_request("a judge cannot be attached to a judge")
        found = call.store.get(Ref(project, "aiConfigs", judge["judgeConfigKey"]))
        if found is None or found["mode"] != "judge":
            raise bad_request(f"{judge['judgeConfigKey']} is not an AI Config in judge mode")
        if not 0 <= judge["samplingRate"] <= 1:
            raise bad_request("samplingRate must be between 0 and 1")
        if found["evaluationMetricKey"] in metrics:
            raise bad_request("two judges with the same evaluation metric cannot be attached")
        metrics.add(found["evaluationMetricKey"])
        judge["samplingRate"] = float32(judge["samplingRate"])
        judges.append(judge)
    return {"judges": judges}


def float32(value: float) -> float:
    """Return a number as it comes back from a 32-bit float."""
    (rounded,) = struct.unpack("<f", struct.pack("<f", value))
    return float(rounded)

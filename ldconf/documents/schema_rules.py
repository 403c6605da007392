"""What the models check with code, as JSON Schema, so that editors show it while one types.

Never stricter than the models: a test holds both against random documents.
"""

from __future__ import annotations

from typing import get_args

from ldconf.core.resource import Json
from ldconf.kinds.ai_config import AIConfig
from ldconf.kinds.clause import SEGMENT_MATCH
from ldconf.kinds.variation import Variation, mode_problems

MODEL_CONFIG_KEY = r"^[^./\s]+\.[^/\s]+$"
MAINTAINERS = ("maintainerId", "maintainerTeamKey")
_PERCENTILE = {"analysisType": {"const": "percentile"}}

# Per definition: keywords that are added to it.
KEYWORDS: dict[str, dict[str, Json]] = {
    "AgentGraph": {
        "dependentRequired": {"rootConfigKey": ["edges"], "edges": ["rootConfigKey"]},
    },
    "Metric": {
        "dependentRequired": {"kind": ["eventKey", "isNumeric"]},
        "allOf": [
            {
                "if": {
                    "properties": {"isNumeric": {"const": True}},
                    "required": ["kind", "isNumeric"],
                },
                "then": {"required": ["unit", "successCriteria"]},
            },
            {
                "if": {"properties": _PERCENTILE, "required": ["kind", "analysisType"]},
                "then": {"required": ["percentileValue"]},
            },
        ],
    },
    "Experiment": {
        "dependentRequired": {name: ["status"] for name in ("iteration", "winner", "reason")},
        "if": {"properties": {"status": {"const": "stopped"}}, "required": ["status"]},
        "then": {"required": ["winner", "reason"]},
    },
    "Expectation": {"minProperties": 1},
    "ExpectedText": {"minProperties": 1},
    "Clause": {
        "if": {"properties": {"op": {"const": SEGMENT_MATCH}}},
        "else": {"required": ["attribute"]},
    },
}
# A filled example of each field that only some modes take.
_SAMPLES: dict[str, Json] = {
    "messages": [{"role": "user", "content": "x"}],
    "instructions": "x",
    "description": "x",
    "tools": ["x"],
    "judgeConfiguration": {"judges": [{"judgeConfigKey": "x", "samplingRate": 1}]},
}


def add_keywords(definitions: dict[str, Json]) -> None:
    """Add the keywords to the definitions."""
    for name, keywords in KEYWORDS.items():
        definitions[name] |= keywords
    for definition in definitions.values():
        if set(MAINTAINERS) <= set(definition.get("properties", {})):
            definition["not"] = {
                "properties": {name: {"type": "string", "minLength": 1} for name in MAINTAINERS},
                "required": list(MAINTAINERS),
            }
    modes = get_args(AIConfig.model_fields["mode"].annotation)
    definitions[AIConfig.__name__]["allOf"] = [_mode(mode) for mode in modes]


def _mode(mode: str) -> dict[str, Json]:
    """Return that variations in this mode leave the fields of other modes empty."""
    filled = Variation.model_validate(_SAMPLES, by_alias=True, by_name=False)
    refused = [str(path[0]) for path, _ in mode_problems(mode, filled)]
    empty: dict[str, Json] = {
        name: {"enum": [None, "", [], {}, {"judges": []}]} for name in refused
    }
    archived = {"properties": {"state": {"const": "archived"}}, "required": ["state"]}
    variation = {"anyOf": [archived, {"properties": empty}]}
    return {
        "if": {"properties": {"mode": {"const": mode}}, "required": ["mode"]},
        "then": {"properties": {"variations": {"additionalProperties": variation}}},
    }

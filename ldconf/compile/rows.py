"""Variations in the words of the API, together with what they name: tools and model configs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ldconf.compile.source import VariationValue
from ldconf.compile.value import served_value
from ldconf.core.resource import Json
from ldconf.kinds.ai_config import JUDGE_PREFIX

Row: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True)
class Library:
    """Tools and model configs by key, in the words of the API."""

    tools: Mapping[str, Row] = field(default_factory=dict)
    model_configs: Mapping[str, Row] = field(default_factory=dict)


def variation_value(ai_config: Row, row: Row, library: Library) -> VariationValue:
    """Return a variation with its value. A tool that is not known is there by its name."""
    keys = [tool["key"] for tool in row.get("tools") or ()]
    tools = [{**library.tools.get(key, {}), "key": key} for key in keys]
    model_config = library.model_configs.get(row.get("modelConfigKey") or "")
    value = served_value(ai_config, row, model_config, tools)
    return VariationValue(row["key"], value, archived=row.get("state") == "archived")


def event_key(metric: str | None) -> str | None:
    """Return the event key of a judge's metric in full, as its events carry it."""
    return f"{JUDGE_PREFIX}{metric}" if metric else None

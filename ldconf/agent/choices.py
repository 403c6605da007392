"""The choices that the command line offers; imports nothing heavy."""

from __future__ import annotations

from enum import StrEnum


class Framework(StrEnum):
    """What runs the agent."""

    PLAIN = "plain"
    LANGGRAPH = "langgraph"
    STRANDS = "strands"


class Models(StrEnum):
    """Who answers: the simulated model, the AI Config's provider, or one compatible endpoint."""

    SIMULATED = "simulated"
    PROVIDER = "provider"
    ENDPOINT = "endpoint"

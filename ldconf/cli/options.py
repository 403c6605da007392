"""Options that several commands share, and how shells complete them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How a result is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class Plain(StrEnum):
    """How a result is written that nobody posts in a pull request."""

    TEXT = "text"
    JSON = "json"


class ResultsFormat(StrEnum):
    """How the results of an experiment are written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


class EventsFrom(StrEnum):
    """A place that has counted an experiment's events."""

    LOCAL = "local"


class PriorChoice(StrEnum):
    """What is assumed of a treatment before there are data."""

    LAUNCHDARKLY = "launchdarkly"
    FLAT = "flat"


class Origin(StrEnum):
    """Where flags are taken from."""

    FILES = "files"
    LIVE = "live"
    LOCAL = "local"


def complete_address(context: typer.Context, incomplete: str) -> list[str]:
    """Return the addresses of the workspace that start as typed; never an error."""
    return _addresses(context, incomplete)


def complete_ai_config(context: typer.Context, incomplete: str) -> list[str]:
    """Return the keys of the workspace's AI Configs."""
    found = _addresses(context, "aiConfigs/")
    return sorted(
        {key for key in (name.split("/")[1] for name in found) if key.startswith(incomplete)}
    )


def complete_experiment(context: typer.Context, incomplete: str) -> list[str]:
    """Return the keys of the workspace's experiments."""
    found = _addresses(context, "experiments/")
    return sorted(
        key for key in (name.split("/")[1] for name in found) if key.startswith(incomplete)
    )


def complete_environment(context: typer.Context, incomplete: str) -> list[str]:
    """Return the environments that `ldconf.yaml` lists."""
    try:
        from ldconf.workflow.site import settings_of

        names = settings_of(_root(context)).environments
    except Exception:
        return []
    return [name for name in names if name.startswith(incomplete)]


def _addresses(context: typer.Context, incomplete: str) -> list[str]:
    try:
        from ldconf.workflow.site import addresses

        names = [str(address) for address in addresses(_root(context))]
    except Exception:  # a shell that completes has no use for our problems
        return []
    return [name for name in names if name.startswith(incomplete)]


def _root(context: typer.Context) -> Path:
    from ldconf.settings import find_workspace

    given = context.find_root().params.get("workspace")
    return find_workspace(given, Path.cwd())


BaseRef = Annotated[
    str | None,
    typer.Option("--base", metavar="REF", help="Commit to compare with, or `none` (two-way)"),
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="ADDRESS",
        help="Only this address and below (repeatable, `*` is one part)",
        autocompletion=complete_address,
    ),
]
Environments = Annotated[
    list[str] | None,
    typer.Option(
        "--environment",
        metavar="E",
        help="Only objects of this environment (repeatable)",
        autocompletion=complete_environment,
    ),
]
Resend = Annotated[
    list[str] | None,
    typer.Option(
        "--resend",
        metavar="ADDRESS",
        help="Send texts that LaunchDarkly does not return (repeatable)",
        autocompletion=complete_address,
    ),
]
NoContext = Annotated[
    bool, typer.Option("--no-context", help="Do not ask the audit log who changed what")
]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="text, json or markdown; `json=FILE` writes to a file (repeatable, or with commas)",
    ),
]
OneFormat = Annotated[Format, typer.Option("--format", help="How to write the result")]
PlainFormat = Annotated[Plain, typer.Option("--format", help="How to write the result")]
Detailed = Annotated[
    bool, typer.Option("--detailed-exitcode", help="Tell differences by the exit code")
]
RedactText = Annotated[
    bool, typer.Option("--redact-text", help="Size and hash in place of prompts and long texts")
]
WithMembers = Annotated[
    bool, typer.Option("--with-members", help="Also individual targets and segment members")
]

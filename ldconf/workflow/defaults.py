"""`ldconf defaults`: fallbacks for applications, from the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ldconf.compile import AIConfigSource, Split, workspace_source
from ldconf.core.errors import UsageError
from ldconf.core.resource import Json
from ldconf.core.workspace import Workspace
from ldconf.kinds.serve import DISABLED
from ldconf.render import defaults as drawing
from ldconf.render.defaults import Fallback
from ldconf.workflow.site import load_workspace
from ldconf.workflow.written import write as write_in

PYTHON_FILE = "ai_config_defaults.py"
JSON_FILE = "ai_config_defaults.json"


@dataclass(frozen=True)
class DefaultsWish:
    """Where the fallbacks go, and whose they are. Without a file both are written beside
    `ldconf.yaml`; without an environment they are of the last one that it lists."""

    python: Path | None = None
    json: Path | None = None
    environment: str | None = None


def default_texts(root: Path, wish: DefaultsWish) -> Mapping[Path, str]:
    """Return path -> content of the wanted files. Raises UsageError for an unknown environment."""
    workspace, _ = load_workspace(root)
    environment = _environment(workspace, wish.environment)
    found = fallbacks(workspace, environment)
    project = workspace.settings.project
    python, json = wish.python, wish.json
    if python is None and json is None:
        python, json = root / PYTHON_FILE, root / JSON_FILE
    texts: dict[Path, str] = {}
    if python is not None:
        texts[python] = drawing.python_text(project, environment, found)
    if json is not None:
        texts[json] = drawing.json_text(project, environment, found)
    return texts


def write(texts: Mapping[Path, str]) -> tuple[Path, ...]:
    """Write the files and return their paths."""
    return tuple(
        written
        for path, text in texts.items()
        for written in write_in(path.parent, {path.name: text})
    )


def stale(texts: Mapping[Path, str]) -> tuple[Path, ...]:
    """Return the files that do not hold what they should."""
    return tuple(path for path, text in texts.items() if _read(path) != text)


def fallbacks(workspace: Workspace, environment: str) -> Sequence[Fallback]:
    """Return the fallback of each AI Config, by key: what most of those get whom no rule names.

    Where the files leave targeting to others, it is the first variation that is not archived.
    """
    source = workspace_source(workspace)
    return [_fallback(found, environment) for _, found in sorted(source.ai_configs.items())]


def _fallback(found: AIConfigSource, environment: str) -> Fallback:
    values = {one.key: one.value for one in found.variations if not one.archived}
    targeting = found.targeting.get(environment)
    key = next(iter(values), DISABLED)
    if targeting is not None:
        key = _most_served(targeting.fallthrough, list(values))
    value: Mapping[str, Json] | None = values.get(key)
    modes = [one["_ldMeta"]["mode"] for one in values.values()]
    mode = modes[0] if modes else "completion"
    return Fallback(found.key, mode, key if value else DISABLED, value)


def _most_served(serve: str | Split, order: Sequence[str]) -> str:
    """Return the variation with the greatest share; of equal ones the first in the files."""
    if isinstance(serve, str):
        return serve
    weights: dict[str, int] = {}
    for arm in serve.arms:
        weights[arm.variation] = weights.get(arm.variation, 0) + arm.weight
    places = {key: place for place, key in enumerate(order)}
    return min(weights, key=lambda key: (-weights[key], places.get(key, len(order))))


def _environment(workspace: Workspace, wanted: str | None) -> str:
    listed = workspace.settings.environments
    if wanted is None and listed:
        return listed[-1]
    if wanted is None or wanted not in listed:
        named = ", ".join(listed) or "none"
        raise UsageError(f"environment {wanted!r} is not listed", f"ldconf.yaml lists {named}")
    return wanted


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None

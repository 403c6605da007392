"""`ldconf.yaml`: where a workspace acts, and what it may do."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator

from ldconf.core.diagnostic import Diagnostic, Position
from ldconf.core.resource import Int, Json, Number, Part, Str
from ldconf.core.workspace import DEFAULT_HOST, External, Guards, WorkspaceSettings
from ldconf.documents.load_explain import flaws
from ldconf.documents.load_places import Place, Sources
from ldconf.documents.load_policy import PolicyDocument
from ldconf.documents.load_policy import problems as policy_problems
from ldconf.documents.load_problems import Problems, suggestion
from ldconf.documents.tree import SETTINGS_FILE, Tree, Unreadable
from ldconf.documents.yaml import Path, parse
from ldconf.kinds import KINDS

KEY = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
NESTED = ("variations", "targeting")  # sections inside an AI Config
SECTIONS = tuple(kind.name for kind in KINDS if kind.name not in NESTED)
_WILD = re.compile(r"[*?\[]")
LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")

Key: TypeAlias = Annotated[Str, Field(pattern=KEY)]
Keys: TypeAlias = Literal["*"] | list[Str]
Percent: TypeAlias = Annotated[Number, Field(ge=0, le=100)]
EditRule: TypeAlias = Literal["allow", "forbid"]
Level: TypeAlias = Literal["off", "note", "warning", "error"]


class GuardsDocument(Part):
    """Limits of one apply; they are read from the base ref, not from the proposed files."""

    max_delete_percent: Percent = Field(
        default=30, description="Refuse an apply that deletes more than this share of the objects"
    )
    max_update_percent: Percent = Field(
        default=50, description="Refuse an apply that updates more than this share of the objects"
    )
    min_objects: Annotated[Int, Field(ge=0)] = Field(
        default=10, description="The percentages count from this many objects up"
    )
    protect: list[Str] = Field(
        default_factory=list, description="Addresses (`*` is one segment) that need a consent"
    )
    in_place_edits: dict[Key, EditRule] = Field(
        default_factory=dict,
        description="Per environment: may a variation that is served there be edited?",
    )


class SettingsDocument(Part):
    """The settings of a workspace: the file `ldconf.yaml` at its root."""

    project: Key = Field(description="Key of the LaunchDarkly project")
    host: Str = Field(
        default=DEFAULT_HOST, description="Address of LaunchDarkly (EU and federal ones exist)"
    )
    environments: list[Key] = Field(
        description="Keys of the environments that are written; all of them are read"
    )
    guards: GuardsDocument = Field(
        default_factory=GuardsDocument, description="Limits of one apply"
    )
    external: dict[Str, Keys | dict[Key, Keys]] = Field(
        default_factory=dict,
        description="Objects managed elsewhere: may be referenced, are never written",
    )
    shared: Annotated[Str, Field(min_length=1)] | None = Field(
        default=None, description="The one folder outside that `{file:}` may read from"
    )
    lint: dict[Str, Level] = Field(default_factory=dict, description="Severity by lint rule")
    prompt_variables: dict[Str, list[Str]] = Field(
        default_factory=dict,
        description='Per AI Config (or "*"): variables that the application passes to its prompts',
    )
    policy: dict[Key, PolicyDocument] = Field(
        default_factory=dict, description="What `ldconf policy` demands of a plan, by rule id"
    )

    @field_validator("host")
    @classmethod
    def _is_an_address(cls, host: str) -> str:
        """Only the scheme and the host: a token must not travel unencrypted or elsewhere."""
        try:
            parts = urlsplit(host)
            name, _ = parts.hostname or "", parts.port
        except ValueError as err:
            raise ValueError(f"`host` is not an address: {err}") from err
        is_safe = parts.scheme == "https" or LOOPBACK.fullmatch(name)
        if not name or parts.scheme not in ("http", "https") or not is_safe:
            raise ValueError("`host` must start with https:// (http:// only for this machine)")
        if parts.username or parts.password or parts.path.strip("/") or parts.query:
            raise ValueError(
                "`host` is only the address, for instance https://app.launchdarkly.com"
            )
        return host.rstrip("/")

    @field_validator("environments")
    @classmethod
    def _each_once(cls, environments: list[str]) -> list[str]:
        for key in environments:
            if environments.count(key) > 1:
                raise ValueError(f"environment {key!r} is listed twice")
        return environments


@dataclass(frozen=True)
class LoadedSettings:
    """The settings, None if they do not load, and every problem found."""

    settings: WorkspaceSettings | None
    diagnostics: tuple[Diagnostic, ...]


def load_settings(tree: Tree) -> LoadedSettings:
    """Return the settings of a workspace from `ldconf.yaml` alone."""
    problems = Problems()
    settings = read_settings(tree, Sources(), problems)
    return LoadedSettings(settings, problems.sorted())


def read_settings(tree: Tree, sources: Sources, problems: Problems) -> WorkspaceSettings | None:
    """Return the settings, None if there are errors; adds to `sources` and `problems`."""
    try:
        raw = tree.read(SETTINGS_FILE)
    except Unreadable as err:
        hint = "`ldconf init` writes one" if err.reason == "does not exist" else None
        position = Position(SETTINGS_FILE)
        problems.error(f"{SETTINGS_FILE} {err.reason}", position, "settings", hint=hint)
        return None
    document = parse(raw, SETTINGS_FILE)
    sources.add(document)
    problems.extend(document.problems)
    if document.value is None and document.problems:
        return None
    root = Place(SETTINGS_FILE)
    value = {} if document.value is None else document.value
    if not isinstance(value, dict):
        problems.error(f"{SETTINGS_FILE} must be a mapping", sources.value(root), "wrong-type")
        return None
    try:
        model = SettingsDocument.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as err:
        for flaw in flaws(
            SettingsDocument, err, value, lambda path: sources.written(root.below(*path))
        ):
            place = root.below(*flaw.path)
            found = sources.key(place) if flaw.at_key else sources.value(place)
            position = found or Position(SETTINGS_FILE)  # an empty file has no places
            hint = flaw.hint
            if flaw.rule == "unknown-key" and flaw.path[-1] in SECTIONS:
                hint = "sections of objects belong into a document beside ldconf.yaml"
            problems.error(flaw.summary, position, flaw.rule, hint=hint)
        return None
    for path, summary, hint in _further_problems(model):
        problems.error(summary, sources.value(root.below(*path)), "settings", hint=hint)
    return None if problems.has_errors else _settings(model)


def _further_problems(model: SettingsDocument) -> Iterator[tuple[Path, str, str | None]]:
    for index, pattern in enumerate(model.guards.protect):
        problem = pattern_problem(pattern, model.environments)
        if problem:
            yield ("guards", "protect", index), *problem
    for kind, keys in model.external.items():
        if kind not in SECTIONS:
            yield ("external", kind), f"unknown section `{kind}`", suggestion(kind, SECTIONS)
        elif isinstance(keys, dict) and kind != "segments":
            yield ("external", kind), f'`{kind}` takes a list of keys or "*"', None
        elif isinstance(keys, dict):
            for environment in keys:
                problem = unlisted(environment, model.environments)
                if problem:
                    yield ("external", kind, environment), *problem
    yield from policy_problems(model.policy, model.environments)
    shared = _shared_problem(model.shared) if model.shared is not None else None
    if shared:
        yield ("shared",), shared, "name a folder beside the workspace, for instance ../shared"


def pattern_problem(
    pattern: str, environments: Sequence[str] | None
) -> tuple[str, str | None] | None:
    """Return (summary, hint) if a pattern of addresses can match nothing that is written."""
    parts = pattern.strip("/").split("/")
    if not all(parts):
        return f'"{pattern}" is not an address', "for instance aiConfigs/KEY/targeting/production"
    section = parts[0]
    if not _WILD.search(section) and section not in SECTIONS:
        return f'"{pattern}" starts with no known section', suggestion(section, SECTIONS)
    inside = parts[2] if section == "aiConfigs" and len(parts) > 2 else "*"
    if not _WILD.search(inside) and inside not in NESTED:
        return f'"{pattern}" is not an address', suggestion(inside, NESTED)
    place = 2 if section == "segments" else 3 if inside == "targeting" else None
    environment = parts[place] if place is not None and len(parts) > place else "*"
    return None if _WILD.search(environment) else unlisted(environment, environments)


def unlisted(environment: str, environments: Sequence[str] | None) -> tuple[str, str | None] | None:
    """Return (summary, hint) if an environment is not among those that are written."""
    if environments is None or environment in environments:
        return None
    summary = f"environment `{environment}` is not listed under `environments:`"
    return summary, suggestion(environment, environments, words="listed")


def _shared_problem(shared: str) -> str | None:
    if shared.startswith(("/", "~")) or re.search(r"[\x00-\x1f\\]|^[A-Za-z]:", shared):
        return f'`shared` must be a relative path, not "{shared}"'
    parts = posixpath.normpath(shared).split("/")
    if all(part in ("..", ".") for part in parts):
        return f"`shared: {shared}` holds the workspace itself"
    if any(part.startswith(".") and part != ".." for part in parts):
        return f"`shared: {shared}` is hidden"
    return None


def _settings(model: SettingsDocument) -> WorkspaceSettings:
    guards = model.guards
    return WorkspaceSettings(
        project=model.project,
        environments=tuple(model.environments),
        host=model.host,
        guards=Guards(
            max_delete_percent=guards.max_delete_percent,
            max_update_percent=guards.max_update_percent,
            min_objects=guards.min_objects,
            protect=tuple(guards.protect),
            in_place_edits=dict(guards.in_place_edits),
        ),
        external=External(dict(_external(model.external))),
        shared=posixpath.normpath(model.shared) if model.shared is not None else None,
        lint=dict(model.lint),
        prompt_variables={key: frozenset(names) for key, names in model.prompt_variables.items()},
        policy={key: entry.rule_of_plan() for key, entry in model.policy.items()},
    )


def _external(written: Mapping[str, Json]) -> Iterator[tuple[str, frozenset[str] | None]]:
    for kind, keys in written.items():
        if isinstance(keys, dict):
            for environment, inner in keys.items():
                yield f"{kind}/{environment}", _keys(inner)
        else:
            yield kind, _keys(keys)


def _keys(keys: Json) -> frozenset[str] | None:
    return None if keys == "*" else frozenset(keys)

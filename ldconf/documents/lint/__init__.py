"""Lint: what is legal and yet almost surely not meant.

Every rule has a stable id. `# ldconf: ignore[ID]` on the line of a value (or on a line of its own
right above it) switches a rule off there; `lint: {ID: off}` in `ldconf.yaml` does so everywhere.
For a text in its own file the comment stands where the file is named.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from ldconf.core.diagnostic import Diagnostic, Position, Severity
from ldconf.core.live import Live
from ldconf.core.resource import Json
from ldconf.core.workspace import Workspace
from ldconf.documents.lint import experiments, models, prompts, sensitive, targeting
from ldconf.documents.lint.rule import Finding, Rule, Scope

RULES: tuple[Rule, ...] = (
    *prompts.RULES,
    *sensitive.RULES,
    *targeting.RULES,
    *models.RULES,
    *experiments.RULES,
)

_IGNORE = re.compile(r"#\s*ldconf:\s*ignore\[([\w\s,-]+)\]")


def lint(workspace: Workspace, live: Live | None = None) -> list[Diagnostic]:
    """Return the findings of every rule that is on, sorted by place. `live` adds online rules."""
    scope = Scope(workspace, live)
    found = [
        _diagnostic(workspace, rule, severity, finding)
        for rule in RULES
        if (live is not None or not rule.online)
        and (severity := _severity(workspace, rule)) is not None
        for finding in rule.check(scope)
        if not _ignored(workspace, rule, finding)
    ]
    found.extend(_unknown_rules(workspace))
    return sorted(found, key=lambda d: (d.position or Position(""), d.rule or "", d.summary))


def _unknown_rules(workspace: Workspace) -> Iterator[Diagnostic]:
    """Yield a warning for each id under `lint:` in `ldconf.yaml` that no rule has."""
    known = [rule.id for rule in RULES]
    lines = workspace.sources.get("ldconf.yaml", "").splitlines()
    for name in sorted(workspace.settings.lint.keys() - set(known)):
        nearest = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean `{nearest[0]}`?" if nearest else f"there are: {', '.join(known)}"
        at = next((i for i, line in enumerate(lines, start=1) if name in line), 1)
        column = lines[at - 1].find(name) + 1 if lines else 1
        place = Position("ldconf.yaml", at, column)
        summary = f"no lint rule is called `{name}`"
        yield Diagnostic(Severity.WARNING, summary, place, "lint-unknown-rule", hint)


def _severity(workspace: Workspace, rule: Rule) -> Severity | None:
    chosen = workspace.settings.lint.get(rule.id)
    if chosen == "off":
        return None
    return rule.severity if chosen is None else Severity(chosen)


def _diagnostic(
    workspace: Workspace, rule: Rule, severity: Severity, finding: Finding
) -> Diagnostic:
    return Diagnostic(
        severity,
        finding.summary,
        _position(workspace, finding),
        rule.id,
        finding.hint,
        finding.address,
    )


def _ignored(workspace: Workspace, rule: Rule, finding: Finding) -> bool:
    place = workspace.position(finding.address, *finding.path)
    source = workspace.sources.get(place.file) if place else None
    if place is None or source is None:
        return False
    lines = source.splitlines()
    nearby = lines[place.line - 1 : place.line]
    if place.line >= 2 and lines[place.line - 2].lstrip().startswith("#"):
        nearby.append(lines[place.line - 2])
    ids = {
        name.strip() for line in nearby for hit in _IGNORE.findall(line) for name in hit.split(",")
    }
    return rule.id in ids


def _position(workspace: Workspace, finding: Finding) -> Position | None:
    """Return where the finding is: inside a text's own file or block as exactly as possible."""
    place = workspace.position(finding.address, *finding.path)
    if finding.offset is None:
        return place
    text = workspace.resources[finding.address].managed()
    value = _at(text, finding.path)
    before = value[: finding.offset]
    line, column = before.count("\n"), finding.offset - (before.rfind("\n") + 1) + 1
    file = workspace.files.get((finding.address, finding.path))
    if file is not None:
        return Position(file, line + 1, column)
    return _inside_block(workspace, place, value.split("\n")[line], column) or place


def _at(value: Json, path: tuple[str | int, ...]) -> str:
    for step in path:
        value = value[step]
    return str(value)


def _inside_block(
    workspace: Workspace, place: Position | None, line: str, column: int
) -> Position | None:
    """Find a line of a text inside the YAML source, at or after the value's own position."""
    source = workspace.sources.get(place.file) if place else None
    if place is None or source is None:
        return None
    for number, written in enumerate(source.splitlines()[place.line - 1 :], start=place.line):
        found = written.find(line)
        if line and found >= 0:
            return Position(place.file, number, found + column)
    return None

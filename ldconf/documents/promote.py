"""`ldconf promote`: the targeting of one environment becomes that of another, in the files.

Targets, rules and fallthrough are copied; `off` is not: a kill switch is about one environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_of
from ldconf.core.errors import LdconfError, UsageError
from ldconf.core.resource import Json
from ldconf.core.workspace import Workspace
from ldconf.documents import edit
from ldconf.documents.pull_family import Member, family_edits
from ldconf.documents.pull_objects import Documents, Families
from ldconf.documents.pull_style import canonical
from ldconf.documents.tree import Folder, Tree
from ldconf.documents.written import check_written
from ldconf.kinds import kind_of
from ldconf.kinds.serve import DISABLED

FIELDS = ("targets", "rules", "fallthrough")


def promote(
    root: Path, workspace: Workspace, ai_config: str, source: str, target: str
) -> dict[str, str]:
    """Return path -> new text of the document that changes; nothing if the targeting is equal.

    Fields that the source does not manage stay as they are in the target. An override that became
    equal to what the target extends is removed. Raises UsageError for names that are not in the
    files, LdconfError if a rule needs a segment that the target environment does not have.
    """
    return promote_in(Folder(root), workspace, ai_config, source, target)


def promote_in(
    tree: Tree, workspace: Workspace, ai_config: str, source: str, target: str
) -> dict[str, str]:
    """Do what `promote` does for a tree."""
    _check_names(workspace, ai_config, source, target)
    families = Families(tree, workspace)
    start, end = targeting_of(ai_config, source), targeting_of(ai_config, target)
    resolved = families.member(start).resolved
    wanted = {name: resolved[name] for name in FIELDS if name in resolved}
    _check_segments(workspace, end, wanted)
    written = _written(families, start, end, wanted)
    values = {name: canonical(start, name, value) for name, value in wanted.items()}

    def expected(
        address: Address, before: Mapping[str, Json], after: Workspace
    ) -> Mapping[str, Json]:
        if address != end:
            return before
        compiled = {"targets": None, "rules": None, "fallthrough": DISABLED}
        return {**before, **{n: compiled[n] if end in after.off else values[n] for n in values}}

    check_written(tree, workspace, written, expected)
    return written


def _written(
    families: Families, start: Address, end: Address, wanted: Mapping[str, Json]
) -> dict[str, str]:
    if end not in families.workspace.resources:
        document = families.document(start)
        text = families.text(document)
        new = edit.set_value(text, end.parts, dict(wanted), start.parts[-1], levels=1)
        return {document: new}
    documents = Documents(families)
    family: Mapping[Address, Member] = families.family(end)
    for change in family_edits(list(family.values()), {end: wanted}):
        documents.write(family[change.address], change, change.value)
    return documents.files


def _check_names(workspace: Workspace, ai_config: str, source: str, target: str) -> None:
    if source == target:
        raise UsageError(f"{source} cannot be promoted to itself")
    if targeting_of(ai_config, source) not in workspace.resources:
        known = [a for a in workspace.resources if a.kind == "targeting" and a.key == ai_config]
        names = ", ".join(address.parts[3] for address in known) or "none"
        raise UsageError(
            f"the files have no targeting of {ai_config} in {source}", f"they have: {names}"
        )
    if target not in workspace.settings.environments:
        names = ", ".join(workspace.settings.environments)
        raise UsageError(f"{target} is not an environment of this workspace", f"it has: {names}")


def _check_segments(workspace: Workspace, end: Address, wanted: Mapping[str, Json]) -> None:
    """Raise LdconfError if rules name segments that are not there in the target environment."""
    resource = kind_of(end).model.model_validate(wanted)
    named = {reference.target for reference in kind_of(end).references(end, resource)}
    missing = [
        address.parts[1]
        for address in sorted(named)
        if address.kind == "segments"
        and address not in workspace.resources
        and not workspace.settings.external.has(address)
    ]
    if missing:
        environment = end.parts[3]
        raise LdconfError(
            f"rules use segments that {environment} does not have: {', '.join(missing)}",
            f"add them under `segments:` for {environment}, for instance with `extends`",
        )

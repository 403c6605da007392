"""`ldconf pull`: live values into the files that are there.

Only fields that differ are written. Comments, order, `extends` and `{file:}` stay; what nobody
pulled resolves to what it did before (design section 9). Before anything is returned the files are
loaded again as they would be, and compared with what was meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from ldconf.core.address import Address
from ldconf.core.errors import LdconfError, UsageError
from ldconf.core.live import Live
from ldconf.core.resource import Json, Resource, same
from ldconf.core.workspace import Workspace
from ldconf.documents.pull_family import Edit, Member, family_edits
from ldconf.documents.pull_live import SWITCHED, Differences
from ldconf.documents.pull_objects import Documents, Families
from ldconf.documents.pull_style import Taken, styled
from ldconf.documents.pull_texts import Texts
from ldconf.documents.tree import Folder, Tree
from ldconf.documents.written import check_written
from ldconf.documents.yaml import Path
from ldconf.kinds.serve import DISABLED
from ldconf.kinds.variation_model import ARCHIVED

Fields = Mapping[Address, frozenset[str]]


def pull(
    root: FilePath,
    workspace: Workspace,
    live: Live,
    addresses: Sequence[Address],
    with_members: bool = False,
    *,
    fields: Fields | None = None,
) -> dict[str, str]:
    """Return path -> new text of the files that change when these objects take their live values.

    An address stands for all below it, and may be a pattern. `fields` limits an address to some
    fields (addresses without an entry: all that is managed). Raises UsageError if no object of
    the files matches an address, LdconfError if a live value cannot be written.
    """
    return pull_from(
        Folder(root), workspace, live, _matching(workspace, addresses), with_members, fields=fields
    )


def pull_from(
    tree: Tree,
    workspace: Workspace,
    live: Live,
    addresses: Iterable[Address],
    with_members: bool = False,
    *,
    fields: Fields | None = None,
) -> dict[str, str]:
    """Do what `pull` does for a tree and addresses of the files themselves."""
    there = [address for address in addresses if address in live.observed]
    if not there:
        names = ", ".join(map(str, addresses))
        raise LdconfError(f"LaunchDarkly has no {names}", "nothing was changed")
    family_tree = Families(tree, workspace)
    differences = Differences(workspace, live, with_members)
    taken = {
        address: differences.of(
            address, family_tree.member(address).resolved, (fields or {}).get(address)
        )
        for address in there
    }
    taken = {address: found for address, found in taken.items() if found}
    written = _Writing(family_tree, taken).files()
    check_written(tree, workspace, written, _Expected(family_tree, live, taken))
    return written


@dataclass(frozen=True)
class _Expected:
    """What each object is to come to after a pull."""

    families: Families
    live: Live
    taken: Mapping[Address, Mapping[str, Taken]]

    def __call__(
        self, address: Address, before: Mapping[str, Json], after: Workspace
    ) -> Mapping[str, Json]:
        """Return canonical value by managed field."""
        taken = self.taken.get(address)
        if taken is None:
            return before
        live = {name: one.canonical for name, one in taken.items() if name != "off"}
        if live.get("state") == ARCHIVED:
            return {"state": ARCHIVED}
        if address in after.off:
            live |= {name: None for name in SWITCHED[:2] if name in live}
            live |= {name: DISABLED for name in SWITCHED[2:] if name in live}
        return self._with_implied(address, {**before, **live}, after.resources[address])

    def _with_implied(
        self, address: Address, expected: Mapping[str, Json], found: Resource
    ) -> Mapping[str, Json]:
        """Return what is expected with fields that follow from others (`eventDefault`)."""
        written = {*self.families.member(address).resolved, *self.taken[address]}
        live = self.live.observed[address].resource.managed()
        now = found.managed()
        kept = {n: v for n, v in expected.items() if n in now or n in written}
        implied = {n: v for n, v in now.items() if n not in expected and same(v, live.get(n))}
        return {**kept, **implied}


def _matching(workspace: Workspace, addresses: Sequence[Address]) -> list[Address]:
    found: list[Address] = []
    for wanted in addresses:
        matches = [address for address in workspace.resources if address.matches(str(wanted))]
        if not matches:
            hint = f"`ldconf import --only {wanted}` writes objects that the files do not list"
            raise UsageError(f"the files list nothing at {wanted}", hint)
        found += matches
    return list(dict.fromkeys(found))


@dataclass
class _Writing:
    """Turns what is taken over into edits of documents and texts."""

    families: Families
    taken: Mapping[Address, Mapping[str, Taken]]
    wanted: dict[Address, dict[str, Json]] = field(default_factory=dict)

    def files(self) -> dict[str, str]:
        """Return path -> new text of every file that changes."""
        for address, found in self.taken.items():
            before = self.families.member(address).resolved
            self.wanted[address] = {
                name: styled(address, name, before.get(name), one) for name, one in found.items()
            }
        texts = Texts(self.families.tree, self._users(), self._text)
        documents = Documents(self.families)
        for member, change in self._edits():
            documents.write(member, change, texts.placed(member, change))
        return {
            path: text
            for path, text in {**texts.files, **documents.files}.items()
            if self.families.tree.text(path) != text
        }

    def _edits(self) -> Iterable[tuple[Member, Edit]]:
        done: set[Address] = set()
        for address in self.taken:
            if address not in done:
                family = self.families.family(address)
                done |= set(family)
                for found in family_edits(list(family.values()), self.wanted):
                    yield family[found.address], found

    def _users(self) -> dict[str, frozenset[tuple[Address, Path]]]:
        users: dict[str, set[tuple[Address, Path]]] = {}
        for (address, path), file in self.families.workspace.files.items():
            users.setdefault(file, set()).add((address, path))
        return {file: frozenset(found) for file, found in users.items()}

    def _text(self, address: Address, path: Path) -> Json:
        """Return what a text of an object is to be."""
        found: Json = {**self.families.member(address).resolved, **self.wanted.get(address, {})}
        for step in path:
            inside = isinstance(found, list) and isinstance(step, int) and step < len(found)
            if not inside and not (isinstance(found, Mapping) and step in found):
                return None
            found = found[step]
        return found

"""Use cases that change files: init, pull, promote, fmt; and the schema for editors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ldconf.api.reader import Progress
from ldconf.core.address import Address
from ldconf.core.diagnostic import Diagnostic, Position, Severity
from ldconf.core.errors import DocumentError, UsageError
from ldconf.core.resource import Json
from ldconf.documents import promote as promoting
from ldconf.documents import pull as pulling
from ldconf.documents import scaffold
from ldconf.documents.format import format_text
from ldconf.documents.schema import schema
from ldconf.documents.tree import Folder
from ldconf.workflow.plan import Inputs, PlanWish, base_of, planned
from ldconf.workflow.show import parsed
from ldconf.workflow.site import Site, load_workspace
from ldconf.workflow.written import write


@dataclass(frozen=True)
class PullWish:
    """What to take over: these addresses, or everything that moved in LaunchDarkly."""

    addresses: tuple[str, ...] = ()
    drift: bool = False
    with_members: bool = False
    base: str | None = None


def init(root: Path, project: str) -> tuple[Path, ...]:
    """Write the example workspace and return the new files; existing ones stay as they are."""
    root.mkdir(parents=True, exist_ok=True)
    texts = {
        path: text for path, text in scaffold.init(project).items() if not (root / path).exists()
    }
    return write(root, texts)


async def pull(site: Site, wish: PullWish, progress: Progress | None = None) -> tuple[Path, ...]:
    """Take live values into the files and return what was written."""
    workspace, _ = load_workspace(site.root)
    base = base_of(site, workspace, wish.base if wish.drift else "none")
    if wish.drift and base.workspace is None:
        raise UsageError(
            "without a base nobody can tell what moved in LaunchDarkly",
            "name one with --base REF, or pull by address",
        )
    addresses: Sequence[Address] = [parsed(text) for text in wish.addresses]
    async with site.client() as client:
        inputs = Inputs(site, workspace, base)
        found = await planned(client, inputs, PlanWish(context=False), progress)
    if wish.drift:
        moved = (*found.plan.drift, *found.plan.conflicts)
        addresses = list(dict.fromkeys(one.address for one in moved if one.field is not None))
    texts = pulling.pull(site.root, workspace, found.live, addresses, wish.with_members)
    return write(site.root, texts)


def promote(root: Path, ai_config: str, source: str, target: str) -> tuple[Path, ...]:
    """Copy targeting between environments in the files and return what was written."""
    workspace, _ = load_workspace(root)
    return write(root, promoting.promote(root, workspace, ai_config, source, target))


def format_files(paths: Iterable[Path], *, write_them: bool) -> tuple[Path, ...]:
    """Return the files that do not have the canonical form, after bringing them into it if asked.

    Raises DocumentError with every file that cannot be read as YAML; then nothing is written.
    """
    texts: dict[Path, str] = {}
    problems: list[Diagnostic] = []
    for path in paths:
        try:
            before = path.read_bytes().decode("utf-8")
            after = format_text(before, str(path.absolute()))
        except DocumentError as error:
            problems += error.diagnostics
        except UnicodeDecodeError:
            place = Position(str(path.absolute()))
            problems.append(Diagnostic(Severity.ERROR, "not UTF-8", place, "encoding"))
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
        else:
            if after != before:
                texts[path] = after
    if problems:
        raise DocumentError(problems)
    if write_them:
        for path, text in texts.items():
            write(path.parent, {path.name: text})
    return tuple(texts)


def documents(root: Path) -> Sequence[Path]:
    """Return the YAML files of a workspace."""
    return [root / path for path in Folder(root).paths() if path.endswith((".yaml", ".yml"))]


def document_schema() -> Mapping[str, Json]:
    """Return the JSON Schema of documents."""
    return schema()

"""The local LaunchDarkly: inside this process for `--local`, or served by `ldconf dev`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from ldconf.cli.run import Run
from ldconf.core.workspace import WorkspaceSettings
from ldconf.emulator.serve import DevOptions, LocalAccess, open_local, run
from ldconf.emulator.serve_sdk import SdkAccess, open_sdk
from ldconf.settings import Connection
from ldconf.workflow.site import settings_of

FIRST_ENVIRONMENTS = ("test", "production")  # as LaunchDarkly gives every new project


def state_folder(root: Path, project: str) -> Path:
    """Return where the local LaunchDarkly of a workspace keeps its state."""
    return root / ".ldconf" / "local" / project


@contextmanager
def local_connection(root: Path, settings: WorkspaceSettings) -> Iterator[Connection]:
    """Give a connection to the local LaunchDarkly: a served one, else one in this process."""
    folder = state_folder(root, settings.project)
    environments = settings.environments
    if not environments and not folder.exists():
        environments = FIRST_ENVIRONMENTS
    with open_local(folder, settings.project, environments) as access:
        yield Connection(access.host, SecretStr(access.token), access.app, is_local=True)


@contextmanager
def local_sdk(program: Run, environment: str | None) -> Iterator[SdkAccess]:
    """Give what an SDK needs to connect to the local LaunchDarkly: a served one, else one that
    this process serves meanwhile. Without `environment`, the first of the workspace."""
    root = program.root()
    settings = settings_of(root)
    environments = settings.environments or FIRST_ENVIRONMENTS
    folder = state_folder(root, settings.project)
    with open_sdk(folder, settings.project, environments, environment or environments[0]) as found:
        yield found


def serve(
    program: Run, state: Path | None, *, port: int, tokens: Sequence[str], keep_days: float
) -> None:
    """Serve until interrupted."""
    root = program.root()
    settings = settings_of(root)
    folder = state or state_folder(root, settings.project)

    def started(access: LocalAccess) -> None:
        program.out(f"{access.host}\n")
        program.say(
            f"local LaunchDarkly for project {settings.project}, state in {folder}; Ctrl-C stops\n"
            f"ldconf --local uses it; other clients: LAUNCHDARKLY_API_HOST={access.host}\n"
            + "".join(f"SDK key of {name}: {key}\n" for name, key in access.sdk_keys.items())
            + ("" if tokens else "any token is let in")
        )

    options = DevOptions(
        folder,
        settings.project,
        settings.environments,
        port,
        tokens=tokens,
        keep_days=keep_days,
    )
    run(options, started)

"""Running the local LaunchDarkly: as a server (`ldconf dev`), or inside a command (`--local`)."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ldconf.core.errors import LdconfError
from ldconf.emulator.lock import Holder, StateLock, acquire

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import ASGIApp

    from ldconf.emulator.faults import Faults
    from ldconf.emulator.store import EnvironmentSpec, Store

DEFAULT_PORT = 8765
LOOPBACK = "127.0.0.1"
STATE_FILE = "state.sqlite3"
IN_PROCESS_HOST = "http://localhost"  # never resolved: requests go straight into the app
WAIT_TRIES = 50


@dataclass(frozen=True)
class LocalAccess:
    """How to reach a local LaunchDarkly: over HTTP, or in-process through `app`."""

    host: str
    token: str = field(repr=False)
    app: ASGIApp | None = None


@dataclass(frozen=True)
class DevOptions:
    """What `ldconf dev` takes. `port` 0 means any free one; `tokens` empty means one made up for
    this run, which the lock file hands to `--local` commands; other tokens are then let in too."""

    state_dir: Path
    project: str
    environments: Sequence[EnvironmentSpec]
    port: int = DEFAULT_PORT
    address: str = LOOPBACK
    tokens: Sequence[str] = ()
    any_host: bool = False
    faults: Faults | None = None


@contextlib.contextmanager
def open_local(
    state_dir: Path, project: str, environments: Sequence[EnvironmentSpec]
) -> Iterator[LocalAccess]:
    """Give access to the local LaunchDarkly of a state directory.

    If `ldconf dev` serves that state, its address and token; else an app in this process, under
    the same lock. Raises LdconfError if the extra `dev` is missing or the state is in use.
    """
    create_app, new_store, seed = _emulator()
    lock = acquire(state_dir, tries=WAIT_TRIES, sleep=time.sleep)
    if isinstance(lock, Holder):
        yield LocalAccess(lock.host, lock.token)
        return
    try:
        store = new_store(state_dir / STATE_FILE)
        try:
            seed(store, project, environments)
            token = f"api-{secrets.token_hex(16)}"
            yield LocalAccess(IN_PROCESS_HOST, token, create_app(store))
        finally:
            store.close()
    finally:
        lock.release()


def run(options: DevOptions, on_start: Callable[[LocalAccess], None] | None = None) -> None:
    """Serve until interrupted. `on_start` gets the address once requests are answered.

    Raises LdconfError if the state is served already, the port is taken, or the extra is missing.
    """
    create_app, new_store, seed = _emulator()
    lock = acquire(options.state_dir, tries=WAIT_TRIES, sleep=time.sleep)
    if isinstance(lock, Holder):
        raise LdconfError(
            f"the local state {options.state_dir} is served already at {lock.host}",
            hint=f"use it, or stop process {lock.pid}",
        )
    try:
        store = new_store(options.state_dir / STATE_FILE)
        try:
            seed(store, options.project, options.environments)
            app = create_app(
                store, options.faults, tokens=options.tokens, any_host=options.any_host
            )
            token = options.tokens[0] if options.tokens else f"api-{secrets.token_hex(16)}"
            _serve(app, options, lock, token, on_start)
        finally:
            store.close()
    finally:
        lock.release()


def _serve(
    app: Starlette,
    options: DevOptions,
    lock: StateLock,
    token: str,
    on_start: Callable[[LocalAccess], None] | None,
) -> None:
    from ldconf.emulator.server import LocalServer

    def started(host: str) -> None:
        lock.write(Holder(pid=_pid(), host=host, token=token))
        if on_start is not None:
            on_start(LocalAccess(host, token))

    LocalServer(app, options.address, options.port, on_start=started).run()


def _pid() -> int:
    import os

    return os.getpid()


def _emulator() -> tuple[
    Callable[..., Starlette],
    Callable[[Path], Store],
    Callable[[Store, str, Sequence[EnvironmentSpec]], None],
]:
    """Import what needs the extra `dev`; a missing one becomes an error that names the pip line."""
    try:
        import uvicorn  # noqa: F401 - only its presence counts here

        from ldconf.emulator.app import create_app
        from ldconf.emulator.seed import seed
        from ldconf.emulator.store import Store
    except ModuleNotFoundError as err:
        raise LdconfError(
            f"the local LaunchDarkly needs the package {err.name}, which is not installed",
            hint='pip install "ldconf[dev]"',
        ) from err
    return create_app, Store, seed

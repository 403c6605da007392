"""Running the local LaunchDarkly: as a server (`ldconf dev`), or inside a command (`--local`)."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ldconf.core.errors import LdconfError, MissingPackage
from ldconf.emulator.lock import Holder, StateLock, acquire

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import ASGIApp

    from ldconf.emulator.events.store import EventStore
    from ldconf.emulator.faults import Faults
    from ldconf.emulator.store import EnvironmentSpec, Store

DEFAULT_PORT = 8765
LOOPBACK = "127.0.0.1"
STATE_FILE = "state.sqlite3"
EVENTS_FILE = "events.duckdb"
KEEP_DAYS = 90.0
IN_PROCESS_HOST = "http://localhost"  # never resolved: requests go straight into the app
WAIT_TRIES = 50


@dataclass(frozen=True)
class LocalAccess:
    """How to reach a local LaunchDarkly: over HTTP, or in-process through `app`.

    `sdk_keys` are those of the environments, known to who started the server; others read an
    environment by REST.
    """

    host: str
    token: str = field(repr=False)
    app: ASGIApp | None = None
    sdk_keys: Mapping[str, str] = field(default_factory=dict, repr=False)


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
    keep_days: float = KEEP_DAYS  # events older than that are dropped


@contextlib.contextmanager
def open_local(
    state_dir: Path, project: str, environments: Sequence[EnvironmentSpec]
) -> Iterator[LocalAccess]:
    """Give access to the local LaunchDarkly of a state directory.

    If `ldconf dev` serves that state, its address and token; else an app in this process, under
    the same lock. Raises LdconfError if the extra `dev` is missing or the state is in use.
    """
    emulator = load_emulator()
    lock = acquire(state_dir, tries=WAIT_TRIES, sleep=time.sleep)
    if isinstance(lock, Holder):
        yield LocalAccess(lock.host, lock.token)
        return
    try:
        with opened(emulator, state_dir) as (store, events):
            emulator.seed(store, project, environments)
            token = f"api-{secrets.token_hex(16)}"
            app = emulator.create_app(store, events=events)
            yield LocalAccess(IN_PROCESS_HOST, token, app)
    finally:
        lock.release()


def run(options: DevOptions, on_start: Callable[[LocalAccess], None] | None = None) -> None:
    """Serve until interrupted. `on_start` gets the address once requests are answered.

    Raises LdconfError if the state is served already, the port is taken, or the extra is missing.
    """
    emulator = load_emulator()
    lock = acquire(options.state_dir, tries=WAIT_TRIES, sleep=time.sleep)
    if isinstance(lock, Holder):
        raise LdconfError(
            f"the local state {options.state_dir} is served already at {lock.host}",
            hint=f"use it, or stop process {lock.pid}",
        )
    try:
        with opened(emulator, options.state_dir, options.keep_days) as (store, events):
            emulator.seed(store, options.project, options.environments)
            app = emulator.create_app(
                store,
                options.faults,
                events=events,
                tokens=options.tokens,
                any_host=options.any_host,
            )
            _serve(app, options, lock, on_start)
    finally:
        lock.release()


def _serve(
    app: Starlette,
    options: DevOptions,
    lock: StateLock,
    on_start: Callable[[LocalAccess], None] | None,
) -> None:
    from ldconf.emulator.sdk.environments import sdk_keys
    from ldconf.emulator.server import LocalServer

    token = options.tokens[0] if options.tokens else f"api-{secrets.token_hex(16)}"

    def started(host: str) -> None:
        lock.write(Holder(pid=_pid(), host=host, token=token))
        if on_start is not None:
            keys = sdk_keys(app.state.store, options.project)
            on_start(LocalAccess(host, token, sdk_keys=keys))

    LocalServer(
        app, options.address, options.port, on_start=started, on_stop=app.state.hub.close
    ).run()


def _pid() -> int:
    import os

    return os.getpid()


@contextlib.contextmanager
def opened(
    emulator: Emulator, state_dir: Path, keep_days: float = KEEP_DAYS
) -> Iterator[tuple[Store, EventStore]]:
    """Open the state; the events' file is not touched before somebody needs it."""
    store = emulator.new_store(state_dir / STATE_FILE)
    events = emulator.new_events(state_dir / EVENTS_FILE, keep_days=keep_days)
    try:
        yield store, events
    finally:
        events.close()
        store.close()


@dataclass(frozen=True)
class Emulator:
    """What needs the extra `dev`."""

    create_app: Callable[..., Starlette]
    new_store: Callable[[Path], Store]
    new_events: Callable[..., EventStore]
    seed: Callable[[Store, str, Sequence[EnvironmentSpec]], None]


def load_emulator() -> Emulator:
    """Import what needs the extra `dev`; a missing one becomes an error that names the pip line."""
    try:
        import uvicorn  # noqa: F401 - only its presence counts here

        from ldconf.emulator.app import create_app
        from ldconf.emulator.events.store import EventStore, require_duckdb
        from ldconf.emulator.seed import seed
        from ldconf.emulator.store import Store

        require_duckdb()
    except ModuleNotFoundError as err:
        raise MissingPackage("the local LaunchDarkly needs", str(err.name), "dev") from err
    return Emulator(create_app, Store, EventStore, seed)

"""The local LaunchDarkly for an SDK in this process: `ldconf dev`, else one for a while."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ldconf.core.errors import LdconfError
from ldconf.emulator import serve
from ldconf.emulator.lock import Holder, acquire

if TYPE_CHECKING:
    from ldconf.emulator.store import EnvironmentSpec


@dataclass(frozen=True)
class SdkAccess:
    """Where an SDK connects, and the key of its environment."""

    host: str
    sdk_key: str = field(repr=False)


@contextlib.contextmanager
def open_sdk(
    state_dir: Path, project: str, environments: Sequence[EnvironmentSpec], environment: str
) -> Iterator[SdkAccess]:
    """Give access to one environment. If nobody serves the state, a thread of this process does
    so meanwhile, for other commands too. Raises LdconfError if there is no such environment."""
    emulator = serve.load_emulator()
    lock = acquire(state_dir, tries=serve.WAIT_TRIES, sleep=time.sleep)
    if isinstance(lock, Holder):
        yield SdkAccess(lock.host, _sdk_key(state_dir, project, environment))
        return
    from ldconf.emulator.server import LocalServer

    try:
        with serve.opened(emulator, state_dir) as (store, events):
            emulator.seed(store, project, environments)
            app = emulator.create_app(store, events=events)
            token = f"api-{secrets.token_hex(16)}"
            server = LocalServer(app, serve.LOOPBACK, 0, on_stop=app.state.hub.close)
            lock.write(Holder(os.getpid(), server.host, token))
            with server:
                yield SdkAccess(server.host, _sdk_key(state_dir, project, environment))
    finally:
        lock.release()


def _sdk_key(state_dir: Path, project: str, environment: str) -> str:
    """Return the SDK key that the state holds now; our own REST client drops such keys."""
    path = (state_dir / serve.STATE_FILE).absolute()
    sql = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        found = {
            key: json.loads(text)["apiKey"]
            for key, text in sql.execute(
                "SELECT key, json FROM objects WHERE project = ? AND family = 'environments'"
                " ORDER BY seq",
                (project,),
            )
        }
    finally:
        sql.close()
    if environment not in found:
        raise LdconfError(
            f"the local LaunchDarkly has no environment {environment!r}",
            hint=f"it has {', '.join(found)}",
        )
    return str(found[environment])

"""One process per state: a lock file that says where the server listens and how to get in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

from ldconf.core.errors import LdconfError

LOCK_FILE = "lock.json"


@dataclass(frozen=True)
class Holder:
    """Who holds a state: a process, and if it serves HTTP, its address and an access token."""

    pid: int
    host: str = ""  # e.g. http://127.0.0.1:8765; empty for an in-process user
    token: str = ""


class StateLock:
    """Holds a state directory. The kernel drops the lock when the process dies, so a file that a
    dead process left is simply taken over. The file is readable by its owner only: it has a token.
    """

    def __init__(self, state_dir: Path) -> None:
        fcntl = _fcntl()
        self.path = state_dir / LOCK_FILE
        state_dir.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._fd = os.open(self.path, flags, 0o600)
        try:
            os.fchmod(self._fd, 0o600)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            raise Held(read_holder(state_dir)) from None
        except BaseException:
            os.close(self._fd)
            raise
        self.write(Holder(os.getpid()))

    def write(self, holder: Holder) -> None:
        """Say who holds the state."""
        text = json.dumps(asdict(holder)).encode()
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text, 0)

    def release(self) -> None:
        """Let go. The file stays, empty: removing it would race with the next holder."""
        os.ftruncate(self._fd, 0)
        os.close(self._fd)


def _fcntl() -> ModuleType:
    try:
        import fcntl
    except ImportError as err:
        raise LdconfError(
            "the local LaunchDarkly needs a POSIX system for its lock file",
            hint="on Windows, use WSL",
        ) from err
    return fcntl


class Held(Exception):
    """Another process holds the state; `holder` is None while it has not said who it is."""

    def __init__(self, holder: Holder | None) -> None:
        super().__init__("the local state is held by another process")
        self.holder = holder


def read_holder(state_dir: Path) -> Holder | None:
    """Return what the lock file says, or None if it says nothing (yet)."""
    try:
        return Holder(**json.loads((state_dir / LOCK_FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def acquire(
    state_dir: Path, *, tries: int, sleep: Callable[[float], None], pause_s: float = 0.1
) -> StateLock | Holder:
    """Return the lock, or the serving holder. Waits for an in-process holder to finish; raises
    LdconfError if it does not."""
    holder: Holder | None = None
    for _ in range(tries):
        try:
            return StateLock(state_dir)
        except Held as held:
            holder = held.holder
        if holder is not None and holder.host:
            return holder
        sleep(pause_s)
    who = f"process {holder.pid}" if holder else "another process"
    raise LdconfError(
        f"the local state {state_dir} is in use by {who}",
        hint="wait until it has finished, or choose another state directory",
    )

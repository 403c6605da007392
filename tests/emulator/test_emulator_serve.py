"""Serving, the lock file, and access for `--local`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ldconf.core.errors import LdconfError
from ldconf.emulator import serve
from ldconf.emulator.lock import Held, Holder, StateLock, acquire, read_holder
from ldconf.emulator.serve import DevOptions, LocalAccess, open_local
from ldconf.emulator.server import LocalServer
from tests.emulator.ld import Ld

SCRIPT = textwrap.dedent(
    """
    import signal
    import sys
    from pathlib import Path
    from ldconf.emulator.serve import DevOptions, run

    # A shell starts background jobs with SIGINT ignored, and so would be all that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def started(access):
        print(access.host, flush=True)

    run(DevOptions(Path(sys.argv[1]), "shop", ["test"], port=0), started)
    """
)


def listed(access: LocalAccess) -> list[str]:
    """Return the projects that an access shows, over HTTP."""
    answer = httpx.get(f"{access.host}/api/v2/projects", headers={"Authorization": access.token})
    return [project["key"] for project in answer.raise_for_status().json()["items"]]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`ldconf dev` in another process, answering."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    host = process.stdout.readline().strip()
    assert host.startswith("http://127.0.0.1:")
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()


def test_local_access_is_in_process_when_nobody_serves(tmp_path: Path) -> None:
    with open_local(tmp_path, "shop", ["test"]) as access:
        assert access.app is not None
        assert access.token not in repr(access)
        holder = read_holder(tmp_path)
        assert holder == Holder(os.getpid())
    assert read_holder(tmp_path) is None
    with open_local(tmp_path, "shop", ["test", "production"]) as access:
        assert access.app is not None


def test_local_access_goes_to_the_server_that_holds_the_state(
    tmp_path: Path, served: subprocess.Popen[str]
) -> None:
    with open_local(tmp_path, "shop", ["test"]) as access:
        assert access.app is None
        assert listed(access) == ["shop"]
    lock = tmp_path / "lock.json"
    assert lock.stat().st_mode & 0o777 == 0o600
    assert json.loads(lock.read_text())["pid"] == served.pid


def test_a_served_state_cannot_be_served_again(
    tmp_path: Path, served: subprocess.Popen[str]
) -> None:
    with pytest.raises(LdconfError, match="served already at http"):
        serve.run(DevOptions(tmp_path, "shop", ["test"], port=0))


def test_the_lock_of_a_killed_server_is_taken_over(
    tmp_path: Path, served: subprocess.Popen[str]
) -> None:
    served.send_signal(signal.SIGKILL)
    served.wait()
    assert read_holder(tmp_path) is not None
    with open_local(tmp_path, "shop", ["test"]) as access:
        assert access.app is not None


def test_a_server_stops_quietly(tmp_path: Path, served: subprocess.Popen[str]) -> None:
    served.send_signal(signal.SIGTERM)
    _, errors = served.communicate(timeout=10)
    assert (served.returncode, errors) == (0, "")
    assert read_holder(tmp_path) is None


def test_an_interrupted_server_cleans_up(tmp_path: Path, served: subprocess.Popen[str]) -> None:
    served.send_signal(signal.SIGINT)
    _, errors = served.communicate(timeout=10)
    assert "KeyboardInterrupt" in errors
    assert read_holder(tmp_path) is None


def test_a_state_in_use_is_named(tmp_path: Path) -> None:
    lock = StateLock(tmp_path)
    naps: list[float] = []
    with pytest.raises(LdconfError, match=f"in use by process {os.getpid()}"):
        acquire(tmp_path, tries=2, sleep=naps.append)
    assert len(naps) == 2
    (tmp_path / "lock.json").write_text("")
    with pytest.raises(LdconfError, match="in use by another process"):
        acquire(tmp_path, tries=1, sleep=naps.append)
    with pytest.raises(Held):
        StateLock(tmp_path)
    lock.release()
    StateLock(tmp_path).release()


def test_a_waiting_command_gets_the_state(tmp_path: Path) -> None:
    lock = StateLock(tmp_path)
    got = acquire(tmp_path, tries=2, sleep=lambda _: lock.release())
    assert isinstance(got, StateLock)
    got.release()


def test_run_serves_until_it_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    servers: list[LocalServer] = []
    seen: list[list[str]] = []

    def on_start(access: LocalAccess) -> None:
        def visit() -> None:
            seen.append(listed(access))
            servers[0].should_exit = True

        threading.Thread(target=visit).start()

    class Remembered(LocalServer):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)  # type: ignore[arg-type]
            servers.append(self)

    monkeypatch.setattr("ldconf.emulator.server.LocalServer", Remembered)
    serve.run(DevOptions(tmp_path, "shop", ["test"], port=0, tokens=["api-mine"]), on_start)
    assert seen == [["shop"]]


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    ld = Ld()
    with LocalServer(ld.app, "127.0.0.1", 0) as server:
        port = int(server.host.rpartition(":")[2])
        options = DevOptions(tmp_path, "shop", ["test"], port=port)
        with pytest.raises(LdconfError, match=f"cannot listen on 127.0.0.1:{port}"):
            serve.run(options)
    assert read_holder(tmp_path) is None


def test_small_answers_are_not_delayed() -> None:
    ld = Ld()
    with LocalServer(ld.app, "127.0.0.1", 0) as server, httpx.Client() as http:
        url = f"{server.host}/api/v2/projects"
        answers = [http.get(url, headers={"Authorization": "x"}) for _ in range(20)]
    quickest = min(answer.elapsed.total_seconds() for answer in answers)
    assert quickest < 0.03  # without TCP_NODELAY each takes 0.04 s


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with (
        pytest.raises(LdconfError) as missing,
        open_local(tmp_path, "shop", ["test"]),
    ):
        pass
    assert missing.value.hint == 'pip install "ldconf[dev]"'
    assert "uvicorn" in missing.value.summary


def test_a_system_without_file_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with pytest.raises(LdconfError, match="POSIX"):
        StateLock(tmp_path)


def test_importing_serve_is_cheap() -> None:
    code = (
        "import sys, ldconf.emulator.serve;"
        "print([m for m in ('starlette', 'uvicorn', 'sqlite3') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

"""A command on a terminal of its own."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

LDCONF = Path(sys.executable).with_name("ldconf")


def watched(root: Path, *words: str, until: str) -> bytes:
    """Run a command that watches until it has drawn `until`, interrupt it, return what it drew."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [LDCONF, *words, "--watch"],
        cwd=root,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "140", "LINES": "60"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    while until.encode() not in said and process.poll() is None:
        said += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    os.close(ours)
    return said

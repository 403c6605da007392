"""`make demo` as a user runs it: its script checks every step itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_demo_runs_to_its_end() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/demo.py"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Done in" in done.stdout

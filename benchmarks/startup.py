"""How long `ldconf --help` and the help of every command take; limits from the design.

Best of five, wall clock. Exits 1 if a limit is passed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from ldconf.cli.main import COMMANDS

LDCONF = Path(sys.executable).with_name("ldconf")
HELP_S, COMMAND_HELP_S = 0.3, 0.4


def seconds(*words: str, times: int = 5) -> float:
    """Return the best wall-clock time of a command line."""
    best = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        subprocess.run([LDCONF, *words], stdout=subprocess.DEVNULL, check=True)
        best = min(best, time.perf_counter() - started)
    return best


def main() -> int:
    """Print the figures and compare them with the limits."""
    limits = {("--help",): HELP_S, **{(name, "--help"): COMMAND_HELP_S for name in COMMANDS}}
    slow = 0
    for words, limit in limits.items():
        found = seconds(*words)
        slow += found > limit
        mark = "too slow" if found > limit else "ok"
        sys.stdout.write(f"ldconf {' '.join(words):24} {found:.3f} s (limit {limit} s) {mark}\n")
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())

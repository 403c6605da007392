"""Golden files: what a drawing looked like when somebody looked at it.

`make golden` (LDCONF_REWRITE_GOLDEN=1) writes them anew; the difference is then read in review.
"""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "golden"


def assert_golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("LDCONF_REWRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_text(encoding="utf-8"), f"tests/golden/{name} differs; `make golden`"

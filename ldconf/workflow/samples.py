"""Sample contexts (`contexts.jsonl`): who would switch. Evaluated with the extra `agent`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ldconf.core.errors import LdconfError

FILE = "contexts.jsonl"
NOT_EVALUATED = "sample contexts: not evaluated"


def remark(root: Path, *, skip: bool) -> tuple[str, ...]:
    """Return the plan's line about sample contexts; none without the file.

    Raises LdconfError if the file is there and cannot be evaluated, unless `skip`.
    """
    if not (root / FILE).is_file():
        return ()
    if not skip and (find_spec("ldclient") is None or find_spec("ldai") is None):
        raise LdconfError(
            f"{FILE} is evaluated with the LaunchDarkly SDK, which is not installed",
            "pip install 'ldconf[agent]', or plan with --no-samples",
        )
    return (NOT_EVALUATED,)

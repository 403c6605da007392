"""Reading experiments: one list for the whole project, archived ones included (reference 13.1)."""

from __future__ import annotations

from collections.abc import Sequence

from ldconf.core.errors import ApiError
from ldconf.core.kind import Reader
from ldconf.kinds import ai_config
from ldconf.kinds.experiment_live import Payload
from ldconf.kinds.targeting_document import Document
from ldconf.kinds.wire import get_or_none, q

# Without `expand` the draft and the treatments are absent. Unknown values may be refused with 400.
EXPAND = (
    *("draftIteration", "previousIterations", "secondaryMetrics", "treatments"),
    *("analysisConfig", "mutableFieldsByStatus"),
)
# What is dropped first if the answer does not name what it refuses.
_DISPENSABLE = (
    *("mutableFieldsByStatus", "secondaryMetrics", "analysisConfig"),
    *("previousIterations", "draftIteration", "treatments"),
)


def collection(project: str) -> str:
    """Return the path that lists the experiments of all environments."""
    return f"/projects/{q(project)}/experiments"


def path(project: str, environment: str, key: str) -> str:
    """Return the path of one experiment."""
    return f"/projects/{q(project)}/environments/{q(environment)}/experiments/{q(key)}"


async def payloads(reader: Reader) -> Sequence[Payload]:
    """Return every experiment of the project, archived ones too. Raises ApiError."""
    names = list(EXPAND)
    while True:
        params = {"limit": "50", "lifecycleState": "active,archived", "expand": ",".join(names)}
        try:
            return await reader.list(collection(reader.project), params=params)
        except ApiError as error:
            if error.status != 400 or not names:
                raise
            left = [name for name in _DISPENSABLE if name in names]
            said = error.message or ""
            names.remove(next((name for name in left if name in said), left[0]))


async def targeting(reader: Reader, key: str) -> Document | None:
    """Return the targeting document, for its ids; None if the key is no AI Config's.

    It is the very GET that the kind `targeting` makes, so a reader makes it once.
    """
    return await get_or_none(reader, ai_config.targeting_path(reader.project, key))

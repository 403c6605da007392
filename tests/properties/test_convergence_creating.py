"""Whatever single thing goes wrong while creating, running again leads to the same live state."""

from __future__ import annotations

import anyio
import pytest
from convergence import AFTER, Case
from worlds import World, loaded, texts_of

pytestmark = pytest.mark.no_cover  # what these run is covered elsewhere


@pytest.mark.parametrize("fault", ["dropped after", "killed"])  # the rest: while updating
def test_every_request_may_fail_once_while_creating(fault: str) -> None:
    after = loaded(texts_of(AFTER))

    async def scenario() -> None:
        case = await Case.of(World(), after, None)
        for at in case.indexes(fault):
            await case.check(fault, at)

    anyio.run(scenario)

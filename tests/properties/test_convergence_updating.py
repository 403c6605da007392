"""Whatever single thing goes wrong while updating, running again leads to the same live state."""

from __future__ import annotations

import anyio
import pytest
from convergence import AFTER, BEFORE, FAULTS, Case
from worlds import World, all_applied, loaded, texts_of

pytestmark = pytest.mark.no_cover  # what these run is covered elsewhere


@pytest.mark.parametrize("with_base", [False, True], ids=["no base", "git base"])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_request_may_fail_once_while_updating(fault: str, with_base: bool) -> None:
    before, after = loaded(texts_of(BEFORE)), loaded(texts_of(AFTER))

    async def scenario() -> None:
        start = World()
        assert all_applied(await start.apply(before))
        case = await Case.of(start, after, before if with_base else None)
        for at in case.indexes(fault):
            await case.check(fault, at)

    anyio.run(scenario)

"""Whatever single thing goes wrong while updating, running again leads to the same live state."""

from __future__ import annotations

import os

import anyio
import pytest
from convergence import AFTER, BEFORE, FAULTS, Case
from worlds import World, all_applied, loaded, texts_of

pytestmark = pytest.mark.no_cover  # what these run is covered elsewhere


# What a base changes is what is planned again, not what the client makes of a failed request: a
# quick run without one tries the two faults that leave most undone.
CASES = [
    (fault, with_base)
    for with_base in (False, True)
    for fault in FAULTS
    if with_base or fault in ("dropped after", "killed") or os.environ.get("LDCONF_EXHAUSTIVE")
]


@pytest.mark.parametrize(("fault", "with_base"), CASES)
def test_every_request_may_fail_once_while_updating(fault: str, with_base: bool) -> None:
    before, after = loaded(texts_of(BEFORE)), loaded(texts_of(AFTER))

    async def scenario() -> None:
        start = World()
        assert all_applied(await start.apply(before))
        case = await Case.of(start, after, before if with_base else None)
        for at in case.indexes(fault):
            await case.check(fault, at)

    anyio.run(scenario)

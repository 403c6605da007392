"""Any workspace, any one fault while applying: running again leads to the same live state."""

from __future__ import annotations

import anyio
import pytest
from convergence import FAULTS, Case
from hypothesis import given
from hypothesis import strategies as st
from worlds import PROFILE, Sections, World, all_applied, loaded, texts_of, workspaces

pytestmark = pytest.mark.no_cover  # what these run is covered elsewhere


@PROFILE
@given(workspaces(), workspaces(), st.sampled_from(FAULTS), st.integers(0, 10**6), st.booleans())
def test_any_workspace_converges_after_any_fault(
    first: Sections, second: Sections, fault: str, choice: int, with_base: bool
) -> None:
    before, after = loaded(texts_of(first)), loaded(texts_of(second))
    base = before if with_base else None

    async def scenario() -> None:
        start = World()
        assert all_applied(await start.apply(before))
        wanted = await start.plan(after, base)
        if not (wanted.refusals or wanted.conflicts):
            case = await Case.of(start, after, base)
            await case.check(fault, choice % len(case.methods))

    anyio.run(scenario)

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.emulator.ld import Ld


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def ld() -> AsyncIterator[Ld]:
    made = Ld()
    yield made
    await made.http.aclose()
    made.store.close()

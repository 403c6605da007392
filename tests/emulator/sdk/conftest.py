from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.sdk.server import Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as made:
        yield made

"""Ctrl-C while writing: the first one finishes what is in flight, the second one ends at once."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskStatus


@asynccontextmanager
async def stop_on_interrupt() -> AsyncIterator[Callable[[], bool]]:
    """Give a function that is true once SIGINT or SIGTERM came. Raises at the second one."""
    came = anyio.Event()

    async def listen(*, task_status: TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for _ in signals:
                if came.is_set():
                    raise KeyboardInterrupt
                came.set()

    async with anyio.create_task_group() as group:
        await group.start(listen)
        yield came.is_set
        group.cancel_scope.cancel()

"""uvicorn as the local LaunchDarkly needs it: quick on the wire, clean when it stops."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from ldconf.core.errors import LdconfError
from ldconf.emulator.rest_app import DROP_EXTENSION

GRACE_S = 3


class LocalServer(uvicorn.Server):
    """Serves an app on one address. `port` 0 takes a free one; `host` says which.

    `run()` blocks until interrupted. As a context manager it serves from a thread instead.
    `on_stop` is called in the server's loop when it begins to stop, to end what would not end by
    itself: open streams.
    """

    def __init__(
        self,
        app: ASGIApp,
        address: str,
        port: int,
        *,
        on_start: Callable[[str], None] | None = None,
        on_stop: Callable[[], None] | None = None,
    ) -> None:
        self._socket = _bind(address, port)
        self._on_start = on_start
        self._on_stop = on_stop
        self._thread: threading.Thread | None = None
        found = self._socket.getsockname()[1]
        shown = f"[{address}]" if ":" in address else address
        self.host = f"http://{shown}:{found}"
        super().__init__(
            uvicorn.Config(
                DroppableConnections(app),
                ws="none",
                lifespan="off",
                access_log=False,
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until interrupted."""
        try:
            super().run(sockets or [self._socket])
        finally:
            self._socket.close()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop. After SIGTERM `run()` simply returns, so that callers close what they opened;
        uvicorn would raise the signal again. After Ctrl-C it raises KeyboardInterrupt."""
        if sig == signal.SIGTERM:
            self.should_exit = True
        else:
            super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start answering, then tell `on_start`."""
        await super().startup(sockets)
        if self.started and self._on_start is not None:
            self._on_start(self.host)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; without `on_stop` open streams would hold this up until they are cut off."""
        if self._on_stop is not None:
            self._on_stop()
        await super().shutdown(sockets)

    def __enter__(self) -> LocalServer:
        """Serve from a thread; returns once requests are answered."""
        ready = threading.Event()
        told = self._on_start

        def on_start(host: str) -> None:
            if told is not None:
                told(host)
            ready.set()

        self._on_start = on_start
        self._thread = threading.Thread(target=self.run, name="local-launchdarkly", daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise LdconfError(f"the local LaunchDarkly did not start on {self.host}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop and wait for the thread."""
        self.should_exit = True
        if self._thread is not None:
            self._thread.join(GRACE_S + 5)


class DroppableConnections:
    """Lets the app close the socket of a request (`Faults.inject` with a `Drop`)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a way to abort its connection if uvicorn has one."""
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if transport is not None:
            scope.setdefault("extensions", {})[DROP_EXTENSION] = transport.abort
        await self._app(scope, receive, send)


def _bind(address: str, port: int) -> socket.socket:
    """Return a listening socket. Its protocol is TCP by name, not 0: only then does asyncio set
    TCP_NODELAY on connections, which is 2 ms instead of 44 ms per small answer."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
    except OSError as err:
        bound.close()
        raise LdconfError(
            f"cannot listen on {address}:{port}: {err.strerror}",
            hint="choose another port with --port, or --port 0 for a free one",
        ) from err
    bound.set_inheritable(True)
    return bound

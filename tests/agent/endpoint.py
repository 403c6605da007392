"""A small OpenAI-compatible server on this machine: it says what the test wrote."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Endpoint:
    """`replies` are given one after the other: a list of chunks, or (status, body)."""

    url: str = ""
    replies: list[Any] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def text_chunks(*texts: str, usage: tuple[int, int] = (50, 7)) -> list[Any]:
    """The chunks of an answer in words."""
    chunks: list[Any] = [{"choices": [{"index": 0, "delta": {"content": t}}]} for t in texts]
    return [*chunks, _usage(*usage)]


def call_chunks(name: str, arguments: str, usage: tuple[int, int] = (40, 5)) -> list[Any]:
    """The chunks of a tool call, its arguments cut in two as real endpoints do."""
    half = len(arguments) // 2

    def delta(**part: Any) -> Any:
        return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **part}]}}]}

    return [
        delta(id="call_1", type="function", function={"name": name, "arguments": ""}),
        delta(function={"arguments": arguments[:half]}),
        delta(function={"arguments": arguments[half:]}),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
        _usage(*usage),
    ]


def _usage(prompt: int, completion: int) -> Any:
    return {"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion}}


@contextmanager
def serve() -> Iterator[Endpoint]:
    found = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            found.requests.append(json.loads(self.rfile.read(length)))
            found.headers.append(dict(self.headers))
            found.paths.append(self.path)
            reply = found.replies.pop(0)
            if isinstance(reply, tuple):
                self.send_response(reply[0])
                self.end_headers()
                self.wfile.write(reply[1].encode())
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for chunk in reply:
                line = chunk if isinstance(chunk, str) else json.dumps(chunk)
                self.wfile.write(f"data: {line}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

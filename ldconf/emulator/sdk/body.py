"""Bodies of events: with a length or chunked, plain or gzip, and never larger than memory."""

from __future__ import annotations

import zlib

from starlette.requests import Request

MOST_BYTES = 64 * 1024 * 1024  # an SDK holds at most 10,000 events
GZIP = 16 + zlib.MAX_WBITS


class Unreadable(Exception):
    """A body that is too large, or not what its headers say."""


async def read_body(request: Request) -> bytes:
    """Return the body, unpacked. What is too large is read to its end and refused."""
    packed = request.headers.get("content-encoding", "").strip().lower() == "gzip"
    unpacker = zlib.decompressobj(GZIP) if packed else None
    chunks: list[bytes] = []
    size = 0
    problem = ""
    async for chunk in request.stream():
        if problem:
            continue
        if unpacker is not None:
            try:
                chunk = unpacker.decompress(chunk, MOST_BYTES + 1)
            except zlib.error as err:
                problem = f"not gzip: {err}"
                continue
        size += len(chunk)
        if size > MOST_BYTES:
            problem = f"more than {MOST_BYTES} bytes"
            continue
        chunks.append(chunk)
    if not problem and unpacker is not None and not unpacker.eof:
        problem = "gzip ends early"
    if problem:
        raise Unreadable(problem)
    return b"".join(chunks)

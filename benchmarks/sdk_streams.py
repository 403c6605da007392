"""How long a change takes to reach 200 SDK streams, from the REST request on.

    python benchmarks/sdk_streams.py [STREAMS] [CHANGES]

The server runs in a process of its own. The clients are plain sockets in this one, as many on the
FDv1 as on the FDv2 path, so that the figures are the server's and not those of 200 Python SDKs.
Prints how long all of them took to connect and get everything, and per change when the first, the
median and the last stream had it. Exits 1 if the last one is later than a second.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time

import httpx

SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"
PATHS = ("/all", "/sdk/stream")
SERVE = """
import sys
from pathlib import Path
from ldconf.emulator.serve import DevOptions, run

options = DevOptions(Path(sys.argv[1]), "p", ["test"], port=0)
run(options, lambda access: print(access.host, access.sdk_keys["test"], flush=True))
"""
LIMIT_S = 1.0


class Stream:
    """One connected client; `seen` has the time at which each text was first received."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._text = b""

    async def until(self, wanted: bytes) -> float:
        """Read until a text has come; return when that was."""
        while wanted not in self._text:
            chunk = await self._reader.read(1 << 16)
            if not chunk:
                raise ConnectionError("the server closed a stream")
            self._text += chunk
        self._text = b""
        return time.monotonic()


async def connect(host: str, path: str, sdk_key: str) -> tuple[Stream, asyncio.StreamWriter]:
    name, port = host.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    head = f"GET {path} HTTP/1.1\r\nHost: {name}\r\nAuthorization: {sdk_key}\r\n\r\n"
    writer.write(head.encode())
    stream = Stream(reader)
    await stream.until(b"put" if path == "/all" else b"payload-transferred")
    return stream, writer


async def measure(host: str, sdk_key: str, streams: int, changes: int) -> float:
    """Print the figures; return the time of the slowest stream."""
    headers = {"Authorization": "api-benchmark"}
    async with httpx.AsyncClient(base_url=f"{host}/api/v2", headers=headers) as http:
        configs = "/projects/p/ai-configs"
        for number in range(20):
            key = f"bot-{number}"
            await http.post(configs, json={"key": key, "name": key, "mode": "agent"})
            body = {"key": "one", "name": "one", "instructions": "x" * 4000}
            await http.post(f"{configs}/{key}/variations", json=body)
        began = time.monotonic()
        found = await asyncio.gather(
            *(connect(host, PATHS[number % 2], sdk_key) for number in range(streams))
        )
        print(f"{streams} streams connected, everything received: {time.monotonic() - began:.2f} s")
        slowest = 0.0
        for number in range(changes):
            wanted = f"change-{number}-"
            waiting = [asyncio.create_task(stream.until(wanted.encode())) for stream, _ in found]
            await asyncio.sleep(0.05)
            began = time.monotonic()
            await http.patch(
                f"{configs}/bot-{number % 20}/variations/one",
                json={"instructions": wanted + "y" * 4000},
            )
            times = sorted(at - began for at in await asyncio.gather(*waiting))
            slowest = max(slowest, times[-1])
            print(
                f"change {number}: first {times[0] * 1000:.0f} ms, "
                f"median {statistics.median(times) * 1000:.0f} ms, last {times[-1] * 1000:.0f} ms"
            )
        for _, writer in found:
            writer.close()
    return slowest


def main() -> int:
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    changes = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-c", SERVE, folder], stdout=subprocess.PIPE, text=True
        ) as server,
    ):
        assert server.stdout is not None
        host, sdk_key = server.stdout.readline().split()
        try:
            slowest = asyncio.run(measure(host, sdk_key, streams, changes))
        finally:
            server.terminate()
    print(f"slowest: {slowest * 1000:.0f} ms (limit {LIMIT_S * 1000:.0f} ms)")
    return int(slowest > LIMIT_S)


if __name__ == "__main__":
    raise SystemExit(main())

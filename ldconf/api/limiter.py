"""One limiter for all requests of a client. Source of the headers: reference 1.5."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

logger = logging.getLogger("ldconf.api")

MAX_RESET_S = 60.0  # windows are ten seconds long; a reset further away is a wrong clock
MAX_RETRY_AFTER_S = 600.0
CREATE_INTERVAL_S = 2.0  # reference U17: at most one create of the AI Config family per 2 s


@dataclass(frozen=True)
class Timing:
    """Where time and chance come from; tests inject their own. `jitter` returns seconds."""

    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    jitter: Callable[[], float]


@dataclass
class _Window:
    """What is left of one limit until it resets (epoch seconds)."""

    remaining: int
    limit: int | None
    resets_at: float


@dataclass
class Limiter:
    """Delays requests so that no limit is hit, and learns from every answer.

    A window is `global`, `token` or a route. Requests in flight are counted as not yet seen by
    the server, which errs towards waiting.
    """

    timing: Timing
    create_interval_s: float = 0.0
    _windows: dict[str, _Window] = field(default_factory=dict)
    _in_flight: int = 0
    _paused_until: float = 0.0
    _created_at: float | None = None

    async def reserve(self, route: str, *, creates: bool = False) -> None:
        """Return when the request may be sent. Every call needs one `learn` or `release`."""
        wait_s = self._wait_s(route)
        if creates and self._created_at is not None:
            wait_s = max(wait_s, self._created_at + self.create_interval_s - self.timing.clock())
        self._in_flight += 1
        if wait_s > 0:
            logger.info("waiting %.1f s for the rate limit", wait_s)
            try:
                await self.timing.sleep(wait_s)
            except BaseException:
                self._in_flight -= 1
                raise
        if creates:
            self._created_at = self.timing.clock()

    def release(self) -> None:
        """Say that the request of a `reserve` got no answer."""
        self._in_flight -= 1

    def learn(self, route: str, status: int, headers: Mapping[str, str]) -> None:
        """Remember what an answer says about the limits. Header names are lower case."""
        self.release()
        if status == 429 and (retry_after := _number(headers, "retry-after")) is not None:
            self._paused_until = self.timing.clock() + min(retry_after, MAX_RETRY_AFTER_S)
        reset = _number(headers, "x-ratelimit-reset")
        token_reset = _number(headers, "x-ratelimit-auth-token-reset")
        for name, prefix, resets_ms in (
            ("global", "x-ratelimit-global", reset),
            (route, "x-ratelimit-route", reset),
            ("token", "x-ratelimit-auth-token", token_reset),
        ):
            remaining = _number(headers, f"{prefix}-remaining")
            if remaining is None or resets_ms is None:
                continue
            limit = _number(headers, f"{prefix}-limit")
            self._windows[name] = _Window(
                remaining=int(remaining) - self._in_flight,
                limit=None if limit is None else int(limit),
                resets_at=resets_ms / 1000,
            )

    def left(self) -> Mapping[str, tuple[int, int | None]]:
        """Return (remaining, limit) of the account (`global`) and the `token`, as last heard."""
        names = [name for name in ("global", "token") if name in self._windows]
        return {name: (self._windows[name].remaining, self._windows[name].limit) for name in names}

    def backoff_s(self, headers: Mapping[str, str], attempt: int) -> float:
        """Return how long to wait after a 429: the longest of what its headers say, plus jitter.

        A reset in the past counts with its absolute distance (reference Q23); without any header
        it is 0.2 s doubling to 10 s. `attempt` starts at 0.
        """
        waits = []
        if (retry_after := _number(headers, "retry-after")) is not None:
            waits.append(min(retry_after, MAX_RETRY_AFTER_S))
        now = self.timing.clock()
        waits += [
            min(abs(resets_ms / 1000 - now), MAX_RESET_S)
            for name in ("x-ratelimit-reset", "x-ratelimit-auth-token-reset")
            if (resets_ms := _number(headers, name)) is not None
        ]
        return max(waits, default=min(10.0, 0.2 * 2**attempt)) + self.timing.jitter()

    def _wait_s(self, route: str) -> float:
        now = self.timing.clock()
        wait_s = self._paused_until - now
        for name in ("global", "token", route):
            window = self._windows.get(name)
            if window is None:
                continue
            if window.resets_at <= now:
                del self._windows[name]
                continue
            left_s = min(window.resets_at - now, MAX_RESET_S)
            window.remaining -= 1
            if window.remaining < 0:
                wait_s = max(wait_s, left_s + self.timing.jitter())
            elif window.remaining < _low(window.limit):
                # Spread what is left over the rest of the window instead of running into zero.
                wait_s = max(wait_s, left_s / (window.remaining + 2))
        return wait_s


def route_of(method: str, path: str) -> str:
    """Return the route of a request: verb and the collection names of its path, without keys."""
    parts = path.partition("?")[0].strip("/").split("/")
    return f"{method} {'/'.join(parts[::2])} {len(parts)}"


def _low(limit: int | None) -> int:
    return 3 if limit is None else max(1, limit // 10)


def _number(headers: Mapping[str, str], name: str) -> float | None:
    """Return a header that is a number; anything else (a date, nonsense) counts as absent."""
    try:
        value = float(headers[name])
    except (KeyError, ValueError):
        return None
    return value if 0 <= value < float("inf") else None

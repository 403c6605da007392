"""Rate limits in windows of ten seconds, with LaunchDarkly's headers (reference 1.5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ldconf.emulator.faults import Faults

WINDOW_MS = 10_000
UNLIMITED = 100_000  # advertised where no limit is set


class Rates:
    """Counts requests of one app and says what the headers are."""

    def __init__(self, faults: Faults, clock: Callable[[], int]) -> None:
        self._faults = faults
        self._clock = clock
        self._window = -1
        self._counts: Counter[str] = Counter()
        self._refused = 0

    def count(self, route: str, token: str) -> tuple[bool, dict[str, str]]:
        """Count a request; return whether it is refused, and the headers of its answer."""
        now = self._clock()
        window = now // WINDOW_MS
        if window != self._window:
            self._window = window
            self._counts.clear()
        limits = (
            ("Global", self._faults.global_limit, "global"),
            ("Route", self._faults.route_limit, f"route {route}"),
            ("Auth-Token", self._faults.token_limit, f"token {token}"),
        )
        reset = str((window + 1) * WINDOW_MS)
        headers = {"X-Ratelimit-Reset": reset}
        refused = False
        for name, limit, counter in limits:
            if name == "Auth-Token" and limit is None:
                continue
            self._counts[counter] += 1
            allowed = UNLIMITED if limit is None else limit
            remaining = allowed - self._counts[counter]
            refused = refused or (limit is not None and remaining < 0)
            headers[f"X-Ratelimit-{name}-Limit"] = str(allowed)
            headers[f"X-Ratelimit-{name}-Remaining"] = str(max(0, remaining))
            if name == "Auth-Token":
                headers["X-Ratelimit-Auth-Token-Reset"] = reset
        if self._faults.throttle_next > 0:
            self._faults.throttle_next -= 1
            refused = True
            headers["X-Ratelimit-Route-Remaining"] = "0"
        if refused:
            headers.update(self.refusal_headers(now))
        return refused, headers

    def refusal_headers(self, now: int) -> dict[str, str]:
        """Return the headers that only a 429 has or changes."""
        headers = {}
        self._refused += 1
        if self._faults.reset_in_past and self._refused % 2:
            headers["X-Ratelimit-Reset"] = str(now - 200)
        if self._faults.retry_after_s is not None:
            headers["Retry-After"] = str(self._faults.retry_after_s)
        return headers

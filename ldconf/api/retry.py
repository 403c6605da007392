"""Which request may be sent again after which answer, and when. Pure apart from the clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ldconf.api.limiter import Limiter, Timing
from ldconf.core.kind import Request
from ldconf.core.resource import Json

RATE_LIMITED_TRIES = 12
TRANSIENT_TRIES = 5
CREATE_WAITS_S = (2.0, 5.0, 10.0)  # reference U17: up to 3 retries at 2-10 s
DELETE_WAIT_S = 2.0  # reference 3.5: every 2 s up to 45 s
DELETE_DEADLINE_S = 45.0

# Semantic instructions that change nothing when sent twice (reference 1.7, 5.4). Not `addRule`
# and `addClauses` (they append), not `removeClauses` (fails for an id that is gone).
_REPEATABLE = re.compile(
    r"(update|replace|clear|reorder).*|removeRule|removeTargets|addTargets|removeValuesFromClause"
    r"|addValuesToClause"
)

_VERSIONED = re.compile(r"/(variations|ai-tools|model-configs)/")


@dataclass(frozen=True)
class Answer:
    """What LaunchDarkly (or something before it) answered. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: Json = None
    is_json: bool = True

    @property
    def message(self) -> str:
        """The server's own text, or an empty one."""
        text = self.payload.get("message") if isinstance(self.payload, Mapping) else None
        return text if isinstance(text, str) else ""


@dataclass(frozen=True)
class Lost:
    """No answer. `sent` is false if the request certainly never reached the server."""

    reason: str
    sent: bool = True


Result: TypeAlias = Answer | Lost


def is_repeatable(request: Request) -> bool:
    """True if sending the request a second time changes nothing more (reference 1.7).

    A PATCH of a variation, tool or model config makes a new version; POST makes another object.
    """
    if request.method in ("GET", "DELETE", "PUT"):
        return True
    if request.method != "PATCH":
        return False
    if request.semantic:
        kinds = [step.get("kind", "") for step in (request.body or {}).get("instructions", ())]
        return all(_REPEATABLE.fullmatch(kind) for kind in kinds)
    if isinstance(patch := _json_patch(request.body), list):
        return all(_sets(step) for step in patch)
    return _VERSIONED.search(request.path) is None


def is_definite(payload: Json, body: Json) -> bool:
    """True if a 400 names a field or a duplicate, so that it is no disguised rate limit (U17)."""
    if not isinstance(payload, Mapping):
        return False
    if payload.get("errors"):
        return True
    text = str(payload.get("message") or "").lower()
    if re.search(r"rate.?limit|too many", text):
        return False
    if re.search(r"already exists|duplicate|conflict", text):
        return True
    names = body if isinstance(body, Mapping) else ()
    return bool(set(re.findall(r"[a-z]+", text)) & {name.lower() for name in names})


@dataclass
class Attempts:
    """The tries of one request so far."""

    request: Request
    limiter: Limiter
    timing: Timing
    rate_limited: int = 0
    transient: int = 0
    disguised: int = 0
    started_at: float = 0.0

    def __post_init__(self) -> None:
        self.started_at = self.timing.clock()

    def wait_s(self, result: Result) -> float | None:
        """Return the seconds to wait before the next try, or None if this result is final."""
        if isinstance(result, Lost):
            again = not result.sent or is_repeatable(self.request)
            return self._transient_s({}) if again else None
        if result.status == 429:  # nothing was done, whatever the request
            self.rate_limited += 1
            if self.rate_limited >= RATE_LIMITED_TRIES:
                return None
            return self.limiter.backoff_s(result.headers, self.rate_limited - 1)
        if result.status >= 500 and result.status != 501 and is_repeatable(self.request):
            return self._transient_s(result.headers)
        if result.status == 400:
            return self._after_400_s(result)
        return None

    def _transient_s(self, headers: Mapping[str, str]) -> float | None:
        self.transient += 1
        if self.transient >= TRANSIENT_TRIES:
            return None
        if "retry-after" in headers:
            return self.limiter.backoff_s({"retry-after": headers["retry-after"]}, 0)
        return min(10.0, 0.5 * 2.0 ** (self.transient - 1)) + self.timing.jitter()

    def _after_400_s(self, answer: Answer) -> float | None:
        if self.request.method == "DELETE" and is_transient_delete(answer.message):
            late = self.timing.clock() - self.started_at >= DELETE_DEADLINE_S
            return None if late else DELETE_WAIT_S
        if not self.request.creates or is_definite(answer.payload, self.request.body):
            return None
        if self.disguised >= len(CREATE_WAITS_S):
            return None
        self.disguised += 1
        return CREATE_WAITS_S[self.disguised - 1]


def is_transient_delete(message: str) -> bool:
    """True for the 400 that ends by itself once variations are dereferenced (reference 3.5)."""
    return "could not delete ai config" in message.lower()


def _sets(step: Mapping[str, Json]) -> bool:
    """True if a JSON patch step sets a value; `add` to a list inserts, `remove` twice fails."""
    into_list = re.search(r"/(-|\d+)$", step.get("path", ""))
    return step.get("op") in ("replace", "test") or (step.get("op") == "add" and not into_list)


def _json_patch(body: Json) -> Json:
    return body.get("patch") if isinstance(body, Mapping) else body

"""The HTTP client for GitHub's REST API: paging, rate limits, retries, errors.

Follows GitHub's "Best practices for using the REST API": one request at a time, `Retry-After` and
`X-RateLimit-Reset` obeyed, a minute's pause after a secondary limit without a header.
"""

from __future__ import annotations

import json
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import anyio
import httpx

from ldconf import __version__
from ldconf.core.resource import Json
from ldconf.github.access import Access
from ldconf.github.errors import GitHubError, Missing

logger = logging.getLogger("ldconf.github")

API_VERSION = "2022-11-28"
PER_PAGE = 100
MOST_PAGES = 100
TRIES = 5
LONGEST_WAIT_S = 900.0  # a job that waits longer than that for its limit has failed
SECONDARY_WAIT_S = 60.0
MAX_BYTES = 64 * 2**20
_REPEATABLE = frozenset({"GET", "PATCH", "PUT", "DELETE"})


@dataclass(frozen=True)
class Answer:
    """One answer, read whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def payload(self) -> Json:
        """The JSON of the body, None if there is none."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None

    @property
    def message(self) -> str:
        """GitHub's own words."""
        payload = self.payload
        return str(payload.get("message", "")) if isinstance(payload, Mapping) else ""


@cache
def _tls() -> ssl.SSLContext:
    """Return the certificates that are trusted: to load them takes longer than many requests."""
    return httpx.create_ssl_context()


class GitHub:
    """A connection to one repository; `async with` it. `requests` lists what went out."""

    def __init__(
        self,
        access: Access,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.repository = access.repository
        self.requests: list[tuple[str, str]] = []
        self._access = access
        self._sleep = sleep
        self._clock = clock
        self._http = httpx.AsyncClient(
            transport=transport,
            verify=_tls() if transport is None else True,
            timeout=60.0,
            follow_redirects=False,  # the token must not follow
            headers={"User-Agent": f"ldconf/{__version__}"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        """Return one object. `path` starts after `/repos/OWNER/NAME`. Raises Missing."""
        query = f"?{urlencode(params)}" if params else ""
        return (await self._checked("GET", f"{path}{query}")).payload

    async def pages(
        self, path: str, params: Mapping[str, str] | None = None, member: str | None = None
    ) -> list[Mapping[str, Json]]:
        """Return the items of all pages; `member` names the list inside of the answer."""
        items: list[Mapping[str, Json]] = []
        for page in range(1, MOST_PAGES + 1):
            query = urlencode({**(params or {}), "per_page": PER_PAGE, "page": page})
            answer = await self._checked("GET", f"{path}?{query}")
            payload = answer.payload
            found = payload.get(member) if member and isinstance(payload, Mapping) else payload
            if not isinstance(found, list):
                raise GitHubError(f"GitHub's answer to GET {path} is not a list")
            items += found
            if 'rel="next"' not in answer.headers.get("link", ""):
                return items
        raise GitHubError(f"GET {path}: more than {MOST_PAGES} pages")

    async def send(self, method: str, path: str, body: Json) -> Json:
        """Write, and return the answer."""
        return (await self._checked(method, path, body)).payload

    async def download(self, path: str) -> bytes:
        """Return the bytes behind a redirect. Wherever it leads, the token stays here."""
        answer = await self._checked("GET", path)
        if answer.status not in (301, 302, 303, 307, 308):
            return answer.body
        target = answer.headers.get("location", "")
        found = await self._tried("GET", target, None, with_token=False)
        if found.status != 200:
            raise GitHubError(f"the download of {path} answered {found.status}")
        return found.body

    async def _checked(self, method: str, path: str, body: Json = None) -> Answer:
        url = f"{self._access.api_url}/repos/{self.repository}{path}"
        answer = await self._tried(method, url, body, with_token=True)
        if answer.status < 400:
            return answer
        words = f"GitHub answered {answer.status} to {method} {path.partition('?')[0]}"
        message = f"{words}: {answer.message}" if answer.message else words
        if answer.status == 404:
            raise Missing(message, status=404)
        hint = "check the job's `permissions:`" if answer.status in (401, 403) else None
        raise GitHubError(message, hint, answer.status)

    async def _tried(self, method: str, url: str, body: Json, *, with_token: bool) -> Answer:
        """Send until there is an answer that counts, as often as that is safe."""
        waited_s = 0.0
        for attempt in range(1, TRIES + 1):
            result = await self._exchange(method, url, body, with_token=with_token)
            wait_s = self._wait_s(method, result, attempt)
            if wait_s is None or attempt == TRIES or waited_s + wait_s > LONGEST_WAIT_S:
                break
            logger.info("%s: again in %.0f s", method, wait_s)
            waited_s += wait_s
            await self._sleep(wait_s)
        if isinstance(result, Answer):
            return result
        raise GitHubError(f"no answer from GitHub to {method}: {type(result).__name__}")

    def _wait_s(self, method: str, result: Answer | Exception, attempt: int) -> float | None:
        """Return how long to wait before sending again, None if the result counts."""
        if isinstance(result, httpx.ConnectError | httpx.ConnectTimeout):
            return 2.0**attempt
        if isinstance(result, Exception):
            return 2.0**attempt if method in _REPEATABLE else None
        if result.status in (403, 429):
            return self._limited_s(result)
        if result.status >= 500 and method in _REPEATABLE:
            return 2.0**attempt
        return None

    def _limited_s(self, answer: Answer) -> float | None:
        """Return the wait that a rate limit asks for, None if it is no rate limit."""
        if answer.headers.get("retry-after", "").isdigit():
            return float(answer.headers["retry-after"])
        reset = answer.headers.get("x-ratelimit-reset", "")
        if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
            return max(0.0, float(reset) - self._clock()) + 1.0
        limited = answer.status == 429 or "rate limit" in answer.message.lower()
        return SECONDARY_WAIT_S if limited else None

    async def _exchange(
        self, method: str, url: str, body: Json, *, with_token: bool
    ) -> Answer | Exception:
        """Send once. Exceptions of httpx hold the request, so none is chained or shown."""
        self.requests.append((method, url))
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}
        if with_token:
            headers["Authorization"] = f"Bearer {self._access.token.get_secret_value()}"
        try:
            async with self._http.stream(
                method, url, headers=headers, json=body if body is not None else None
            ) as response:
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_BYTES:
                        raise GitHubError(f"GitHub sent more than {MAX_BYTES} bytes")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return error
        named = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, named, bytes(content))

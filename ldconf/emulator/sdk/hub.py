"""Who is connected, and telling them what changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ldconf.compile import Source
from ldconf.emulator.sdk.content import Content
from ldconf.emulator.sdk.environments import Environment, exists
from ldconf.emulator.sdk.source import FAMILIES, store_source
from ldconf.emulator.sdk.wire import Event, Protocol, change_events, first_events, sse
from ldconf.emulator.store import Store

MOST_WAITING = 1_000  # messages that a client may leave unread before it is cut off
POLL_SEEN_MS = 90_000  # a client that polled is connected for so long; SDKs poll every 30 s
MOST_POLLERS = 10_000


@dataclass(frozen=True)
class Sdk:
    """An SDK: what it says of itself, and how it gets its flags."""

    environment: Environment
    name: str  # User-Agent
    instance: str  # a UUID per client
    protocol: Protocol
    streams: bool


@dataclass(frozen=True)
class Connected:
    """An SDK that holds a stream open, or polled within the last 90 seconds."""

    sdk: Sdk
    since_ms: int


@dataclass(eq=False)
class Subscriber:
    """An open stream. What it is to be sent waits in `queue`; None ends it."""

    sdk: Sdk
    since_ms: int
    queue: asyncio.Queue[bytes | None] = field(
        default_factory=lambda: asyncio.Queue(MOST_WAITING + 1)
    )

    def send(self, data: bytes | None) -> bool:
        """Put data into the queue; False if the client has left too much unread."""
        if data is not None and self.queue.qsize() >= MOST_WAITING:
            return False
        if not self.queue.full():
            self.queue.put_nowait(data)
        return True


class Hub:
    """The content of every environment, kept up to date, and the streams on it.

    Streams belong to one event loop. A change of the store, from any thread, reaches them there;
    many changes at once are put together, so that compiling never takes more than half the time.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._contents: dict[str, tuple[Environment, Content]] = {}
        self._stale: set[str] = set()  # ids of environments to compile again
        self._subscribers: set[Subscriber] = set()
        self._polled: dict[tuple[str, str], Connected] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scheduled = False
        self._rest_until = 0.0
        self.closed = False
        store.listeners.append(self._store_changed)

    def content(self, environment: Environment) -> Content:
        """Return the content of an environment as it is now. Call it in the loop of the streams."""
        with self._store.lock:
            self._publish()  # before it is taken for old news
            found = self._contents.get(environment.id)
            if found is None:
                found = (environment, Content(self._store, environment))
                self._contents[environment.id] = found
                self._stale.add(environment.id)
            _, content = found
            if environment.id in self._stale:
                content.refresh(store_source(self._store, environment.project))
                self._stale.discard(environment.id)
            return content

    def subscribe(self, sdk: Sdk, basis: str | None = None) -> Subscriber:
        """Return a stream that begins with everything, and then gets every change."""
        self._loop = asyncio.get_running_loop()
        content = self.content(sdk.environment)
        subscriber = Subscriber(sdk, self._store.clock())
        subscriber.send(sse(first_events(sdk.protocol, sdk.environment, content, basis)))
        if self.closed:
            subscriber.send(None)
        self._subscribers.add(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forget a stream."""
        self._subscribers.discard(subscriber)

    def polled(self, sdk: Sdk) -> None:
        """Remember that an SDK polled."""
        now = self._store.clock()
        place = (sdk.environment.id, sdk.instance or sdk.name)
        before = self._polled.pop(place, None)
        self._polled[place] = Connected(sdk, now)
        if before is None and len(self._polled) > MOST_POLLERS:
            del self._polled[next(iter(self._polled))]

    def connected(self, project: str) -> list[Connected]:
        """Return the SDKs that are connected now, the latest first. Callable from any thread."""
        now = self._store.clock()
        streams = [Connected(one.sdk, one.since_ms) for one in list(self._subscribers)]
        polls = [one for one in list(self._polled.values()) if now - one.since_ms < POLL_SEEN_MS]
        found = [one for one in (*streams, *polls) if one.sdk.environment.project == project]
        return sorted(found, key=lambda one: -one.since_ms)

    def close(self) -> None:
        """End every stream. Call it in the loop that they belong to."""
        self.closed = True
        for subscriber in list(self._subscribers):
            subscriber.send(None)

    def _store_changed(self, touched: frozenset[tuple[str, str]]) -> None:
        """Note which environments to compile again; called with the store's lock held."""
        projects = {project for project, family in touched if family in FAMILIES}
        stale = {
            environment.id
            for environment, _ in self._contents.values()
            if environment.project in projects
        }
        if not stale:
            return
        self._stale |= stale
        loop = self._loop
        if loop is not None and self._subscribers and not loop.is_closed():
            loop.call_soon_threadsafe(self._schedule)

    def _schedule(self) -> None:
        if self._scheduled:
            return
        self._scheduled = True
        asyncio.get_running_loop().call_later(
            max(0.0, self._rest_until - time.monotonic()), self._publish
        )

    def _publish(self) -> None:
        """Send the subscribers what changed."""
        self._scheduled = False
        by_environment: dict[str, list[Subscriber]] = {}
        for subscriber in self._subscribers:
            by_environment.setdefault(subscriber.sdk.environment.id, []).append(subscriber)
        with self._store.lock:
            due = self._stale & by_environment.keys()
            if not due:
                return
            began = time.monotonic()
            for environment_id, events in self._changes(due):
                self._broadcast(by_environment[environment_id], events)
            ended = time.monotonic()
        self._rest_until = ended + (ended - began)

    def _changes(
        self, due: set[str]
    ) -> Iterator[tuple[str, Mapping[Protocol, list[Event]] | None]]:
        """Yield what the subscribers of an environment are to be told; None: it is gone."""
        sources: dict[str, Source] = {}
        for environment_id in due:
            environment, content = self._contents[environment_id]
            if not exists(self._store, environment):
                del self._contents[environment_id]
                yield environment_id, None
                continue
            project = environment.project
            if project not in sources:
                sources[project] = store_source(self._store, project)
            items = content.refresh(sources[project])
            if items:
                yield (
                    environment_id,
                    {
                        protocol: change_events(protocol, environment, content, items)
                        for protocol in Protocol
                    },
                )
        self._stale -= due

    def _broadcast(
        self, subscribers: list[Subscriber], events: Mapping[Protocol, list[Event]] | None
    ) -> None:
        data = {protocol: sse(found) for protocol, found in (events or {}).items()}
        for subscriber in subscribers:
            if not subscriber.send(data.get(subscriber.sdk.protocol)):
                subscriber.send(None)  # too slow: it comes again and gets everything

"""The whole page, and its parts one by one for the script that keeps it up to date."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlencode

from ldconf.core.resource import Json
from ldconf.emulator.dashboard import activity, configs, experiments, scene
from ldconf.emulator.dashboard.markup import Markup, el, join
from ldconf.emulator.dashboard.telemetry import Telemetry
from ldconf.emulator.store import Store

EVENTS = 25
ENTRIES = 25
STATIC = "/_dashboard/"


@dataclass(frozen=True)
class Part:
    """A section that changes while one looks. `hash` names its content."""

    id: str
    title: str
    content: Markup

    @property
    def hash(self) -> str:
        """What the script sends back to say which content it has."""
        return hashlib.sha256(self.content.encode(errors="backslashreplace")).hexdigest()[:16]

    def section(self) -> Markup:
        """Return the section as it stands in the page."""
        heading = el("h2", self.title, id=f"{self.id}-title")
        return el(
            "section",
            heading,
            self.content,
            id=self.id,
            data_part=self.hash,
            aria_labelledby=f"{self.id}-title",
        )


def parts(store: Store, telemetry: Telemetry | None, project: str) -> Iterator[Part]:
    """Yield the sections of a project."""
    with store.lock:
        found = scene.ai_configs(store, project)
        running = experiments.found(store, project)
        entries = list(islice(_entries(store, project), ENTRIES))
    usage = telemetry.usage(project) if telemetry else ()
    connected = telemetry.connections(project) if telemetry else ()
    sent = telemetry.events(project, EVENTS) if telemetry else ()
    exposed = [
        telemetry.exposures(project, one.exposed) if telemetry and one.exposed else None
        for one in running
    ]
    yield Part("traffic", "Traffic", activity.traffic(usage, found))
    yield Part("experiments", "Experiments", experiments.experiments(running, found, exposed))
    yield Part("ai-configs", "AI Configs", configs.ai_configs(found))
    yield Part("sdks", "Connected SDKs", activity.sdks(connected))
    yield Part("events", "Recent events", activity.events(sent))
    yield Part("audit", "Audit log", activity.audit(entries))


def page(
    project: Mapping[str, Json], others: Sequence[Mapping[str, Json]], shown: Sequence[Part]
) -> Markup:
    """Return the document."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{project['name']} · local LaunchDarkly"),
        el("link", rel="icon", href=f"{STATIC}icon.svg", type="image/svg+xml"),
        el("link", rel="stylesheet", href=f"{STATIC}dashboard.css"),
        el("script", src=f"{STATIC}dashboard.js", type="module"),
    )
    live = f"{STATIC}parts?{urlencode({'project': project['key']})}"
    body = el(
        "body",
        el("a", "Skip to the content", href="#content", class_="skip"),
        _header(project, others, shown),
        el("main", [part.section() for part in shown], id="content", tabindex=-1, data_live=live),
        el("footer", "ldconf dev: not LaunchDarkly, and reachable from this machine only."),
    )
    return join((Markup("<!doctype html>"), el("html", head, body, lang="en")))


def _header(
    project: Mapping[str, Json], others: Sequence[Mapping[str, Json]], shown: Sequence[Part]
) -> Markup:
    key = el("code", project["key"]) if project["key"] != project["name"] else None
    links = [el("li", el("a", part.title, href=f"#{part.id}")) for part in shown]
    return el(
        "header",
        el(
            "div",
            el("p", "Local LaunchDarkly", class_="product"),
            el("h1", el("bdi", project["name"]), " ", key),
            class_="title",
        ),
        el(
            "div",
            el("p", "reload to update", id="status", role="status"),
            el("button", "Pause", id="pause", type="button", aria_pressed="false", hidden=True),
            class_="live",
        ),
        _switcher(project, others) if len(others) > 1 else None,
        el("nav", el("ul", links), aria_label="Sections"),
        class_="top",
    )


def _switcher(project: Mapping[str, Json], others: Sequence[Mapping[str, Json]]) -> Markup:
    def link(other: Mapping[str, Json]) -> Markup:
        current = "page" if other["key"] == project["key"] else None
        href = f"/?{urlencode({'project': other['key']})}"
        return el("li", el("a", other["name"], href=href, aria_current=current))

    return el("nav", el("ul", [link(other) for other in others]), aria_label="Projects")


def nothing() -> Markup:
    """Return the page of a local LaunchDarkly without any project."""
    return page({"key": "-", "name": "No project"}, (), ())


def _entries(store: Store, project: str) -> Iterator[Mapping[str, Json]]:
    for entry in store.audit():
        resource = entry["target"]["resources"][0]
        if resource == f"proj/{project}" or resource.startswith(f"proj/{project}:"):
            yield entry

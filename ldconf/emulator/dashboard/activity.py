"""What happens: traffic per variation, connected SDKs, recent events, the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from ldconf.core import figures
from ldconf.core.resource import Json
from ldconf.core.usage import Use
from ldconf.emulator.dashboard.markup import Child, Markup, el, join
from ldconf.emulator.dashboard.pieces import chip, empty, swatch, table, when
from ldconf.emulator.dashboard.scene import Config
from ldconf.emulator.dashboard.telemetry import Connection, Event

_USAGE = (
    "Variation",
    "Requests",
    "Share",
    "p50",
    "p95",
    "First token",
    "Tokens in / out",
    "Errors",
    "Satisfaction",
    "Cost",
)


def traffic(usages: Sequence[Use], configs: Sequence[Config]) -> Markup:
    """Return one table per AI Config and environment that is in use."""
    groups: dict[tuple[str, str], list[Use]] = {}
    for usage in usages:
        groups.setdefault((usage.ai_config, usage.environment), []).append(usage)
    if not groups:
        return empty("No requests yet. They show here as soon as an SDK sends its events.")
    by_key = {config.key: config for config in configs}
    tables = [
        _use_of(by_key.get(key), key, environment, group)
        for (key, environment), group in sorted(groups.items())
    ]
    return join((el("p", "Of the last 24 hours", class_="quiet window"), tables))


def _use_of(config: Config | None, key: str, environment: str, usages: Sequence[Use]) -> Markup:
    total = sum(usage.requests for usage in usages)
    name = config.name if config else key
    ordered = sorted(usages, key=partial(_place_of, config))
    rows = [_usage(config, usage, total) for usage in ordered]
    return el(
        "article",
        el(
            "h3",
            el("bdi", name),
            chip(environment),
            el("span", f"{figures.count(total)} requests", class_="quiet"),
        ),
        table(f"{name} in {environment}", _USAGE, rows),
        class_="card",
    )


def _place_of(config: Config | None, usage: Use) -> tuple[int, str, int]:
    """Variations stand in their order, the newest version first, what is none of them last."""
    keys = [variation.key for variation in config.variations] if config else []
    place = keys.index(usage.variation) if usage.variation in keys else len(keys)
    return place, usage.variation or "~", -(usage.version or 0)


def _usage(config: Config | None, usage: Use, total: int) -> Sequence[Child]:
    part = usage.requests / total if total else 0
    colour = config.colour(usage.variation) if config else 0
    version = f"v{usage.version}" if usage.version is not None else ""
    commit = el("code", usage.commit[:12], class_="quiet") if usage.commit else None
    tokens = f"{figures.count(usage.input_tokens)} / {figures.count(usage.output_tokens)}"
    return (
        el(
            "span",
            swatch(colour),
            el("b", usage.variation or "the app's own default"),
            el("span", version, class_="quiet"),
            commit,
            class_="arm",
        ),
        figures.count(usage.requests),
        el("span", _meter(part, colour), figures.share(part), class_="share"),
        figures.duration(usage.p50_ms),
        figures.duration(usage.p95_ms),
        figures.duration(usage.first_token_ms),
        tokens,
        _alarm(usage.error_rate),
        figures.share(usage.satisfaction),
        figures.dollars(usage.cost),
    )


def _meter(part: float, colour: int) -> Markup:
    width = f"{part * 100:.4g}%"
    inner = el("rect", width=width, height="100%", class_=f"c{colour}")
    return el("svg", inner, class_="meter", aria_hidden="true")


def _alarm(rate: float | None) -> Markup:
    return el("span", figures.share(rate), class_="bad" if rate and rate >= 0.05 else None)


def sdks(connections: Sequence[Connection]) -> Markup:
    """Return the SDKs that are connected."""
    if not connections:
        return empty("No SDK is connected.")
    rows = [
        (found.sdk, found.environment, found.protocol, when(found.since_ms))
        for found in connections
    ]
    return table("Connected SDKs", ("SDK", "Environment", "Protocol", "Since"), rows)


def events(found: Sequence[Event]) -> Markup:
    """Return the newest events."""
    if not found:
        return empty("No events yet.")
    heads = ("Event", "When", "Environment", "Context", "About", "Value")
    rows = [
        (
            el("span", chip(event.kind), " ", el("code", event.key), class_="event"),
            when(event.at_ms),
            event.environment,
            el("bdi", event.context),
            event.about,
            event.value,
        )
        for event in found
    ]
    return table("Recent events", heads, rows)


def audit(entries: Iterable[Mapping[str, Json]]) -> Markup:
    """Return audit log entries with their comments."""
    lines = [_entry(entry) for entry in entries]
    return el("ol", lines, class_="audit") if lines else empty("Nothing has been changed yet.")


def _entry(entry: Mapping[str, Json]) -> Markup:
    resource = entry["target"]["resources"][0]
    who = entry.get("member", {}).get("email") or entry.get("token", {}).get("name") or ""
    comment = entry["comment"]
    return el(
        "li",
        el("p", el("strong", el("bdi", entry["title"])), " ", _where(resource)),
        el("p", el("bdi", comment), class_="comment") if comment else None,
        el("p", who, " · ", when(entry["date"]), class_="quiet"),
    )


def _where(resource: str) -> Markup | None:
    for part in resource.split(":"):
        if part.startswith("env/"):
            return chip(part.removeprefix("env/"))
    return None

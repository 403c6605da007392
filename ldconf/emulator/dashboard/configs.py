"""The AI Configs of the page: variations with their prompts, and who gets which."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ldconf.core.resource import Json
from ldconf.emulator.dashboard.markup import Markup, el, join
from ldconf.emulator.dashboard.pieces import chip, empty, swatch, when
from ldconf.emulator.dashboard.scene import Arm, Config, Line, Place, Variation
from ldconf.kinds import words


def ai_configs(configs: Sequence[Config]) -> Markup:
    """Return a card per AI Config."""
    if not configs:
        return empty("No AI Configs yet. ", el("code", "ldconf apply --local"), " puts yours here.")
    return join(_card(config) for config in configs)


def _card(config: Config) -> Markup:
    return el(
        "article",
        el(
            "header",
            el("h3", el("bdi", config.name), " ", el("code", config.key)),
            el("p", chip(config.mode), (chip(tag, "tag") for tag in config.tags), class_="chips"),
            el("p", el("bdi", config.description), class_="about") if config.description else None,
        ),
        el("h4", "Who gets what"),
        el("div", (_place(config, place) for place in config.places), class_="places"),
        el("h4", "Variations"),
        [_variation(config, variation) for variation in config.variations]
        or empty("No variations: everyone gets ", el("code", "disabled"), "."),
        class_="card",
        id=f"ai-config-{config.key}",
    )


def _place(config: Config, place: Place) -> Markup:
    return el(
        "section",
        el(
            "h5",
            el("bdi", place.name),
            None if place.enabled else chip("targeting off", "warn"),
            el("span", f"v{place.version}, ", when(place.modified_ms), class_="quiet"),
        ),
        el("ol", (_line(config, line) for line in place.lines), class_="targeting"),
        class_="place",
        aria_label=f"{config.name} in {place.name}",
    )


def _line(config: Config, line: Line) -> Markup:
    name = el("strong", el("bdi", line.name), class_="rule") if line.name else None
    return el(
        "li",
        el("p", name, el("span", el("bdi", line.who)), class_="who"),
        el(
            "p",
            el("span", "experiment", class_="chip warn") if line.experiment else None,
            _bar(config, line.arms) if len(line.arms) > 1 else None,
            [_arm(config, arm, alone=len(line.arms) == 1) for arm in line.arms],
            class_="gets",
        ),
    )


def _arm(config: Config, arm: Arm, *, alone: bool) -> Markup:
    note = "" if arm.tracked else " not in the experiment"
    part = None if alone else f"{words.percent(arm.percent)} "
    return el(
        "span",
        swatch(config.colour(arm.variation)),
        el("span", part, el("b", arm.variation), note),
        class_="arm",
    )


def _bar(config: Config, arms: Sequence[Arm]) -> Markup:
    """Return the shares as one bar; the words beside it say the same."""
    parts: list[Markup] = []
    start = 0.0
    for arm in arms:
        colour = f"c{config.colour(arm.variation)}"
        parts.append(
            el("rect", x=f"{start:g}%", width=f"{arm.percent:g}%", height="100%", class_=colour)
        )
        start += arm.percent
    return el("svg", parts, class_="bar", aria_hidden="true")


def _variation(config: Config, variation: Variation) -> Markup:
    return el(
        "details",
        el(
            "summary",
            swatch(config.colour(variation.key)),
            el("b", el("bdi", variation.name)),
            el("code", variation.key),
            el("span", variation.model or "no model", class_="model"),
            el("span", f"v{variation.version}", class_="quiet"),
            chip("archived", "warn") if variation.archived else None,
        ),
        el("dl", list(_facts(variation))),
        [_text(label, text) for label, text in variation.texts] or empty("No prompt."),
        class_="variation",
        id=f"variation-{config.key}-{variation.key}",
    )


def _facts(variation: Variation) -> Iterator[Markup]:
    facts: list[tuple[str, str]] = [
        ("Provider", variation.provider),
        ("Parameters", _pairs(variation.parameters)),
        ("For our code", _pairs(variation.custom)),
        ("Tools", ", ".join(variation.tools)),
        ("Judges", ", ".join(variation.judges)),
        ("Last change", variation.comment),
    ]
    for label, value in facts:
        if value:
            yield el("div", el("dt", label), el("dd", el("bdi", value)))


def _text(label: str, text: str) -> Markup:
    return el(
        "figure",
        el("figcaption", label),
        el("pre", text, dir="auto", tabindex=0, aria_label=f"prompt, {label}"),
    )


def _pairs(values: Json) -> str:
    shown = (f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())
    return ", ".join(shown)

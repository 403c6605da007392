"""The HTML report in a real browser: light and dark, wide and narrow, without network or script."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ldconf.core.analysis import Analysis, Caution, Code, Decision, Verdict
from ldconf.render import experiment_html, svg
from tests.browsers import CONTRAST, opened, sync_api
from tests.render import analyses as found

HOSTILE = "\"><img src=x onerror=\"document.title='hit'\"><script>document.title='hit'</script>"


def hostile() -> tuple[Analysis, Decision]:
    """Every name of the experiment is an attack, and there are three arms."""
    third = found.arm(HOSTILE, 0.62, 0.02, 400, **found.against(0.7, 0.03, 0.1, 0.01))
    metric = replace(
        found.RATES,
        name=HOSTILE,
        arms=(*found.RATES.arms, third),
        warnings=(Caution(Code.SRM, HOSTILE),),
    )
    design = replace(found.DESIGN, name=HOSTILE, hypothesis=HOSTILE, key=HOSTILE)
    analysis = replace(found.ANALYSIS, design=design, metrics=(metric,), source=HOSTILE)
    return analysis, Decision(Verdict.KEEP_RUNNING, None, (HOSTILE,), provisional=HOSTILE)


def three() -> Analysis:
    """Three arms whose figures are wide."""
    third = found.arm("a-variation-with-a-long-name", 8_120.0, 290.0, 2_704_118)
    metric = replace(found.TIMES, arms=(*found.TIMES.arms, third))
    return replace(found.ANALYSIS, metrics=(found.RATES, metric), slices=())


PAGES = {
    "full": experiment_html.page(found.ANALYSIS, found.SHIP),
    "waiting": experiment_html.page(found.WAITING, found.TOO_EARLY),
    "tested": experiment_html.page(found.tested(found.ANALYSIS), None),
    "hostile": experiment_html.page(*hostile()),
    "three": experiment_html.page(three(), found.SHIP),
}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", PAGES)
def test_page_is_well_formed_and_asks_for_nothing(name: str) -> None:
    tags = _Tags()
    tags.feed(PAGES[name])
    assert tags.open == []
    assert not {"script", "img", "iframe", "object", "form"} & set(tags.seen)
    links = re.findall(r'(?:src|href)="([^"]*)"', PAGES[name])
    assert links == ["data:,"]


def test_same_analysis_gives_the_same_bytes() -> None:
    assert experiment_html.page(found.ANALYSIS, found.SHIP) == PAGES["full"]


def test_curves_stand_for_every_arm_and_have_words() -> None:
    page = PAGES["full"]
    assert page.count('class="area"') == 2 * len(found.ANALYSIS.metrics)
    assert "base-config: 60.10 % [56.93, 63.27]" in page
    assert 'aria-label="Probability to beat control on Positive feedback rate over time"' in page


def test_nothing_is_drawn_where_there_is_nothing() -> None:
    assert "<svg" not in PAGES["waiting"]
    assert "Not enough data to draw." in PAGES["waiting"]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0.0, 0.25, 0.5, 0.75, 1.0]),
        (0.0, 680.0, [0.0, 200.0, 400.0, 600.0]),
        (-0.3, 0.3, [-0.2, 0.0, 0.2]),
        (5.0, 5.0, []),
        (0.0, float("inf"), []),
    ],
)
def test_axes_have_round_numbers(low: float, high: float, ticks: list[float]) -> None:
    assert svg.nice(low, high, 4) == pytest.approx(ticks)


browser = pytest.fixture(scope="module")(opened)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_in_a_browser(
    browser: sync_api.Browser, tmp_path: Path, name: str, scheme: str
) -> None:
    file = tmp_path / "report.html"
    file.write_text(PAGES[name], encoding="utf-8")
    complaints: list[str] = []
    requests: list[str] = []
    with browser.new_context(color_scheme=scheme, viewport={"width": 1100, "height": 800}) as own:
        page = own.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        for summary in page.locator("summary").all():
            summary.click()
        assert "hit" not in page.title().removeprefix(HOSTILE)
        assert page.locator("script").count() == 0
        assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
        assert complaints == []
        weakest = page.evaluate(CONTRAST)
        assert weakest["ratio"] >= 4.5, weakest
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert dark == ("rgb(13, 17, 23)" if scheme == "dark" else "rgb(246, 247, 249)")


FITS = {("full", 400), ("full", 760), ("full", 1100), ("three", 760), ("three", 1100)}


@pytest.mark.parametrize("width", [360, 400, 760, 1100])
def test_no_width_needs_sideways_scrolling(
    browser: sync_api.Browser, tmp_path: Path, width: int
) -> None:
    for name, text in PAGES.items():
        file = tmp_path / f"{name}.html"
        file.write_text(text, encoding="utf-8")
        with browser.new_context(viewport={"width": width, "height": 800}) as own:
            page = own.new_page()
            page.goto(file.as_uri())
            for summary in page.locator("summary").all():
                summary.click()
            assert page.evaluate("document.documentElement.scrollWidth") == width, name
            if (name, width) in FITS:
                for table in page.locator(".pair .scroll").all():
                    assert table.evaluate("one => one.scrollWidth <= one.clientWidth")

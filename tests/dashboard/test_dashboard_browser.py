"""The page in a real browser: scripts, keyboard, phone, dark, live updates."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from ldconf.emulator.app import create_app
from ldconf.emulator.server import LocalServer
from ldconf.emulator.store import Store
from tests.browsers import CONTRAST, opened, sync_api

HOSTILE = "<img src=x onerror=\"document.title='hit'\"><script>document.title='hit'</script>"
SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"


class Dev:
    """A served local LaunchDarkly with one AI Config, and REST calls to it."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.host = server.host
        self.http = httpx.Client(
            base_url=f"{server.host}/api/v2/projects/p/ai-configs",
            headers={"Authorization": "api-test"},
        )
        self.send("POST", "", {"key": "bot", "name": HOSTILE, "mode": "agent"})
        for key in ("one", "two"):
            body = {"key": key, "name": key, "instructions": f"{HOSTILE}\nI am {key}\n" * 40}
            self.send("POST", "/bot/variations", body)

    def send(self, method: str, path: str, body: object, **headers: str) -> None:
        answer = self.http.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text

    def traffic(self) -> None:
        """Send the events of a few requests, as an SDK does."""
        environment = self.http.get(f"{self.host}/api/v2/projects/p/environments/test").json()
        events = [
            {
                "kind": "custom",
                "creationDate": time.time_ns() // 1_000_000,
                "key": f"$ld:ai:{key}",
                "context": {"kind": "user", "key": f"simulated-user-{run}"},
                "data": {
                    "runId": str(run),
                    "configKey": "bot",
                    "variationKey": ("one", "two")[run % 2],
                    "version": 1,
                },
                "metricValue": value,
            }
            for run in range(12)
            for key, value in (("duration:total", 1234), ("tokens:input", 123456))
        ]
        headers = {"Authorization": environment["apiKey"]}
        answer = httpx.post(f"{self.host}/bulk", json=events, headers=headers)
        assert answer.status_code == 202

    def serve(self, variation: str) -> None:
        shown = self.http.get("/bot/targeting").json()["variations"]
        ids = {found["name"]: found["_id"] for found in shown}
        kind = "updateFallthroughVariationOrRollout"
        body = {
            "environmentKey": "test",
            "instructions": [{"kind": kind, "variationId": ids[variation]}],
            "comment": f"serve {variation}",
        }
        self.send("PATCH", "/bot/targeting", body, **{"Content-Type": SEMANTIC})


@pytest.fixture
def dev() -> Iterator[Dev]:
    store = Store()
    store.ensure_project("p")
    with LocalServer(create_app(store), "127.0.0.1", 0) as server:
        made = Dev(server)
        yield made
        made.http.close()
    store.close()


browser = pytest.fixture(scope="module")(opened)


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about: errors of scripts, and what the policy blocked."""
    return []


@pytest.fixture
def page(browser: sync_api.Browser, dev: Dev, complaints: list[str]) -> Iterator[sync_api.Page]:
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    made = context.new_page()
    made.on("console", lambda message: complaints.append(message.text))
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.goto(dev.host)
    yield made
    context.close()


def test_page_runs_clean_and_hostile_texts_do_nothing(
    page: sync_api.Page, complaints: list[str]
) -> None:
    sync_api.expect(page.locator("#status")).to_have_text("live")
    page.locator("summary").first.click()
    sync_api.expect(page.locator("pre").first).to_contain_text("<script>")
    assert "hit" not in page.title()
    assert complaints == []


def test_change_shows_without_reload_and_what_was_open_stays_open(
    page: sync_api.Page, dev: Dev, complaints: list[str]
) -> None:
    second = page.locator("details").nth(1)
    second.locator("summary").click()
    second.locator("pre").evaluate("node => { node.scrollTop = 120 }")
    dev.serve("two")
    sync_api.expect(page.locator(".place").first).to_contain_text("two")
    sync_api.expect(page.locator("#audit")).to_contain_text("serve two")
    assert page.locator("details").nth(1).get_attribute("open") is not None
    assert page.locator("details").nth(1).locator("pre").evaluate("node => node.scrollTop") == 120
    assert complaints == []


def test_keyboard_alone_opens_a_prompt_and_keeps_its_place(page: sync_api.Page, dev: Dev) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None
    dev.serve("one")
    sync_api.expect(page.locator("#audit")).to_contain_text("serve one")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_pause_stops_updates(page: sync_api.Page, dev: Dev) -> None:
    page.get_by_role("button", name="Pause").press("Enter")
    sync_api.expect(page.locator("#status")).to_have_text("paused")
    dev.serve("one")
    page.wait_for_timeout(1800)
    assert "serve one" not in page.locator("#audit").inner_text()
    page.get_by_role("button", name="Pause").click()
    sync_api.expect(page.locator("#audit")).to_contain_text("serve one")


def test_stopped_server_is_told(page: sync_api.Page, dev: Dev) -> None:
    sync_api.expect(page.locator("#status")).to_have_text("live")
    dev.server.should_exit = True
    sync_api.expect(page.locator("#status")).to_contain_text("no answer")


def test_traffic_shows_while_it_happens(page: sync_api.Page, dev: Dev) -> None:
    sync_api.expect(page.locator("#traffic")).to_contain_text("No requests yet")
    dev.traffic()
    row = page.locator("#traffic tbody tr").first
    sync_api.expect(row).to_contain_text("one")
    sync_api.expect(row).to_contain_text("1.23 s")
    sync_api.expect(page.locator("#events")).to_contain_text("user simulated-user-11")


@pytest.mark.parametrize("width", [360, 600, 768, 1000, 1100, 1440])
def test_no_width_needs_sideways_scrolling_or_breaks_names(
    browser: sync_api.Browser, dev: Dev, width: int
) -> None:
    dev.traffic()
    with browser.new_context(viewport={"width": width, "height": 740}) as context:
        page = context.new_page()
        page.goto(dev.host)
        for summary in page.locator("summary").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        for card in page.locator(".card").all():
            assert card.evaluate("card => card.scrollWidth <= card.clientWidth")
        names = page.locator("#traffic tbody th b").all()
        assert names
        assert all(name.evaluate("name => name.offsetHeight") < 30 for name in names)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_enough_contrast(browser: sync_api.Browser, dev: Dev, scheme: str) -> None:
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(dev.host)
        weakest = page.evaluate(CONTRAST)
        assert weakest["ratio"] >= 4.5, weakest

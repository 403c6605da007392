"""The page as bytes: what it says, what it escapes, what it lets a browser do."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from ldconf.core import figures
from ldconf.core.usage import Use
from ldconf.emulator.app import create_app
from ldconf.emulator.dashboard.markup import Markup, el, join
from ldconf.emulator.dashboard.routes import routes
from ldconf.emulator.dashboard.telemetry import Connection, Event
from ldconf.emulator.experiment_seed import ExperimentSeed, put_experiment
from ldconf.emulator.store import Store
from tests.emulator.ld import START_MS, Ld

HOSTILE = "<img src=x onerror=alert(1)></pre><script>alert(2)</script>\"'&"
_VOID = {"meta", "link"}


class Text(HTMLParser):
    """The text of a page; fails on tags that are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.feed(html)
        assert self.open == []
        assert len(set(self.ids)) == len(self.ids)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def plain(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


async def shown(ld: Ld, path: str = "/") -> str:
    answer = await ld.http.get(path)
    assert answer.status_code == 200
    return Text(answer.text).plain


async def test_empty_project_says_how_to_fill_it(ld: Ld) -> None:
    text = await shown(ld)
    assert "No AI Configs yet." in text
    assert "ldconf apply --local" in text
    assert "No requests yet." in text
    assert "No SDK is connected." in text


async def test_store_without_projects_has_a_page() -> None:
    store = Store()
    app = create_app(store)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://localhost"
    ) as http:
        assert "No project" in Text((await http.get("/")).text).plain
        assert (await http.get("/_dashboard/parts")).json() == []
    store.close()


async def test_variations_show_model_prompt_and_tools(ld: Ld) -> None:
    await ld.post("/projects/p/ai-tools", {"key": "search", "schema": {"type": "object"}})
    await ld.ai_config("bot", description="Answers questions")
    await ld.variation(
        "one",
        instructions="Be {{ldctx.mood}}",
        modelConfigKey="OpenAI.gpt-4o-mini",
        model={"parameters": {"temperature": 0.5}, "custom": {"limit": 3}},
        tools=[{"key": "search", "version": 1}],
    )
    text = await shown(ld)
    for words in (
        "Answers questions",
        "Be {{ldctx.mood}}",
        "gpt-4o-mini",
        "temperature = 0.5",
        "limit = 3",
        "search v1",
    ):
        assert words in text


async def test_messages_stand_with_their_roles(ld: Ld) -> None:
    await ld.ai_config("bot", mode="completion")
    messages = [{"role": "system", "content": "S!"}, {"role": "user", "content": "U!"}]
    await ld.variation("one", instructions="", messages=messages)
    assert re.search(r"system\s+S!.*user\s+U!", await shown(ld))


async def test_archived_variation_says_so(ld: Ld) -> None:
    await ld.ai_config("bot", "one", "two")
    await ld.patch("/projects/p/ai-configs/bot/variations/two", {"state": "archived"})
    assert "archived" in await shown(ld)


async def test_targeting_stands_in_words_and_in_order(ld: Ld) -> None:
    await ld.ai_config("bot", "one", "two")
    ids = await ld.ids()
    await ld.target(
        {"kind": "addTargets", "variationId": ids["two"], "contextKind": "user", "values": ["ann"]},
        {
            "kind": "addRule",
            "variationId": ids["one"],
            "clauses": [{"attribute": "plan", "op": "in", "values": ["gold"]}],
        },
        {
            "kind": "updateFallthroughVariationOrRollout",
            "rolloutWeights": {ids["one"]: 12500, ids["two"]: 87500},
        },
    )
    rule = (await ld.targeting())["environments"]["test"]["rules"][0]["_id"]
    named = {"kind": "updateRuleDescription", "ruleId": rule, "description": "Gold plan"}
    await ld.target(named)
    text = await shown(ld)
    expected = "user ann two Gold plan user plan is gold one everyone else 12.5 % one 87.5 % two"
    assert expected in text
    assert "everyone disabled" in text  # production


async def test_experiment_is_marked(ld: Ld) -> None:
    await ld.ai_config("bot", "one", "two")
    seed = ExperimentSeed("exp", "bot", {"one": 25, "two": 25}, control="one")
    put_experiment(ld.store, "p", "test", seed)
    text = await shown(ld)
    assert re.search(r"experiment .*25 % one .*25 % two .*50 % one not in the experiment", text)


async def test_experiments_stand_in_a_table(ld: Ld) -> None:
    assert "No experiments yet." in await shown(ld)
    await ld.ai_config("bot", "one", "two")
    seed = ExperimentSeed("exp", "bot", {"one": 25, "two": 75}, control="one")
    put_experiment(ld.store, "p", "test", seed, running=False)
    assert re.search(r"exp exp test on bot .* draft since", await shown(ld))
    path = "/projects/p/environments/test/experiments/exp"
    body = {"instructions": [{"kind": "startIteration"}]}
    started = await ld.patch(f"{path}?expand=treatments", body, semantic=True)
    text = await shown(ld)
    assert re.search(r"running since .* 1 one 25 %, control, 0 exposed two 75 %, 0 exposed", text)
    winner = started["currentIteration"]["treatments"][1]["_id"]
    stop = {"kind": "stopIteration", "winningTreatmentId": winner, "winningReason": "better"}
    await ld.patch(path, {"instructions": [stop]}, semantic=True)
    assert re.search(r"stopped since .* two 75 %, winner, 0 exposed", await shown(ld))
    assert 'href="#ai-config-bot"' in (await ld.http.get("/")).text
    await ld.patch(path, {"instructions": [{"kind": "archiveExperiment"}]}, semantic=True)
    assert "No experiments yet." in await shown(ld)


async def test_audit_log_shows_comments(ld: Ld) -> None:
    await ld.ai_config("bot", "one")
    ids = await ld.ids()
    instruction = {"kind": "updateFallthroughVariationOrRollout", "variationId": ids["one"]}
    await ld.target(instruction, comment="because of INC-7")
    assert re.search(r"updated targeting of bot test because of INC-7", await shown(ld))


async def test_audit_log_of_another_project_is_not_shown(ld: Ld) -> None:
    ld.store.ensure_project("p2", name="Second")
    await ld.ai_config("secret-bot")
    assert "secret-bot" in await shown(ld, "/?project=p")
    text = await shown(ld, "/?project=p2")
    assert "secret-bot" not in text
    assert "Second" in text


async def test_unknown_project_is_404(ld: Ld) -> None:
    assert (await ld.http.get("/?project=nope")).status_code == 404
    assert (await ld.http.get("/_dashboard/parts?project=nope")).json() == []


async def test_texts_are_escaped_everywhere(ld: Ld) -> None:
    await ld.ai_config("bot", name=HOSTILE, description=HOSTILE, tags=[HOSTILE])
    await ld.variation("one", name=HOSTILE, instructions=HOSTILE, comment=HOSTILE)
    html = (await ld.http.get("/")).text
    assert "<img" not in html
    assert html.count("<script") == 1
    assert Text(html).plain.count("<img src=x onerror=alert(1)>") >= 5


async def test_policy_lets_nothing_run_but_our_own_files(ld: Ld) -> None:
    for path in ("/", "/_dashboard/parts", "/_dashboard/dashboard.js"):
        headers = (await ld.http.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    html = (await ld.http.get("/")).text
    assert not re.search(r"\s(style|on\w+)=", html)
    assert "//" not in "".join(re.findall(r'(?:src|href)="([^"]*)"', html))


async def test_every_file_of_the_page_is_there(ld: Ld) -> None:
    html = (await ld.http.get("/")).text
    links = [url for url in re.findall(r'(?:src|href)="([^"#]+)"', html) if url != "/"]
    assert len(links) == 3
    for url in links:
        assert (await ld.http.get(url)).status_code == 200


async def test_parts_that_were_seen_are_left_out(ld: Ld) -> None:
    await ld.ai_config("bot", "one")
    html = (await ld.http.get("/")).text
    seen = re.findall(r'data-part="(\w+)"', html)
    assert len(seen) == 6
    path = f"/_dashboard/parts?project=p&seen={','.join(seen)}"
    assert (await ld.http.get(path)).json() == []
    await ld.serve("one")
    changed = (await ld.http.get(path)).json()
    assert [part["id"] for part in changed] == ["ai-configs", "audit"]
    for part in changed:
        Text(part["html"])


async def test_other_hosts_are_refused(ld: Ld) -> None:
    answer = await ld.http.get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("auth", "status"),
    [
        (None, 401),
        (httpx.BasicAuth("", "api-wrong"), 401),
        (httpx.BasicAuth("me", "api-right"), 200),
    ],
    ids=["nothing", "wrong", "right"],
)
async def test_beyond_loopback_an_access_token_is_the_password(
    auth: httpx.Auth | None, status: int
) -> None:
    far = Ld(any_host=True, tokens=["api-right"])
    for path in ("/", "/_dashboard/parts"):
        answer = await far.http.get(path, headers={"Host": "lab.example"}, auth=auth)
        assert answer.status_code == status
    await far.http.aclose()
    far.store.close()


@pytest.mark.parametrize("header", ["Bearer x", "Basic ???", "Basic /w=="])
async def test_strange_credentials_are_refused(header: str) -> None:
    far = Ld(any_host=True)
    answer = await far.http.get("/", headers={"Authorization": header})
    assert answer.status_code == 401
    await far.http.aclose()
    far.store.close()


class Recorded:
    """Telemetry that was recorded before."""

    def __init__(self, **found: Any) -> None:
        self._found = found

    def usage(self, project: str) -> list[Use]:
        return self._found.get("usage", [])

    def connections(self, project: str) -> list[Connection]:
        return self._found.get("connections", [])

    def events(self, project: str, limit: int) -> list[Event]:
        return self._found.get("events", [])[:limit]


async def with_telemetry(ld: Ld, **found: Any) -> str:
    app = Starlette(routes=routes(ld.store, Recorded(**found)))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        return Text((await http.get("/")).text).plain


async def test_traffic_has_a_row_per_variation_and_version(ld: Ld) -> None:
    await ld.ai_config("bot", "one", "two")
    usage = [
        Use(
            *("test", "bot", "one", 2, 30, 1000, 200, 900, 834, 2412, 90, 0.1, 0.9, 1.5),
            commit="c0ffee" * 6,
        ),
        Use("test", "bot", None, None, 10),
        Use("test", "gone", "x", 1, 5),
    ]
    text = await with_telemetry(ld, usage=usage)
    row = "one v2 c0ffeec0ffee 30 75 % 834 ms 2.41 s 90 ms 1,000 / 200 10 % 90 % $1.50"
    assert row in text
    assert "the app's own default" in text
    assert "gone test 5 requests" in text


async def test_connected_sdks_and_events_are_listed(ld: Ld) -> None:
    text = await with_telemetry(
        ld,
        connections=[Connection("test", "PythonClient/9", "stream", START_MS)],
        events=[Event(START_MS, "test", "custom", "$ld:ai:tokens:total", "user u1", "bot", "12")],
    )
    assert "PythonClient/9 test stream" in text
    assert "custom $ld:ai:tokens:total" in text
    assert "user u1 bot 12" in text


async def test_half_a_surrogate_pair_in_an_event_does_not_break_the_page(ld: Ld) -> None:
    event = Event(START_MS, "test", "custom", "x\udc80y")
    assert "x\ufffdy" in await with_telemetry(ld, events=[event])


def test_markup_escapes_all_but_markup() -> None:
    found = el("p", "<b>", Markup("<i></i>"), None, [1, "&"], data_x='"', hidden=True, id=None)
    assert found == '<p data-x="&quot;" hidden>&lt;b&gt;<i></i>1&amp;</p>'
    assert join(["a", ["<", []]]) == "a&lt;"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (figures.duration(None), "-"),
        (figures.duration(999.4), "999 ms"),
        (figures.duration(1000), "1.00 s"),
        (figures.share(0.005), "0.5 %"),
        (figures.share(1), "100 %"),
        (figures.share(None), "-"),
        (figures.dollars(0.00123), "$0.0012"),
        (figures.dollars(12), "$12.00"),
        (figures.dollars(None), "-"),
        (figures.count(1234567), "1,234,567"),
        (figures.iso(0), "1970-01-01T00:00:00Z"),
        (figures.moment(0), "01 Jan 00:00:00 UTC"),
    ],
)
def test_figures_are_short(words: str, expected: str) -> None:
    assert words == expected

"""Audit log, tags, members, teams, flags, and experiments as far as they are read."""

from __future__ import annotations

from typing import Any

import pytest

from ldconf.core.errors import LdconfError
from ldconf.emulator.access import MEMBER_ID, SERVICE_TOKEN, TEAM_KEY
from ldconf.emulator.audit import matches_spec
from ldconf.emulator.experiment_seed import ExperimentSeed, put_experiment
from tests.emulator.ld import Ld

BOT = "/projects/p/ai-configs/bot"


async def entries(ld: Ld, query: str = "") -> list[Any]:
    return (await ld.get(f"/auditlog?{query}"))["items"]


async def test_the_log_says_who_did_what_when_and_why(ld: Ld) -> None:
    await ld.ai_config("bot", "one")
    await ld.patch(f"{BOT}/variations/one", {"comment": "ldconf abc"}, token=SERVICE_TOKEN + "-x1")
    ids = await ld.ids()
    kind = "updateFallthroughVariationOrRollout"
    await ld.target({"kind": kind, "variationId": ids["one"]}, comment="go live")
    targeting, edit, *_ = await entries(ld)
    assert (targeting["comment"], targeting["member"]["_id"]) == ("go live", MEMBER_ID)
    assert targeting["date"] <= ld.clock.now
    assert targeting["relatedAIConfig"] == {"key": "bot"}
    assert targeting["accesses"][0]["resource"] == "proj/p:env/test:aiconfig/bot"
    assert edit["comment"] == "ldconf abc"
    assert "member" not in edit
    assert (edit["token"]["serviceToken"], edit["token"]["ending"]) == (True, "e-x1")
    assert edit["title"] == "updated variation one of bot"
    assert await ld.get(f"/auditlog/{edit['_id']}") == edit
    await ld.get("/auditlog/none", status=404)


async def test_what_changes_nothing_is_not_logged(ld: Ld) -> None:
    await ld.ai_config("bot", "one")
    count = len(await entries(ld))
    await ld.patch(BOT, {"name": "bot"})
    await ld.serve("disabled")
    await ld.patch(BOT, {"name": 7}, status=400)
    assert len(await entries(ld)) == count


async def test_the_log_is_paged_by_date(ld: Ld) -> None:
    for number in range(12):
        await ld.ai_config(f"c{number}")
    first = await ld.get("/auditlog")
    assert [entry["name"] for entry in first["items"]][:2] == ["c11", "c10"]
    assert len(first["items"]) == 10
    rest = await ld.get(first["_links"]["next"]["href"].removeprefix("/api/v2"))
    assert [entry["name"] for entry in rest["items"]] == ["c1", "c0"]
    assert "next" not in rest["_links"]
    newest = first["items"][0]["date"]
    assert await entries(ld, f"after={newest}") == []
    assert len(await entries(ld, f"after={newest - 1}&limit=20")) == 1
    for limit in (0, 21):
        await ld.get(f"/auditlog?limit={limit}", status=400)


async def test_the_log_is_filtered(ld: Ld) -> None:
    for key, token in (("bot", "api-one-of-many"), ("chat", SERVICE_TOKEN)):
        await ld.post("/projects/p/ai-configs", {"key": key, "name": key}, token=token)
    (bot,) = await entries(ld, "spec=proj/p:aiconfig/bot")
    assert [entry["name"] for entry in await entries(ld, "q=CHA")] == ["chat"]
    assert await entries(ld, f"member={MEMBER_ID}") == [bot]
    assert await entries(ld, f"token={bot['token']['_id']}") == [bot]


@pytest.mark.parametrize(
    ("resource", "spec", "expected"),
    [
        ("proj/p:aiconfig/bot", "proj/p:aiconfig/bot", True),
        ("proj/p:env/test:aiconfig/bot", "proj/p:aiconfig/bot", True),
        ("proj/p:env/test:aiconfig/bot", "proj/p:env/*:aiconfig/*", True),
        ("proj/p:env/test:aiconfig/bot", "proj/p:env/test;tag:aiconfig/bot", True),
        ("proj/p:aiconfig/bot", "proj/p:env/*:aiconfig/bot", False),
        ("proj/p:aiconfig/bot", "proj/q:aiconfig/bot", False),
        ("proj/p:metric/bot", "proj/p:aiconfig/bot", False),
        ("proj/p:metric/bot", "proj/p:metric", True),
    ],
)
def test_specifiers(resource: str, spec: str, expected: bool) -> None:
    assert matches_spec(resource, spec) is expected


async def test_tags_of_all_resources(ld: Ld) -> None:
    await ld.patch("/projects/p", [{"op": "add", "path": "/tags/-", "value": "t-project"}])
    await ld.ai_config("bot", tags=["t-config"])
    await ld.post("/segments/p/test", {"key": "s", "name": "S", "tags": ["t-segment", "zz"]})
    assert (await ld.get("/tags?pre=t-"))["items"] == ["t-config", "t-project", "t-segment"]
    assert (await ld.get("/tags?kind=aiconfig&kind=view"))["items"] == ["t-config"]
    assert (await ld.get("/tags?kind=project&limit=1"))["totalCount"] == 1


async def test_one_member_and_one_team(ld: Ld) -> None:
    assert (await ld.get("/members"))["totalCount"] == 1
    assert await ld.get(f"/members/{MEMBER_ID}") == await ld.get("/members/me")
    await ld.get("/members/none", status=404)
    assert (await ld.get("/teams"))["items"][0]["key"] == TEAM_KEY
    await ld.get("/teams/none", status=404)
    await ld.ai_config("bot", maintainerTeamKey=TEAM_KEY)
    assert (await ld.get(BOT))["_maintainer"]["name"] == "Local Team"


async def test_flags_mirror_ai_configs(ld: Ld) -> None:
    await ld.ai_config("bot", "one", description="d")
    await ld.ai_config("chat")
    await ld.serve("one")
    flag = await ld.get("/flags/p/bot")
    assert (flag["kind"], flag["maintainerId"]) == ("multivariate", MEMBER_ID)
    assert [found["name"] for found in flag["variations"]] == ["disabled", "one"]
    test = flag["environments"]["test"]
    assert (test["on"], test["fallthrough"], test["version"]) == (True, {"variation": 1}, 2)
    assert set((await ld.get("/flags/p/bot?env=production"))["environments"]) == {"production"}
    assert "environments" not in (await ld.get("/flags/p"))["items"][0]
    listed = await ld.get("/flags/p?filter=filterEnv:test,query:bot")
    assert [set(found["environments"]) for found in listed["items"]] == [{"test"}]
    await ld.get("/flags/p/none", status=404)


async def test_experiments_hide_what_is_not_expanded(ld: Ld) -> None:
    await ld.ai_config("bot", "one", "two")
    seed = ExperimentSeed("duel", "bot", {"one": 50, "two": 50}, "one", metrics=["m"])
    put_experiment(ld.store, "p", "test", seed)
    draft = ExperimentSeed("draft", "bot", {"one": 50, "two": 50}, "one")
    put_experiment(ld.store, "p", "production", draft, running=False)
    path = "/projects/p/environments/test/experiments"
    found = await ld.get(f"{path}/duel")
    assert found["currentIteration"]["status"] == "running"
    assert "treatments" not in found["currentIteration"]
    assert not {"draftIteration", "previousIterations", "analysisConfig"} & set(found)
    found = await ld.get(f"{path}/duel?expand=treatments,previousIterations")
    assert found["previousIterations"] == []
    assert [t["baseline"] for t in found["currentIteration"]["treatments"]] == [True, False]
    listed = await ld.get("/projects/p/experiments?expand=draftIteration,treatments")
    assert listed["total_count"] == 2
    assert [("draftIteration" in one) for one in listed["items"]] == [False, True]
    for query, count in (
        ("filter=flagKey:bot,status:running", 1),
        ("filter=metricKey:m", 1),
        ("filter=status:stopped", 0),
        ("lifecycleState=archived", 0),
        ("lifecycleState=active,archived", 2),
    ):
        assert (await ld.get(f"/projects/p/experiments?{query}"))["total_count"] == count
    for query in ("expand=everything", "filter=x:y", "lifecycleState=gone"):
        await ld.get(f"/projects/p/experiments?{query}", status=400)
    await ld.get(f"{path}/none", status=404)
    await ld.delete(f"{path}/duel", status=405)


async def test_a_running_experiment_shows_in_the_targeting_of_its_rule(ld: Ld) -> None:
    await ld.ai_config("bot", "one", "two")
    ids = await ld.ids()
    clause = {"attribute": "plan", "op": "in", "values": ["gold"]}
    add = {"kind": "addRule", "variationId": ids["one"], "clauses": [clause]}
    (rule,) = (await ld.target(add))["rules"]
    seed = ExperimentSeed("duel", "bot", {"one": 30, "two": 50}, "one", rule=rule["_id"])
    put_experiment(ld.store, "p", "test", seed)
    test = (await ld.targeting())["environments"]["test"]
    assert test["fallthrough"] == {"variation": 0}
    rollout = test["rules"][0]["rollout"]
    assert rollout["variations"] == [
        {"variation": 1, "weight": 30_000},
        {"variation": 2, "weight": 50_000},
        {"variation": 1, "weight": 20_000, "_untracked": True},
    ]
    assert rollout["experimentAllocation"] == {
        "type": "percentage",
        "canReshuffle": True,
        "defaultVariation": 1,
    }
    await ld.patch("/projects/p/ai-configs/bot/variations/two", {"state": "archived"}, status=400)
    seed = ExperimentSeed("other", "bot", {"none": 100}, "one")
    with pytest.raises(LdconfError, match="no variation"):
        put_experiment(ld.store, "p", "test", seed)

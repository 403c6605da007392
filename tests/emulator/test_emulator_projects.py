"""Projects, environments, context kinds, experimentation settings (reference 2)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.ld import Ld

ENVIRONMENTS = "/projects/p/environments"


async def test_a_project_gets_environments_unless_given(ld: Ld) -> None:
    made = await ld.post("/projects", {"key": "a", "name": "A"})
    assert [found["key"] for found in made["environments"]] == ["test", "production"]
    given = [{"key": "dev", "name": "Dev", "color": "FFFFFF"}]
    made = await ld.post("/projects", {"key": "b", "name": "B", "environments": given})
    assert [found["key"] for found in made["environments"]] == ["dev"]
    twice = {"key": "c", "name": "C", "environments": given * 2}
    await ld.post("/projects", twice, status=400)
    await ld.post("/projects", {"key": "a", "name": "A"}, status=409)


async def test_environments_of_a_project_show_when_expanded(ld: Ld) -> None:
    assert "environments" not in await ld.get("/projects/p")
    expanded = await ld.get("/projects/p?expand=environments")
    assert expanded["environments"]["totalCount"] == 2
    listed = await ld.get("/projects?expand=environments")
    assert listed["items"][0]["environments"]["items"][0]["key"] == "test"


async def test_tags_come_back_sorted_and_once(ld: Ld) -> None:
    patch = [{"op": "add", "path": "/tags/-", "value": tag} for tag in ("b", "a", "b")]
    assert (await ld.patch("/projects/p", patch))["tags"] == ["a", "b"]
    await ld.patch("/projects/p", [{"op": "replace", "path": "/name", "value": ""}], status=400)


async def test_projects_are_filtered_and_sorted(ld: Ld) -> None:
    for key, tags in (("zoo", ["x", "y"]), ("ape", ["x"])):
        await ld.post("/projects", {"key": key, "name": key.title(), "tags": tags})

    async def keys(query: str) -> list[str]:
        return [found["key"] for found in (await ld.get(f"/projects?{query}"))["items"]]

    assert await keys("filter=query:ZOO") == ["zoo"]
    assert await keys("filter=tags:x%2By") == ["zoo"]
    assert await keys("filter=keys:zoo|p") == ["p", "zoo"]
    assert await keys("sort=-name") == ["p", "zoo", "ape"]
    assert await keys("sort=createdOn") == ["p", "zoo", "ape"]
    await ld.get("/projects?filter=size:1", status=400)
    await ld.get("/projects?sort=size", status=400)


async def test_deleting_a_project_takes_everything_along(ld: Ld) -> None:
    await ld.ai_config("bot", "one")
    await ld.delete("/projects/p", status=409)
    await ld.post("/projects", {"key": "q", "name": "Q"})
    await ld.delete("/projects/p")
    await ld.get("/projects/p/ai-configs", status=404)
    await ld.post("/projects", {"key": "p", "name": "P"})
    assert (await ld.get("/projects/p/ai-configs"))["totalCount"] == 0


async def test_an_environment_has_keys_for_sdks(ld: Ld) -> None:
    test = await ld.get(f"{ENVIRONMENTS}/test")
    assert test["apiKey"].startswith("sdk-")
    assert test["mobileKey"].startswith("mob-")
    assert len(test["_id"]) == 24
    other = await ld.get(f"{ENVIRONMENTS}/production")
    assert other["apiKey"] != test["apiKey"]


async def test_environments_are_edited_and_filtered(ld: Ld) -> None:
    patch = [
        {"op": "replace", "path": "/critical", "value": True},
        {"op": "replace", "path": "/tags", "value": ["x"]},
        {"op": "replace", "path": "/approvalSettings/required", "value": True},
    ]
    patched = await ld.patch(f"{ENVIRONMENTS}/production", patch)
    assert patched["approvalSettings"]["required"] is True

    async def keys(query: str) -> list[str]:
        return [found["key"] for found in (await ld.get(f"{ENVIRONMENTS}?{query}"))["items"]]

    assert await keys("filter=critical:true") == ["production"]
    assert await keys("filter=tags:x") == ["production"]
    assert await keys("filter=query:tes") == ["test"]
    assert await keys("sort=name") == ["production", "test"]
    await ld.get(f"{ENVIRONMENTS}?filter=x:1", status=400)
    await ld.get(f"{ENVIRONMENTS}?sort=x", status=400)
    tags = {"op": "replace", "path": "/approvalSettings/requiredApprovalTags", "value": ["x"]}
    await ld.patch(f"{ENVIRONMENTS}/production", [tags], status=400)


async def test_the_last_environment_stays(ld: Ld) -> None:
    await ld.post("/segments/p/test", {"key": "s", "name": "S"})
    await ld.delete(f"{ENVIRONMENTS}/test")
    await ld.delete(f"{ENVIRONMENTS}/test", status=404)
    await ld.delete(f"{ENVIRONMENTS}/production", status=409)
    body = {"key": "test", "name": "Test", "color": "FFFFFF"}
    await ld.post(ENVIRONMENTS, body)
    assert (await ld.get("/segments/p/test"))["totalCount"] == 0
    await ld.post(ENVIRONMENTS, body, status=409)
    await ld.post(ENVIRONMENTS, {"key": "x", "name": "X"}, status=400)


async def test_context_kinds_are_made_and_changed_by_put(ld: Ld) -> None:
    kinds = "/projects/p/context-kinds"
    assert (await ld.put(f"{kinds}/org", {"name": "Org"}))["status"] == "created"
    body = {"name": "Organization", "archived": True, "version": 1}
    assert (await ld.put(f"{kinds}/org", body))["status"] == "updated"
    user, org = (await ld.get(kinds))["items"]
    assert (user["key"], user["createdFrom"]) == ("user", "default")
    assert (org["name"], org["version"], org["hideInTargeting"]) == ("Organization", 2, True)
    await ld.put(f"{kinds}/org", body, status=409)
    await ld.put(f"{kinds}/org", {}, status=400)
    await ld.get(f"{kinds}/org", status=405)


async def test_experimentation_settings_are_replaced_whole(ld: Ld) -> None:
    path = "/projects/p/experimentation-settings"
    (unit,) = (await ld.get(path))["randomizationUnits"]
    assert unit == {
        "randomizationUnit": "user",
        "default": True,
        "_hidden": False,
        "_displayName": "User",
    }
    await ld.put("/projects/p/context-kinds/org", {"name": "Org"})
    units = [{"randomizationUnit": "org"}, {"randomizationUnit": "user", "default": True}]
    put = await ld.put(path, {"randomizationUnits": units})
    assert [(u["randomizationUnit"], u["default"]) for u in put["randomizationUnits"]] == [
        ("org", False),
        ("user", True),
    ]
    assert await ld.get(path) == put


@pytest.mark.parametrize(
    "units",
    [
        [],
        [{"randomizationUnit": "none"}],
        [{"default": True}],
        [{"randomizationUnit": "user", "default": True}] * 2,
    ],
)
async def test_bad_experimentation_settings_are_refused(ld: Ld, units: Any) -> None:
    body = {"randomizationUnits": units}
    await ld.put("/projects/p/experimentation-settings", body, status=400)

"""Approvals (reference 16, 22.10)."""

from __future__ import annotations

from typing import Any

import pytest

from ldconf.emulator.access import MEMBER_ID, SERVICE_TOKEN
from tests.emulator.ld import Ld

REQUESTS = "/approval-requests"
SETTINGS = "/approval-requests/projects/p/settings"
BOT = "/projects/p/ai-configs/bot"
RESOURCE = "proj/p:env/test:aiconfig/bot"


async def serve_instruction(ld: Ld, variation: str) -> dict[str, Any]:
    ids = await ld.ids()
    return {"kind": "updateFallthroughVariationOrRollout", "variationId": ids[variation]}


async def open_request(ld: Ld, token: str = SERVICE_TOKEN, **fields: Any) -> Any:
    body = {
        "resourceId": RESOURCE,
        "description": "serve two",
        "instructions": [await serve_instruction(ld, "two")],
        **fields,
    }
    return await ld.post(REQUESTS, body, token=token)


async def review(ld: Ld, request: Any, kind: str = "approve", status: int = 200, **options: Any):
    path = f"{REQUESTS}/{request['_id']}/reviews"
    return await ld.post(path, {"kind": kind, "comment": "c"}, status=status, **options)


@pytest.fixture
async def bot(ld: Ld) -> None:
    await ld.ai_config("bot", "one", "two", tags=["risky"])
    await ld.serve("one")


async def test_targeting_needs_an_approval_where_it_is_required(ld: Ld, bot: None) -> None:
    await ld.require_approvals()
    instruction = await serve_instruction(ld, "two")
    answer = await ld.target(instruction, status=403)
    assert answer["code"] == "forbidden"
    assert "approval is required" in answer["message"]
    await ld.target(instruction, environment="production")


async def test_a_variation_in_use_there_cannot_be_edited(ld: Ld, bot: None) -> None:
    await ld.require_approvals()
    answer = await ld.patch(f"{BOT}/variations/one", {"name": "x"}, status=403)
    assert "approval is required" in answer["message"]
    await ld.patch(f"{BOT}/variations/two", {"name": "free"})
    await ld.variation("three")


async def test_tags_may_require_an_approval(ld: Ld, bot: None) -> None:
    await ld.require_approvals(required=False, requiredApprovalTags=["risky"])
    await ld.target(await serve_instruction(ld, "two"), status=403)
    await ld.patch(BOT, {"tags": ["safe"]})
    await ld.target(await serve_instruction(ld, "two"))


async def test_an_approved_request_is_applied(ld: Ld, bot: None) -> None:
    await ld.require_approvals()
    request = await open_request(ld, comment="release")
    assert (request["reviewStatus"], request["status"]) == ("pending", "pending")
    assert request["conflicts"] == []
    assert "requestorId" not in request
    await ld.post(f"{REQUESTS}/{request['_id']}/apply", {}, status=400)
    approved = await review(ld, request)
    assert approved["reviewStatus"] == "approved"
    assert approved["allReviews"][0]["memberId"] == MEMBER_ID
    assert (await ld.targeting())["environments"]["test"]["fallthrough"] == {"variation": 1}
    applied = await ld.post(f"{REQUESTS}/{request['_id']}/apply", None, status=200)
    assert (applied["status"], applied["appliedByMemberId"]) == ("completed", MEMBER_ID)
    assert (await ld.targeting())["environments"]["test"]["fallthrough"] == {"variation": 2}
    entries = (await ld.get("/auditlog?spec=proj/p:env/test:aiconfig/bot"))["items"]
    assert "release" in [entry["comment"] for entry in entries]
    await ld.post(f"{REQUESTS}/{request['_id']}/apply", {}, status=400)
    await review(ld, request, status=409)


async def test_settings_may_apply_at_once(ld: Ld, bot: None) -> None:
    await ld.require_approvals(autoApplyApprovedChanges=True)
    assert (await review(ld, await open_request(ld)))["status"] == "completed"
    assert (await ld.targeting())["environments"]["test"]["fallthrough"] == {"variation": 2}


async def test_nobody_approves_an_own_request(ld: Ld, bot: None) -> None:
    request = await open_request(ld, token="api-me")
    assert request["requestorId"] == MEMBER_ID
    await review(ld, request, status=405)
    await review(ld, request, kind="comment")
    await ld.require_approvals(required=False, canReviewOwnRequest=True)
    assert (await review(ld, request))["reviewStatus"] == "approved"


async def test_reviews_are_counted_by_reviewer(ld: Ld, bot: None) -> None:
    await ld.require_approvals(minNumApprovals=2, canApplyDeclinedChanges=False)
    request = await open_request(ld)
    assert (await review(ld, request))["reviewStatus"] == "pending"
    assert (await review(ld, request))["reviewStatus"] == "pending"
    other = await review(ld, request, token=SERVICE_TOKEN + "-2")
    assert other["reviewStatus"] == "approved"
    assert "serviceTokenId" in other["allReviews"][-1]
    assert (await review(ld, request, kind="decline"))["reviewStatus"] == "declined"
    await ld.post(f"{REQUESTS}/{request['_id']}/apply", {}, status=400)
    await review(ld, request, kind="maybe", status=400)


async def test_requests_are_not_deduplicated_and_can_be_found(ld: Ld, bot: None) -> None:
    first, second = await open_request(ld), await open_request(ld, notifyMemberIds=["m1"])
    await review(ld, second)

    async def ids(text: str) -> list[str]:
        return [one["_id"] for one in (await ld.get(f"{REQUESTS}?filter={text}"))["items"]]

    assert await ids("resourceKind equals aiConfig, projectKey equals p") == [
        first["_id"],
        second["_id"],
    ]
    assert await ids('status anyOf ["pending","scheduled"], reviewStatus anyOf ["pending"]') == [
        first["_id"]
    ]
    assert await ids(f"resourceId equals {RESOURCE}") == [first["_id"], second["_id"]]
    assert await ids('notifyMemberIds anyOf ["m1"]') == [second["_id"]]
    assert await ids(f"requestorId equals {MEMBER_ID}") == []
    assert await ids("resourceKind equals segment") == []


async def test_a_request_that_no_longer_fits_has_conflicts(ld: Ld, bot: None) -> None:
    request = await open_request(ld)
    await review(ld, request)
    await ld.delete(f"{BOT}/variations/two")
    found = await ld.get(f"{REQUESTS}/{request['_id']}?expand=environments,project,resource")
    assert "unknown variationId" in found["conflicts"][0]["reason"]
    assert found["environments"][0]["key"] == "test"
    assert found["project"]["key"] == "p"
    assert found["resource"] == {"kind": "aiConfig", "aiConfig": {"key": "bot", "name": "bot"}}
    await ld.post(f"{REQUESTS}/{request['_id']}/apply", {}, status=400)
    await ld.delete(BOT)
    found = await ld.get(f"{REQUESTS}/{request['_id']}?expand=resource")
    assert found["conflicts"][0]["reason"] == "gone"
    assert "resource" not in found


async def test_a_request_outlives_its_environment(ld: Ld, bot: None) -> None:
    request = await open_request(ld)
    await review(ld, request)
    await ld.delete("/projects/p/environments/test")
    path = f"{REQUESTS}/{request['_id']}"
    assert (await ld.get(path))["conflicts"][0]["reason"] == "gone"
    assert "gone" in (await ld.post(f"{path}/apply", {}, status=400))["message"]
    await review(ld, request, status=404)


async def test_segment_changes_go_through_requests_too(ld: Ld) -> None:
    await ld.post("/segments/p/test", {"key": "beta", "name": "Beta"})
    await ld.require_approvals("segment")
    instruction = {"kind": "addIncludedUsers", "values": ["a"]}
    body = {
        "resourceId": "proj/p:env/test:segment/beta",
        "description": "let a in",
        "instructions": [instruction],
    }
    request = await ld.post(REQUESTS, body, token=SERVICE_TOKEN)
    expanded = await ld.get(f"{REQUESTS}/{request['_id']}?expand=resource")
    assert expanded["resource"]["segment"]["key"] == "beta"
    await review(ld, request)
    await ld.post(f"{REQUESTS}/{request['_id']}/apply", {"comment": "now"}, status=200)
    assert (await ld.get("/segments/p/test/beta"))["included"] == ["a"]
    assert (await ld.get("/auditlog?spec=proj/p:env/*:segment/beta&q=now"))["items"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"resourceId": "proj/p:aiconfig/bot"}, 400),
        ({"resourceId": "proj/p:env/test:robot/bot"}, 400),
        ({"resourceId": "proj/p:env/test:flag/bot"}, 501),
        ({"resourceId": "proj/p:env/none:aiconfig/bot"}, 400),
        ({"resourceId": "proj/p:env/test:aiconfig/none"}, 400),
        ({"description": ""}, 400),
        ({"instructions": []}, 400),
        ({"instructions": [{"kind": "turnFlagOn"}]}, 400),
    ],
)
async def test_bad_requests_are_refused(
    ld: Ld, bot: None, fields: dict[str, Any], status: int
) -> None:
    good = {"resourceId": RESOURCE, "description": "d"}
    body = {**good, "instructions": [await serve_instruction(ld, "two")], **fields}
    await ld.post(REQUESTS, body, status=status)
    assert (await ld.get(REQUESTS))["totalCount"] == 0


async def test_a_request_can_be_edited_and_withdrawn(ld: Ld, bot: None) -> None:
    request = await open_request(ld)
    path = f"{REQUESTS}/{request['_id']}"
    instructions = [
        {"kind": "addReviewers", "notifyMemberIds": ["m1"], "notifyTeamKeys": ["t"]},
        {"kind": "updateDescription", "value": "better"},
    ]
    await ld.patch(path, {"instructions": instructions}, status=403)
    edited = await ld.patch(path, {"instructions": instructions}, beta=True)
    assert (edited["notifyMemberIds"], edited["notifyTeamKeys"]) == (["m1"], ["t"])
    assert edited["description"] == "better"
    await ld.patch(path, {"instructions": [{"kind": "x"}]}, status=400, beta=True)
    await ld.delete(path)
    await ld.get(path, status=404)


async def test_settings_of_one_kind_and_environment(ld: Ld) -> None:
    await ld.require_approvals(minNumApprovals=2)
    found = await ld.get(f"{SETTINGS}?resourceKind=aiConfig&environmentKey=test", beta=True)
    assert set(found) == {"aiconfig"}
    assert set(found["aiconfig"]["environments"]) == {"test"}
    assert found["aiconfig"]["environments"]["test"]["minNumApprovals"] == 2
    environment = await ld.get("/projects/p/environments/test")
    assert environment["resourceApprovalSettings"]["aiconfig"]["required"] is True
    assert environment["approvalSettings"]["required"] is False
    await ld.require_approvals("flag")
    environment = await ld.get("/projects/p/environments/test")
    assert environment["approvalSettings"]["required"] is True
    ld.faults.approvals_feature = False
    assert "approvalSettings" not in await ld.get("/projects/p/environments/test")


async def test_required_and_tags_exclude_each_other(ld: Ld) -> None:
    body = {"environmentKey": "test", "resourceKind": "aiconfig"}
    both = {**body, "required": True, "requiredApprovalTags": ["x"]}
    await ld.patch(SETTINGS, both, status=400, beta=True)
    tagged = {**body, "requiredApprovalTags": ["x"]}
    await ld.patch(SETTINGS, tagged, beta=True)
    changed = await ld.patch(SETTINGS, {**body, "required": True}, beta=True)
    assert changed["aiconfig"]["environments"]["test"]["requiredApprovalTags"] == []
    changed = await ld.patch(SETTINGS, tagged, beta=True)
    assert changed["aiconfig"]["environments"]["test"]["required"] is False


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"minNumApprovals": 6}, 400),
        ({"resourceKind": "robot"}, 400),
        ({"environmentKey": "none"}, 404),
    ],
)
async def test_bad_settings_are_refused(ld: Ld, fields: dict[str, Any], status: int) -> None:
    body = {"environmentKey": "test", "resourceKind": "aiconfig", **fields}
    await ld.patch(SETTINGS, body, status=status, beta=True)
    await ld.get(f"{SETTINGS}?resourceKind=robot", status=400, beta=True)
    await ld.get(f"{SETTINGS}?environmentKey=none", status=404, beta=True)

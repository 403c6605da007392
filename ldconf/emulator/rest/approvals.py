"""Approval requests (reference 16.2)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator import audit, fields, filters
from ldconf.emulator.audit import Act
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, Refusal, Route, bad_request, conflict
from ldconf.emulator.paging import page
from ldconf.emulator.patches.rules import instructions_of
from ldconf.emulator.patches.segment_patch import SegmentPatch
from ldconf.emulator.rest import segments, targeting
from ldconf.emulator.rest.approval_subject import KINDS, Subject, dry_run, request_view
from ldconf.emulator.store import ACCOUNT

POST: Mapping[str, fields.Check] = {
    "resourceId": fields.text,
    "description": fields.text,
    "comment": fields.text,
    "instructions": fields.mappings,
    "notifyMemberIds": fields.texts,
    "notifyTeamKeys": fields.texts,
}


def list_requests(call: Call) -> Json:
    """List approval requests, at most 200 a page."""
    found = call.store.documents(ACCOUNT, "approvalRequests")
    found = filters.apply(found, filters.parse(call.param("filter")), FILTERS)
    return page(call, found, lambda request: request_view(call, request), maximum=200)


def get_request(call: Call, request_id: str) -> Json:
    """Return one approval request."""
    return request_view(call, _find(call, request_id))


def create_request(call: Call) -> Json:
    """Open an approval request. Instructions that do not fit are refused; no deduplication."""
    needed = ("resourceId", "description", "instructions")
    body = fields.pick(call.fields, POST, required=needed)
    instructions = instructions_of(body)
    subject = Subject.parse(body["resourceId"])
    if not subject.is_known(call.store):
        raise bad_request(f"unknown resource {body['resourceId']}")
    dry_run(call, subject, instructions)
    request = {
        "_id": call.store.object_id(),
        "_version": 1,
        "creationDate": call.store.clock(),
        "serviceKind": "launchdarkly",
        "requestorId": call.actor.member_id,
        "tokenId": call.actor.token_id,
        "description": body["description"],
        "comment": body.get("comment"),
        "reviewStatus": "pending",
        "allReviews": [],
        "notifyMemberIds": body.get("notifyMemberIds", []),
        "notifyTeamKeys": body.get("notifyTeamKeys", []),
        "status": "pending",
        "instructions": instructions,
        "resourceId": body["resourceId"],
    }
    _store(call, request, "createApprovalRequest", "requested approval of changes to")
    return request_view(call, request)


def review_request(call: Call, request_id: str) -> Json:
    """Approve, decline or comment. Nobody reviews an own request unless the settings say so."""
    request = _find(call, request_id)
    body = fields.pick(
        call.fields, {"kind": fields.text, "comment": fields.text}, required=("kind",)
    )
    if body["kind"] not in ("approve", "decline", "comment"):
        raise bad_request("kind must be approve, decline or comment")
    if request["status"] != "pending":
        raise conflict(f"the approval request is {request['status']}")
    settings = _settings(call, request)
    own = request["requestorId"] is not None and request["requestorId"] == call.actor.member_id
    if own and body["kind"] == "approve" and not settings["canReviewOwnRequest"]:
        raise Refusal(405, "method_not_allowed", "you cannot approve your own request")
    review = {
        "_id": call.store.object_id(),
        "kind": body["kind"],
        "creationDate": call.store.clock(),
        "comment": body.get("comment", ""),
    }
    if call.actor.member_id is None:
        review["serviceTokenId"] = call.actor.token_id
    else:
        review["memberId"] = call.actor.member_id
    reviewed = {**request, "allReviews": [*request["allReviews"], review]}
    reviewed["reviewStatus"] = _review_status(reviewed["allReviews"], settings)
    reviewed["_version"] += 1
    _store(call, reviewed, "reviewApprovalRequest", "reviewed changes to")
    if reviewed["reviewStatus"] == "approved" and settings["autoApplyApprovedChanges"]:
        return _apply(call, reviewed, "")
    return request_view(call, reviewed)


def apply_request(call: Call, request_id: str) -> Json:
    """Apply an approved request; 400 if it is not approved, not pending or does not fit."""
    request = _find(call, request_id)
    if request["status"] != "pending":
        raise bad_request(f"the approval request is {request['status']}")
    if request["reviewStatus"] != "approved":
        raise bad_request(f"the approval request is {request['reviewStatus']}, not approved")
    comment = call.body.get("comment") if call.raw and isinstance(call.body, dict) else ""
    return _apply(call, request, comment)


def _apply(call: Call, request: Json, comment: Json) -> Json:
    subject = Subject.parse(request["resourceId"])
    if not subject.is_known(call.store):
        raise bad_request(f"{request['resourceId']} is gone")
    resource = call.store.get(subject.ref)
    comment = comment or request.get("comment") or request["description"]
    if subject.kind == "segment":
        patch = SegmentPatch(resource, call.store.uuid)
        patch.apply(request["instructions"])
        segments.store_change(call, subject.project, subject.environment, patch.segment, comment)
    elif targeting.change_targeting(
        call.store, subject.project, subject.key, subject.environment, request["instructions"]
    ):
        targeting.record_change(call, subject.project, resource, subject.environment, comment)
    done = {
        **request,
        "_version": request["_version"] + 1,
        "status": "completed",
        "appliedDate": call.store.clock(),
        "appliedByMemberId": call.actor.member_id,
        "appliedByServiceTokenId": None if call.actor.member_id else call.actor.token_id,
    }
    _store(call, done, "applyApprovalRequest", "applied approved changes to")
    return request_view(call, done)


def patch_request(call: Call, request_id: str) -> Json:
    """Add reviewers or change the description by semantic patch (beta)."""
    request = dict(_find(call, request_id))
    for instruction in instructions_of(call.fields):
        kind = instruction["kind"]
        if kind == "addReviewers":
            reviewers = {"notifyMemberIds": fields.texts, "notifyTeamKeys": fields.texts}
            for name, added in fields.pick(instruction, reviewers).items():
                request[name] = list(dict.fromkeys([*request[name], *added]))
        elif kind == "updateDescription":
            value = fields.pick(instruction, {"value": fields.text}, required=("value",))
            request["description"] = value["value"]
        else:
            raise bad_request(f"unknown instruction kind {kind!r}")
    request["_version"] += 1
    _store(call, request, "updateApprovalRequest", "updated the approval request for")
    return request_view(call, request)


def delete_request(call: Call, request_id: str) -> Json:
    """Withdraw an approval request."""
    request = _find(call, request_id)
    call.store.delete(Ref(ACCOUNT, "approvalRequests", request_id))
    resource = request["resourceId"]
    verb = "deleted the approval request for"
    audit.record(call, resource, resource, Act("deleteApprovalRequest", verb))
    return None


def _review_status(reviews: list[Json], settings: Mapping[str, Json]) -> str:
    latest: dict[Json, str] = {}
    for review in reviews:
        if review["kind"] != "comment":
            latest[review.get("memberId") or review.get("serviceTokenId")] = review["kind"]
    kinds = list(latest.values())
    approved = kinds.count("approve") >= settings["minNumApprovals"]
    if "decline" in kinds and not (approved and settings["canApplyDeclinedChanges"]):
        return "declined"
    return "approved" if approved else "pending"


def _settings(call: Call, request: Mapping[str, Json]) -> Mapping[str, Json]:
    subject = Subject.parse(request["resourceId"])
    environment = call.environment(subject.project, subject.environment)
    settings: Mapping[str, Json] = environment["resourceApprovalSettings"][subject.kind]
    return settings


def _store(call: Call, request: Json, action: str, verb: str) -> None:
    call.store.put(Ref(ACCOUNT, "approvalRequests", request["_id"]), request)
    resource = request["resourceId"]
    audit.record(call, resource, resource, Act(action, verb, request["description"]))


def _find(call: Call, request_id: str) -> Json:
    return call.find(Ref(ACCOUNT, "approvalRequests", request_id), f"approval request {request_id}")


def _is_kind(request: Json, kind: str) -> bool:
    return Subject.parse(request["resourceId"]).kind == KINDS.get(kind.lower(), kind)


FILTERS: Mapping[str, filters.Test] = {
    "notifyMemberIds": lambda request, member: member in request["notifyMemberIds"],
    "requestorId": lambda request, member: request["requestorId"] == member,
    "resourceId": lambda request, resource: request["resourceId"] == resource,
    "resourceKind": _is_kind,
    "projectKey": lambda request, key: Subject.parse(request["resourceId"]).project == key,
    "reviewStatus": lambda request, status: request["reviewStatus"] == status,
    "status": lambda request, status: request["status"] == status,
}
REQUESTS = "/approval-requests"
FLAG = "/projects/{project}/flags/{flag}/environments/{environment}"
ROUTES = (
    Route("GET", REQUESTS, list_requests),
    Route("POST", REQUESTS, create_request, status=201),
    Route("GET", REQUESTS + "/{request}", get_request),
    Route("PATCH", REQUESTS + "/{request}", patch_request, beta=True),
    Route("DELETE", REQUESTS + "/{request}", delete_request, status=204),
    Route("POST", REQUESTS + "/{request}/reviews", review_request),
    Route("POST", REQUESTS + "/{request}/apply", apply_request),
    Route("GET", FLAG + "/approval-requests"),
    Route("POST", FLAG + "/approval-requests"),
)

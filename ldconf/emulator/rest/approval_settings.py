"""Approval settings per environment and resource kind, in beta (reference 16.2, Q28)."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator import audit, fields
from ldconf.emulator.audit import Act
from ldconf.emulator.database import Ref
from ldconf.emulator.first import RESOURCE_KINDS, new_approval_settings
from ldconf.emulator.http import Call, Route, bad_request, not_found
from ldconf.emulator.rest.environments import check_approval_settings

SETTINGS: Mapping[str, fields.Check] = {
    "required": fields.flag,
    "bypassApprovalsForPendingChanges": fields.flag,
    "minNumApprovals": fields.integer,
    "canReviewOwnRequest": fields.flag,
    "canApplyDeclinedChanges": fields.flag,
    "autoApplyApprovedChanges": fields.flag,
    "serviceKind": fields.text,
    "serviceConfig": fields.mapping,
    "serviceKindConfigurationId": fields.text,
    "requiredApprovalTags": fields.texts,
}
PATCH: Mapping[str, fields.Check] = {
    "environmentKey": fields.text,
    "resourceKind": fields.text,
    **SETTINGS,
}
KINDS = ("flag", *RESOURCE_KINDS)


def get_settings(call: Call, project: str) -> Json:
    """Return settings by resource kind and environment; `expand` adds `default` and `strict`."""
    call.project(project)
    kind, environment = call.param("resourceKind"), call.param("environmentKey")
    if kind is not None and kind.lower() not in KINDS:
        raise bad_request(f"unknown resource kind {kind}")
    if environment is not None:
        call.environment(project, environment)
    wanted = KINDS if kind is None else (kind.lower(),)
    return {name: _by_environment(call, project, name, environment) for name in wanted}


def _by_environment(call: Call, project: str, kind: str, only: str | None) -> dict[str, Json]:
    environments = {
        found["key"]: _of(found, kind)
        for found in call.store.documents(project, "environments")
        if only in (None, found["key"])
    }
    shown: dict[str, Json] = {"environments": environments}
    expand = call.names("expand")
    if "default" in expand:
        shown["_default"] = new_approval_settings()
    if "strict" in expand:
        shown["_strict"] = {**new_approval_settings(), "required": True, "minNumApprovals": 2}
    return shown


def patch_settings(call: Call, project: str) -> Json:
    """Change the settings of one kind in one environment; answer all settings of the kind.

    `required: true` drops required tags and the other way round, if only one is sent (Q29).
    """
    call.project(project)
    body = fields.pick(call.fields, PATCH, required=("environmentKey", "resourceKind"))
    key, kind = body["environmentKey"], body["resourceKind"].lower()
    if kind not in KINDS:
        raise bad_request(f"unknown resource kind {kind}")
    environment = call.store.get(Ref(project, "environments", key))
    if environment is None:
        raise not_found(f"environment {key}")
    changes = {name: body[name] for name in SETTINGS if name in body}
    check_approval_settings(changes)
    if changes.get("required"):
        changes.setdefault("requiredApprovalTags", [])
    if changes.get("requiredApprovalTags"):
        changes.setdefault("required", False)
    settings = {**_of(environment, kind), **changes}
    if kind == "flag":
        changed = {**environment, "approvalSettings": settings}
    else:
        by_kind = {**environment["resourceApprovalSettings"], kind: settings}
        changed = {**environment, "resourceApprovalSettings": by_kind}
    call.store.put(Ref(project, "environments", key), changed)
    resource = f"proj/{project}:env/{key}"
    audit.record(
        call, resource, key, Act("updateApprovalSettings", f"updated {kind} approval settings of")
    )
    return {kind: _by_environment(call, project, kind, None)}


def _of(environment: Mapping[str, Json], kind: str) -> Json:
    if kind == "flag":
        return environment["approvalSettings"]
    return environment["resourceApprovalSettings"][kind]


SETTINGS_PATH = "/approval-requests/projects/{project}/settings"
ROUTES = (
    Route("GET", SETTINGS_PATH, get_settings, beta=True),
    Route("PATCH", SETTINGS_PATH, patch_settings, beta=True),
)

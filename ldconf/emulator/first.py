"""First contents of projects, environments and context kinds, as documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ldconf.core.resource import Json

RESOURCE_KINDS = ("aiconfig", "segment")  # of `resourceApprovalSettings`, beside flags


class Source(Protocol):
    """Where ids and the time come from."""

    def object_id(self) -> str:
        """Return a fresh id."""

    def uuid(self) -> str:
        """Return a fresh UUID."""

    def clock(self) -> int:
        """Return the time as epoch milliseconds."""


def new_project(source: Source, key: str, fields: Mapping[str, Json]) -> dict[str, Json]:
    """Return the document of a project (reference 2.1)."""
    return {
        "_id": source.object_id(),
        "key": key,
        "name": fields.get("name") or key,
        "tags": sorted(set(fields.get("tags") or ())),
        "includeInSnippetByDefault": fields.get("includeInSnippetByDefault") or False,
        "defaultClientSideAvailability": fields.get("defaultClientSideAvailability")
        or {"usingMobileKey": True, "usingEnvironmentId": False},
        "createdOn": source.clock(),
    }


def new_environment(source: Source, fields: Mapping[str, Json]) -> dict[str, Json]:
    """Return the document of an environment, with keys for SDKs (reference 2.2)."""
    key = fields["key"]
    return {
        "_id": source.object_id(),
        "key": key,
        "name": fields.get("name") or key.replace("-", " ").title(),
        "apiKey": f"sdk-{source.uuid()}",
        "mobileKey": f"mob-{source.uuid()}",
        "color": fields.get("color") or "7B42BC",
        "defaultTtl": fields.get("defaultTtl") or 0,
        "secureMode": fields.get("secureMode") or False,
        "defaultTrackEvents": fields.get("defaultTrackEvents") or False,
        "requireComments": fields.get("requireComments") or False,
        "confirmChanges": fields.get("confirmChanges") or False,
        "tags": sorted(set(fields.get("tags") or ())),
        "critical": fields.get("critical") or False,
        "approvalSettings": new_approval_settings(),
        "resourceApprovalSettings": {kind: new_approval_settings() for kind in RESOURCE_KINDS},
        "createdOn": source.clock(),
    }


def new_approval_settings() -> dict[str, Json]:
    """Return settings that require no approval (reference 2.2)."""
    return {
        "required": False,
        "bypassApprovalsForPendingChanges": False,
        "minNumApprovals": 1,
        "canReviewOwnRequest": False,
        "canApplyDeclinedChanges": True,
        "autoApplyApprovedChanges": False,
        "serviceKind": "launchdarkly",
        "serviceConfig": {},
        "requiredApprovalTags": [],
    }


def new_context_kind(source: Source, key: str, name: str) -> dict[str, Json]:
    """Return the document of a context kind (reference 2.3)."""
    now = source.clock()
    return {
        "key": key,
        "name": name,
        "description": "",
        "version": 1,
        "creationDate": now,
        "lastModified": now,
        "createdFrom": "default" if key == "user" else "manual",
        "hideInTargeting": False,
        "archived": False,
    }

"""What an approval request is about, and how it is shown (reference 16.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ldconf.core.resource import Json
from ldconf.emulator.database import Ref
from ldconf.emulator.http import Call, Refusal, bad_request, not_implemented
from ldconf.emulator.paging import link
from ldconf.emulator.patches.segment_patch import SegmentPatch
from ldconf.emulator.rest import segments, targeting
from ldconf.emulator.rest.environments import environment_view
from ldconf.emulator.rest.projects import project_view
from ldconf.emulator.store import ACCOUNT, Store

KINDS = {"aiconfig": "aiconfig", "ai-config": "aiconfig", "segment": "segment"}
FAMILIES = {"aiconfig": "aiConfigs", "segment": "segments"}


class Subject(NamedTuple):
    """What an approval request is about."""

    project: str
    environment: str
    kind: str
    key: str

    @property
    def ref(self) -> Ref:
        """The place of the resource's document."""
        parent = self.environment if self.kind == "segment" else ""
        return Ref(self.project, FAMILIES[self.kind], self.key, parent)

    def is_known(self, store: Store) -> bool:
        """True if both the resource and the environment exist."""
        environment = store.get(Ref(self.project, "environments", self.environment))
        return environment is not None and store.get(self.ref) is not None

    @classmethod
    def parse(cls, resource: str) -> Subject:
        """Read `proj/P:env/E:aiconfig/K` [INF, U21] or `...:segment/K`; 400 otherwise."""
        parts = [part.partition("/") for part in resource.split(":")]
        if [part[0] for part in parts[:2]] != ["proj", "env"] or len(parts) != 3:
            raise bad_request(f"invalid resourceId {resource!r}")
        name = parts[2][0].lower()
        if name == "flag":
            raise not_implemented("approval requests for feature flags")
        if name not in KINDS:
            raise bad_request(f"invalid resourceId {resource!r}")
        return cls(parts[0][2], parts[1][2], KINDS[name], parts[2][2])


def request_view(call: Call, request: Mapping[str, Json]) -> dict[str, Json]:
    """Return an approval request; `conflicts` say which instructions do not fit any more."""
    hidden = ("tokenId",)
    shown = {n: v for n, v in request.items() if n not in hidden and v is not None}
    shown["_links"] = {"self": link("approval-requests", request["_id"])}
    shown["conflicts"] = _conflicts(call, request) if request["status"] == "pending" else []
    subject = Subject.parse(request["resourceId"])
    project = call.store.get(Ref(ACCOUNT, "projects", subject.project))
    environment = call.store.get(Ref(subject.project, "environments", subject.environment))
    resource = call.store.get(subject.ref)
    expand = call.names("expand")
    if environment is not None:
        shown["approvalSettings"] = environment["resourceApprovalSettings"][subject.kind]
    if "project" in expand and project is not None:
        shown["project"] = project_view(project)
    if "environments" in expand and environment is not None:
        shown["environments"] = [environment_view(call, subject.project, environment)]
    if "resource" in expand and resource is not None:
        shown["resource"] = _resource_view(subject, resource)
    return shown


def _resource_view(subject: Subject, resource: Mapping[str, Json]) -> dict[str, Json]:
    if subject.kind == "segment":
        view = segments.segment_view(subject.project, subject.environment, resource)
        return {"kind": "segment", "segment": view}
    return {"kind": "aiConfig", "aiConfig": {"key": resource["key"], "name": resource["name"]}}


def dry_run(call: Call, subject: Subject, instructions: Sequence[Json]) -> None:
    """400 if the instructions do not fit the present state."""
    if subject.kind == "segment":
        patch = SegmentPatch(call.store.get(subject.ref), call.store.uuid)
        patch.apply(instructions)
    else:
        targeting.patched(
            call.store, subject.project, subject.key, subject.environment, instructions
        )


def _conflicts(call: Call, request: Mapping[str, Json]) -> list[Json]:
    subject = Subject.parse(request["resourceId"])
    if not subject.is_known(call.store):
        return [{"instruction": one, "reason": "gone"} for one in request["instructions"]]
    try:
        dry_run(call, subject, request["instructions"])
    except Refusal as refusal:
        return [{"instruction": one, "reason": refusal.message} for one in request["instructions"]]
    return []

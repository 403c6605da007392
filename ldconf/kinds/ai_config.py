"""AI Configs: the thing an application asks for. Source: reference sections 3 and 8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, assert_never

from pydantic import Field, model_validator

from ldconf.core.address import Address
from ldconf.core.address import ai_config as ai_config_address
from ldconf.core.change import Archive, Change, Create, Delete, Restore, Transition, Update
from ldconf.core.kind import Facts, Kind, Reader, Reference, Request
from ldconf.core.resource import Bool, Json, Observed, Resource, Str
from ldconf.kinds.wire import (
    check_maintainer,
    dismissal,
    get_or_none,
    given,
    maintainer,
    object_patch,
    q,
    sorted_set,
    tags,
    text,
    unsupported,
)

JUDGE_PREFIX = "$ld:ai:judge:"
PAGE = {"limit": "50"}
CLEARED: Mapping[str, Json] = {
    "description": "",
    "evaluationMetricKey": "",
    "isInverted": False,
    "tags": [],
}


class AIConfig(Resource):
    """An AI Config. Its variations and targeting have addresses of their own."""

    immutable: ClassVar[frozenset[str]] = frozenset({"mode"})

    name: Str = Field(default="", min_length=1, description="Display name; the key if absent")
    description: Str | None = Field(default=None, description="What it is for")
    mode: Literal["completion", "agent", "judge"] = Field(
        default="completion",
        description="completion: messages; agent: instructions; judge: scores answers of others",
    )
    tags: list[Str] | None = Field(default=None, description="Tags, a set")
    maintainer_id: Str | None = Field(default=None, description="Member id")
    maintainer_team_key: Str | None = Field(default=None, description="Team key")
    evaluation_metric_key: Str | None = Field(
        default=None, description="Judges: event key of the metric, without `$ld:ai:judge:`"
    )
    is_inverted: Bool | None = Field(default=None, description="Judges: true if lower is better")

    @model_validator(mode="after")
    def _fits_together(self) -> AIConfig:
        check_maintainer(self.maintainer_id, self.maintainer_team_key)
        if self.is_inverted and not self.evaluation_metric_key:
            raise ValueError("`isInverted: true` needs `evaluationMetricKey`")
        return self

    @classmethod
    def canonical(cls, name: str, value: Json) -> Json:
        """Tags are a set; never set equals false; the metric's prefix is optional (reference 8)."""
        if name == "tags":
            return sorted_set(value)
        if name == "isInverted":
            return value or None
        if name == "evaluationMetricKey" and isinstance(value, str):
            return value.removeprefix(JUDGE_PREFIX) or None
        return super().canonical(name, value)

    @classmethod
    def from_api(cls, payload: Mapping[str, Json]) -> AIConfig:
        """Project an AIConfig (reference 3.4); `mode` may be missing on old ones."""
        member, team = maintainer(payload)
        return cls.model_construct(
            name=payload.get("name") or "",
            description=text(payload.get("description")),
            mode=payload.get("mode") or "completion",
            tags=tags(payload),
            maintainer_id=member,
            maintainer_team_key=team,
            evaluation_metric_key=payload.get("evaluationMetricKey") or None,
            is_inverted=bool(payload.get("isInverted")),
        )


def observed(payload: Mapping[str, Json]) -> Observed:
    """Return a live AI Config. `meta`: `raw`, and `unsupported` if no file could hold it."""
    resource = AIConfig.from_api(payload)
    meta: dict[str, Json] = {"raw": payload}
    if problem := unsupported(resource):
        meta["unsupported"] = problem
    return Observed(resource, version=payload.get("version"), meta=meta)


def collection(project: str) -> str:
    """Return the path of the list of AI Configs."""
    return f"/projects/{q(project)}/ai-configs"


def path(project: str, key: str) -> str:
    """Return the path of one AI Config."""
    return f"{collection(project)}/{q(key)}"


def targeting_path(project: str, key: str) -> str:
    """Return the path of the targeting of one AI Config, in all environments."""
    return f"{path(project, key)}/targeting"


async def payloads(reader: Reader) -> Sequence[Mapping[str, Json]]:
    """Return every AI Config of the project; one list for this kind, variations and targeting."""
    return await reader.list(collection(reader.project), params=PAGE)


async def fetch(reader: Reader) -> Sequence[tuple[Address, Observed]]:
    """Read every AI Config of the project."""
    return [(ai_config_address(found["key"]), observed(found)) for found in await payloads(reader)]


async def read(reader: Reader, address: Address) -> Observed | None:
    """Read one AI Config afresh."""
    payload = await get_or_none(reader, path(reader.project, address.key))
    return None if payload is None else observed(payload)


def requests(change: Change, facts: Facts) -> Sequence[Request]:
    """POST without a variation (reference 3.2), PATCH changed fields, DELETE with variations."""
    address = change.address
    one = path(facts.project, address.key)
    match change:
        case Create(after=after):
            managed = {"name": address.key, **after.managed(), "key": address.key}
            body = _spelt(given(managed))
            create = Request("POST", collection(facts.project), body, creates=True, address=address)
            dismissed = dismissal(after.managed())
            patch_maintainer = Request("PATCH", one, dismissed, address=address)
            return (create, patch_maintainer) if dismissed else (create,)
        case Update(fields=fields):
            patch = _spelt(object_patch(fields, CLEARED))
            return (Request("PATCH", one, patch, address=address),) if patch else ()
        case Delete():
            return (Request("DELETE", one, address=address),)
        case Archive() | Restore() | Transition():
            raise TypeError(f"AI Configs have no {type(change).__name__}")
        case _:
            assert_never(change)


def references(address: Address, resource: Resource) -> Sequence[Reference]:
    """An AI Config names no other managed object: `evaluationMetricKey` is an event key."""
    return ()


def _spelt(body: dict[str, Json]) -> dict[str, Json]:
    """Return the body with the metric's event key in full, as judges' events carry it."""
    metric = body.get("evaluationMetricKey")
    return {**body, "evaluationMetricKey": JUDGE_PREFIX + metric} if metric else body


EXAMPLE = """\
aiConfigs:
  pet-store-agent:
    name: Pet Store Agent
    description: Answers questions about products and orders
    mode: agent
    tags: [pet-store]
"""

AI_CONFIG = Kind(
    name="aiConfigs",
    label="AI Config",
    model=AIConfig,
    fetch=fetch,
    read=read,
    requests=requests,
    references=references,
    parallel=False,  # creates count against the limit of flag creation (reference Q1)
    example=EXAMPLE,
)

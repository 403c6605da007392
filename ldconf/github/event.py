"""What happened on GitHub: the event's payload -> `Event`.

Source: GitHub's "Webhook events and payloads" and "Events that trigger workflows".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ldconf.core.errors import LdconfError, SettingsError, UsageError
from ldconf.core.resource import Json

DEPENDABOT = "dependabot[bot]"


class Trigger(StrEnum):
    """The events that a delivery knows."""

    PULL_REQUEST = "pull_request"
    MERGE_QUEUE = "merge_group"
    PUSH = "push"
    MANUAL = "workflow_dispatch"
    SCHEDULE = "schedule"


@dataclass(frozen=True)
class PullRequest:
    """A pull request as its event tells it. `outside`: its runs get no secrets and cannot write
    (a fork, or Dependabot)."""

    number: int
    head_sha: str
    base_branch: str
    outside: bool = False
    closed: bool = False


@dataclass(frozen=True)
class Event:
    """Why this run was started. `base_sha` is what a merge queue builds on."""

    trigger: Trigger
    pull_request: PullRequest | None = None
    base_sha: str | None = None
    default_branch: str | None = None


def read(env: Mapping[str, str]) -> Event:
    """Return the event of this run. Raises an LdconfError if it is none that may be delivered."""
    path = env.get("GITHUB_EVENT_PATH")
    if not path:
        raise SettingsError("GITHUB_EVENT_PATH is not set", "this command runs in GitHub Actions")
    try:
        payload = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise LdconfError(f"the event of this run cannot be read: {err}") from err
    return of(env.get("GITHUB_EVENT_NAME", ""), payload)


def of(name: str, payload: Mapping[str, Json]) -> Event:
    """Return the event with this name and payload."""
    if name == "pull_request_target":
        raise UsageError(
            "ldconf does not run on pull_request_target",
            "there a fork's files would meet the repository's secrets; use pull_request",
        )
    try:
        trigger = Trigger(name)
    except ValueError:
        known = ", ".join(one.value for one in Trigger)
        raise UsageError(f"no delivery for the event {name!r}", f"ldconf knows {known}") from None
    try:
        branch = (payload.get("repository") or {}).get("default_branch")
        if trigger is Trigger.PULL_REQUEST:
            return Event(trigger, _pull_request(payload), default_branch=branch)
        if trigger is Trigger.MERGE_QUEUE:
            base = str(payload["merge_group"]["base_sha"])
            return Event(trigger, base_sha=base, default_branch=branch)
    except (KeyError, TypeError) as err:
        raise LdconfError(f"the payload of {name} is not whole: {err}") from err
    return Event(trigger, default_branch=branch)


def _pull_request(payload: Mapping[str, Json]) -> PullRequest:
    found = payload["pull_request"]
    head = found["head"]["repo"]  # None if the fork is gone
    own = head is not None and head["id"] == found["base"]["repo"]["id"]
    return PullRequest(
        number=int(found["number"]),
        head_sha=str(found["head"]["sha"]),
        base_branch=str(found["base"]["ref"]),
        outside=not own or found["user"]["login"] == DEPENDABOT,
        closed=found["state"] == "closed",
    )

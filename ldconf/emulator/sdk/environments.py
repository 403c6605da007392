"""Which environment an SDK key belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from ldconf.emulator.store import ACCOUNT, Store


@dataclass(frozen=True)
class Environment:
    """An environment as SDKs meet it. `id` is new when the local state was begun anew, so nothing
    that an SDK remembers of an older state fits by chance."""

    project: str
    key: str
    id: str


def environment_of(store: Store, authorization: str | None) -> Environment | None:
    """Return the environment whose SDK key the header holds, None if there is none (401).

    The header holds the bare key; some SDKs put `api_key ` before it (protocol notes 1.2).
    """
    sdk_key = (authorization or "").strip().removeprefix("api_key ").strip()
    with store.lock:
        for project in store.documents(ACCOUNT, "projects"):
            for found in store.documents(project["key"], "environments"):
                if sdk_key and found["apiKey"] == sdk_key:
                    return Environment(project["key"], found["key"], found["_id"])
    return None


def exists(store: Store, environment: Environment) -> bool:
    """True while the environment has not been deleted."""
    found = store.documents(environment.project, "environments")
    return any(one["_id"] == environment.id for one in found)


def sdk_keys(store: Store, project: str) -> dict[str, str]:
    """Return environment key -> SDK key."""
    return {found["key"]: found["apiKey"] for found in store.documents(project, "environments")}

"""The audit log: who did what, when and why (reference 17)."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

from ldconf.core.resource import Json
from ldconf.emulator.access import ACCOUNT_ID
from ldconf.emulator.http import Call
from ldconf.emulator.paging import link


@dataclass(frozen=True)
class Act:
    """What was done: the action's name, a verb as in "created the AI Config", and why."""

    action: str
    verb: str
    comment: Json = ""


def record(call: Call, resource: str, name: str, act: Act) -> None:
    """Write one entry, in the transaction of the request.

    `resource` is a specifier such as `proj/p:env/e:aiconfig/k` [INF for AI Configs].
    """
    entry_id = call.store.object_id()
    kind, _, key = resource.rpartition(":")[2].partition("/")
    title = f"{act.verb} {name}"
    entry = {
        "_id": entry_id,
        "_accountId": ACCOUNT_ID,
        "_links": {"self": link("auditlog", entry_id)},
        "date": call.store.clock(),
        "kind": kind,
        "name": name,
        "description": "",
        "shortDescription": title,
        "comment": act.comment if isinstance(act.comment, str) else "",
        "accesses": [{"action": act.action, "resource": resource}],
        "titleVerb": act.verb,
        "title": title,
        "target": {"_links": {}, "name": name, "resources": [resource]},
        **call.actor.audit_fields(),
    }
    if kind == "aiconfig":
        entry["relatedAIConfig"] = {"key": key}
    call.store.append_audit(entry)


def matches_spec(resource: str, spec: str) -> bool:
    """True if a resource specifier lies in what `spec` names (globs; a part that `spec` leaves out
    matches anything, so `proj/p:aiconfig/k` finds its targeting changes in all environments)."""
    parts = dict(_parts(resource))
    wanted = [part.split(";")[0] for part in spec.split(":") if part]
    for part in wanted:
        kind, _, glob = part.partition("/")
        if kind not in parts or not fnmatch.fnmatchcase(parts[kind], glob or "*"):
            return False
    return True


def _parts(resource: str) -> list[tuple[str, str]]:
    return [(part.partition("/")[0], part.partition("/")[2]) for part in resource.split(":")]


def matches_text(entry: Json, query: str) -> bool:
    """True if the words are in the entry's name, title or comment."""
    shown = f"{entry['name']} {entry['title']} {entry['comment']}".lower()
    return query.lower() in shown

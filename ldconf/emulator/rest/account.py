"""The account: audit log, tags, the one member, the one team, the caller (reference 17)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ldconf.core.resource import Json
from ldconf.emulator import audit
from ldconf.emulator.access import ACCOUNT_ID, MEMBER, MEMBER_ID, TEAM_KEY
from ldconf.emulator.http import Call, Route, bad_request, not_found
from ldconf.emulator.paging import link, page
from ldconf.emulator.store import ACCOUNT

AUDIT_MAXIMUM = 20
FOUNDED_MS = 1_700_000_000_000
TAGGED = {  # kind of the tags endpoint -> family of documents
    "project": "projects",
    "environment": "environments",
    "aiconfig": "aiConfigs",
    "segment": "segments",
    "metric": "metrics",
}


def list_audit_log(call: Call) -> Json:
    """List audit log entries, newest first: `before`, `after`, `q`, `spec`, `member`, `token`."""
    limit = call.integer("limit", 10, low=1)
    if limit > AUDIT_MAXIMUM:
        raise bad_request(f"limit must be between 1 and {AUDIT_MAXIMUM}")
    after = call.integer("after", -1, low=-1)
    before = call.integer("before", 2**62)
    entries = list(islice(_audit_entries(call, after, before), limit))
    links = {"self": link("auditlog")}
    if len(entries) == limit:
        href = f"{links['self']['href']}?limit={limit}&before={entries[-1]['date']}"
        links["next"] = {"href": href, "type": "application/json"}
    return {"items": entries, "_links": links}


def _audit_entries(call: Call, after: int, before: int) -> Iterator[Json]:
    query, spec = call.param("q"), call.param("spec")
    members, tokens = call.query.get("member", ()), call.query.get("token", ())
    for entry in call.store.audit(after, before):
        resource = entry["accesses"][0]["resource"]
        if query and not audit.matches_text(entry, query):
            continue
        if spec and not audit.matches_spec(resource, spec):
            continue
        if members and (entry.get("member") or {}).get("_id") not in members:
            continue
        if tokens and entry["token"]["_id"] not in tokens:
            continue
        yield entry


def get_audit_entry(call: Call, entry_id: str) -> Json:
    """Return one audit log entry."""
    for entry in call.store.audit():
        if entry["_id"] == entry_id:
            return entry
    raise not_found(f"audit log entry {entry_id}")


def list_tags(call: Call) -> Json:
    """List the tags in use, sorted: `kind` (repeatable), `pre`."""
    kinds = call.query.get("kind", ()) or tuple(TAGGED)
    prefix = call.param("pre") or ""
    projects = [project["key"] for project in call.store.documents(ACCOUNT, "projects")]
    tags: set[str] = set()
    for kind in kinds:
        if kind == "project":
            for project in call.store.documents(ACCOUNT, "projects"):
                tags.update(project["tags"])
        elif kind in TAGGED:
            for project in projects:
                for _, document in call.store.children(project, TAGGED[kind]):
                    tags.update(document["tags"])
    found = sorted(tag for tag in tags if tag.startswith(prefix))
    return page(call, found, lambda tag: tag, maximum=1000)


def member_view() -> dict[str, Json]:
    """Return the one member of the account."""
    return {
        **MEMBER,
        "_links": {"self": link("members", MEMBER_ID)},
        "_pendingInvite": False,
        "_verified": True,
        "customRoles": [],
        "mfa": "disabled",
        "_lastSeen": FOUNDED_MS,
        "creationDate": FOUNDED_MS,
    }


def list_members(call: Call) -> Json:
    """List members: one."""
    return page(call, [member_view()], lambda member: member)


def get_me(call: Call) -> Json:
    """Return the calling member; a service token has none: 404."""
    if call.actor.member_id is None:
        raise not_found("member: the access token is a service token")
    return member_view()


def get_member(_call: Call, member: str) -> Json:
    """Return the one member."""
    if member != MEMBER_ID:
        raise not_found(f"member {member}")
    return member_view()


def team_view() -> dict[str, Json]:
    """Return the one team of the account."""
    return {
        "key": TEAM_KEY,
        "name": "Local Team",
        "description": "",
        "_links": {"self": link("teams", TEAM_KEY)},
        "_creationDate": FOUNDED_MS,
        "_lastModified": FOUNDED_MS,
        "_version": 1,
        "members": {"totalCount": 1},
    }


def list_teams(call: Call) -> Json:
    """List teams: one."""
    return page(call, [team_view()], lambda team: team)


def get_team(_call: Call, team: str) -> Json:
    """Return the one team."""
    if team != TEAM_KEY:
        raise not_found(f"team {team}")
    return team_view()


def get_caller(call: Call) -> Json:
    """Return what is known of the caller's token."""
    caller: dict[str, Json] = {
        "accountId": ACCOUNT_ID,
        "authKind": "token",
        "tokenKind": "service" if call.actor.token.service else "personal",
        "tokenName": call.actor.token.name,
        "tokenId": call.actor.token_id,
        "serviceToken": call.actor.token.service,
    }
    if call.actor.member_id is not None:
        caller["memberId"] = call.actor.member_id
    return caller


ROUTES = (
    Route("GET", "/auditlog", list_audit_log),
    Route("GET", "/auditlog/{entry}", get_audit_entry),
    Route("POST", "/auditlog"),
    Route("POST", "/auditlog/counts"),
    Route("GET", "/tags", list_tags),
    Route("GET", "/members", list_members),
    Route("GET", "/members/me", get_me),
    Route("GET", "/members/{member}", get_member),
    Route("POST", "/members"),
    Route("PATCH", "/members"),
    Route("PATCH", "/members/{member}"),
    Route("DELETE", "/members/{member}"),
    Route("GET", "/teams", list_teams),
    Route("GET", "/teams/{team}", get_team),
    Route("POST", "/teams"),
    Route("PATCH", "/teams"),
    Route("PATCH", "/teams/{team}"),
    Route("DELETE", "/teams/{team}"),
    Route("GET", "/caller-identity", get_caller),
)

"""Who calls: access tokens, the one member and the one team of the local account."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ldconf.core.resource import Json

READ_ONLY_TOKEN = "api-read-only"  # always answers 403 to writes
SERVICE_TOKEN = "api-service"  # a token without a member
ACCOUNT_ID = "5f1e0000000000000000acc0"
MEMBER_ID = "5f1e0000000000000000ab01"
TEAM_KEY = "local-team"
MEMBER: Mapping[str, Json] = {
    "_id": MEMBER_ID,
    "email": "owner@local.example",
    "firstName": "Local",
    "lastName": "Owner",
    "role": "owner",
}


@dataclass(frozen=True)
class Token:
    """An access token that the local LaunchDarkly knows."""

    value: str
    name: str = "local token"
    service: bool = False
    read_only: bool = False


@dataclass(frozen=True)
class Actor:
    """The caller of a request: a token, and the member behind it unless it is a service token."""

    token: Token

    @property
    def member_id(self) -> str | None:
        """The id of the calling member, None for a service token."""
        return None if self.token.service else MEMBER_ID

    @property
    def token_id(self) -> str:
        """An id that does not reveal the token."""
        return hashlib.sha256(self.token.value.encode()).hexdigest()[:24]

    def audit_fields(self) -> dict[str, Json]:
        """Return `member` or `token` of an audit log entry."""
        token = {
            "_links": {},
            "_id": self.token_id,
            "name": self.token.name,
            "ending": self.token.value[-4:] if len(self.token.value) > 8 else "",
            "serviceToken": self.token.service,
        }
        if self.token.service:
            return {"token": token}
        member = {name: MEMBER[name] for name in ("_id", "email", "firstName", "lastName")}
        return {"token": token, "member": {"_links": {}, **member}}


class Tokens:
    """The tokens that are let in. Without any, every token that could be one is."""

    def __init__(self, known: Sequence[Token] = ()) -> None:
        self._known = {token.value: token for token in known}

    def actor(self, authorization: str | None) -> Actor | None:
        """Return who a request comes from, None for 401.

        The header holds the bare token; SDK and mobile keys are no access tokens (reference 1.1).
        """
        value = (authorization or "").strip()
        if not value or " " in value or value.startswith(("sdk-", "mob-")):
            return None
        if self._known:
            known = self._known.get(value)
            return Actor(known) if known else None
        read_only = value.startswith(READ_ONLY_TOKEN)
        service = value.startswith(SERVICE_TOKEN)
        return Actor(Token(value, service=service, read_only=read_only))


def maintainer_view(member: str | None, team: str | None) -> Json | None:
    """Return `_maintainer` as the AI family shows it: a member or a team (reference 3.4).

    Any id is accepted, so that files written for a real account work here: an unknown member is
    shown with an invented address.
    """
    if team:
        return {"key": team, "name": "Local Team" if team == TEAM_KEY else team}
    if member:
        return member_summary(member)
    return None


def member_summary(member: str) -> dict[str, Json]:
    """Return the summary of a member."""
    if member == MEMBER_ID:
        return dict(MEMBER)
    return {"_id": member, "email": f"{member}@local.example", "role": "writer"}

"""From an answer to its payload, or to an error that says what happened, where and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ldconf.api.retry import Answer, Lost, Result
from ldconf.core.errors import (
    ApiError,
    ApprovalRequired,
    Conflict,
    Forbidden,
    NotFound,
    RateLimited,
    Unauthorized,
    Unreachable,
)
from ldconf.core.kind import Request
from ldconf.core.resource import Json

_APPROVAL = re.compile(r"approvals?\s+(is|are)\s+required|requires?\s+(an\s+)?approval", re.I)

_CLASSES: Mapping[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}

_HINTS: Mapping[int, str] = {
    400: "LaunchDarkly does not accept this value; nothing was changed by this request",
    401: (
        "LAUNCHDARKLY_ACCESS_TOKEN must hold an API access token (LaunchDarkly: Settings > "
        "Authorization > Access tokens); SDK keys, mobile keys and client-side ids are not "
        "accepted, and EU or federal accounts need their own host (LAUNCHDARKLY_API_HOST)"
    ),
    403: (
        "the token's role does not allow this: `plan` needs to read the project (Reader), `apply` "
        "to write it (Writer, or a custom role with the actions on these resources)"
    ),
    404: "it does not exist, or the token's role may not see it",
    405: "LaunchDarkly does not know this way to change it",
    409: "somebody changed it at the same time, or the key is taken; run `ldconf plan` again",
    422: "LaunchDarkly does not understand this change in the object's present state",
    429: "the account's rate limit stayed exhausted; try again in a minute",
    501: "this server does not implement the call",
}


def payload_of(request: Request, result: Result) -> Json:
    """Return the JSON of a success (None if empty), else raise the ApiError that fits."""
    where = f"{request.method} {request.path.partition('?')[0]}"
    if isinstance(result, Lost):
        raise _unreachable(request, f"no answer to {where}: {result.reason}")
    if result.status < 300 and result.is_json:
        return result.payload
    if result.status < 300:
        kind = result.headers.get("content-type", "no content type").partition(";")[0]
        raise _unreachable(request, f"the answer to {where} is not JSON ({kind})")
    if result.status < 400:
        raise _unreachable(request, f"{where} was redirected ({result.status}), not followed")
    raise _refused(request, result, where)


def is_uncertain(error: ApiError) -> bool:
    """True if the request may have been carried out although it ended in this error."""
    return isinstance(error, Unreachable) or (
        error.status is not None and error.status >= 500 and error.status != 501
    )


def _unreachable(request: Request, summary: str) -> Unreachable:
    return Unreachable(
        summary,
        method=request.method,
        path=request.path,
        hint="check LAUNCHDARKLY_API_HOST, the network, and any proxy in between",
    )


def _refused(request: Request, answer: Answer, where: str) -> ApiError:
    payload = answer.payload if isinstance(answer.payload, Mapping) else {}
    message = answer.message + _reasons(payload)
    about = f" ({request.address})" if request.address else ""
    summary = f"LaunchDarkly answered {answer.status} to {where}{about}"
    cls = _CLASSES.get(answer.status, ApiError)
    hint = _HINTS.get(answer.status)
    if answer.status in (403, 405) and _APPROVAL.search(message):
        cls = ApprovalRequired
        hint = "this environment requires an approval; plan again so that apply opens a request"
    return cls(
        f"{summary}: {message}" if message else summary,
        method=request.method,
        path=request.path,
        status=answer.status,
        code=str(payload.get("code") or ""),
        message=message,
        hint=hint,
    )


def _reasons(payload: Mapping[str, Json]) -> str:
    """Return the per-attribute reasons of a validation failure (reference 1.4) as a suffix."""
    reasons = payload.get("errors")
    if not isinstance(reasons, list):
        return ""
    words = [
        f"{found.get('attribute', '?')}: {found.get('reason', '?')}"
        for found in reasons
        if isinstance(found, Mapping)
    ]
    return f" [{'; '.join(words)}]" if words else ""

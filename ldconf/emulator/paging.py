"""Pages and links of list answers (reference 1.6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from ldconf.core.resource import Json
from ldconf.emulator.http import API, Call

DEFAULT_LIMIT = 20


def link(*segments: str, site: bool = False) -> dict[str, str]:
    """Return `{href, type}` of a path below `/api/v2` (or of the user interface)."""
    path = "/".join(quote(segment, safe="") for segment in segments)
    return (
        {"href": f"/{path}", "type": "text/html"}
        if site
        else {
            "href": f"{API}/{path}",
            "type": "application/json",
        }
    )


def page(
    call: Call,
    documents: Sequence[Json],
    view: Callable[[Json], Json],
    *,
    maximum: int = 100,
    count_key: str = "totalCount",
) -> dict[str, Json]:
    """Return one page of `documents`; only those on it are passed through `view`.

    A limit above `maximum` is lowered without a word: clients must count what they got.
    """
    limit = min(call.integer("limit", DEFAULT_LIMIT, low=1), maximum)
    offset = call.integer("offset", 0)
    total = len(documents)
    last = max(0, (total - 1) // limit * limit)
    links = {"self": _page_link(call, limit, offset)}
    if offset > 0 or total > limit:
        links["first"] = _page_link(call, limit, 0)
        links["last"] = _page_link(call, limit, last)
    if offset > 0:
        links["prev"] = _page_link(call, limit, max(0, offset - limit))
    if offset + limit < total:
        links["next"] = _page_link(call, limit, offset + limit)
    items = [view(document) for document in documents[offset : offset + limit]]
    return {"items": items, count_key: total, "_links": links}


def _page_link(call: Call, limit: int, offset: int) -> dict[str, str]:
    kept = [
        f"{quote(name)}={quote(value)}"
        for name, values in call.query.items()
        if name not in ("limit", "offset")
        for value in values
    ]
    query = "&".join([*kept, f"limit={limit}", f"offset={offset}"])
    return {"href": f"{API}/{call.path}?{query}", "type": "application/json"}

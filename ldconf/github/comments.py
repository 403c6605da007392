"""The sticky comment: one per pull request and workspace, found by a hidden first line."""

from __future__ import annotations

from ldconf.github.client import GitHub

BOT = "github-actions[bot]"


async def put(
    github: GitHub, number: int, body: str, *, author: str = BOT, create: bool = True
) -> str | None:
    """Create or edit the comment whose first line is that of `body`.

    Returns `created`, `edited`, `unchanged`, or None if there was none and `create` is false. Only
    a comment by `author` counts: anybody can write the hidden line. What it said is never used.
    """
    marker = body.split("\n", 1)[0]
    for comment in await github.pages(f"/issues/{number}/comments"):
        written = str(comment.get("body") or "").replace("\r\n", "\n")
        user = comment.get("user") or {}
        if user.get("login") != author or written.split("\n", 1)[0] != marker:
            continue
        if written.strip() == body.strip():
            return "unchanged"
        await github.send("PATCH", f"/issues/comments/{comment['id']}", {"body": body})
        return "edited"
    if not create:
        return None
    await github.send("POST", f"/issues/{number}/comments", {"body": body})
    return "created"

"""The sticky issue: one per subject, found by a label and a hidden first line."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ldconf.core.resource import Json
from ldconf.github.client import GitHub
from ldconf.github.comments import BOT

LABEL = "ldconf"


@dataclass(frozen=True)
class Report:
    """What an issue says; the first line of `body` is its hidden marker."""

    title: str
    body: str

    @property
    def marker(self) -> str:
        """The hidden line by which the issue is found again."""
        return self.body.split("\n", 1)[0]


async def put(github: GitHub, report: Report, *, author: str = BOT) -> int:
    """Open the issue of a report, or edit the open one. Returns its number.

    Only an issue by `author` counts: anybody can write the hidden line.
    """
    words = {"title": report.title, "body": report.body}
    for issue in await _ours(github, author):
        if _marker(issue) == report.marker:
            if (issue.get("title"), _text(issue).strip()) != (report.title, report.body.strip()):
                await github.send("PATCH", f"/issues/{issue['number']}", words)
            return int(issue["number"])
    opened = await github.send("POST", "/issues", {**words, "labels": [LABEL]})
    return int(opened["number"])


async def close_others(
    github: GitHub, prefix: str, kept: Collection[str], *, author: str = BOT
) -> tuple[int, ...]:
    """Close the open issues whose marker starts with `prefix`, but not those `kept`.

    Returns their numbers.
    """
    closed = []
    for issue in await _ours(github, author):
        marker = _marker(issue)
        if marker.startswith(prefix) and marker not in kept:
            body = {"state": "closed", "state_reason": "completed"}
            await github.send("PATCH", f"/issues/{issue['number']}", body)
            closed.append(int(issue["number"]))
    return tuple(closed)


async def _ours(github: GitHub, author: str) -> list[dict[str, Json]]:
    """Return the open issues that this program wrote; pull requests are issues too, to GitHub."""
    found = await github.pages("/issues", {"state": "open", "labels": LABEL})
    return [
        dict(issue)
        for issue in found
        if "pull_request" not in issue and (issue.get("user") or {}).get("login") == author
    ]


def _marker(issue: dict[str, Json]) -> str:
    return _text(issue).split("\n", 1)[0]


def _text(issue: dict[str, Json]) -> str:
    return str(issue.get("body") or "").replace("\r\n", "\n")

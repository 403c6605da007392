"""Pull requests: which were merged with a commit, and the one that a bot keeps open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ldconf.github.client import GitHub
from ldconf.github.event import DEPENDABOT


@dataclass(frozen=True)
class Merged:
    """A merged pull request. `outside`: from a fork or Dependabot, so it has no reviewed plan."""

    number: int
    head_sha: str
    outside: bool


@dataclass(frozen=True)
class Proposal:
    """What a bot's pull request says."""

    branch: str
    base: str
    title: str
    body: str


async def merged_with(github: GitHub, commits: Sequence[str]) -> tuple[Merged, ...]:
    """Return the pull requests that brought these commits, each once."""
    found: dict[int, Merged] = {}
    for commit in commits:
        for pull in await github.pages(f"/commits/{commit}/pulls"):
            if pull.get("merged_at") is None:
                continue
            head, base = pull["head"]["repo"], pull["base"]["repo"]
            login = (pull.get("user") or {}).get("login")
            outside = head is None or head["id"] != base["id"] or login == DEPENDABOT
            number = int(pull["number"])
            found.setdefault(number, Merged(number, str(pull["head"]["sha"]), outside))
    return tuple(found[number] for number in sorted(found))


async def open_number(github: GitHub, branch: str) -> int | None:
    """Return the number of the open pull request of a branch of this repository."""
    owner = github.repository.partition("/")[0]
    found = await github.pages("/pulls", {"head": f"{owner}:{branch}", "state": "open"})
    return int(found[0]["number"]) if found else None


async def propose(github: GitHub, wanted: Proposal) -> int:
    """Open the pull request of a branch, or update the open one. Returns its number."""
    words = {"title": wanted.title, "body": wanted.body}
    number = await open_number(github, wanted.branch)
    if number is not None:
        await github.send("PATCH", f"/pulls/{number}", words)
        return number
    opened = await github.send(
        "POST", "/pulls", {**words, "head": wanted.branch, "base": wanted.base}
    )
    return int(opened["number"])


async def close(github: GitHub, branch: str) -> int | None:
    """Close the open pull request of a branch. Returns its number, None if there is none."""
    number = await open_number(github, branch)
    if number is not None:
        await github.send("PATCH", f"/pulls/{number}", {"state": "closed"})
    return number

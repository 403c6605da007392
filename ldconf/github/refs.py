"""Refs and commits, written through the API: no git credentials lie about in the job."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from ldconf.core.errors import LdconfError
from ldconf.github.client import GitHub
from ldconf.github.errors import GitHubError, Missing


async def target(github: GitHub, ref: str) -> str | None:
    """Return the commit that a ref (`refs/...`) names on GitHub, None if there is no such ref."""
    try:
        found = await github.get(f"/git/ref/{_path(ref)}")
    except Missing:
        return None
    return str(found["object"]["sha"])


async def forward(github: GitHub, ref: str, commit: str) -> bool:
    """Move a ref forward to a commit, or create it. Returns false if it is there already.

    Raises LdconfError if it is ahead or elsewhere: another run was faster.
    """
    now = await target(github, ref)
    if now == commit:
        return False
    if now is None:
        await github.send("POST", "/git/refs", {"ref": ref, "sha": commit})
        return True
    try:
        await github.send("PATCH", f"/git/refs/{_path(ref)}", {"sha": commit, "force": False})
    except GitHubError as error:
        if error.status != 422:
            raise
        raise LdconfError(
            f"{ref} is at {now[:12]} on GitHub, which does not lead to {commit[:12]}",
            "another run applied meanwhile; look at it before this one is run again",
        ) from error
    return True


async def commit_files(
    github: GitHub, branch: str, parent: str, files: Mapping[str, str], message: str
) -> bool:
    """Let a branch be `parent` with these files (path -> text) in one commit.

    Returns false if the branch says that already. The branch belongs to this program: it is moved
    by force.
    """
    base = await github.get(f"/git/commits/{parent}")
    entries = [
        {"path": path, "mode": "100644", "type": "blob", "content": text}
        for path, text in sorted(files.items())
    ]
    tree = await github.send(
        "POST", "/git/trees", {"base_tree": base["tree"]["sha"], "tree": entries}
    )
    ref = f"refs/heads/{branch}"
    now = await target(github, ref)
    if now is not None:
        there = await github.get(f"/git/commits/{now}")
        if there["tree"]["sha"] == tree["sha"] and [p["sha"] for p in there["parents"]] == [parent]:
            return False
    made = await github.send(
        "POST", "/git/commits", {"message": message, "tree": tree["sha"], "parents": [parent]}
    )
    if now is None:
        await github.send("POST", "/git/refs", {"ref": ref, "sha": made["sha"]})
    else:
        await github.send("PATCH", f"/git/refs/{_path(ref)}", {"sha": made["sha"], "force": True})
    return True


def _path(ref: str) -> str:
    return quote(ref.removeprefix("refs/"), safe="/")

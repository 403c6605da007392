"""Reviewed plans: artifacts of the runs that planned a pull request, found by its head commit."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.github.client import GitHub
from ldconf.github.errors import GitHubError

PLAN_FILE = "plan.json"
MAX_BYTES = 64 * 2**20


async def reviewed_plan(github: GitHub, name: str, head_sha: str) -> str | None:
    """Return the newest plan file of that name for a head commit, None if there is none (also if it
    was made offline: then the artifact holds no plan file).

    Only a run of a pull request's event on a branch of this very repository counts: a fork's run
    could leave an artifact of the same name.
    """
    found = await github.pages("/actions/artifacts", {"name": name}, "artifacts")
    for artifact in sorted(found, key=lambda one: int(one["id"]), reverse=True):
        if not _is_own(artifact, head_sha) or artifact.get("name") != name:
            continue
        run = await github.get(f"/actions/runs/{artifact['workflow_run']['id']}")
        if run["event"] != "pull_request" or run["head_sha"] != head_sha:
            continue
        content = await github.download(f"/actions/artifacts/{artifact['id']}/zip")
        return _plan_in(content, artifact.get("digest"))
    return None


def _is_own(artifact: Mapping[str, Json], head_sha: str) -> bool:
    run = artifact.get("workflow_run") or {}
    own = run.get("repository_id") is not None and (
        run.get("repository_id") == run.get("head_repository_id")
    )
    return own and run.get("head_sha") == head_sha and not artifact.get("expired")


def _plan_in(content: bytes, digest: Json) -> str | None:
    if digest and digest != f"sha256:{hashlib.sha256(content).hexdigest()}":
        raise GitHubError("the artifact of the reviewed plan is not what was uploaded")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if PLAN_FILE not in archive.namelist():
                return None
            with archive.open(PLAN_FILE) as opened:
                text = opened.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise GitHubError("the reviewed plan is too large")
        return text.decode("utf-8")
    except (zipfile.BadZipFile, RuntimeError, UnicodeDecodeError) as err:
        raise GitHubError("the artifact of the reviewed plan cannot be read") from err

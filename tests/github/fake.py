"""The few endpoints of GitHub's REST API that a delivery uses, in front of a real bare repository.

Shapes and status codes are as GitHub documents them, shortened to what is read. Refs, commits
and trees are git's own, so a ref that moves here is a ref that `git fetch` brings.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

TOKEN = "ghs_0123456789abcdefghij"
BOT = {"login": "github-actions[bot]", "type": "Bot"}
REPOSITORY_ID, FORK_ID = 1001, 2002


def zipped(files: dict[str, str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return written.getvalue()


@dataclass
class FakeGitHub:
    """State of one repository. `failures` answer instead, first come first served: (status,
    headers, payload)."""

    bare: Path | None = None
    repository: str = "acme/prompts"
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    content: dict[int, bytes] = field(default_factory=dict)
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    pulls_of: dict[str, list[int]] = field(default_factory=dict)
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    failures: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    can_write: bool = True
    _last_id: int = 100

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def comment(self, number: int, body: str, user: dict[str, str] = BOT) -> dict[str, Any]:
        made = {"id": self.next_id(), "body": body, "user": user}
        self.comments.setdefault(number, []).append(made)
        return made

    def upload(
        self, name: str, files: dict[str, str], head_sha: str, **named: Any
    ) -> dict[str, Any]:
        """Keep an artifact of a run, as `actions/upload-artifact` does."""
        run = self.next_id()
        self.runs[run] = {
            "id": run,
            "event": named.get("event", "pull_request"),
            "head_sha": head_sha,
        }
        content = zipped(files)
        made = {
            "id": self.next_id(),
            "name": name,
            "expired": named.get("expired", False),
            "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
            "workflow_run": {
                "id": run,
                "repository_id": REPOSITORY_ID,
                "head_repository_id": named.get("head_repository_id", REPOSITORY_ID),
                "head_sha": head_sha,
            },
        }
        self.content[made["id"]] = content
        self.artifacts.append(made)
        return made

    def git(self, *words: str, stdin: str | None = None, **env: str) -> str:
        assert self.bare is not None
        identity = {f"GIT_{who}_{what}": "bot@example.org" for who in ("AUTHOR", "COMMITTER")
                    for what in ("NAME", "EMAIL")}  # fmt: skip
        done = subprocess.run(
            ["git", "-C", str(self.bare), *words],
            input=stdin,
            env={**os.environ, **identity, **env},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def has_ref(self, ref: str) -> bool:
        try:
            self.git("show-ref", "--verify", "--quiet", ref)
        except subprocess.CalledProcessError:
            return False
        return True

    # -- endpoints

    async def list_comments(self, request: Request) -> Response:
        return self._page(request, self.comments.get(int(request.path_params["number"]), []))

    async def post_comment(self, request: Request) -> Response:
        body = (await request.json())["body"]
        return self._text_too_long(body) or JSONResponse(
            self.comment(int(request.path_params["number"]), body), 201
        )

    async def patch_comment(self, request: Request) -> Response:
        body = (await request.json())["body"]
        for comment in (one for found in self.comments.values() for one in found):
            if comment["id"] == int(request.path_params["id"]):
                comment["body"] = body
                return self._text_too_long(body) or JSONResponse(comment)
        return _missing()

    async def list_artifacts(self, request: Request) -> Response:
        name = request.query_params.get("name")
        found = [one for one in reversed(self.artifacts) if name in (None, one["name"])]
        return self._page(request, found, "artifacts")

    async def get_run(self, request: Request) -> Response:
        found = self.runs.get(int(request.path_params["id"]))
        return JSONResponse(found) if found else _missing()

    async def download(self, request: Request) -> Response:
        blob = f"http://localhost:{request.url.port}/blob/{request.path_params['id']}?sig=secret"
        return RedirectResponse(blob, 302)

    async def blob(self, request: Request) -> Response:
        if "authorization" in request.headers:  # as Azure does
            return Response("InvalidAuthenticationInfo", 401)
        return Response(self.content[int(request.path_params["id"])])

    async def pulls_of_commit(self, request: Request) -> Response:
        numbers = self.pulls_of.get(request.path_params["sha"], [])
        return self._page(request, [self.pulls[number] for number in numbers])

    async def list_pulls(self, request: Request) -> Response:
        owner, _, branch = request.query_params["head"].partition(":")
        found = [
            pull
            for pull in self.pulls.values()
            if pull["state"] == request.query_params["state"]
            and (owner, branch) == (self.repository.split("/")[0], pull["head"]["ref"])
        ]
        return self._page(request, found)

    async def post_pull(self, request: Request) -> Response:
        body = await request.json()
        number = self.next_id()
        sha = self.git("rev-parse", f"refs/heads/{body['head']}")
        self.pulls[number] = pull(number, sha, branch=body["head"]) | {
            "title": body["title"],
            "body": body["body"],
        }
        return JSONResponse(self.pulls[number], 201)

    async def patch_pull(self, request: Request) -> Response:
        found = self.pulls[int(request.path_params["number"])]
        found |= await request.json()
        return JSONResponse(found)

    async def list_issues(self, request: Request) -> Response:
        """Newest first; to GitHub, pull requests are issues too."""
        label, state = request.query_params["labels"], request.query_params["state"]
        found = [
            issue
            for issue in reversed(self.issues.values())
            if issue["state"] == state and label in [one["name"] for one in issue["labels"]]
        ]
        return self._page(request, found)

    async def post_issue(self, request: Request) -> Response:
        body = await request.json()
        if refused := self._text_too_long(body["body"]):
            return refused
        return JSONResponse(self.issue(body["title"], body["body"], body["labels"]), 201)

    async def patch_issue(self, request: Request) -> Response:
        found = self.issues[int(request.path_params["number"])]
        found |= await request.json()
        return self._text_too_long(found["body"]) or JSONResponse(found)

    def issue(
        self, title: str, body: str, labels: list[str], user: dict[str, str] = BOT, **more: Any
    ) -> dict[str, Any]:
        number = self.next_id()
        self.issues[number] = {
            "number": number,
            "title": title,
            "body": body,
            "state": "open",
            "user": user,
            "labels": [{"name": label} for label in labels],
            **more,
        }
        return self.issues[number]

    async def get_ref(self, request: Request) -> Response:
        ref = f"refs/{request.path_params['ref']}"
        if not self.has_ref(ref):
            return _missing()
        return JSONResponse({"ref": ref, "object": {"sha": self.git("rev-parse", ref)}})

    async def post_ref(self, request: Request) -> Response:
        body = await request.json()
        if not body["ref"].startswith("refs/") or body["ref"].count("/") < 2:
            return JSONResponse({"message": "Reference name must start with refs/"}, 422)
        if self.has_ref(body["ref"]):
            return JSONResponse({"message": "Reference already exists"}, 422)
        self.git("update-ref", body["ref"], body["sha"])
        return JSONResponse({"ref": body["ref"], "object": {"sha": body["sha"]}}, 201)

    async def patch_ref(self, request: Request) -> Response:
        ref, body = f"refs/{request.path_params['ref']}", await request.json()
        if not self.has_ref(ref):
            return JSONResponse({"message": "Reference does not exist"}, 422)
        if not body["force"] and not self._leads(ref, body["sha"]):
            return JSONResponse({"message": "Update is not a fast forward"}, 422)
        self.git("update-ref", ref, body["sha"])
        return JSONResponse({"ref": ref, "object": {"sha": body["sha"]}})

    async def get_commit(self, request: Request) -> Response:
        sha = request.path_params["sha"]
        tree, _, parents = self.git("show", "-s", "--format=%T%n%P", sha).partition("\n")
        return JSONResponse(
            {"sha": sha, "tree": {"sha": tree}, "parents": [{"sha": p} for p in parents.split()]}
        )

    async def post_tree(self, request: Request) -> Response:
        body = await request.json()
        assert self.bare is not None
        index = {"GIT_INDEX_FILE": str(self.bare / f"index{self.next_id()}")}
        self.git("read-tree", body["base_tree"], **index)
        for entry in body["tree"]:
            blob = self.git("hash-object", "-w", "--stdin", stdin=entry["content"])
            cache = f"{entry['mode']},{blob},{entry['path']}"
            self.git("update-index", "--add", "--cacheinfo", cache, **index)
        return JSONResponse({"sha": self.git("write-tree", **index)}, 201)

    async def post_commit(self, request: Request) -> Response:
        body = await request.json()
        parents = [word for parent in body["parents"] for word in ("-p", parent)]
        sha = self.git("commit-tree", body["tree"], *parents, "-m", body["message"])
        return JSONResponse({"sha": sha}, 201)

    # -- what every answer has

    def app(self) -> Starlette:
        at = "/repos/acme/prompts"
        routes = [
            (f"{at}/issues/{{number:int}}/comments", self.list_comments, "GET"),
            (f"{at}/issues/{{number:int}}/comments", self.post_comment, "POST"),
            (f"{at}/issues/comments/{{id:int}}", self.patch_comment, "PATCH"),
            (f"{at}/issues", self.list_issues, "GET"),
            (f"{at}/issues", self.post_issue, "POST"),
            (f"{at}/issues/{{number:int}}", self.patch_issue, "PATCH"),
            (f"{at}/actions/artifacts", self.list_artifacts, "GET"),
            (f"{at}/actions/artifacts/{{id:int}}/zip", self.download, "GET"),
            (f"{at}/actions/runs/{{id:int}}", self.get_run, "GET"),
            (f"{at}/commits/{{sha}}/pulls", self.pulls_of_commit, "GET"),
            (f"{at}/pulls", self.list_pulls, "GET"),
            (f"{at}/pulls", self.post_pull, "POST"),
            (f"{at}/pulls/{{number:int}}", self.patch_pull, "PATCH"),
            (f"{at}/git/ref/{{ref:path}}", self.get_ref, "GET"),
            (f"{at}/git/refs", self.post_ref, "POST"),
            (f"{at}/git/refs/{{ref:path}}", self.patch_ref, "PATCH"),
            (f"{at}/git/commits/{{sha}}", self.get_commit, "GET"),
            (f"{at}/git/trees", self.post_tree, "POST"),
            (f"{at}/git/commits", self.post_commit, "POST"),
            ("/blob/{id:int}", self.blob, "GET"),
        ]
        return Starlette(
            routes=[Route(path, answer, methods=[method]) for path, answer, method in routes],
            middleware=[Middleware(Gate, github=self)],
        )

    def _page(self, request: Request, items: list[Any], member: str | None = None) -> Response:
        size, page = int(request.query_params["per_page"]), int(request.query_params["page"])
        shown = items[(page - 1) * size : page * size]
        headers = {}
        if page * size < len(items):
            query = urlencode({**request.query_params, "page": page + 1})
            headers["Link"] = f'<{request.url.replace(query=query)}>; rel="next"'
        whole = {"total_count": len(items), member: shown} if member else shown
        return JSONResponse(whole, headers=headers)

    def _text_too_long(self, body: str) -> Response | None:
        if len(body) <= 65_536:
            return None
        return JSONResponse({"message": "Validation Failed"}, 422)

    def _leads(self, ref: str, sha: str) -> bool:
        try:
            self.git("merge-base", "--is-ancestor", ref, sha)
        except subprocess.CalledProcessError:
            return False
        return True


class Gate:
    """Checks the token, logs, and fails on demand."""

    def __init__(self, app: Any, github: FakeGitHub) -> None:
        self.app, self.github = app, github

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        answer = self._refusal(Request(scope)) if scope["type"] == "http" else None
        await (answer or self.app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        github = self.github
        github.log.append(f"{request.method} {request.url.path}")
        if request.url.path.startswith("/blob/"):
            return None
        if github.failures:
            status, headers, payload = github.failures.pop(0)
            return JSONResponse(payload, status, headers)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"message": "Bad credentials"}, 401)
        if request.method != "GET" and not github.can_write:
            return JSONResponse({"message": "Resource not accessible by integration"}, 403)
        return None


def _missing() -> Response:
    return JSONResponse({"message": "Not Found"}, 404)


def pull(number: int, sha: str, *, branch: str = "topic", fork: bool = False) -> dict[str, Any]:
    """Return a pull request as the REST API and events show it, shortened."""
    head_id = FORK_ID if fork else REPOSITORY_ID
    return {
        "number": number,
        "state": "open",
        "merged_at": None,
        "user": {"login": "jane"},
        "head": {"ref": branch, "sha": sha, "repo": {"id": head_id, "fork": fork}},
        "base": {"ref": "main", "sha": "0" * 40, "repo": {"id": REPOSITORY_ID}},
    }


def event(action: str, found: dict[str, Any]) -> str:
    """Return the payload of a `pull_request` event."""
    repository = {"id": REPOSITORY_ID, "full_name": "acme/prompts", "default_branch": "main"}
    payload = {"action": action, "number": found["number"], "pull_request": found}
    return json.dumps(payload | {"repository": repository})

"""What may keep ldconf from working: the installation, the files, git, the account."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from ldconf import __version__
from ldconf.api.client import Client
from ldconf.core.errors import ApiError, Forbidden, LdconfError, NotFound, Unauthorized
from ldconf.core.resource import Json
from ldconf.core.workspace import WorkspaceSettings
from ldconf.documents.yaml import LIBYAML
from ldconf.render.checkup import Finding, Level
from ldconf.render.diagnostics import counts
from ldconf.settings import SDK_KEY_VARIABLE
from ldconf.workflow.base import find_base
from ldconf.workflow.site import Site, check

_EXTRAS = {
    "dev": "uvicorn",
    "agent": "ldai",
    "langgraph": "langgraph",
    "strands": "strands",
    "stats": "scipy",
    "aws": "boto3",
    "mcp": "mcp",
}


def installation() -> Iterator[Finding]:
    """Yield versions, the YAML parser and the extras."""
    versions = f"ldconf {__version__}, Python {platform.python_version()}"
    yield Finding(Level.OK, "versions", versions)
    if LIBYAML:
        yield Finding(Level.OK, "YAML parser", "libyaml")
    else:
        words = "pure Python, about 20 times slower"
        yield Finding(Level.WARN, "YAML parser", words, "install a PyYAML wheel with libyaml")
    here = [name for name, module in _EXTRAS.items() if find_spec(module) is not None]
    missing = [name for name in _EXTRAS if name not in here]
    hint = f"pip install 'ldconf[{missing[0]}]' adds one" if missing else None
    words = f"{', '.join(here) or 'none'}; not installed: {', '.join(missing) or 'none'}"
    yield Finding(Level.OK, "extras", words, hint)


def files(root: Path) -> Iterator[Finding]:
    """Yield whether the workspace loads."""
    checked = check(root)
    if checked.has_errors:
        yield Finding(Level.FAIL, "files", counts(checked.diagnostics), "run `ldconf validate`")
    else:
        words = f"{checked.objects} objects, {counts(checked.diagnostics)}"
        yield Finding(Level.OK, "files", words)


def history(root: Path) -> Iterator[Finding]:
    """Yield whether there is a git base to compare with."""
    workspace = check(root).workspace
    if workspace is None:
        return
    try:
        base = find_base(root, workspace, None, os.environ)
    except LdconfError as error:
        yield Finding(Level.FAIL, "git base", error.summary, error.hint)
        return
    if base.name is not None:
        yield Finding(Level.OK, "git base", base.name)
        return
    words = "no git repository" if base.repository is None else "none yet"
    hint = "without a base ldconf cannot tell who moved; the GitHub action keeps one, or use --base"
    yield Finding(Level.WARN, "git base", words, hint)


def sdk_key(env: Mapping[str, str]) -> Finding:
    """Return whether the reference agent has a key; it is never shown."""
    if env.get(SDK_KEY_VARIABLE):
        return Finding(Level.OK, "SDK key", f"{SDK_KEY_VARIABLE} is set")
    return Finding(
        Level.WARN, "SDK key", f"{SDK_KEY_VARIABLE} is not set", "only the agent and apps need it"
    )


async def account(site: Site) -> list[Finding]:
    """Return what the account answers: token, role, project, environments, rate limit."""
    host = "the local LaunchDarkly" if site.connection.is_local else site.connection.host
    async with site.client() as client:
        try:
            identity = await client.get("/caller-identity")
        except Unauthorized:
            hint = "make one under Account settings > Authorization, not an SDK key"
            return [Finding(Level.FAIL, "token", f"{host} does not accept it", hint)]
        except (NotFound, Forbidden):
            identity = {}
        except ApiError as error:
            return [Finding(Level.FAIL, "host", f"{host}: {error.summary}", error.hint)]
        return [
            Finding(Level.OK, "host", host),
            await _role(client, identity),
            *await _project(client, site.settings),
            _rate(client),
        ]


async def _role(client: Client, identity: Mapping[str, Json]) -> Finding:
    name = identity.get("tokenName") or "valid"
    if identity.get("serviceToken"):
        words = f"{name}, a service token"
        return Finding(Level.OK, "token", words, "its role is not visible; apply shows what it may")
    try:
        member = await client.get("/members/me")
    except ApiError:
        return Finding(Level.WARN, "token", f"{name}, of unknown role")
    role = str(member.get("role") or "custom")
    if role in ("reader", "no_access"):
        hint = "enough for plan and drift; apply needs a writer or a custom role"
        return Finding(Level.WARN, "token", f"{name}, role {role}: read only", hint)
    return Finding(Level.OK, "token", f"{name}, role {role}")


async def _project(client: Client, settings: WorkspaceSettings) -> list[Finding]:
    project = settings.project
    try:
        await client.get(f"/projects/{quote(project, safe='')}")
        found = await client.list(f"/projects/{quote(project, safe='')}/environments")
    except ApiError as error:
        hint = error.hint or "`project:` in ldconf.yaml is the project's key, not its name"
        return [Finding(Level.FAIL, "project", f"{project}: {error.summary}", hint)]
    known = [environment["key"] for environment in found]
    missing = [key for key in settings.environments if key not in known]
    if missing:
        words = f"{', '.join(missing)} not in project {project}"
        hint = f"there are {', '.join(known)}"
        return [
            Finding(Level.OK, "project", project),
            Finding(Level.FAIL, "environments", words, hint),
        ]
    listed = ", ".join(settings.environments)
    return [
        Finding(Level.OK, "project", project),
        Finding(Level.OK, "environments", listed),
    ]


def _rate(client: Client) -> Finding:
    left = client.rate_left
    if not left:
        return Finding(Level.OK, "rate limit", "not told")
    words = ", ".join(
        f"{name} {remaining}" + (f" of {limit}" if limit is not None else "")
        for name, (remaining, limit) in left.items()
    )
    return Finding(Level.OK, "rate limit", f"left in this window: {words}")

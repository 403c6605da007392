"""Where ldconf acts and who it is: flags, then the environment, then `ldconf.yaml`.

Pure functions over a mapping of environment variables; only the secret store is asked over a
network, and only if a variable says so.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import SecretStr

from ldconf.core.errors import SettingsError, UsageError
from ldconf.core.workspace import WorkspaceSettings

SETTINGS_FILE = "ldconf.yaml"
TOKEN_VARIABLE = "LAUNCHDARKLY_ACCESS_TOKEN"
HOST_VARIABLE = "LAUNCHDARKLY_API_HOST"
SDK_KEY_VARIABLE = "LAUNCHDARKLY_SDK_KEY"
AWS_PREFIX = "aws-secretsmanager:"

Env: TypeAlias = Mapping[str, str]
SecretReader: TypeAlias = Callable[[str], str]  # name of a secret -> its text


@dataclass(frozen=True)
class Connection:
    """One LaunchDarkly to talk to. `app` answers in-process instead of a network (`--local`)."""

    host: str
    token: SecretStr
    app: Any = None
    is_local: bool = False  # the local LaunchDarkly of the workspace, by --local

    @property
    def needs_no_history(self) -> bool:
        """True for --local and loopback hosts: their default base is `none` (design section 9)."""
        return self.is_local or is_loopback(self.host)


@dataclass(frozen=True)
class Provenance:
    """Who applies what, for the comments that LaunchDarkly keeps. Every part may be unknown."""

    repository: str | None = None
    commit: str | None = None
    pull_request: str | None = None
    actor: str | None = None

    def comment(self) -> str:
        """Return e.g. `ldconf: acme/prompts 0123456789ab, pull request 12, by jane`."""
        at = " ".join(part for part in (self.repository, (self.commit or "")[:12]) if part)
        request = f"pull request {self.pull_request}" if self.pull_request else ""
        actor = f"by {self.actor}" if self.actor else ""
        return ": ".join(["ldconf", *filter(None, [", ".join(filter(None, [at, request, actor]))])])


def find_workspace(given: Path | None, here: Path) -> Path:
    """Return the workspace folder: the given one, else `here` or a parent, else `./configs`.

    Raises UsageError for a given folder without `ldconf.yaml`, SettingsError if none is found.
    """
    if given is not None:
        if not (given / SETTINGS_FILE).is_file():
            raise UsageError(f"{given} has no {SETTINGS_FILE}", "`ldconf init` writes one")
        return given
    for folder in (here, *here.parents, here / "configs"):
        if (folder / SETTINGS_FILE).is_file():
            return folder
    raise SettingsError(
        f"no workspace: neither {here} nor a folder above it, nor ./configs has {SETTINGS_FILE}",
        "name one with `--workspace DIR`; `ldconf init` and `ldconf import --project KEY` make one",
    )


def has_token(env: Env) -> bool:
    """True if the environment names a token, so that an account can be asked."""
    return bool(env.get(TOKEN_VARIABLE, "").strip())


def connection(
    workspace: WorkspaceSettings, env: Env, read_secret: SecretReader | None = None
) -> Connection:
    """Return the account that the environment and `ldconf.yaml` name. Raises SettingsError."""
    host = api_host(workspace.host, env)
    token = secret(TOKEN_VARIABLE, env, read_secret)
    if token is None:
        raise SettingsError(
            "no access token, so there is no LaunchDarkly to talk to",
            f"set {TOKEN_VARIABLE} for {host}, or give --local for the local LaunchDarkly "
            "(`ldconf --local plan`)",
        )
    return Connection(host, token)


def api_host(written: str, env: Env) -> str:
    """Return the host: that of `ldconf.yaml`, or a loopback address from the environment.

    Raises SettingsError if the two differ, or if the token would travel unencrypted.
    """
    host = normal_host(written)
    named = env.get(HOST_VARIABLE, "").strip()
    if named and normal_host(named) != host:
        host = normal_host(named)
        if not is_loopback(host):
            raise SettingsError(
                f"{HOST_VARIABLE} is {named!r}, but {SETTINGS_FILE} says host: {written}",
                "they must agree; only a loopback address may differ",
            )
    if urlsplit(host).scheme != "https" and not is_loopback(host):
        raise SettingsError(
            f"the host {host} would get the access token unencrypted", "use https://"
        )
    return host


def normal_host(text: str) -> str:
    """Return `scheme://host[:port]`; a bare name is https, a bare loopback address http."""
    bare = text.strip().rstrip("/").removesuffix("/api/v2")
    if "://" not in bare:
        bare = f"{'http' if is_loopback(f'http://{bare}') else 'https'}://{bare}"
    parts = urlsplit(bare)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise SettingsError(f"not a host: {text!r}", "write e.g. https://app.launchdarkly.com")
    if parts.username is not None:
        raise SettingsError("the host must not hold a user name or password")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def is_loopback(host: str) -> bool:
    """True if `scheme://host[:port]` can only be this machine."""
    name = urlsplit(host).hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def secret(name: str, env: Env, read_secret: SecretReader | None = None) -> SecretStr | None:
    """Return the secret in a variable, fetched from AWS if it says `aws-secretsmanager:...`."""
    text = env.get(name, "").strip()
    if not text:
        return None
    if not text.startswith(AWS_PREFIX):
        return SecretStr(text)
    secret_id, _, key = text.removeprefix(AWS_PREFIX).partition("#")
    if not secret_id:
        raise SettingsError(f"{name} names no secret", f"write {AWS_PREFIX}NAME[#json-key]")
    return SecretStr(_member((read_secret or read_aws_secret)(secret_id), key, name).strip())


def read_aws_secret(secret_id: str) -> str:
    """Return the text of a secret in AWS Secrets Manager. Needs the extra `aws`."""
    try:
        import boto3
    except ImportError as err:
        raise SettingsError(
            f"{AWS_PREFIX}{secret_id} needs boto3", "pip install 'ldconf[aws]'"
        ) from err
    try:
        answer = boto3.client("secretsmanager").get_secret_value(SecretId=secret_id)
    except Exception as err:  # boto3 makes its classes of errors at run time
        raise SettingsError(
            f"AWS Secrets Manager does not give out {secret_id!r}: {type(err).__name__}: {err}",
            "check the name, AWS_REGION and the permission secretsmanager:GetSecretValue",
        ) from err
    if "SecretString" not in answer:
        raise SettingsError(f"the AWS secret {secret_id!r} is binary, not text")
    return str(answer["SecretString"])


def _member(text: str, key: str, name: str) -> str:
    """Return the secret itself, or one member of the JSON object in it."""
    if not key:
        return text
    try:
        found = json.loads(text)[key]
    except (ValueError, KeyError, TypeError):
        raise SettingsError(f"{name}: the secret is no JSON object with the key {key!r}") from None
    return str(found)


def provenance(env: Env, head: str | None = None, event: str | None = None) -> Provenance:
    """Return who applies: GitHub's variables and event (JSON text), else the commit of HEAD."""
    if not env.get("GITHUB_SHA"):
        return Provenance(commit=head)
    return Provenance(
        repository=env.get("GITHUB_REPOSITORY"),
        commit=env.get("GITHUB_SHA"),
        pull_request=_pull_request(env.get("GITHUB_REF", ""), event),
        actor=env.get("GITHUB_ACTOR"),
    )


def _pull_request(ref: str, event: str | None) -> str | None:
    """The number: in a pull request from the ref, after a merge from the commit's first line."""
    found = re.fullmatch(r"refs/pull/(\d+)/\w+", ref)
    if found is None and event is not None:
        try:
            message = json.loads(event)["head_commit"]["message"]
        except (ValueError, KeyError, TypeError):
            return None
        subject = str(message).split("\n", 1)[0]
        found = re.search(r"^Merge pull request #(\d+)\b|\(#(\d+)\)$", subject)
    return next(filter(None, found.groups()), None) if found else None


def colour(env: Env, is_terminal: bool) -> bool:
    """True if output may be coloured: a terminal, without NO_COLOR and not a dumb one."""
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return True
    return is_terminal and env.get("TERM") != "dumb"

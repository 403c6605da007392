"""Which repository on which GitHub, and with what token: the variables of a GitHub runner."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from ldconf.core.errors import SettingsError

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Access:
    """One repository, the API that serves it, and the token of the job."""

    api_url: str
    repository: str
    token: SecretStr


def access(env: Mapping[str, str]) -> Access:
    """Return what the runner says. Raises SettingsError outside of GitHub Actions."""
    repository = env.get("GITHUB_REPOSITORY", "")
    token = env.get("GITHUB_TOKEN", "").strip()
    if not _REPOSITORY.fullmatch(repository):
        raise SettingsError(
            "GITHUB_REPOSITORY names no repository", "this command runs in GitHub Actions"
        )
    if not token:
        raise SettingsError("GITHUB_TOKEN is not set", "give the step `env: GITHUB_TOKEN`")
    url = env.get("GITHUB_API_URL", "https://api.github.com").rstrip("/")
    parts = urlsplit(url)
    if not parts.hostname or not (parts.scheme == "https" or _is_loopback(parts.hostname)):
        raise SettingsError(f"GITHUB_API_URL would get the token unencrypted: {url}")
    return Access(url, repository, SecretStr(token))


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False

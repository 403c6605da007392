"""Where the token may be sent, and what a token may look like."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from pydantic import SecretStr

from ldconf.core.errors import SettingsError


def is_loopback(host: str) -> bool:
    """True if the URL's host is this machine."""
    name = urlsplit(host).hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def check_host(host: str, local: bool) -> None:
    """Raise SettingsError unless `host` is a base URL that the token may be sent to."""
    parts = urlsplit(host)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(
            f"not a host: {parts.hostname or host.partition('@')[2] or host!r}",
            "write it as https://app.launchdarkly.com",
        )
    if parts.username or parts.password or parts.path or parts.query or parts.fragment:
        raise SettingsError(
            f"the host must be scheme and name only: {parts.scheme}://{parts.hostname}",
            "leave out user, path and query",
        )
    if parts.scheme == "http" and not local:
        raise SettingsError(
            f"plain http is refused for {parts.hostname}: it would show the access token",
            f"use https://{parts.hostname}",
        )


def check_token(token: SecretStr) -> None:
    """Raise SettingsError for a token that no header can hold, without showing it."""
    secret = token.get_secret_value()
    if not secret or not all("!" <= letter <= "~" for letter in secret):
        raise SettingsError(
            "the access token is empty or holds spaces, line ends or non-ASCII characters",
            "copy it again into LAUNCHDARKLY_ACCESS_TOKEN, without quotes and line ends",
        )

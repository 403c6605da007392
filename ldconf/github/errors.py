"""What GitHub refused."""

from __future__ import annotations

from ldconf.core.errors import LdconfError


class GitHubError(LdconfError):
    """GitHub answered with an error, or not at all. Never holds the token."""

    def __init__(self, summary: str, hint: str | None = None, status: int | None = None) -> None:
        super().__init__(summary, hint)
        self.status = status


class Missing(GitHubError):
    """404: absent, or invisible to the token."""

"""Errors that end a command, and the exit codes of the product.

::

    LdconfError                 exit 1
    ├── UsageError              exit 64   a flag or argument is wrong
    ├── SettingsError           exit 1    ldconf.yaml, environment or token is wrong
    ├── DocumentError           exit 1    carries every collected Diagnostic
    ├── ApiError                exit 1    LaunchDarkly answered with an error
    │   ├── Unauthorized  Forbidden  ApprovalRequired  NotFound  Conflict  RateLimited
    │   └── Unreachable                   no (usable) answer at all
    ├── MissingPackage          exit 1    an extra is not installed
    ├── StalePlanError          exit 3    a change was not in the reviewed plan
    └── RefusedError            exit 3    a guard refused

Bad user input is a `Diagnostic` (many, collected); a broken world is one of these (one, raised);
a broken program is an ordinary exception.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ldconf.core.diagnostic import Diagnostic


class ExitCode(IntEnum):
    """What the process ends with. Detailed codes are only used with `--detailed-exitcode`."""

    DONE = 0
    ERROR = 1
    REFUSED = 3
    APPROVAL_PENDING = 5
    USAGE = 64
    INTERRUPTED = 130


class LdconfError(Exception):
    """A problem of the world; `summary` is lower case without full stop, `hint` says what to do."""

    exit_code: ExitCode = ExitCode.ERROR

    def __init__(self, summary: str, hint: str | None = None) -> None:
        super().__init__(summary)
        self.summary = summary
        self.hint = hint


class UsageError(LdconfError):
    """A flag or argument that cannot be right."""

    exit_code = ExitCode.USAGE


class SettingsError(LdconfError):
    """Missing or contradicting settings: `ldconf.yaml`, environment variables, token, host."""


class DocumentError(LdconfError):
    """The workspace (or what `where` names) does not load; carries every problem found."""

    def __init__(self, diagnostics: Iterable[Diagnostic], where: str = "the workspace") -> None:
        self.diagnostics = tuple(diagnostics)
        count = len(self.diagnostics)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in {where}")


class ApiError(LdconfError):
    """LaunchDarkly refused a request. `message` is the server's own text; never holds the token."""

    def __init__(
        self,
        summary: str,
        *,
        method: str = "",
        path: str = "",
        status: int | None = None,
        code: str = "",
        message: str = "",
        hint: str | None = None,
    ) -> None:
        super().__init__(summary, hint)
        self.method = method
        self.path = path
        self.status = status
        self.code = code
        self.message = message


class Unauthorized(ApiError):
    """401: the token is not valid."""


class Forbidden(ApiError):
    """403 without an approval text: the token lacks a permission."""


class ApprovalRequired(ApiError):
    """403 or 405 whose message says that an approval is required (reference 16.1)."""


class NotFound(ApiError):
    """404: absent, or invisible to the token."""


class Conflict(ApiError):
    """409: duplicate key, or a concurrent write."""


class RateLimited(ApiError):
    """429 that did not end within the retry budget."""


class Unreachable(ApiError):
    """No answer, or one that is not JSON."""


class MissingPackage(LdconfError):
    """A package of one of ldconf's extras is not installed. `needs`: `statistics need`."""

    def __init__(self, needs: str, package: str, extra: str) -> None:
        super().__init__(
            f"{needs} the package {package}, which is not installed",
            hint=f'pip install "ldconf[{extra}]"',
        )


class StalePlanError(LdconfError):
    """Something would be sent that was not reviewed."""

    exit_code = ExitCode.REFUSED


class RefusedError(LdconfError):
    """A guard refused; nothing was written."""

    exit_code = ExitCode.REFUSED

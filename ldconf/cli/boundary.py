"""The one place where errors become words and exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import typer

from ldconf.cli.run import Run
from ldconf.core.errors import ApiError, DocumentError, ExitCode, LdconfError

_UsageError = typer.BadParameter.__mro__[1]  # not exported by typer; never import click
_SECRETS = ("LAUNCHDARKLY_ACCESS_TOKEN", "LAUNCHDARKLY_SDK_KEY")


def guarded(start: Callable[[], Any], run: Run) -> int:
    """Run `start` and return the exit code; every error is told on stderr."""
    try:
        found = start()
    except (KeyboardInterrupt, typer.Abort):
        return _told("interrupted", ExitCode.INTERRUPTED)
    except Exception as error:
        return _explained(_single(error), run)
    except BaseExceptionGroup as error:  # a KeyboardInterrupt inside of a task group
        return _explained(_single(error), run)
    return found if isinstance(found, int) else ExitCode.DONE


def _explained(error: BaseException, run: Run) -> int:
    match error:
        case KeyboardInterrupt():
            return _told("interrupted", ExitCode.INTERRUPTED)
        case DocumentError():
            run.tell(error.diagnostics)
            return _told(f"error: {error.summary}", error.exit_code)
        case LdconfError():
            return _world_error(error, run)
        case _ if isinstance(error, _UsageError):
            error.show()  # type: ignore[attr-defined]  # click's own class has it
            return ExitCode.USAGE
        case _:
            return _internal_error(error, verbose=run.verbose)


def _world_error(error: LdconfError, run: Run) -> int:
    lines = [f"error: {error.summary}"]
    if isinstance(error, ApiError):
        path = f"{run.host}/api/v2{error.path}" if error.path else run.host
        lines.append(" ".join(filter(None, [error.method, path, str(error.status or "")])))
        lines.append(error.message if error.message not in error.summary else "")
    lines.append(error.hint or "")
    if run.verbose:
        lines.append(_trace(error))
    return _told("\n  ".join(filter(None, lines)), error.exit_code)


def _internal_error(error: BaseException, *, verbose: bool) -> int:
    lines = [f"internal error: {type(error).__name__}: {error}"]
    if verbose:
        lines.append(_trace(error))
    lines.append("this is a bug in ldconf: please report it, with the output of --verbose")
    return _told("\n  ".join(lines), ExitCode.ERROR)


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip().replace("\n", "\n  ")


def _single(error: BaseException) -> BaseException:
    """Return the one error inside of task groups, or the group if there are several."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _told(words: str, code: int) -> int:
    """Write to stderr what may be shown: no control characters, no secrets."""
    from ldconf.render.escape import visible

    shown = visible(words)
    for name in _SECRETS:
        secret = os.environ.get(name, "").strip()
        if len(secret) >= 8:
            shown = shown.replace(secret, "***")
    sys.stderr.write(f"{shown}\n")
    return int(code)

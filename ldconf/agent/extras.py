"""Missing packages and keys become errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ldconf.core.errors import MissingPackage, SettingsError


@contextmanager
def needs(what: str, extra: str) -> Iterator[None]:
    """Inside, a missing package raises MissingPackage with the pip line of the extra."""
    try:
        yield
    except ImportError as err:
        raise MissingPackage(f"{what} needs", err.name or str(err), extra) from err


def require_key(provider: str, variable: str, env: Mapping[str, str]) -> str:
    """Return the provider's key from the environment. Raises SettingsError without its value."""
    key = env.get(variable, "").strip()
    if not key:
        raise SettingsError(
            f"no key for {provider}: {variable} is not set",
            f"set {variable}, or use --models simulated",
        )
    return key

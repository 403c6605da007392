"""Step 1 in detail: the LaunchDarkly client, from an SDK key and the address it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ldclient import Config, LDClient
from pydantic import SecretStr

from ldconf.core.errors import SettingsError
from ldconf.settings import SDK_KEY_VARIABLE, SecretReader, secret

WAIT_S = 5.0
URI_VARIABLES = ("LD_BASE_URI", "LD_STREAM_URI", "LD_EVENTS_URI")
_EVENTS_HELD = 200_000  # of a burst of simulated traffic; the SDK drops what is above
_FLUSH_S = 1.0


@dataclass(frozen=True)
class Access:
    """An SDK key, and the addresses that it is valid for; empty ones are LaunchDarkly's own."""

    sdk_key: SecretStr
    base_uri: str = ""
    stream_uri: str = ""
    events_uri: str = ""
    wait_s: float = WAIT_S

    @classmethod
    def at(cls, host: str, sdk_key: str) -> Access:
        """Return the access to one address that serves everything, e.g. `ldconf dev`."""
        return cls(SecretStr(sdk_key), host, host, host)


def access(env: Mapping[str, str], read_secret: SecretReader | None = None) -> Access:
    """Return the access that the environment names. Raises SettingsError without an SDK key.

    `LD_BASE_URI`, `LD_STREAM_URI` and `LD_EVENTS_URI` point elsewhere; the first alone means all.
    """
    key = secret(SDK_KEY_VARIABLE, env, read_secret)
    if key is None:
        raise SettingsError(
            "no SDK key, so there is no LaunchDarkly to ask",
            f"set {SDK_KEY_VARIABLE} (a key, or aws-secretsmanager:NAME[#json-key]), "
            "or give --local for the local LaunchDarkly",
        )
    base, stream, events = (env.get(name, "").strip() for name in URI_VARIABLES)
    return Access(key, base, stream or base, events or base)


@contextmanager
def launchdarkly(access: Access) -> Iterator[LDClient]:
    """Give a client; afterwards what it still has to tell is sent. A LaunchDarkly that does not
    answer within `wait_s` is no error: the agent then answers from its defaults."""
    client = LDClient(
        Config(
            access.sdk_key.get_secret_value(),
            base_uri=access.base_uri or "https://app.launchdarkly.com",
            stream_uri=access.stream_uri or "https://stream.launchdarkly.com",
            events_uri=access.events_uri or "https://events.launchdarkly.com",
            events_max_pending=_EVENTS_HELD,
            flush_interval=_FLUSH_S,
            diagnostic_opt_out=True,
            initial_reconnect_delay=0.2,
        ),
        start_wait=access.wait_s,
    )
    try:
        yield client
    finally:
        client.close()  # type: ignore[no-untyped-call]  # the SDK's own gap

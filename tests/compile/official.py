"""LaunchDarkly's own evaluator over compiled flags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ldclient import Config, Context, LDClient
from ldclient.feature_store import InMemoryFeatureStore
from ldclient.versioned_data_kind import FEATURES, SEGMENTS

from ldconf.compile import (
    AIConfigSource,
    EnvironmentTargeting,
    Source,
    VariationValue,
    compile_environment,
)


@contextmanager
def sdk(compiled: Mapping[str, Any]) -> Iterator[LDClient]:
    """An SDK that reads only these flags and segments."""
    store = InMemoryFeatureStore()
    store.init({FEATURES: compiled["flags"], SEGMENTS: compiled["segments"]})
    client = LDClient(Config("sdk-test", feature_store=store, use_ldd=True, send_events=False))
    try:
        yield client
    finally:
        client.close()


def variation_of(value: Any) -> str:
    """Return the key of a served value; `disabled` has none."""
    return value["_ldMeta"].get("variationKey", "disabled")


def served(client: LDClient, context: Mapping[str, Any], flag: str = "bot") -> str:
    """Return the key of the variation that a context gets."""
    value = client.variation(flag, Context.from_dict(dict(context)), None)
    assert value is not None, "the flag could not be evaluated"
    return variation_of(value)


def bot(
    targeting: EnvironmentTargeting | None = None,
    *,
    key: str = "bot",
    variations: tuple[str, ...] = ("hit", "miss"),
    **source: Any,
) -> Source:
    """A project with one AI Config in the environment `test`."""
    values = [
        VariationValue(name, {"_ldMeta": {"enabled": True, "variationKey": name}})
        for name in variations
    ]
    found = {} if targeting is None else {"test": targeting}
    return Source("p", {key: AIConfigSource(key, values, found)}, **source)


def result(source: Source, context: Mapping[str, Any], flag: str = "bot") -> str:
    """Return the variation that a context gets in `test`."""
    with sdk(compile_environment(source, "test")) as client:
        return served(client, context, flag)

"""What is served, from the forms that files and the API have for it."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.compile.source import Arm, Served, Split
from ldconf.core.resource import Json
from ldconf.kinds import serve
from ldconf.kinds.targeting_document import is_experiment


def canonical_served(canonical: Json) -> Served:
    """Return a canonical serve value of files: its arms stand in the order of their keys."""
    if isinstance(canonical, str):
        return canonical
    arms = sorted(serve.weights(canonical).items())
    return Split(
        arms=tuple(Arm(variation, weight) for variation, weight in arms),
        context_kind=canonical["contextKind"],
        bucket_by=canonical["bucketBy"],
    )


def split(rollout: Mapping[str, Json], keys: Mapping[Json, str]) -> Split:
    """Return a rollout of the API; `keys` maps what its arms name to variation keys."""
    return Split(
        arms=tuple(
            Arm(keys[arm["variation"]], arm.get("weight") or 0, bool(arm.get("_untracked")))
            for arm in rollout.get("variations") or ()
        ),
        context_kind=rollout.get("contextKind") or "user",
        bucket_by=rollout.get("bucketBy") or "key",
        seed=rollout.get("seed"),
        experiment=is_experiment(rollout),
    )

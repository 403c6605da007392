"""What the local LaunchDarkly counted in an experiment. LaunchDarkly itself does not tell
(reference 13.7)."""

from __future__ import annotations

from collections.abc import Sequence

from ldconf.api.client import Client
from ldconf.core.aggregates import Aggregates
from ldconf.core.errors import Unreachable
from ldconf.core.experiment import ExperimentDesign
from ldconf.core.experiment_json import aggregates_from_json, design_to_json
from ldconf.core.kind import Request

PATH = "/local/experiments/aggregates"


async def read_aggregates(
    client: Client, design: ExperimentDesign, as_of: int, looks: Sequence[int] = ()
) -> tuple[Aggregates, ...]:
    """Return the counts of a local experiment at each of `looks` and at `as_of` (epoch ms), oldest
    first: the last one is that of `as_of`.

    Looks after `as_of` are left out. Raises ApiError; NotFound if the project or the environment
    does not exist there.
    """
    body = {"design": design_to_json(design), "asOf": as_of, "looks": list(looks)}
    answer = await client.send(Request("POST", PATH, body))
    try:
        return aggregates_from_json(answer["aggregates"])
    except (ValueError, TypeError, KeyError) as err:
        raise Unreachable(
            f"the local LaunchDarkly answered with counts that this ldconf cannot read: {err}",
            method="POST",
            path=PATH,
            hint="stop `ldconf dev` and start the one of this version",
        ) from None

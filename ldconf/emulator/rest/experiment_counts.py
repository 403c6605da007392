"""What was counted in an experiment, for commands to analyse. LaunchDarkly has no such thing: it
stands below `/local`."""

from __future__ import annotations

from ldconf.core.experiment_json import aggregates_to_json, design_from_json
from ldconf.core.resource import Json
from ldconf.emulator.events.counts import counts
from ldconf.emulator.http import Call, Later, Route, bad_request

MOST_LOOKS = 60


def post_aggregates(call: Call) -> Json:
    """Return `{aggregates: [...]}`, the counts at each look, oldest first. Local only.

    The body: `design` (see `core.experiment_json`), `asOf` (epoch ms; now), `looks` (earlier times,
    none). Whatever experiment the design describes is counted, also one that was never made here.
    """
    fields = call.fields
    try:
        design = design_from_json(fields.get("design"))
    except ValueError as err:
        raise bad_request(f"design: {err}") from None
    call.environment(design.project, design.environment)
    as_of = fields.get("asOf", call.store.clock())
    earlier = fields.get("looks") or []
    if not isinstance(earlier, list) or len(earlier) > MOST_LOOKS:
        raise bad_request(f"looks must be a list of at most {MOST_LOOKS} times")
    times = [as_of, *earlier]
    if not all(_is_time(at) for at in times):
        raise bad_request("asOf and looks must be times in milliseconds")
    looks = sorted({at for at in times if at <= as_of})
    events = call.events
    return Later(lambda: {"aggregates": aggregates_to_json(counts(events, design, looks))})


def _is_time(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


ROUTES = (Route("POST", "/local/experiments/aggregates", post_aggregates, reads=True),)

"""Use of AI Configs (reference 9.5), and, of our own, more of it below `/local`.

Queries run beside everything else: they hold neither the loop nor the store's lock.
"""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.resource import Json
from ldconf.emulator.database import Ref
from ldconf.emulator.events.costs import Cost, costs
from ldconf.emulator.events.monitoring import Figures, Place, Use, Window, use
from ldconf.emulator.events.monitoring_sql import JUDGE
from ldconf.emulator.events.recent import recent_events
from ldconf.emulator.http import Call, Later, Route, bad_request
from ldconf.emulator.store import now_ms

DAY_MS = 86_400_000
MOST_DAYS = 100
MOST_BUCKETS = 1_000
JUDGES = {
    "judgeAccuracy": "accuracy",
    "judgeRelevance": "relevance",
    "judgeToxicity": "toxicity",
}


def get_metrics(call: Call, project: str, config: str) -> Json:
    """Return the use of an AI Config in a window of an environment."""
    window = _window(call, project, config)

    def answer() -> Json:
        found = use(call.events, window)
        priced = costs(call.store, project, found.tokens)
        return _metrics(Place(window.environment or "", config), found, priced)

    return Later(answer)


def get_metrics_by_variation(call: Call, project: str, config: str) -> Json:
    """Return the same split by variation; runs that an application's default served are left out.

    Variations without use are there too, with zeros. [INF]
    """
    window = _window(call, project, config)
    keys = [row["key"] for row in call.store.documents(project, "variations", config)]

    def answer() -> Json:
        found = use(call.events, window)
        priced = costs(call.store, project, found.tokens)
        environment = window.environment or ""
        used = [place.variation for place in found.figures if place.version is None]
        names = dict.fromkeys([*keys, *sorted({key for key in used if key is not None})])
        return [
            {
                "variationKey": key,
                "metrics": _metrics(Place(environment, config, key), found, priced),
            }
            for key in names
        ]

    return Later(answer)


def get_local_monitoring(call: Call) -> Json:
    """Return the use of AI Configs with percentiles, versions and time buckets. Local only.

    Parameters: `project`; `env`, `aiConfig` (all if absent); `from`, `to` (epoch ms; the last 24
    hours); `buckets` (number of time buckets in between; none).
    """
    project = call.param("project")
    if not project:
        raise bad_request("project is required")
    call.project(project)
    end = call.integer("to", now_ms() + 1)
    start = call.integer("from", max(0, end - DAY_MS))
    buckets = call.integer("buckets", 0)
    if start >= end or buckets > MOST_BUCKETS:
        raise bad_request(f"from must be before to, and buckets at most {MOST_BUCKETS}")
    window = Window(project, start, end, call.param("env"), call.param("aiConfig"))
    bucket_ms = -(-(end - start) // buckets) if buckets else None

    def answer() -> Json:
        found = use(call.events, window, bucket_ms)
        priced = costs(call.store, project, found.tokens)
        return {
            "project": project,
            "from": start,
            "to": end,
            **({"bucketMs": bucket_ms} if bucket_ms else {}),
            "aiConfigs": _report(found, priced),
        }

    return Later(answer)


def get_local_sdks(call: Call) -> Json:
    """Return the SDKs that are connected now. Local only. Parameter: `project`."""
    project = call.param("project") or ""
    call.project(project)
    items = [
        {
            "environment": one.sdk.environment.key,
            "sdk": one.sdk.name,
            "instance": one.sdk.instance,
            "protocol": one.sdk.protocol.value,
            "streams": one.sdk.streams,
            "since": one.since_ms,
        }
        for one in call.hub.connected(project)
    ]
    return {"items": items, "totalCount": len(items)}


def get_local_events(call: Call) -> Json:
    """Return the newest events first. Local only. Parameters: `project`, `env`, `limit`."""
    project = call.param("project") or ""
    call.project(project)
    limit = call.integer("limit", 50)
    environment = call.param("env")
    events = call.events
    return Later(lambda: {"items": recent_events(events, project, environment, min(limit, 1_000))})


def _window(call: Call, project: str, config: str) -> Window:
    call.project(project)
    call.find(Ref(project, "aiConfigs", config), f"AI Config {config}")
    missing = [name for name in ("from", "to", "env") if call.param(name) is None]
    if missing:
        raise bad_request(f"{missing[0]} is required")
    start, end, environment = call.integer("from", 0), call.integer("to", 0), call.param("env")
    if end < start or end - start > MOST_DAYS * DAY_MS:
        raise bad_request(f"to must be after from, and at most {MOST_DAYS} days later")
    call.environment(project, environment or "")
    kind, key = call.param("contextKind"), call.param("contextKey")
    if key and not kind:
        raise bad_request("contextKey needs contextKind")
    context = (kind, key) if kind else None
    return Window(project, start, end, environment, config, context)


def _metrics(place: Place, found: Use, priced: Mapping[Place, Cost]) -> dict[str, Json]:
    """Return the API's Metrics object. Time to first token is the mean [INF], duration the sum."""
    figures = found.figures.get(place, Figures())
    judges = found.judges.get(place, {})
    cost = priced.get(place)
    metrics: dict[str, Json] = {
        "inputTokens": figures.input_tokens,
        "outputTokens": figures.output_tokens,
        "totalTokens": figures.total_tokens,
        "generationCount": figures.requests,
        "generationSuccessCount": figures.successes,
        "generationErrorCount": figures.errors,
        "thumbsUp": figures.thumbs_up,
        "thumbsDown": figures.thumbs_down,
        "durationMs": round(figures.duration_ms or 0),
        "timeToFirstTokenMs": round(figures.first_token_ms or 0),
        "inputCost": cost.input if cost else 0.0,
        "outputCost": cost.output if cost else 0.0,
    }
    if figures.satisfaction is not None:
        metrics["satisfactionRating"] = figures.satisfaction
    for name, judge in JUDGES.items():
        score = judges.get(JUDGE + judge)
        if score is not None:
            metrics[name] = min(1.0, max(0.0, score))
    return metrics


def _report(found: Use, priced: Mapping[Place, Cost]) -> list[Json]:
    """Return AI Configs with their variations, those with their versions and time buckets."""
    by_config: dict[tuple[str, str], dict[str, Json]] = {}
    for place in sorted(found.figures, key=_order):
        shown = _local_figures(place, found, priced)
        config = by_config.setdefault(
            (place.ai_config, place.environment),
            {"key": place.ai_config, "environment": place.environment, "variations": []},
        )
        if place.variation is None and not place.is_default:
            config["total"] = shown
        elif place.bucket is not None:
            config["variations"][-1]["series"].append({"from": place.bucket, **shown})
        elif place.version is not None:
            config["variations"][-1]["versions"].append({"version": place.version, **shown})
        else:
            row = {"variationKey": place.variation, **shown, "versions": [], "series": []}
            config["variations"].append(row)
    return list(by_config.values())


def _order(place: Place) -> tuple[Json, ...]:
    """Put an AI Config's total first, then each variation before its versions and buckets."""
    by_variation = place.variation is not None or place.is_default
    return (
        *(place.ai_config, place.environment, by_variation),
        *(place.is_default, place.variation or ""),
        *(place.bucket is not None, place.version is not None),
        *(place.bucket or 0, place.version or 0),
    )


def _local_figures(place: Place, found: Use, priced: Mapping[Place, Cost]) -> dict[str, Json]:
    figures = found.figures[place]
    cost = priced.get(place)
    shown: dict[str, Json] = {
        "requests": figures.requests,
        "successes": figures.successes,
        "errors": figures.errors,
        "errorRate": figures.error_rate,
        "inputTokens": figures.input_tokens,
        "outputTokens": figures.output_tokens,
        "totalTokens": figures.total_tokens,
        "durationMs": figures.duration_ms,
        "p50Ms": figures.p50_ms,
        "p95Ms": figures.p95_ms,
        "firstTokenMs": figures.first_token_ms,
        "firstTokenP50Ms": figures.first_token_p50_ms,
        "firstTokenP95Ms": figures.first_token_p95_ms,
        "thumbsUp": figures.thumbs_up,
        "thumbsDown": figures.thumbs_down,
        "satisfaction": figures.satisfaction,
        "toolCalls": figures.tool_calls,
        "lastEventAt": figures.last,
    }
    if place.bucket is not None:
        return shown  # no costs, judges and tools per time bucket
    return {
        **shown,
        "cost": cost.total if cost else None,
        "inputCost": cost.input if cost else None,
        "outputCost": cost.output if cost else None,
        "costIsPartial": bool(cost and cost.is_partial),
        "judges": found.judges.get(place, {}),
        "tools": found.tools.get(place, {}),
    }


METRICS = "/projects/{project}/ai-configs/{config}"
LOCAL = "/local"
ROUTES = (
    Route("GET", METRICS + "/metrics", get_metrics),
    Route("GET", METRICS + "/metrics-by-variation", get_metrics_by_variation),
    Route("GET", LOCAL + "/monitoring", get_local_monitoring),
    Route("GET", LOCAL + "/sdks", get_local_sdks),
    Route("GET", LOCAL + "/events", get_local_events),
)

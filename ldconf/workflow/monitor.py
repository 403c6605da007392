"""`ldconf monitor`: use per variation, from the local LaunchDarkly or from the real one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import quote, urlencode

from ldconf.api.client import Client
from ldconf.api.tasks import concurrently
from ldconf.core.errors import Forbidden, NotFound, Unreachable, UsageError
from ldconf.core.kind import Request
from ldconf.core.resource import Json
from ldconf.core.usage import Monitoring, Use
from ldconf.kinds.variation_comment import commit_of
from ldconf.workflow.site import Site, addresses

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MOST_DAYS = 100  # reference 9.5


@dataclass(frozen=True)
class MonitorWish:
    """What to look at: one AI Config or all, one environment or all, for how long back."""

    ai_config: str | None = None
    environment: str | None = None
    since_s: int = 86_400


def seconds(text: str) -> int:
    """Return a duration such as `15m`, `24h` or `7d` in seconds. Raises UsageError."""
    found = re.fullmatch(r"([1-9]\d{0,6})([smhd])", text.strip())
    length = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < length <= _MOST_DAYS * _SECONDS["d"]:
        raise UsageError(
            f"{text!r} is not a duration up to {_MOST_DAYS} days", "for instance 15m, 24h or 7d"
        )
    return length


async def monitor(site: Site, wish: MonitorWish, now_ms: int) -> Monitoring:
    """Return the use of variations up to now. Raises UsageError for an unknown environment.

    The local LaunchDarkly tells percentiles and versions; LaunchDarkly's API tells means, of the
    AI Configs that the files manage.
    """
    listed = site.settings.environments
    if wish.environment is not None and wish.environment not in listed:
        raise UsageError(
            f"environment {wish.environment!r} is not listed",
            f"ldconf.yaml lists {', '.join(listed) or 'none'}",
        )
    start, end = now_ms - wish.since_s * 1000, now_ms + 1
    async with site.client() as client:
        if site.connection.is_local:
            return await _local(client, site.settings.project, wish, (start, end))
        return await _live(client, site, wish, (start, end))


async def _local(
    client: Client, project: str, wish: MonitorWish, window: tuple[int, int]
) -> Monitoring:
    wanted = {
        "project": project,
        "from": window[0],
        "to": window[1],
        "env": wish.environment,
        "aiConfig": wish.ai_config,
    }
    query = urlencode({name: value for name, value in wanted.items() if value is not None})
    answer = await client.get(f"/local/monitoring?{query}")
    uses = [use for config in answer["aiConfigs"] for use in _local_uses(config)]
    return Monitoring(project, *window, await _with_commits(client, project, uses))


def _local_uses(config: Mapping[str, Json]) -> Iterator[Use]:
    for variation in config["variations"]:
        for version in variation["versions"]:
            yield Use(
                environment=config["environment"],
                ai_config=config["key"],
                variation=variation["variationKey"],
                version=version["version"],
                requests=version["requests"],
                input_tokens=version["inputTokens"],
                output_tokens=version["outputTokens"],
                mean_ms=_mean(version["durationMs"], version["requests"]),
                p50_ms=version["p50Ms"],
                p95_ms=version["p95Ms"],
                first_token_ms=version["firstTokenMs"],
                error_rate=version["errorRate"],
                satisfaction=version["satisfaction"],
                cost=version["cost"],
            )


async def _with_commits(client: Client, project: str, uses: Sequence[Use]) -> tuple[Use, ...]:
    """Return the uses with the commits that the comments of their versions name."""
    used = [(use.ai_config, use.variation or "") for use in uses if use.variation and use.version]
    asked = list(dict.fromkeys(used))
    answers = await concurrently(
        [partial(_commits, client, project, key, variation) for key, variation in asked]
    )
    by_variation = dict(zip(asked, answers, strict=True))

    def commit(use: Use) -> str | None:
        return by_variation.get((use.ai_config, use.variation or ""), {}).get(use.version)

    return tuple(replace(use, commit=commit(use)) for use in uses)


async def _commits(
    client: Client, project: str, key: str, variation: str
) -> Mapping[int | None, str]:
    """Return version -> commit of a variation, as far as comments tell. Source: reference 4.5."""
    parts = (quote(part, safe="") for part in (project, key, variation))
    path = "/projects/{}/ai-configs/{}/variations/{}".format(*parts)
    try:
        answer = await client.get(path)
    except (NotFound, Forbidden):
        return {}  # deleted since, or not for this token: the figures stand without it
    found = {row.get("version"): commit_of(row.get("comment")) for row in answer["items"]}
    return {version: commit for version, commit in found.items() if commit}


async def _live(
    client: Client, site: Site, wish: MonitorWish, window: tuple[int, int]
) -> Monitoring:
    project = site.settings.project
    environments = [wish.environment] if wish.environment else site.settings.environments
    managed = dict.fromkeys(address.ai_config for address in addresses(site.root))
    keys = [wish.ai_config] if wish.ai_config else [key for key in managed if key is not None]
    found = await concurrently(
        [
            partial(_live_uses, client, project, key, environment, window)
            for key in keys
            for environment in environments
        ]
    )
    uses = tuple(use for group in found for use in group)
    return Monitoring(project, *window, uses, has_percentiles=False)


async def _live_uses(
    client: Client, project: str, key: str, environment: str, window: tuple[int, int]
) -> Sequence[Use]:
    query = urlencode({"from": window[0], "to": window[1], "env": environment})
    path = f"/projects/{quote(project, safe='')}/ai-configs/{quote(key, safe='')}"
    path = f"{path}/metrics-by-variation?{query}"
    entries = await client.send(Request("GET", path))
    if not isinstance(entries, list):
        raise Unreachable(f"the answer to GET {path} is not a list", method="GET", path=path)
    uses = (_live_use(key, environment, entry) for entry in entries)
    return [use for use in uses if use.requests]


def _live_use(key: str, environment: str, entry: Mapping[str, Json]) -> Use:
    metrics: Mapping[str, Json] = entry.get("metrics") or {}
    requests = metrics.get("generationCount") or 0
    ended = (metrics.get("generationSuccessCount") or 0) + (
        metrics.get("generationErrorCount") or 0
    )
    thumbs = (metrics.get("thumbsUp") or 0) + (metrics.get("thumbsDown") or 0)
    return Use(
        environment=environment,
        ai_config=key,
        variation=entry["variationKey"],
        version=None,
        requests=requests,
        input_tokens=metrics.get("inputTokens") or 0,
        output_tokens=metrics.get("outputTokens") or 0,
        mean_ms=_mean(metrics.get("durationMs"), requests),
        first_token_ms=metrics.get("timeToFirstTokenMs") or None,
        error_rate=(metrics.get("generationErrorCount") or 0) / ended if ended else None,
        satisfaction=(metrics.get("thumbsUp") or 0) / thumbs if thumbs else None,
        cost=(metrics.get("inputCost") or 0) + (metrics.get("outputCost") or 0),
    )


def _mean(total: float | None, count: int) -> float | None:
    return total / count if total and count else None

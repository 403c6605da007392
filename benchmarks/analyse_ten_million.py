"""How long it takes to analyse an experiment of ten million events, and how much memory.

    python benchmarks/analyse_ten_million.py [MILLIONS]

Makes events of 50,000 units per million (exposures, half of them repeated, and four kinds of metric
events, some before the exposure, some of a judge) in an event store's file, and the same as
Parquet. Five metrics are then counted several ways, each in a process of its own:

* ldconf: the aggregation SQL on the event store, then the analysis with posteriors and decision
* the same with 20 looks of history; the same from the Parquet file (`--events`)
* plain SQL: one query per metric, as one would type it, on the same file, with the same limits
* pandas: the table loaded as a frame, then merged and grouped

Prints seconds, processor seconds of all threads, and peak memory of each, and checks that all ways
agree.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from ldconf.core.aggregates import Aggregates
from ldconf.core.experiment import ExperimentDesign, MetricDesign
from ldconf.emulator.events.counts import counts
from ldconf.emulator.events.store import EventStore

START, DAY = 1_790_000_000_000, 86_400_000
END = START + 14 * DAY
PROJECT, ENVIRONMENT, AGENT = "shop", "production", "agent"
POSITIVE, NEGATIVE = "$ld:ai:feedback:user:positive", "$ld:ai:feedback:user:negative"
DURATION, TOKENS, COST = "$ld:ai:duration:total", "$ld:ai:tokens:total", "ai_cost_per_request"
DESIGN = ExperimentDesign(
    project=PROJECT,
    key="models",
    name="Models",
    environment=ENVIRONMENT,
    ai_config=AGENT,
    allocation={"base": 50.0, "variant": 50.0},
    control="base",
    metrics=(
        MetricDesign("positive", "positive", POSITIVE, "occurrence"),
        MetricDesign("negative", "negative", NEGATIVE, "occurrence", lower_is_better=True),
        MetricDesign("p95", "p95", DURATION, "sum", None, 95.0, lower_is_better=True),
        MetricDesign("tokens", "tokens", TOKENS, "average", None, lower_is_better=True),
        MetricDesign("cost", "cost", COST, "average", None, lower_is_better=True),
    ),
    primary="positive",
    started=START,
)

MAKE_EXPOSURES = f"""
INSERT INTO events BY NAME
SELECT {START} + hash(unit * 7 + n) % (13 * {DAY}) AS ts, ts AS received, '{PROJECT}' AS project,
  '{ENVIRONMENT}' AS environment, 'feature' AS kind, '{AGENT}' AS key, 'user' AS context_kind,
  'user-' || unit AS context_key, true AS in_experiment, 'FALLTHROUGH' AS reason,
  1 + (hash(unit) + (n = 2 AND unit % 500 = 0)::INT) % 2 AS variation, 9 AS version,
  CASE variation WHEN 1 THEN 'base' ELSE 'variant' END AS variation_key, 1 AS ai_version
FROM range($units) u(unit), range(1, 3) r(n) WHERE n = 1 OR unit % 2 = 0
"""
MAKE_OUTCOMES = f"""
INSERT INTO events BY NAME
SELECT {START} + hash(n * 3) % (14 * {DAY}) AS ts, ts AS received, '{PROJECT}' AS project,
  '{ENVIRONMENT}' AS environment, 'custom' AS kind, 'user' AS context_kind,
  'user-' || hash(n // 3) % $units AS context_key,
  CASE WHEN n % 30 = 0 THEN '{POSITIVE}' WHEN n % 90 = 1 THEN '{NEGATIVE}'
    WHEN n % 3 = 0 THEN '{DURATION}' WHEN n % 3 = 1 THEN '{TOKENS}' ELSE '{COST}' END AS key,
  CASE WHEN n % 3 = 2 THEN 0.01 * (0.5 + random()) ELSE round(1000 * (0.5 + random())) END
    AS metric,
  CASE WHEN n % 17 = 0 THEN 'judge' WHEN n % 3 <> 2 THEN '{AGENT}' END AS config_key,
  md5(n::VARCHAR) AS run_id, 'gpt-4o' AS model_name, 'OpenAI' AS provider_name
FROM range($events) e(n)
"""
EXPORT = """
COPY (SELECT 'custom' AS kind, ts AS "creationDate", key, metric AS "metricValue",
    {'kind': 'user', 'key': context_key} AS context, {'configKey': config_key} AS data,
    NULL::STRUCT("inExperiment" BOOLEAN) AS reason,
    NULL::STRUCT("_ldMeta" STRUCT("variationKey" VARCHAR, version INTEGER)) AS value
  FROM events WHERE kind = 'custom'
  UNION ALL
  SELECT 'feature', ts, key, NULL, {'kind': 'user', 'key': context_key}, {'configKey': NULL},
    {'inExperiment': in_experiment},
    {'_ldMeta': {'variationKey': variation_key, 'version': ai_version}}
  FROM events WHERE kind = 'feature') TO '%s' (FORMAT parquet, COMPRESSION zstd)
"""

FIRST = f"""
WITH arms AS (
  SELECT context_key AS unit, arg_min(variation_key, ts) AS arm, min(ts) AS since
  FROM events WHERE kind = 'feature' AND in_experiment AND key = '{AGENT}'
    AND project = '{PROJECT}' AND environment = '{ENVIRONMENT}' AND ts >= {START}
  GROUP BY context_key),
units AS (
  SELECT arm, unit, sum(metric) AS total, avg(metric) AS mean
  FROM events JOIN arms ON context_key = unit AND ts >= since
  WHERE kind = 'custom' AND key = $key AND project = '{PROJECT}' AND environment = '{ENVIRONMENT}'
    AND (config_key = '{AGENT}' OR (config_key IS NULL AND key NOT LIKE '$ld:ai:%'))
  GROUP BY arm, unit)
"""
PLAIN = {
    POSITIVE: "SELECT arm, count(*) FROM units GROUP BY arm ORDER BY arm",
    NEGATIVE: "SELECT arm, count(*) FROM units GROUP BY arm ORDER BY arm",
    DURATION: "SELECT arm, quantile_cont(total, 0.95) FROM units GROUP BY arm ORDER BY arm",
    TOKENS: "SELECT arm, avg(mean), stddev(mean) FROM units GROUP BY arm ORDER BY arm",
    COST: "SELECT arm, avg(mean), stddev(mean) FROM units GROUP BY arm ORDER BY arm",
}


def shown(found: Aggregates) -> dict[str, float]:
    """Return the figures by which ways are compared."""
    told: dict[str, float] = {}
    for arm, made in found.arms.items():
        for key in ("positive", "negative"):
            told[f"{key} {arm}"] = made.metrics[key].total
        for key in ("tokens", "cost"):
            told[f"{key} {arm}"] = made.metrics[key].total / made.metrics[key].units
        order = made.metrics["p95"].order
        assert order is not None
        place = 1 + 0.95 * (made.metrics["p95"].units - 1)
        value = dict(order.ranks)
        low = value[int(place)]
        told[f"p95 {arm}"] = low + (place % 1) * (value[int(place) + 1] - low)
    return told


def by_ldconf(folder: Path) -> dict[str, float]:
    """Count and analyse."""
    from ldconf.experiments.analyse import analyse
    from ldconf.experiments.decide import decide

    began = time.perf_counter()
    events = EventStore(folder / "events.duckdb")
    (found,) = counts(events, DESIGN, (END,))
    counted = time.perf_counter()
    verdict = decide(analyse(DESIGN, found)).verdict
    print(
        f"  counting {counted - began:.2f} s, analysis {time.perf_counter() - counted:.2f} s: "
        f"{found.exposed:,} units, {sum(a.crossover for a in found.arms.values()):,} crossed over, "
        f"{verdict.value}",
        file=sys.stderr,
    )
    events.close()
    return shown(found)


def with_history(folder: Path) -> dict[str, float]:
    """The same at 20 times."""
    events = EventStore(folder / "events.duckdb")
    looks = [START + (END - START) * number // 20 for number in range(1, 21)]
    found = counts(events, DESIGN, looks)
    events.close()
    return shown(found[-1])


def from_parquet(folder: Path) -> dict[str, float]:
    """The same from a file, as `--events` reads it."""
    from ldconf.experiments.event_files import count_files

    return shown(count_files(folder / "events.parquet", DESIGN, (END,))[-1])


def by_plain_sql(folder: Path) -> dict[str, float]:
    """One query per metric."""
    database = duckdb.connect(
        str(folder / "events.duckdb"), read_only=True, config={"memory_limit": "1GB"}
    )
    told: dict[str, float] = {}
    names = {POSITIVE: "positive", NEGATIVE: "negative", DURATION: "p95"}
    for key, query in PLAIN.items():
        for row in database.execute(FIRST + query, {"key": key}).fetchall():
            told[f"{names.get(key, 'tokens' if key == TOKENS else 'cost')} {row[0]}"] = row[1]
    return told


def by_pandas(folder: Path) -> dict[str, float]:
    """Load the columns that are needed as a frame, merge, and group."""
    database = duckdb.connect(str(folder / "events.duckdb"), read_only=True)
    frame = database.execute(
        "SELECT ts, kind, key, context_key, variation_key, in_experiment, metric, config_key "
        "FROM events WHERE project = ? AND environment = ?",
        [PROJECT, ENVIRONMENT],
    ).df()
    exposed = frame[(frame.kind == "feature") & (frame.key == AGENT) & (frame.ts >= START)]
    first = exposed.sort_values("ts").drop_duplicates("context_key")
    first = first[["context_key", "variation_key", "ts"]]
    first = first.rename(columns={"variation_key": "arm", "ts": "since"})
    own = (frame.config_key == AGENT) | (
        frame.config_key.isna() & ~frame.key.str.startswith("$ld:ai:")
    )
    events = frame[(frame.kind == "custom") & own][["context_key", "key", "ts", "metric"]]
    joined = events.merge(first, on="context_key")
    joined = joined[joined.ts >= joined.since]
    grouped = joined.groupby(["key", "arm", "context_key"]).metric
    units = grouped.agg(["count", "sum", "mean"])
    told: dict[str, float] = {}
    for arm in DESIGN.allocation:
        told[f"positive {arm}"] = float(len(units.loc[(POSITIVE, arm)]))
        told[f"negative {arm}"] = float(len(units.loc[(NEGATIVE, arm)]))
        told[f"p95 {arm}"] = float(units.loc[(DURATION, arm)]["sum"].quantile(0.95))
        told[f"tokens {arm}"] = float(units.loc[(TOKENS, arm)]["mean"].mean())
        told[f"cost {arm}"] = float(units.loc[(COST, arm)]["mean"].mean())
    return told


WAYS: dict[str, Callable[[Path], dict[str, float]]] = {
    "ldconf, event store": by_ldconf,
    "ldconf, 20 looks": with_history,
    "ldconf, Parquet": from_parquet,
    "plain SQL, five queries": by_plain_sql,
    "pandas": by_pandas,
}


def make(folder: Path, millions: float) -> None:
    """Make the event store's file and the Parquet file."""
    began = time.perf_counter()
    store = EventStore(folder / "events.duckdb")
    units = round(millions * 50_000)
    exposures = units + units // 2
    with store.reading():  # makes the tables
        pass
    store.close()
    database = duckdb.connect(str(folder / "events.duckdb"))
    database.execute(MAKE_EXPOSURES, {"units": units})
    events = round(millions * 1_000_000) - exposures
    database.execute(MAKE_OUTCOMES, {"units": units, "events": events})
    database.execute(EXPORT % (folder / "events.parquet"))
    database.close()
    sizes = [
        (folder / name).stat().st_size // 2**20 for name in ("events.duckdb", "events.parquet")
    ]
    print(
        f"{exposures:,} exposures and {events:,} metric events made in "
        f"{time.perf_counter() - began:.0f} s; event store {sizes[0]} MiB, Parquet {sizes[1]} MiB"
    )


def measured(way: str, folder: Path) -> dict[str, Any]:
    """Run one way in a process of its own."""
    command = [sys.executable, __file__, "--way", way, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    """Make the events, run every way, compare."""
    if sys.argv[1:2] == ["--way"]:
        began = time.perf_counter()
        told = WAYS[sys.argv[2]](Path(sys.argv[3]))
        seconds = time.perf_counter() - began
        status = Path("/proc/self/status").read_text()  # what rusage tells begins at the parent's
        peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
        used = time.process_time()
        print(json.dumps({"seconds": seconds, "cpu": used, "peak": peak, "told": told}))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make(folder, float(sys.argv[1]) if len(sys.argv) > 1 else 10)
        first: dict[str, float] | None = None
        for way in WAYS:
            found = measured(way, folder)
            first = first or found["told"]
            worst = max(
                abs(found["told"][name] - value) / max(abs(value), 1e-12)
                for name, value in first.items()
            )
            times = f"{found['seconds']:7.2f} s, processors {found['cpu']:6.2f} s"
            print(f"{way:26} {times} {found['peak']:6.0f} MiB, differs by {worst:.0e}", flush=True)


if __name__ == "__main__":
    main()

"""The SQL that leads from events to counts: all of it, for every source of events.

A source is a database with the relations below, of any number of experiments and environments.
Times are milliseconds since 1970, `units` maps context kinds to keys (of multi-kind contexts).

* `exposures(ts, project, environment, flag, variation, variation_key, ai_version, rule_id,
  context_kind, context_key, units)`: evaluations that were part of an experiment
* `outcomes(ts, project, environment, event_key, metric, config_key, context_kind, context_key,
  units)`: custom events
* `contexts(last_seen, project, environment, context_kind, context_key, units, context)`: what
  is known of a context, `context` as JSON

Only `UNIT` and `ATTRIBUTE` are DuckDB's own words: they look into a map and into JSON. The rest is
SQL as warehouses know it; percentiles come from row_number(), not from an engine's quantile.
Names in braces are filled in by `aggregation`, values are parameters. Each relation is read once.
"""

from __future__ import annotations

MOST_VALUES = 20  # of an attribute; the rest is one slice
MOST_POINTS = 4_000  # of a percentile over events, per arm
FOREVER = 2**62
LARGEST = "1e100"  # beyond, the square of a value is no number any more
NOT_SET = "(not set)"

UNIT = "CASE WHEN context_kind = $unit THEN context_key ELSE units[$unit] END"
ATTRIBUTE = """json_extract_string(context,
  CASE WHEN context_kind = $unit THEN $pointer ELSE $inner_pointer END)"""

_HERE = "project = $project AND environment = $environment"

# Exposures of the iteration, taken together by unit, variation and AI version.
TOUCHED = f"""
CREATE TEMPORARY TABLE touched AS
SELECT unit, arm, version, min(ts) AS ts, count(*) AS exposures
FROM (
  SELECT {UNIT} AS unit, ts, ai_version AS version,
    coalesce(variation_key, 'variation ' || variation, 'unknown variation') AS arm
  FROM exposures
  WHERE {_HERE} AND flag = $flag AND {{rule}} AND ts >= $started AND ts <= $until) AS seen
GROUP BY unit, arm, version
"""

# Exposed units: number, arm, first exposure, and when another arm was met (NULL: never).
# Of two first exposures in the same millisecond, the arm that comes first in the alphabet counts.
MEMBERS = """
CREATE TEMPORARY TABLE members AS
SELECT row_number() OVER (ORDER BY unit) AS id, unit, arm, ts, crossed
FROM (
  SELECT unit, arm, ts, row_number() OVER (PARTITION BY unit ORDER BY ts, name) AS place,
    lead(ts) OVER (PARTITION BY unit ORDER BY ts, name) AS crossed
  FROM (
    SELECT unit, {arm} AS arm, arm AS name, min(ts) AS ts
    FROM touched WHERE unit IS NOT NULL AND arm IN ({arms}) GROUP BY unit, arm) AS by_arm) AS places
WHERE place = 1
"""
UNEXPECTED = """
SELECT arm, count(DISTINCT unit) FROM touched
WHERE unit IS NOT NULL AND arm NOT IN ({arms}) GROUP BY arm ORDER BY arm
"""
VERSIONS = """
SELECT {arm}, version, min(ts) FROM touched
WHERE unit IS NOT NULL AND version IS NOT NULL AND arm IN ({arms}) GROUP BY 1, 2 ORDER BY 1, 2
"""
WITHOUT_UNIT = "SELECT coalesce(sum(exposures), 0) FROM touched WHERE unit IS NULL"

# Metric events, with the number of the unit if they count for it. AI SDKs name what an event is
# about in `configKey`: a judge's own tokens, and those of other AI Configs, are not the agent's.
_COUNTED = f"""
  SELECT found.event, found.ts, found.value, found.unit, {{look}} AS look,
    CASE WHEN found.ts >= members.ts THEN members.id END AS id
  FROM (
    SELECT {UNIT} AS unit, ts, {{event}} AS event,
      CASE WHEN abs(metric) <= {LARGEST} THEN metric END AS value
    FROM outcomes
    WHERE {_HERE} AND event_key IN ({{events}}) AND ts <= $until
      AND (config_key = $flag OR (config_key IS NULL AND event_key NOT LIKE '$ld:ai:%'))) AS found
  LEFT JOIN members ON members.unit = found.unit"""

# The same, taken together by metric event, unit and look. Events that count for no unit have id
# NULL; they still tell when the event was last seen.
STEPS = f"""
CREATE TEMPORARY TABLE steps AS
SELECT event, id, look, count(*) AS events, count(value) AS valued, sum(value) AS total,
  max(ts) AS newest, sum(CASE WHEN unit IS NULL AND ts >= $started THEN 1 ELSE 0 END) AS adrift
FROM ({_COUNTED}) AS counted
GROUP BY event, id, look
"""
SEEN = """
SELECT look, event, max(newest), max(CASE WHEN id IS NOT NULL THEN newest END), sum(adrift)
FROM steps GROUP BY look, event
"""

# Each unit's sums as they were from look to look, so that no look reads all steps again: a row
# holds from `look` to before `until`. With one look there is nothing to sum.
RUNNING = f"""
CREATE TEMPORARY TABLE running AS
SELECT event, id, look, coalesce(lead(look) OVER steps_of_unit, {FOREVER}) AS until,
  sum(events) OVER steps_of_unit AS events, sum(valued) OVER steps_of_unit AS valued,
  sum(total) OVER steps_of_unit AS total
FROM steps WHERE id IS NOT NULL
WINDOW steps_of_unit AS (PARTITION BY event, id ORDER BY look)
"""
RUNNING_ONCE = f"""
CREATE TEMPORARY TABLE running AS
SELECT event, id, look, {FOREVER} AS until, events, valued, total FROM steps WHERE id IS NOT NULL
"""
_PER_UNIT = """(
    SELECT event, id, events, valued, total FROM running
    WHERE look <= $look AND until > $look) AS per_unit"""

# Everyone is cohort 0; each value of an attribute is a cohort besides.
COHORTS = "CREATE TEMPORARY TABLE cohorts AS SELECT 0 AS cohort, id, arm, ts, crossed FROM members"
TRAITS = f"""
CREATE TEMPORARY TABLE traits AS
SELECT members.id, coalesce(newest.value, '{NOT_SET}') AS value
FROM members LEFT JOIN (
  SELECT unit, value, row_number() OVER (PARTITION BY unit ORDER BY last_seen DESC, value) AS place
  FROM (SELECT {UNIT} AS unit, last_seen, {ATTRIBUTE} AS value
    FROM contexts WHERE {_HERE}) AS known) AS newest
  ON newest.unit = members.unit AND newest.place = 1
"""
PLACES = """
CREATE TEMPORARY TABLE places AS
SELECT value, row_number() OVER (ORDER BY count(*) DESC, value) AS place
FROM traits GROUP BY value
"""
SLICES = f"""
INSERT INTO cohorts
SELECT $base + CASE WHEN place <= {MOST_VALUES} THEN place ELSE {MOST_VALUES} + 1 END,
  members.id, members.arm, members.ts, members.crossed
FROM members JOIN traits ON traits.id = members.id JOIN places ON places.value = traits.value
"""
VALUES = "SELECT place, value FROM places ORDER BY place"
DROP_TRAITS = ("DROP TABLE IF EXISTS traits", "DROP TABLE IF EXISTS places")

EXPOSED = """
SELECT cohort, arm, count(*), sum(CASE WHEN crossed <= $at THEN 1 ELSE 0 END), min(ts)
FROM cohorts WHERE ts <= $at AND {cohort} GROUP BY cohort, arm
"""

# Per cohort, arm and event: sums over units of each way to count a unit, and of its square.
MOMENTS = f"""
SELECT cohort, arm, event, count(*), sum(events), sum(events * events),
  sum(valued), sum(CASE WHEN valued > 0 THEN 1 ELSE 0 END), sum(total), sum(total * total),
  sum(CASE WHEN valued > 0 THEN total / valued END),
  sum(CASE WHEN valued > 0 THEN (total / valued) * (total / valued) END)
FROM (
  SELECT cohort, arm, event, CAST(events AS DOUBLE PRECISION) AS events, valued, total
  FROM {_PER_UNIT} JOIN cohorts ON cohorts.id = per_unit.id WHERE {{cohort}}) AS counted
GROUP BY cohort, arm, event
"""

# A ratio: value `y` and divisor `x` of each unit that has either.
RATIO = f"""
SELECT cohort, arm, count(*), sum(y), sum(y * y), sum(x), sum(x * x), sum(x * y)
FROM (
  SELECT id, coalesce(sum(CASE WHEN event = $event THEN {{value}} END), 0) AS y,
    coalesce(sum(CASE WHEN event = $divisor THEN CAST(events AS DOUBLE PRECISION) END), 0) AS x
  FROM {_PER_UNIT} WHERE event IN ($event, $divisor) GROUP BY id) AS both_sides
JOIN cohorts ON cohorts.id = both_sides.id
WHERE {{cohort}} GROUP BY cohort, arm
"""

# Order statistics near the wanted one: from them follows the posterior of a percentile, with tails
# below 1e-15 (statistics notes, section 4).
_NEAR = """BETWEEN n * {p} - (8 * sqrt(n * {p} * (1 - {p})) + 5)
    AND n * {p} + (8 * sqrt(n * {p} * (1 - {p})) + 5)"""
ORDER = f"""
SELECT cohort, arm, place, value
FROM (
  SELECT cohort, arm, value, row_number() OVER (PARTITION BY cohort, arm ORDER BY value) AS place,
    count(*) OVER (PARTITION BY cohort, arm) AS n
  FROM (
    SELECT cohort, arm, {{value}} AS value
    FROM {_PER_UNIT} JOIN cohorts ON cohorts.id = per_unit.id
    WHERE event = $event AND {{valued}} AND {{cohort}}) AS units) AS places
WHERE place {_NEAR.format(p="$p")}
ORDER BY cohort, arm, place
"""

# A percentile over events that come in clusters (units). With b events of its unit at or below it,
# an event adds 2b - 1 to the sum of squares, and its unit's number of events to the cross sum.
# There are at least (events)^2 / (sum of squares) independent events: that many ranks are looked
# at on either side, thinned to MOST_POINTS.
REQUESTS = f"""
CREATE TEMPORARY TABLE requests AS
SELECT event, id, look, value FROM ({_COUNTED}) AS counted
WHERE id IS NOT NULL AND value IS NOT NULL
"""
CLUSTER_SIZES = """
SELECT cohort, arm, sum(n), sum(n * n)
FROM (
  SELECT cohort, arm, CAST(count(*) AS DOUBLE PRECISION) AS n
  FROM requests JOIN cohorts ON cohorts.id = requests.id
  WHERE event = $event AND look <= $look AND {cohort}
  GROUP BY cohort, arm, requests.id) AS sizes
GROUP BY cohort, arm
"""
CLUSTER_POINTS = """
SELECT cohort, arm, value, below, squares, cross_sum
FROM (
  SELECT cohort, arm, value, max(below) AS below, max(squares) AS squares,
    max(cross_sum) AS cross_sum, max(n) AS n, max(effective) AS effective,
    coalesce(lag(max(below)) OVER (PARTITION BY cohort, arm ORDER BY value), 0) AS below_before
  FROM (
    SELECT cohort, arm, value, n, effective,
      count(*) OVER (PARTITION BY cohort, arm ORDER BY value) AS below,
      sum(2 * nth - 1) OVER (PARTITION BY cohort, arm ORDER BY value) AS squares,
      sum(size) OVER (PARTITION BY cohort, arm ORDER BY value) AS cross_sum
    FROM (
      SELECT cohort, arm, value, nth, size, sum(1) OVER (PARTITION BY cohort, arm) AS n,
        CAST(sum(1) OVER (PARTITION BY cohort, arm) AS DOUBLE PRECISION)
          * sum(1) OVER (PARTITION BY cohort, arm) / sum(size) OVER (PARTITION BY cohort, arm)
          AS effective
      FROM (
        SELECT cohort, arm, value,
          row_number() OVER (PARTITION BY cohort, requests.id ORDER BY value) AS nth,
          count(*) OVER (PARTITION BY cohort, requests.id) AS size
        FROM requests JOIN cohorts ON cohorts.id = requests.id
        WHERE event = $event AND look <= $look AND {cohort}) AS sized) AS totals) AS running
  GROUP BY cohort, arm, value) AS points
WHERE below >= n * ($p - (8 * sqrt($p * (1 - $p) / effective) + 5 / effective))
  AND below_before <= n * ($p + (8 * sqrt($p * (1 - $p) / effective) + 5 / effective))
ORDER BY cohort, arm, value
"""
CLEAN_UP = tuple(
    f"DROP TABLE IF EXISTS {name}"
    for name in ("running", "requests", "cohorts", "steps", "members", "touched")
)

"""SQL that brings events from files into the form of `aggregation_sql`. It is DuckDB's.

Three shapes are known, and told apart row by row:

* events as SDKs send them (`kind`, `creationDate`, `context` ...); streaming Data Export has the
  same ones, with `contextKeys`, and may wrap them as `{"event": {...}}`
* rows of warehouse Data Export's `evaluation_events`, one per context kind
* rows of `metric_events`, as warehouse Data Export and warehouse-native experiments have them

Source: LaunchDarkly's streaming and warehouse Data Export schema references.
"""

from __future__ import annotations

EXPOSURE, OUTCOME, CONTEXT, OTHER, UNKNOWN, NO_TIME = 1, 2, 3, 4, 0, 5

# Column or JSON field -> the type that is read.
FIELDS = {
    "kind": "VARCHAR",
    "creationDate": "BIGINT",
    "key": "VARCHAR",
    "value": "JSON",
    "variation": "INTEGER",
    "reason": "JSON",
    "context": "JSON",
    "contextKeys": "JSON",
    "user": "JSON",
    "userKey": "VARCHAR",
    "data": "JSON",
    "metricValue": "DOUBLE",
    "flag_key": "VARCHAR",
    "context_key": "VARCHAR",
    "context_kind": "VARCHAR",
    "context_attributes": "JSON",
    "variation_id": "VARCHAR",
    "variation_key": "VARCHAR",
    "variation_value": "JSON",
    "reason_detail": "JSON",
    "experiment_iteration_id": "VARCHAR",
    "received_time": "VARCHAR",
    "creation_time": "VARCHAR",
    "event_timestamp": "VARCHAR",
    "environment_id": "VARCHAR",
    "event_key": "VARCHAR",
    "event_value": "DOUBLE",
    "metric_value": "DOUBLE",
    "event_data": "JSON",
}
TIME_FIELDS = ("received_time", "event_timestamp", "creation_time")
# What a table needs, by the column that tells it apart. One name of each group is enough.
NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "kind": (("creationDate",), ("context", "contextKeys", "user", "userKey")),
    "flag_key": (
        ("context_key",),
        ("context_kind",),
        TIME_FIELDS,
        ("variation_value", "variation_id", "variation_key"),
    ),
    "event_key": (("context_key",), ("context_kind",), TIME_FIELDS),
}

# JSON may stand in a text; times may be written, or numbers of s, ms or microseconds.
MACROS = (
    "CREATE MACRO parsed(x) AS "
    "CASE json_type(x) WHEN 'VARCHAR' THEN try_cast(x ->> '$' AS JSON) ELSE x END",
    "CREATE MACRO scaled(x) AS "
    "CASE WHEN x >= 100000000000000 THEN x // 1000 WHEN x < 100000000000 THEN x * 1000 ELSE x END",
    "CREATE MACRO time_of(x) AS coalesce(scaled(try_cast(x AS BIGINT)),"
    " epoch_ms(try_cast(x AS TIMESTAMPTZ)), epoch_ms(try_cast(x AS TIMESTAMP)))",
)

STAGED = """
CREATE TABLE staged(shape UTINYINT, file VARCHAR, ts BIGINT, key VARCHAR, unit VARCHAR,
  other_kind VARCHAR, fanned BOOLEAN, variation INTEGER, variation_key VARCHAR, ai_version BIGINT,
  rule_id VARCHAR, iteration VARCHAR, environment_id VARCHAR, metric DOUBLE, config_key VARCHAR,
  assumed BOOLEAN, context JSON)
"""

JSON_ROWS = """
SELECT from_json(CASE WHEN row -> 'event' ->> 'kind' IS NOT NULL THEN row -> 'event' ELSE row END,
  {structure}) AS e, filename AS file
FROM (
  SELECT filename, unnest(
    CASE json_type(json) WHEN 'ARRAY' THEN from_json(json, '["JSON"]') ELSE [json] END) AS row
  FROM read_json_objects($files, format = {format}, filename = true,
    maximum_object_size = 67108864))
"""
COLUMN_ROWS = (
    "SELECT {{{columns}}} AS e, filename AS file FROM read_parquet($files, filename = true)"
)

# {rows} give `e`, a struct with FIELDS. Only what the experiment needs is kept. A metric row
# without `event_data` cannot say which AI Config it is about: it is taken to be this one.
STAGE = f"""
INSERT INTO staged
WITH rows AS ({{rows}}),
parts AS (
  SELECT file, e,
    CASE WHEN e.kind IS NOT NULL THEN e.creationDate
      ELSE coalesce(time_of(e.received_time), time_of(e.event_timestamp), time_of(e.creation_time))
      END AS ts,
    CASE WHEN e.kind IS NOT NULL THEN
      coalesce(e.contextKeys ->> $unit,
        CASE e.context ->> 'kind' WHEN $unit THEN e.context ->> 'key'
          WHEN 'multi' THEN e.context -> $unit ->> 'key' END,
        CASE WHEN $unit = 'user' THEN coalesce(e.userKey, e.user ->> 'key') END)
      WHEN e.context_kind = $unit THEN e.context_key END AS unit,
    parsed(e.reason_detail) AS detail, parsed(coalesce(e.data, e.event_data)) AS data,
    parsed(CASE WHEN e.kind IS NULL THEN e.variation_value ELSE e.value END) -> '_ldMeta' AS meta
  FROM rows),
shaped AS (
  SELECT *,
    CASE
      WHEN e.kind IS NOT NULL THEN CASE
        WHEN e.kind = 'feature' AND e.key = $flag
          AND try_cast(e.reason ->> 'inExperiment' AS BOOLEAN) THEN {EXPOSURE}
        WHEN e.kind = 'custom' AND list_contains($events, e.key) THEN {OUTCOME}
        WHEN e.kind IN ('index', 'identify') AND $contexts THEN {CONTEXT}
        ELSE {OTHER} END
      WHEN e.flag_key IS NOT NULL THEN CASE
        WHEN e.flag_key = $flag AND (e.experiment_iteration_id IS NOT NULL
          OR try_cast(detail ->> 'in_experiment' AS BOOLEAN)) THEN {EXPOSURE}
        ELSE {OTHER} END
      WHEN e.event_key IS NOT NULL THEN CASE
        WHEN list_contains($events, e.event_key) THEN {OUTCOME} ELSE {OTHER} END
      ELSE {UNKNOWN} END AS shape
  FROM parts)
SELECT CASE WHEN ts IS NULL AND shape <> {UNKNOWN} THEN {NO_TIME} ELSE shape END, file, ts,
  coalesce(e.key, e.event_key), unit,
  CASE WHEN unit IS NULL THEN coalesce(e.context_kind, e.context ->> 'kind', 'none') END,
  e.kind IS NULL, e.variation,
  coalesce(nullif(meta ->> 'variationKey', ''), e.variation_key, {{variation}}),
  try_cast(meta ->> 'version' AS BIGINT),
  coalesce(e.reason ->> 'ruleId', detail ->> 'rule_id', detail ->> 'ruleId'),
  e.experiment_iteration_id, e.environment_id,
  coalesce(e.metricValue, e.event_value, e.metric_value,
    CASE WHEN e.kind IS NULL THEN try_cast(e.value AS DOUBLE) END),
  CASE WHEN e.kind IS NULL AND data IS NULL THEN $flag ELSE data ->> 'configKey' END,
  e.kind IS NULL AND data IS NULL AND e.event_key LIKE '$ld:ai:%',
  CASE WHEN $contexts AND unit IS NOT NULL AND (e.kind IS NULL OR shape = {CONTEXT}) THEN
    coalesce(parsed(e.context_attributes), CASE e.context ->> 'kind'
      WHEN 'multi' THEN e.context -> $unit ELSE e.context END) END
FROM shaped WHERE shape <> {OTHER}
"""

# Warehouse rows come once per context kind: rows of other kinds stand beside one of the unit's,
# unless no row has it.
WITHOUT_OTHER_KINDS = """
DELETE FROM staged WHERE fanned AND unit IS NULL AND shape = {shape}
  AND EXISTS (SELECT 1 FROM staged WHERE fanned AND unit IS NOT NULL AND shape = {shape})
"""
KEEP_ITERATION = f"DELETE FROM staged WHERE shape = {EXPOSURE} AND iteration <> $iteration"
ITERATIONS = f"""
SELECT iteration, min(ts) FROM staged WHERE shape = {EXPOSURE} AND iteration IS NOT NULL
GROUP BY iteration ORDER BY 2, 1
"""
ENVIRONMENTS = f"""
SELECT DISTINCT environment_id FROM staged
WHERE environment_id IS NOT NULL AND shape IN ({EXPOSURE}, {OUTCOME}) ORDER BY 1
"""
LEFT_OUT = f"""
SELECT file, count(*) FILTER (shape = {UNKNOWN}), count(*) FILTER (shape = {NO_TIME}) FROM staged
GROUP BY file ORDER BY file
"""
ASSUMED = f"SELECT count(*) FROM staged WHERE shape = {OUTCOME} AND assumed AND unit IS NOT NULL"
SHAPES = "SELECT shape, count(*) FROM staged GROUP BY shape"

# `aggregation_sql` looks for these.
VIEWS = (
    f"""
CREATE VIEW exposures AS
SELECT ts, {{project}} AS project, {{environment}} AS environment, {{flag}} AS flag, variation,
  variation_key, ai_version, CASE WHEN iteration IS NULL THEN rule_id ELSE {{rule}} END AS rule_id,
  CASE WHEN unit IS NULL THEN other_kind ELSE {{unit}} END AS context_kind, unit AS context_key,
  NULL::MAP(VARCHAR, VARCHAR) AS units
FROM staged WHERE shape = {EXPOSURE}
""",
    f"""
CREATE VIEW outcomes AS
SELECT ts, {{project}} AS project, {{environment}} AS environment, key AS event_key, metric,
  config_key, CASE WHEN unit IS NULL THEN other_kind ELSE {{unit}} END AS context_kind,
  unit AS context_key, NULL::MAP(VARCHAR, VARCHAR) AS units
FROM staged WHERE shape = {OUTCOME}
""",
    f"""
CREATE VIEW contexts AS
SELECT ts AS last_seen, {{project}} AS project, {{environment}} AS environment,
  {{unit}} AS context_kind, unit AS context_key, NULL::MAP(VARCHAR, VARCHAR) AS units, context
FROM staged WHERE shape IN ({EXPOSURE}, {CONTEXT}) AND context IS NOT NULL AND unit IS NOT NULL
""",
)


def quoted(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"

"""Tables of the event store, and the one statement that takes `/bulk` bodies apart.

`events` holds every event; which columns are filled depends on `kind` (protocol notes 4.2):

* all: `received` and `ts` (epoch ms), `project`, `environment`, `kind`
* with a context: `context_kind`, `context_key`; for a multi-kind context `context_kind` is `multi`
  and `units` maps each kind to its key. The whole `context` only of `index` and `identify`
* `feature`, `debug`: `key` (the flag), `variation`, `version` (of the flag), `reason`, `rule_id`,
  `in_experiment`, `prerequisite_of`; of the value only what an AI Config says of itself
  (`variation_key`, `ai_version`, `enabled`), because it holds the whole prompt
* `custom`: `key`, `metric`, and what AI SDKs put into `data` by name: `config_key`,
  `variation_key`, `ai_version`, `run_id`, `graph_key`, `tool_key`, `judge_key`, `model_key`,
  `model_name`, `provider_name`. `data` itself unless it says no more than that
* `summary`: one row per counter: `key` (the flag), `variation`, `version`, `count`, `unknown`, and
  of the value as above; `ts` is the end, `started` the start of what was counted

The views `exposures`, `outcomes`, `summaries` and `contexts` are what analyses read.
"""

from __future__ import annotations

SCHEMA_VERSION = 1

TABLES = """
CREATE TABLE IF NOT EXISTS format(version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS payloads(
  received BIGINT NOT NULL, project VARCHAR NOT NULL, environment VARCHAR NOT NULL,
  payload_id VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS events(
  received BIGINT NOT NULL, ts BIGINT NOT NULL, started BIGINT,
  project VARCHAR NOT NULL, environment VARCHAR NOT NULL, kind VARCHAR NOT NULL, key VARCHAR,
  context_kind VARCHAR, context_key VARCHAR, units MAP(VARCHAR, VARCHAR),
  variation INTEGER, version BIGINT, count BIGINT, unknown BOOLEAN,
  reason VARCHAR, rule_id VARCHAR, in_experiment BOOLEAN, prerequisite_of VARCHAR,
  metric DOUBLE, config_key VARCHAR, variation_key VARCHAR, ai_version BIGINT, enabled BOOLEAN,
  run_id VARCHAR, graph_key VARCHAR, tool_key VARCHAR, judge_key VARCHAR,
  model_key VARCHAR, model_name VARCHAR, provider_name VARCHAR,
  context JSON, data JSON);
CREATE OR REPLACE VIEW exposures AS
  SELECT received, ts, project, environment, key AS flag, variation, variation_key, version,
    ai_version, reason, rule_id, context_kind, context_key, units
  FROM events WHERE kind = 'feature' AND in_experiment;
CREATE OR REPLACE VIEW outcomes AS
  SELECT received, ts, project, environment, key AS event_key, metric, config_key, variation_key,
    ai_version, run_id, context_kind, context_key, units, data
  FROM events WHERE kind = 'custom';
CREATE OR REPLACE VIEW summaries AS
  SELECT received, started, ts AS ended, project, environment, key AS flag, variation,
    variation_key, version, count, unknown
  FROM events WHERE kind = 'summary';
CREATE OR REPLACE VIEW contexts AS
  SELECT project, environment, context_kind, context_key, units, min(ts) AS first_seen,
    max(ts) AS last_seen, arg_max(context, ts) AS context
  FROM events WHERE kind IN ('index', 'identify')
  GROUP BY ALL;
"""

# `from_json` gives NULL for what has another type, so a wrong event costs only itself.
_EVENT = (
    '[{"kind":"VARCHAR","creationDate":"BIGINT","startDate":"BIGINT","endDate":"BIGINT",'
    '"key":"VARCHAR","value":"JSON","variation":"INTEGER","version":"BIGINT","reason":"JSON",'
    '"context":"JSON","data":"JSON","metricValue":"DOUBLE","features":"JSON","prereqOf":"VARCHAR"}]'
)
_COUNTER = (
    '[{"count":"BIGINT","value":"JSON","variation":"INTEGER","version":"BIGINT",'
    '"unknown":"BOOLEAN"}]'
)

# Parameters: lists, all as long as `bodies`. To plan this statement costs
# ten times what the events of a small body do, so one execution takes all bodies that wait.
INSERT = f"""
INSERT INTO events BY NAME
WITH bodies AS (
  SELECT unnest($bodies::VARCHAR[]) AS body, unnest($received::BIGINT[]) AS received,
    unnest($projects::VARCHAR[]) AS project, unnest($environments::VARCHAR[]) AS environment),
e AS MATERIALIZED (
  SELECT received, project, environment,
    unnest(from_json(body::JSON, '{_EVENT}'), recursive := false) AS e FROM bodies),
counted AS (
  SELECT *, unnest(json_keys(e.features)) AS flag FROM e WHERE e.kind = 'summary'),
counters AS (
  SELECT *, unnest(from_json(e.features -> flag -> 'counters', '{_COUNTER}')) AS c
  FROM counted)
SELECT received, coalesce(e.creationDate, received) AS ts, NULL AS started,
  project, environment, e.kind AS kind, e.key AS key,
  e.context ->> 'kind' AS context_kind, e.context ->> 'key' AS context_key,
  CASE WHEN e.context ->> 'kind' = 'multi' THEN map_from_entries(list_transform(
    list_filter(json_keys(e.context), lambda k: k <> 'kind'),
    lambda k: {{'k': k, 'v': e.context -> k ->> 'key'}})) END AS units,
  e.variation AS variation, e.version AS version, NULL AS count, NULL AS unknown,
  e.reason ->> 'kind' AS reason, e.reason ->> 'ruleId' AS rule_id,
  try_cast(e.reason ->> 'inExperiment' AS BOOLEAN) AS in_experiment,
  e.prereqOf AS prerequisite_of,
  CASE WHEN isfinite(e.metricValue) THEN e.metricValue END AS metric,
  e.data ->> 'configKey' AS config_key,
  nullif(coalesce(e.data ->> 'variationKey', e.value -> '_ldMeta' ->> 'variationKey'), '')
    AS variation_key,
  try_cast(coalesce(e.data ->> 'version', e.value -> '_ldMeta' ->> 'version') AS BIGINT)
    AS ai_version,
  try_cast(e.value -> '_ldMeta' ->> 'enabled' AS BOOLEAN) AS enabled,
  e.data ->> 'runId' AS run_id, e.data ->> 'graphKey' AS graph_key,
  e.data ->> 'toolKey' AS tool_key, e.data ->> 'judgeConfigKey' AS judge_key,
  e.data ->> 'modelKey' AS model_key, e.data ->> 'modelName' AS model_name,
  e.data ->> 'providerName' AS provider_name,
  CASE WHEN e.kind IN ('index', 'identify') THEN e.context END AS context,
  CASE WHEN e.key LIKE '$ld:ai:%' AND e.data ->> 'configKey' IS NOT NULL THEN NULL
    ELSE e.data END AS data
FROM e WHERE e.kind IS NOT NULL AND e.kind <> 'summary'
UNION ALL BY NAME
SELECT received, coalesce(e.endDate, received) AS ts, e.startDate AS started,
  project, environment, 'summary' AS kind, flag AS key,
  c.variation AS variation, c.version AS version, c.count AS count, c."unknown" AS unknown,
  nullif(c.value -> '_ldMeta' ->> 'variationKey', '') AS variation_key,
  try_cast(c.value -> '_ldMeta' ->> 'version' AS BIGINT) AS ai_version,
  try_cast(c.value -> '_ldMeta' ->> 'enabled' AS BOOLEAN) AS enabled
FROM counters
"""
REMEMBER = """
INSERT INTO payloads
SELECT unnest($received::BIGINT[]), unnest($projects::VARCHAR[]), unnest($environments::VARCHAR[]),
  unnest($ids::VARCHAR[])
"""
RECENT_PAYLOADS = "SELECT project, environment, payload_id FROM payloads WHERE received >= ?"
FORGET = (
    "DELETE FROM events WHERE received < ?",
    "DELETE FROM payloads WHERE received < ?",
)

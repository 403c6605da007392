"""The queries of `monitoring`: `{condition}` says which events count, the rest at which level.

A run belongs to one version of one variation, so runs are told apart once and then counted at every
level; distinct counts at each level would take several times as long.
"""

from __future__ import annotations

SUCCESS, ERROR = "$ld:ai:generation:success", "$ld:ai:generation:error"
DURATION, FIRST_TOKEN = "$ld:ai:duration:total", "$ld:ai:tokens:ttf"
INPUT, OUTPUT, TOTAL_TOKENS = "$ld:ai:tokens:input", "$ld:ai:tokens:output", "$ld:ai:tokens:total"
UP, DOWN = "$ld:ai:feedback:user:positive", "$ld:ai:feedback:user:negative"
TOOL_CALL = "$ld:ai:tool_call"
JUDGE = "$ld:ai:judge:"

# What is summed over, as bits: variation, version, bucket.
TOTAL, BY_VERSION, BY_BUCKET = 0b111, 0b001, 0b010
IN_BUCKETS = {
    "bucket": "bucket",
    "level": "grouping(variation_key, ai_version, bucket)",
    "start": "$start + (ts - $start) // $bucket * $bucket",
    "more": ", (environment, config_key, variation_key, bucket)",
}
WHOLE = {
    "bucket": "NULL",
    "level": "grouping(variation_key, ai_version) * 2 + 1",
    "start": "NULL",
    "more": "",
}
_AI = "kind = 'custom' AND config_key IS NOT NULL AND {condition}"
_LEVELS = """GROUP BY GROUPING SETS (
  (environment, config_key),
  (environment, config_key, variation_key),
  (environment, config_key, variation_key, ai_version){more})
"""
FIGURES = f"""
SELECT environment, config_key, variation_key, ai_version, {{bucket}}, {{level}},
  count(*) FILTER (key = '{SUCCESS}'),
  count(*) FILTER (key = '{ERROR}'),
  coalesce(sum(metric) FILTER (key = '{INPUT}'), 0),
  coalesce(sum(metric) FILTER (key = '{OUTPUT}'), 0),
  coalesce(sum(metric) FILTER (key = '{TOTAL_TOKENS}'), 0),
  count(*) FILTER (key = '{UP}'),
  count(*) FILTER (key = '{DOWN}'),
  count(*) FILTER (key = '{TOOL_CALL}'),
  sum(metric) FILTER (key = '{DURATION}'),
  quantile_cont(metric, 0.5) FILTER (key = '{DURATION}'),
  quantile_cont(metric, 0.95) FILTER (key = '{DURATION}'),
  avg(metric) FILTER (key = '{FIRST_TOKEN}'),
  quantile_cont(metric, 0.5) FILTER (key = '{FIRST_TOKEN}'),
  quantile_cont(metric, 0.95) FILTER (key = '{FIRST_TOKEN}'),
  max(ts)
FROM (SELECT *, {{start}} AS bucket FROM events WHERE {_AI})
{_LEVELS}"""
REQUESTS = f"""
SELECT environment, config_key, variation_key, ai_version, {{bucket}}, {{level}}, count(*)
FROM (
  SELECT environment, config_key, variation_key, ai_version, {{start}} AS bucket FROM (
    SELECT environment, config_key, variation_key, ai_version, run_id, min(ts) AS ts
    FROM events WHERE {_AI} AND key IN ('{SUCCESS}', '{ERROR}', '{DURATION}')
      AND run_id IS NOT NULL GROUP BY ALL)
  UNION ALL
  SELECT environment, config_key, variation_key, ai_version, {{start}} AS bucket
  FROM events WHERE {_AI} AND key IN ('{SUCCESS}', '{ERROR}') AND run_id IS NULL)
{_LEVELS}"""
TOKENS = f"""
SELECT environment, config_key, variation_key, ai_version, model_key, model_name, provider_name,
  coalesce(sum(metric) FILTER (key = '{INPUT}'), 0),
  coalesce(sum(metric) FILTER (key = '{OUTPUT}'), 0)
FROM events WHERE {_AI} AND key IN ('{INPUT}', '{OUTPUT}') GROUP BY ALL
"""
JUDGES = f"""
SELECT environment, config_key, variation_key, ai_version, key, sum(metric), count(metric)
FROM events WHERE {_AI} AND (judge_key IS NOT NULL OR key LIKE '{JUDGE}%') AND metric IS NOT NULL
GROUP BY ALL ORDER BY ALL
"""
TOOLS = f"""
SELECT environment, config_key, variation_key, ai_version, tool_key, 0, count(*)
FROM events WHERE {_AI} AND key = '{TOOL_CALL}' AND tool_key IS NOT NULL
GROUP BY ALL ORDER BY ALL
"""

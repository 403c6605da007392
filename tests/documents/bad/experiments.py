"""Experiments that contradict themselves or the rest of the files."""

from __future__ import annotations

from tests.documents.bad.case import Case, case

HEAD = """\
metrics:
  good: {kind: custom, eventKey: good, isNumeric: false, analysisUnits: [user]}
  bad: {kind: custom, eventKey: bad, isNumeric: false, analysisUnits: [account]}
metricGroups:
  g: {kind: standard, metrics: [good]}
  h: {kind: standard, metrics: [bad]}
aiConfigs:
  bot:
    variations: {a: {}, b: {}, old: {state: archived}}
    targeting:
      test: {rules: [{description: VIP, clauses: [{attribute: x, op: in, values: [a]}], serve: b}]}
      production: {fallthrough: a}
experiments:
"""
START = HEAD.count("\n") + 1
FIELDS = {
    "environment": "production",
    "aiConfig": "bot",
    "hypothesis": "H",
    "methodology": "bayesian",
    "metrics": "[good]",
    "primary": "good",
    "allocation": "{a: 50, b: rest}",
    "control": "a",
    "status": "running",
}
PLACE = {name: START + 1 + index for index, name in enumerate(FIELDS)}
AFTER = START + 1 + len(FIELDS)


def experiment(key: str = "e", **fields: str | None) -> str:
    """Return an experiment, one field per line; None leaves a field out, new ones come last."""
    lines = [f"    {name}: {value}\n" for name, value in {**FIELDS, **fields}.items() if value]
    return f"  {key}:\n{''.join(lines)}"


def wrong(name: str, *problems: str, schema: bool = False, **fields: str | None) -> Case:
    """Return a case of one experiment; a problem is `FIELD COLUMN: words`, or has a whole place."""
    told = []
    for problem in problems:
        where, _, words = problem.partition(": ")
        field, _, column = where.partition(" ")
        line = PLACE.get(field, AFTER)
        told.append(f"a.yaml:{line}:{column}: {words}" if column else problem)
    return case(f"experiment-{name}", HEAD + experiment(**fields), *told, schema=schema)


MISSING = "a.yaml:14:3"
CASES: tuple[Case, ...] = (
    case(
        "experiment-empty",
        "experiments:\n  e: {}\n",
        "a.yaml:2:3: `aiConfig` is missing",
        "a.yaml:2:3: `environment` is missing",
        schema=True,
    ),
    case(
        "experiment-list",
        "experiments:\n  e: [a]\n",
        "a.yaml:2:6: `e` must be a mapping of fields, not a list",
        schema=True,
    ),
    wrong(
        "environment",
        "environment 18: environment `staging` is not listed under `environments:` in ldconf.yaml",
        environment="staging",
    ),
    wrong("ai-config", "aiConfig 15: AI Config `bod` is not defined", aiConfig="bod"),
    wrong(
        "control",
        "a.yaml:12:33: experiment `e` is running here, so this must serve its control `b`;"
        " it serves `a`",
        control="b",
    ),
    wrong(
        "control-outside",
        "a.yaml:12:33: experiment `e` is running here, so this must serve its control `old`;"
        " it serves `a`",
        "control 14: the control 'old' is not in `allocation`",
        control="old",
    ),
    wrong("arm", "allocation 28: variation `c` is not defined", allocation="{a: 50, c: rest}"),
    wrong(
        "disabled-arm",
        "allocation 35: 'disabled' cannot take part in an experiment",
        allocation="{a: 50, disabled: rest}",
    ),
    wrong(
        "archived-arm",
        "allocation 30: variation `old` is archived",
        allocation="{a: 50, old: rest}",
    ),
    wrong(
        "no-remainder",
        "allocation 17: `allocation` leaves 20.5 % of the traffic and there is no `remainder`",
        allocation="{a: 50, b: 29.5}",
    ),
    wrong(
        "remainder",
        "remainder 16: variation `c` is not defined",
        allocation="{a: 50, b: 30}",
        remainder="c",
    ),
    wrong(
        "too-much",
        "allocation 17: `allocation`: the percentages sum to 110, 10 too much",
        allocation="{a: 50, b: 60}",
    ),
    wrong(
        "one-arm",
        "allocation 17: `allocation`: needs at least two variations with traffic:"
        " one of them is the control",
        allocation="{a: 100, b: 0}",
    ),
    wrong(
        "decimals",
        "allocation 21: `allocation.a`: a percentage is a number from 0 to 100 with up to three"
        " decimals, or `rest`, not 33.3333",
        allocation="{a: 33.3333, b: rest}",
    ),
    wrong("metric", "metrics 21: metric `gut` is not defined", metrics="[good, gut]"),
    wrong(
        "metric-group",
        "metrics 27: metric group `x` is not defined",
        metrics="[good, {key: x, isGroup: true}]",
    ),
    wrong(
        "metric-twice",
        "metrics 21: `metrics`: metric 'good' is listed twice",
        metrics="[good, good]",
    ),
    wrong(
        "metric-unit",
        "metrics 21: metric `bad` is measured per account, but `randomizationUnit` is user",
        metrics="[good, bad]",
    ),
    wrong(
        "metric-unit-in-group",
        "metrics 21: metric `bad` is measured per account, but `randomizationUnit` is user",
        metrics="[good, {key: h, isGroup: true}]",
    ),
    wrong(
        "metric-key",
        "metrics 27: unknown key `group` in `metrics[0]`",
        metrics="[{key: good, group: true}]",
        schema=True,
    ),
    wrong("primary", "primary 14: the primary metric 'bad' is not in `metrics`", primary="bad"),
    wrong(
        "primary-group",
        "primary 14: the primary metric 'g' is a group",
        metrics="[good, {key: g, isGroup: true}]",
        primary="g",
    ),
    wrong(
        "rule-form",
        'rule 11: `rule` takes `fallthrough`, or `description:` of a rule, not "VIP"',
        rule="VIP",
        schema=True,
    ),
    wrong(
        "rule",
        "rule 25: the targeting of `bot` in test has no rule 'Premium'",
        environment="test",
        rule="{description: Premium}",
    ),
    wrong(
        "rule-serves",
        "a.yaml:11:96: experiment `e` is running here, so this must serve its control `a`;"
        " it serves `b`",
        environment="test",
        rule="{description: VIP}",
    ),
    wrong(
        "rules-unmanaged",
        "status 13: it runs on rule 'VIP' of `bot` in production, and `rules` is not managed there",
        rule="{description: VIP}",
    ),
    wrong(
        "fallthrough-unmanaged",
        "status 13: it runs on the fallthrough of `bot` in test, and `fallthrough` is not managed"
        " there",
        environment="test",
    ),
    case(
        "experiment-rollout-below",
        HEAD.replace("{fallthrough: a}", "{fallthrough: {rollout: {a: 50, b: rest}}}")
        + experiment(),
        "a.yaml:12:33: experiment `e` is running here, so this must serve its control `a`;"
        " it has a rollout",
    ),
    case(
        "experiment-off",
        HEAD.replace("{fallthrough: a}", "{rules: [], targets: [], fallthrough: a, off: true}")
        + experiment(),
        "a.yaml:12:65: `off: true` where experiment `e` is running",
    ),
    case(
        "experiment-twice-on-a-rule",
        HEAD + experiment() + experiment("f"),
        "a.yaml:33:13: experiment `e` is running on the fallthrough of `bot` in production too",
    ),
    wrong(
        "stopped",
        "status 13: `status: stopped` needs `reason`",
        "status 13: `status: stopped` needs `winner`",
        status="stopped",
        schema=True,
    ),
    wrong(
        "winner-while-running",
        "winner 13: `winner` stands beside `status: running`",
        winner="a",
    ),
    wrong(
        "winner",
        "winner 13: the winner 'old' is not in `allocation`",
        status="stopped",
        winner="old",
        reason="x",
    ),
    wrong(
        "iteration-zero",
        "iteration 16: `iteration` must be at least 1, not 0",
        iteration="0",
        schema=True,
    ),
    wrong(
        "iteration-alone",
        "a.yaml:23:16: `iteration` needs `status`",
        status=None,
        iteration="2",
        schema=True,
    ),
    wrong("status", 'status 13: `status` cannot be "live"', status="live", schema=True),
    wrong(
        "methodology",
        "analysisConfig 41: `bayesianThreshold` has no meaning with `methodology: frequentist`",
        methodology="frequentist",
        analysisConfig="{bayesianThreshold: 90}",
    ),
    wrong(
        "threshold-number",
        "analysisConfig 45: `analysisConfig.significanceThreshold` must be text, not the number"
        " 0.05",
        methodology="frequentist",
        analysisConfig="{significanceThreshold: 0.05}",
        schema=True,
    ),
    wrong(
        "guardrail",
        "decision 34: 'bad' is not among the metrics of the experiment",
        decision="{guardrails: {bad: {}}}",
    ),
    wrong(
        "guardrail-primary",
        "decision 35: 'good' is the primary metric: it decides and guards nothing",
        decision="{guardrails: {good: {}}}",
    ),
    wrong(
        "guardrail-threshold",
        "decision 46: `decision.guardrails.bad.threshold` must be at most 100, not 101",
        decision="{guardrails: {bad: {threshold: 101}}}",
        schema=True,
    ),
    wrong(
        "inconclusive",
        "decision 30: `inconclusive` names 'old', which is not in `allocation`",
        decision="{inconclusive: old}",
    ),
    wrong(
        "planned",
        "decision 61: `plannedUnitsPerArm` (50) is below `minimumUnitsPerArm` (100)",
        decision="{minimumUnitsPerArm: 100, plannedUnitsPerArm: 50}",
    ),
    wrong(
        "over-requests",
        "analysis 31: 'bad' is not among the metrics of the experiment",
        analysis="{overRequests: [bad]}",
    ),
    *(
        wrong(
            f"later-{key}",
            f"{key} 5: {words} are not supported yet by this version",
            schema=True,
            **{key: "x"},
        )
        for key, words in {
            "holdoutId": "holdouts",
            "layer": "layers",
            "type": "other types of experiment",
            "primaryFunnelKey": "funnels as primary metric",
        }.items()
    ),
    case(
        "experiment-removed",
        HEAD + experiment() + "removed: [experiments/e]\n",
        "a.yaml:14:3: experiments/e is listed here and in `removed` at a.yaml:24:11",
    ),
    case(
        "experiment-removed-path",
        "removed: [experiments/e/f]\n",
        'a.yaml:1:11: "experiments/e/f" is not an address',
        schema=True,
    ),
)

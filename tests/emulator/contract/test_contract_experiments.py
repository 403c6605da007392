"""Experiments through LaunchDarkly's own client, which nobody here wrote."""

from __future__ import annotations

from typing import Any

import launchdarkly_api as ld
import pytest

EVERYTHING = (
    "draftIteration,previousIterations,secondaryMetrics,treatments,analysisConfig,"
    "mutableFieldsByStatus"
)
SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"


class Lab:
    """A project with the agent `bot` in `test`, two metrics and a metric group."""

    def __init__(self, client: ld.ApiClient, beta: ld.ApiClient, project: str) -> None:
        self.api = ld.ExperimentsApi(client)
        self.ai = ld.AgentControlApi(client)
        self.project = project
        body = ld.AIConfigPost(key="bot", name="Bot", mode="agent", description="d")
        self.ai.post_ai_config(project, body)
        for key in ("one", "two", "three"):
            variation = ld.AIConfigVariationPost(key=key, name=f"Variation {key}")
            self.ai.post_ai_config_variation(project, "bot", variation)
        for key in ("resolved", "latency"):
            metric = ld.MetricPost(key=key, kind="custom", eventKey=key, isNumeric=False)
            ld.MetricsApi(client).post_metric(project, metric)
        members = [ld.MetricInMetricGroupInput(key="latency", nameInGroup="")]
        group = ld.MetricGroupPost(
            key="guards", name="Guards", kind="standard", maintainerId="x", tags=[], metrics=members
        )
        ld.MetricsBetaApi(beta).create_metric_group(project, group)
        found = self.ai.get_ai_config_targeting(project, "bot")
        self.ids = {one.name.removeprefix("Variation "): one.id for one in found.variations}

    def version(self) -> int:
        found = self.ai.get_ai_config_targeting(self.project, "bot").environments["test"]
        return int(found.version)

    def iteration(self, one: str = "50", two: str = "50", **fields: Any) -> ld.IterationInput:
        return ld.IterationInput.from_dict(
            {
                "hypothesis": "Two is better",
                "metrics": [{"key": "resolved"}, {"key": "guards", "isGroup": True}],
                "primarySingleMetricKey": "resolved",
                "treatments": [self.arm("one", one, baseline=True), self.arm("two", two)],
                "flags": {"bot": {"ruleId": "fallthrough", "flagConfigVersion": self.version()}},
                **fields,
            }
        )

    def arm(self, variation: str, percent: str, *, baseline: bool = False) -> dict[str, Any]:
        return {
            "name": variation,
            "baseline": baseline,
            "allocationPercent": percent,
            "parameters": [{"flagKey": "bot", "variationId": self.ids[variation]}],
        }

    def create(self, key: str = "duel", iteration: Any = None, **fields: Any) -> ld.Experiment:
        body = ld.ExperimentPost(
            key=key, name=key.title(), iteration=iteration or self.iteration(), **fields
        )
        return self.api.create_experiment(self.project, "test", body)

    def patch(self, *instructions: dict[str, Any], key: str = "duel") -> ld.Experiment:
        body = ld.ExperimentPatchInput(comment="a reason", instructions=list(instructions))
        return self.api.patch_experiment(self.project, "test", key, body, _content_type=SEMANTIC)

    def read(self, key: str = "duel") -> ld.Experiment:
        return self.api.get_experiment(self.project, "test", key, expand=EVERYTHING)

    def served(self) -> Any:
        return self.ai.get_ai_config_targeting(self.project, "bot").environments["test"].fallthrough


@pytest.fixture
def lab(client: ld.ApiClient, beta: ld.ApiClient, project: str) -> Lab:
    return Lab(client, beta, project)


def test_an_experiment_from_draft_to_winner(lab: Lab) -> None:
    made = lab.create(methodology="bayesian", tags=["b", "a"], dataSource="launchdarkly")
    assert (made.methodology, made.tags, made.current_iteration) == ("bayesian", ["a", "b"], None)
    draft = lab.read().draft_iteration
    assert (draft.status, draft.randomization_unit) == ("not_started", "user")
    assert (draft.primary_single_metric.key, draft.primary_metric.is_group) == ("resolved", False)
    assert [(metric.key, metric.is_group) for metric in draft.metrics] == [
        ("resolved", False),
        ("guards", True),
    ]
    assert [(arm.id, arm.name, arm.allocation_percent, arm.baseline) for arm in draft.treatments]
    assert [arm.name for arm in draft.treatments] == ["Variation one", "Variation two"]
    assert draft.flags["bot"].not_in_experiment_variation_id == lab.ids["one"]

    before = lab.version()
    started = lab.patch({"kind": "startIteration"})
    assert started.current_iteration.status == "running"
    assert started.current_iteration.started_at is not None
    assert lab.version() == before + 1
    rollout = lab.served().rollout
    assert [(arm.variation, arm.weight) for arm in rollout.variations] == [(1, 50000), (2, 50000)]
    assert rollout.experiment_allocation.default_variation == 1

    winner = lab.read().current_iteration.treatments[1]
    stop = {"kind": "stopIteration", "winningTreatmentId": winner.id, "winningReason": "better"}
    lab.patch(stop)
    over = lab.read()
    assert over.draft_iteration is None
    assert over.current_iteration.status == "stopped"
    assert over.current_iteration.winning_treatment_id == winner.id
    assert over.current_iteration.winning_reason == "better"
    assert over.current_iteration.ended_at > over.current_iteration.started_at
    assert (lab.served().rollout, lab.served().variation) == (None, 2)

    with pytest.deprecated_call():
        next_draft = lab.api.create_iteration(
            lab.project, "test", "duel", lab.iteration("30", "30")
        )
    assert next_draft.status == "not_started"
    lab.patch({"kind": "startIteration"})
    again = lab.read()
    assert again.previous_iterations[0].winning_reason == "better"
    assert again.current_iteration.status == "running"
    assert again.mutable_fields_by_status.running["metrics"] == ["add"]


def test_a_new_iteration_while_one_runs(lab: Lab) -> None:
    lab.create()
    lab.patch({"kind": "startIteration"})
    arms = [lab.arm("one", "30", baseline=True), lab.arm("two", "70")]
    edits = {"treatments": {"operation": "update", "value": arms}}
    restart = {"kind": "saveAndStartNewIteration", "changeJustification": "70/30", "value": edits}
    lab.patch(restart)
    found = lab.read()
    assert [one.status for one in found.previous_iterations] == ["stopped"]
    assert found.previous_iterations[0].winning_treatment_id is None
    shares = [arm.allocation_percent for arm in found.current_iteration.treatments]
    assert shares == ["30", "70"]
    assert [arm.weight for arm in lab.served().rollout.variations] == [30000, 70000]


def test_lists_filters_and_archive(lab: Lab) -> None:
    lab.create("first")
    lab.create("second")
    lab.patch({"kind": "startIteration"}, key="first")

    def keys(**query: Any) -> list[str]:
        found = lab.api.get_experiments(lab.project, "test", **query)
        assert found.total_count == len(found.items)
        return [one.key for one in found.items]

    assert keys() == ["first", "second"]
    assert keys(filter="status:running") == ["first"]
    assert keys(filter="status:not_started,flagKey:bot") == ["second"]
    assert keys(filter="metricKey:guards,status:running") == ["first"]
    lab.patch({"kind": "archiveExperiment"}, key="second")
    assert keys() == ["first"]
    assert keys(lifecycle_state="archived") == ["second"]
    assert keys(lifecycle_state="active,archived") == ["first", "second"]
    lab.patch({"kind": "restoreExperiment"}, key="second")
    assert keys() == ["first", "second"]

"""The official client creates, reads, patches and deletes the AI families and parses it all."""

from __future__ import annotations

import launchdarkly_api as ld
import pytest
from launchdarkly_api.exceptions import ApiException

from ldconf.emulator.store import Store

SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"


@pytest.fixture
def ai(client: ld.ApiClient) -> ld.AgentControlApi:
    return ld.AgentControlApi(client)


def make_tool(ai: ld.AgentControlApi, project: str, key: str = "search") -> ld.AITool:
    post = ld.AIToolPost(
        key=key,
        description="Find things",
        schema={"type": "object", "properties": {"q": {"type": "string"}}},
        custom_parameters={"table": "products"},
        tags=["b", "a"],
    )
    return ai.post_ai_tool(project, post)


def make_config(ai: ld.AgentControlApi, project: str, key: str, mode: str = "agent") -> ld.AIConfig:
    # The client's default description "" is refused (reference Q2), hence a description.
    post = ld.AIConfigPost(key=key, name=key.title(), mode=mode, description="d", tags=["x"])
    return ai.post_ai_config(project, post)


def make_variation(ai: ld.AgentControlApi, project: str, config: str, key: str):
    post = ld.AIConfigVariationPost(
        key=key,
        name=key.title(),
        comment="made by a test",
        description="a variation",
        instructions="Answer briefly",
        model={"modelName": "gpt-4o-mini", "parameters": {"temperature": 0.2}},
        model_config_key="OpenAI.gpt-4o-mini",
    )
    return ai.post_ai_config_variation(project, config, post)


def test_ai_tools(ai: ld.AgentControlApi, project: str) -> None:
    made = make_tool(ai, project)
    assert (made.version, made.tags, made.custom_parameters) == (
        1,
        ["a", "b"],
        {"table": "products"},
    )
    patched = ai.patch_ai_tool(project, "search", ld.AIToolPatch(description="Find more"))
    assert (patched.version, patched.description) == (2, "Find more")
    assert ai.get_ai_tool(project, "search").version == 2
    assert [tool.version for tool in ai.list_ai_tool_versions(project, "search").items] == [2, 1]
    assert [tool.key for tool in ai.list_ai_tools(project, limit=5).items] == ["search"]
    assert ai.list_ai_tool_references(project, "search").items == []
    ai.delete_ai_tool(project, "search")
    with pytest.raises(ApiException) as missing:
        ai.get_ai_tool(project, "search")
    assert missing.value.status == 404


def test_model_configs(ai: ld.AgentControlApi, project: str) -> None:
    post = ld.ModelConfigPost(
        key="Custom.pet-store-small",
        id="pet-store-small",
        name="Small",
        provider="Custom",
        params={"temperature": 0.3},
        costPerInputToken=0.0000008,
    )
    made = ai.post_model_config(project, post)
    assert (made.version, made.var_global, made.cost_per_input_token) == (1, False, 0.0000008)
    patched = ai.patch_model_config(
        project, made.key, ld.ModelConfigPatch(name="Smaller", maintainerId="m1")
    )
    assert (patched.version, patched.name) == (2, "Smaller")
    assert patched.maintainer.actual_instance.id == "m1"
    assert ai.get_model_config(project, made.key, version=1).name == "Small"
    versions = ai.list_model_config_versions(project, made.key)
    assert [model.version for model in versions.items] == [2, 1]
    listed = ai.list_model_configs(project)
    assert {model.key for model in listed} > {made.key, "Anthropic.claude-sonnet-4-5"}
    assert {model.var_global for model in listed} == {True, False}
    answer = ai.post_restricted_models(
        project, ld.RestrictedModelsRequest(keys=[made.key, "No.such"])
    )
    assert (answer.successes, answer.errors[0].code) == ([made.key], 404)
    assert [model.key for model in ai.list_model_configs(project, restricted=True)] == [made.key]
    ai.delete_restricted_models(project, ld.RestrictedModelsRequest(keys=[made.key]))
    ai.delete_model_config(project, made.key)
    assert made.key not in {model.key for model in ai.list_model_configs(project)}


def test_ai_configs_and_variations(ai: ld.AgentControlApi, project: str) -> None:
    made = make_config(ai, project, "bot")
    assert (made.mode, made.description, made.variations) == ("agent", "d", [])
    make_tool(ai, project)
    first = make_variation(ai, project, "bot", "one")
    assert first.model == {
        "modelName": "gpt-4o-mini",
        "parameters": {"temperature": 0.2},
        "custom": {},
    }
    patched = ai.patch_ai_config_variation(
        project,
        "bot",
        "one",
        ld.AIConfigVariationPatch(
            instructions="Answer in one line",
            tools=[ld.VariationToolPost(key="search", version=1)],
        ),
    )
    assert (patched.version, patched.tools[0].custom_parameters) == (2, {"table": "products"})
    versions = ai.get_ai_config_variation(project, "bot", "one")
    assert {row.version for row in versions.items} == {1, 2}
    references = ai.list_ai_tool_references(project, "search")
    assert references.items[0].variation_key == "one"
    renamed = ai.patch_ai_config(project, "bot", ld.AIConfigPatch(name="Robot", tags=["z", "y"]))
    assert (renamed.name, renamed.tags, renamed.version) == ("Robot", ["y", "z"], 2)
    listed = ai.get_ai_configs(project, limit=50)
    assert [(found.key, found.variations[0].instructions) for found in listed.items] == [
        ("bot", "Answer in one line")
    ]
    make_variation(ai, project, "bot", "two")
    ai.delete_ai_config_variation(project, "bot", "two")
    ai.delete_ai_config(project, "bot")
    assert ai.get_ai_configs(project).total_count == 0


def test_judges(ai: ld.AgentControlApi, project: str) -> None:
    post = ld.AIConfigPost(
        key="tone", name="Tone", mode="judge", description="d", evaluationMetricKey="tone"
    )
    ai.post_ai_config(project, post)
    make_config(ai, project, "chat", mode="completion")
    post = ld.AIConfigVariationPost(
        key="v",
        name="V",
        messages=[ld.Message(role="system", content="Hi")],
        model={"modelName": "gpt-4o"},
        judgeConfiguration=ld.JudgeConfiguration(
            judges=[ld.JudgeAttachment(judgeConfigKey="tone", samplingRate=0.1)]
        ),
    )
    made = ai.post_ai_config_variation(project, "chat", post)
    assert made.judge_configuration.judges[0].sampling_rate == pytest.approx(0.1, rel=1e-6)
    assert made.judge_configuration.judges[0].sampling_rate != 0.1


def test_targeting(ai: ld.AgentControlApi, project: str) -> None:
    make_config(ai, project, "bot")
    make_variation(ai, project, "bot", "one")
    fresh = ai.get_ai_config_targeting(project, "bot")
    assert [found.name for found in fresh.variations] == ["disabled", "One"]
    one = fresh.variations[1].id
    patched = ai.patch_ai_config_targeting(
        project,
        "bot",
        ld.AIConfigTargetingPatch(
            environmentKey="test",
            comment="a test",
            instructions=[
                {"kind": "addTargets", "variationId": one, "values": ["qa-1"]},
                {
                    "kind": "addRule",
                    "variationId": one,
                    "clauses": [{"attribute": "plan", "op": "in", "values": ["gold"]}],
                },
                {
                    "kind": "updateFallthroughVariationOrRollout",
                    "rolloutWeights": {one: 25000, fresh.variations[0].id: 75000},
                },
            ],
        ),
        _content_type=SEMANTIC,
    )
    test = patched.environments["test"]
    assert (test.targets[0].values, test.targets[0].variation) == (["qa-1"], 1)
    assert test.rules[0].clauses[0].values == ["gold"]
    assert [arm.weight for arm in test.fallthrough.rollout.variations] == [75000, 25000]
    assert patched.environments["production"].fallthrough.variation == 0
    with pytest.raises(ApiException) as refused:  # the client's default content type
        ai.patch_ai_config_targeting(
            project, "bot", ld.AIConfigTargetingPatch(environmentKey="test", instructions=[{}])
        )
    assert refused.value.status == 400


def test_agent_graphs(ai: ld.AgentControlApi, beta: ld.ApiClient, project: str) -> None:
    for key in ("root", "leaf"):
        make_config(ai, project, key)
    graphs = ld.AgentControlApi(beta)
    edge = ld.AgentGraphEdgePost(
        key="e", sourceConfig="root", targetConfig="leaf", handoff={"a": 1}
    )
    post = ld.AgentGraphPost(key="team", name="Team", rootConfigKey="root", edges=[edge])
    made = graphs.post_agent_graph("beta", project, post)
    assert (made.root_config_key, made.edges[0].handoff) == ("root", {"a": 1})
    assert ai.get_ai_config(project, "leaf").dependencies[0].key == "team"
    patched = graphs.patch_agent_graph("beta", project, "team", ld.AgentGraphPatch(name="Crew"))
    assert (patched.name, patched.edges[0].key) == ("Crew", "e")
    assert graphs.list_agent_graphs("beta", project).items[0].edges is None
    assert graphs.get_agent_graph("beta", project, "team").edges[0].target_config == "leaf"
    graphs.delete_agent_graph("beta", project, "team")
    assert graphs.list_agent_graphs("beta", project).total_count == 0
    with pytest.raises(ApiException) as refused:
        ai.list_agent_graphs("20240415", project)
    assert refused.value.status == 403


def test_hidden_flags(client: ld.ApiClient, ai: ld.AgentControlApi, project: str) -> None:
    make_config(ai, project, "bot")
    flags = ld.FeatureFlagsApi(client)
    assert [flag.key for flag in flags.get_feature_flags(project).items] == ["bot"]
    one = flags.get_feature_flag(project, "bot")
    assert set(one.environments) == {"test", "production"}
    assert one.environments["test"].on is True
    only = flags.get_feature_flag(project, "bot", env="test")
    assert set(only.environments) == {"test"}


def test_experiments_and_their_rollout(
    client: ld.ApiClient, ai: ld.AgentControlApi, project: str, store: Store
) -> None:
    from ldconf.emulator.experiment_seed import ExperimentSeed, put_experiment

    make_config(ai, project, "bot")
    for key in ("one", "two"):
        make_variation(ai, project, "bot", key)
    seed = ExperimentSeed("duel", "bot", {"one": 30, "two": 30}, "one", metrics=["clicks"])
    put_experiment(store, project, "test", seed)
    experiments = ld.ExperimentsApi(client)
    listed = experiments.get_experiments(project, "test")
    assert listed.total_count == 1
    assert listed.items[0].current_iteration.treatments is None
    everything = "treatments,draftIteration,previousIterations,secondaryMetrics,analysisConfig"
    one = experiments.get_experiment(project, "test", "duel", expand=everything)
    assert [t.allocation_percent for t in one.current_iteration.treatments] == ["30", "30"]
    assert experiments.get_experiments_any_env(project).total_count == 1
    assert experiments.get_experiments(project, "production").total_count == 0
    rollout = ai.get_ai_config_targeting(project, "bot").environments["test"].fallthrough.rollout
    assert [(arm.variation, arm.weight) for arm in rollout.variations] == [
        (1, 30000),
        (2, 30000),
        (1, 40000),
    ]
    assert rollout.experiment_allocation.default_variation == 1

"""The official client and everything beside the AI families."""

from __future__ import annotations

import launchdarkly_api as ld
import pytest
from launchdarkly_api.exceptions import ApiException

SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"


def test_projects_and_environments(client: ld.ApiClient, project: str) -> None:
    projects = ld.ProjectsApi(client)
    key = f"{project}-2"
    post = ld.ProjectPost(key=key, name="Second", tags=["b", "a", "a"])
    made = projects.post_project(post)
    assert [found.key for found in made.environments] == ["test", "production"]
    assert made.tags == ["a", "b"]
    with pytest.raises(ApiException) as doubled:
        projects.post_project(post)
    assert doubled.value.status == 409
    patched = projects.patch_project(
        key, [ld.PatchOperation(op="replace", path="/name", value="Renamed")]
    )
    assert patched.name == "Renamed"
    assert projects.get_project(key).environments is None
    assert projects.get_project(key, expand="environments").environments.total_count == 2
    assert key in {found.key for found in projects.get_projects(filter="query:renamed").items}

    environments = ld.EnvironmentsApi(client)
    staging = environments.post_environment(
        key, ld.EnvironmentPost(key="staging", name="Staging", color="FF0000", critical=True)
    )
    assert staging.api_key.startswith("sdk-")
    assert staging.mobile_key.startswith("mob-")
    assert staging.resource_approval_settings["aiconfig"].required is False
    patched = environments.patch_environment(
        key, "staging", [ld.PatchOperation(op="replace", path="/requireComments", value=True)]
    )
    assert patched.require_comments is True
    critical = environments.get_environments_by_project(key, filter="critical:true")
    assert [found.key for found in critical.items] == ["staging"]
    assert environments.get_environment(key, "staging").name == "Staging"
    environments.delete_environment(key, "staging")
    assert environments.get_environments_by_project(key).total_count == 2
    projects.delete_project(key)
    with pytest.raises(ApiException) as gone:
        projects.get_project(key)
    assert gone.value.status == 404


def test_context_kinds_and_experimentation_settings(client: ld.ApiClient, project: str) -> None:
    contexts = ld.ContextsApi(client)
    payload = ld.UpsertContextKindPayload(name="Organization", description="a company")
    assert contexts.put_context_kind(project, "organization", payload).status == "created"
    kinds = contexts.get_context_kinds_by_project_key(project).items
    assert [(kind.key, kind.version) for kind in kinds] == [("user", 1), ("organization", 1)]
    experiments = ld.ExperimentsApi(client)
    assert experiments.get_experimentation_settings(project).randomization_units[0].default is True
    units = [
        ld.RandomizationUnitInput(randomizationUnit="user"),
        ld.RandomizationUnitInput(randomizationUnit="organization", default=True),
    ]
    put = experiments.put_experimentation_settings(
        project, ld.RandomizationSettingsPut(randomizationUnits=units)
    )
    assert [(u.randomization_unit, u.default) for u in put.randomization_units] == [
        ("user", False),
        ("organization", True),
    ]


def test_metrics_and_groups(client: ld.ApiClient, beta: ld.ApiClient, project: str) -> None:
    metrics = ld.MetricsApi(client)
    post = ld.MetricPost(
        key="latency",
        kind="custom",
        name="Latency",
        eventKey="$ld:ai:duration:total",
        isNumeric=True,
        unit="ms",
        successCriteria="LowerThanBaseline",
        unitAggregationType="sum",
        analysisType="percentile",
        percentileValue=95,
        eventDefault=ld.MetricEventDefaultRep(disabled=True),
        tags=["ai"],
    )
    made = metrics.post_metric(project, post)
    assert (made.percentile_value, made.analysis_units, made.version) == (95, ["user"], 1)
    patched = metrics.patch_metric(
        project, "latency", [ld.PatchOperation(op="replace", path="/description", value="slow")]
    )
    assert (patched.description, patched.version) == ("slow", 2)
    assert [found.key for found in metrics.get_metrics(project, limit=50).items] == ["latency"]
    expanded = metrics.get_metric(project, "latency", expand="experiments,metricGroups")
    assert (expanded.experiments, expanded.metric_groups) == ([], [])

    groups = ld.MetricsBetaApi(beta)
    group = ld.MetricGroupPost(
        key="ai",
        name="AI",
        kind="standard",
        maintainerId="m1",
        tags=[],
        metrics=[ld.MetricInMetricGroupInput(key="latency", nameInGroup="")],
    )
    made_group = groups.create_metric_group(project, group)
    assert (made_group.maintainer.key, made_group.metrics[0].event_key) == (
        "m1",
        "$ld:ai:duration:total",
    )
    renamed = groups.patch_metric_group(
        project, "ai", [ld.PatchOperation(op="replace", path="/name", value="All AI")]
    )
    assert (renamed.name, renamed.version) == ("All AI", 2)
    assert [found.key for found in groups.get_metric_groups(project).items] == ["ai"]
    assert groups.get_metric_group(project, "ai").kind == "standard"
    groups.delete_metric_group(project, "ai")
    metrics.delete_metric(project, "latency")
    assert metrics.get_metrics(project).items == []


def test_segments(client: ld.ApiClient, project: str) -> None:
    segments = ld.SegmentsApi(client)
    made = segments.post_segment(project, "test", ld.SegmentBody(key="beta", name="Beta"))
    assert (made.version, made.rules, made.included) == (1, [], [])
    patch = [
        ld.PatchOperation(op="replace", path="/included", value=["a", "b"]),
        ld.PatchOperation(
            op="add",
            path="/rules/-",
            value={"clauses": [{"attribute": "plan", "op": "in", "values": ["gold"]}]},
        ),
    ]
    patched = segments.patch_segment(
        project, "test", "beta", ld.PatchWithComment(patch=patch, comment="why")
    )
    assert (patched.included, patched.version) == (["a", "b"], 2)
    assert patched.rules[0].clauses[0].context_kind == "user"
    assert [found.key for found in segments.get_segments(project, "test").items] == ["beta"]
    assert segments.get_segment(project, "test", "beta").rules[0].id == patched.rules[0].id
    segments.delete_segment(project, "test", "beta")
    assert segments.get_segments(project, "test").total_count == 0


def test_account(client: ld.ApiClient, project: str) -> None:
    ld.MetricsApi(client).post_metric(
        project,
        ld.MetricPost(key="m", kind="custom", eventKey="e", isNumeric=False, tags=["tagged"]),
    )
    assert "tagged" in ld.TagsApi(client).get_tags(kind=["metric"]).items
    entries = ld.AuditLogApi(client).get_audit_log_entries(spec=f"proj/{project}:metric/m")
    assert entries.items[0].title_verb == "created the metric"
    entry = ld.AuditLogApi(client).get_audit_log_entry(entries.items[0].id)
    assert entry.member.email == "owner@local.example"
    members = ld.AccountMembersApi(client)
    (member,) = members.get_members().items
    assert members.get_member(member.id).role == "owner"
    (team,) = ld.TeamsApi(client).get_teams().items
    assert ld.TeamsApi(client).get_team(team.key).name == "Local Team"
    assert ld.OtherApi(client).get_caller_identity().member_id == member.id


def test_approvals(client: ld.ApiClient, beta: ld.ApiClient, project: str) -> None:
    settings_api = ld.ApprovalsBetaApi(beta)
    patch = ld.ApprovalRequestSettingsPatch(
        environmentKey="test", resourceKind="aiconfig", required=True, canReviewOwnRequest=True
    )
    changed = settings_api.patch_approval_request_settings("beta", project, patch)
    assert changed["aiconfig"].environments["test"].required is True
    settings = settings_api.get_approval_request_settings("beta", project, expand="default,strict")
    assert (settings["segment"].default.required, settings["segment"].strict.required) == (
        False,
        True,
    )
    ai = ld.AgentControlApi(client)
    ai.post_ai_config(project, ld.AIConfigPost(key="bot", name="Bot", description="d"))
    post = ld.AIConfigVariationPost(key="one", name="One", model={"modelName": "gpt-4o"})
    ai.post_ai_config_variation(project, "bot", post)
    one = ai.get_ai_config_targeting(project, "bot").variations[1].id
    instruction = {"kind": "updateFallthroughVariationOrRollout", "variationId": one}
    with pytest.raises(ApiException) as refused:
        ai.patch_ai_config_targeting(
            project,
            "bot",
            ld.AIConfigTargetingPatch(environmentKey="test", instructions=[instruction]),
            _content_type=SEMANTIC,
        )
    assert refused.value.status == 403
    assert "approval is required" in refused.value.body

    approvals = ld.ApprovalsApi(client)
    request = approvals.post_approval_request(
        ld.CreateApprovalRequestRequest(
            resourceId=f"proj/{project}:env/test:aiconfig/bot",
            description="serve one",
            instructions=[instruction],
        )
    )
    assert (request.review_status, request.status) == ("pending", "pending")
    listed = approvals.get_approval_requests(
        filter=f'projectKey equals {project}, status anyOf ["pending"]', expand="project,resource"
    )
    assert [(found.id, found.project.key) for found in listed.items] == [(request.id, project)]
    review = ld.PostApprovalRequestReviewRequest(kind="approve", comment="fine")
    assert approvals.post_approval_request_review(request.id, review).review_status == "approved"
    applied = approvals.post_approval_request_apply(
        request.id, ld.PostApprovalRequestApplyRequest(comment="go")
    )
    assert applied.status == "completed"
    serving = ai.get_ai_config_targeting(project, "bot").environments["test"].fallthrough
    assert serving.variation == 1
    instructions = [{"kind": "updateDescription", "value": "served one"}]
    edited = ld.ApprovalsBetaApi(beta).patch_approval_request(
        request.id, ld.ApprovalRequestPatchInput(instructions=instructions)
    )
    assert (edited.description, edited.status) == ("served one", "completed")
    approvals.delete_approval_request(request.id)
    assert approvals.get_approval_requests(filter=f"projectKey equals {project}").items == []

"""The official client as witness: every body that we send is one that its models know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from launchdarkly_api.models.agent_graph_patch import AgentGraphPatch
from launchdarkly_api.models.agent_graph_post import AgentGraphPost
from launchdarkly_api.models.ai_config_patch import AIConfigPatch
from launchdarkly_api.models.ai_config_post import AIConfigPost
from launchdarkly_api.models.ai_config_targeting_patch import AIConfigTargetingPatch
from launchdarkly_api.models.ai_config_variation_patch import AIConfigVariationPatch
from launchdarkly_api.models.ai_config_variation_post import AIConfigVariationPost
from launchdarkly_api.models.ai_tool_patch import AIToolPatch
from launchdarkly_api.models.ai_tool_post import AIToolPost
from launchdarkly_api.models.analysis_config_input import AnalysisConfigInput
from launchdarkly_api.models.create_approval_request_request import CreateApprovalRequestRequest
from launchdarkly_api.models.experiment_patch_input import ExperimentPatchInput
from launchdarkly_api.models.experiment_post import ExperimentPost
from launchdarkly_api.models.flag_input import FlagInput
from launchdarkly_api.models.iteration_input import IterationInput
from launchdarkly_api.models.metric_group_post import MetricGroupPost
from launchdarkly_api.models.metric_in_metric_group_input import MetricInMetricGroupInput
from launchdarkly_api.models.metric_input import MetricInput
from launchdarkly_api.models.metric_post import MetricPost
from launchdarkly_api.models.model_config_patch import ModelConfigPatch
from launchdarkly_api.models.model_config_post import ModelConfigPost
from launchdarkly_api.models.patch_with_comment import PatchWithComment
from launchdarkly_api.models.segment_body import SegmentBody
from launchdarkly_api.models.segment_target import SegmentTarget
from launchdarkly_api.models.treatment_input import TreatmentInput
from launchdarkly_api.models.treatment_parameter_input import TreatmentParameterInput
from launchdarkly_api.models.user_segment_rule import UserSegmentRule

from ldconf.core.kind import Request
from ldconf.core.resource import Json

EXPERIMENTS = r"/projects/[^/]+/environments/[^/]+/experiments"
# (method, path) -> model of the body, and whether the beta header is due (reference 1.2).
BODIES = (
    ("POST", r"/metrics/[^/]+", MetricPost, False),
    ("PATCH", r"/metrics/[^/]+/[^/]+", PatchWithComment, False),
    ("POST", r"/projects/[^/]+/metric-groups", MetricGroupPost, True),
    ("PATCH", r"/projects/[^/]+/metric-groups/[^/]+", PatchWithComment, True),
    ("POST", r"/projects/[^/]+/ai-configs/model-configs", ModelConfigPost, False),
    ("PATCH", r"/projects/[^/]+/ai-configs/model-configs/[^/]+", ModelConfigPatch, False),
    ("POST", r"/projects/[^/]+/ai-tools", AIToolPost, False),
    ("PATCH", r"/projects/[^/]+/ai-tools/[^/]+", AIToolPatch, False),
    ("POST", r"/projects/[^/]+/ai-configs", AIConfigPost, False),
    ("PATCH", r"/projects/[^/]+/ai-configs/[^/]+", AIConfigPatch, False),
    ("POST", r"/projects/[^/]+/ai-configs/[^/]+/variations", AIConfigVariationPost, False),
    ("PATCH", r"/projects/[^/]+/ai-configs/[^/]+/variations/[^/]+", AIConfigVariationPatch, False),
    ("PATCH", r"/projects/[^/]+/ai-configs/[^/]+/targeting", AIConfigTargetingPatch, False),
    ("POST", r"/segments/[^/]+/[^/]+", SegmentBody, False),
    ("PATCH", r"/segments/[^/]+/[^/]+/[^/]+", PatchWithComment, False),
    ("POST", r"/projects/[^/]+/agent-graphs", AgentGraphPost, True),
    ("PATCH", r"/projects/[^/]+/agent-graphs/[^/]+", AgentGraphPatch, True),
    ("POST", r"/approval-requests", CreateApprovalRequestRequest, False),
    ("POST", rf"{EXPERIMENTS}", ExperimentPost, False),
    ("PATCH", rf"{EXPERIMENTS}/[^/]+", ExperimentPatchInput, False),
    ("POST", rf"{EXPERIMENTS}/[^/]+/iterations", IterationInput, False),
)
VALUES = {
    ("segments", "/rules"): UserSegmentRule,
    ("segments", "/includedContexts"): SegmentTarget,
    ("segments", "/excludedContexts"): SegmentTarget,
    ("metric-groups", "/metrics"): MetricInMetricGroupInput,
}


def accepts(request: Request) -> bool:
    """True if the client's models take the body and know each of its fields; else raises."""
    if request.method == "DELETE":
        assert request.body is None
        return True
    for method, pattern, model, beta in BODIES:
        if method == request.method and re.fullmatch(pattern, request.path):
            assert request.beta is beta, f"beta header of {request.path}"
            _parse(model, request.body)
            if model in (ExperimentPost, IterationInput, ExperimentPatchInput):
                assert request.semantic is (model is ExperimentPatchInput)
                _parse_experiment(request.body)
            for operation in _operations(request.body):
                family = next((one for one in ("segments", "metric-groups") if one in pattern), "")
                part = VALUES.get((family, operation["path"]))
                for value in operation["value"] if part else ():
                    _parse(part, value)
            return True
    raise AssertionError(f"no such operation: {request.method} {request.path}")


def _parse(model: Any, body: Json) -> None:
    known = {field.alias or name for name, field in model.model_fields.items()}
    assert set(body) <= known, f"{model.__name__} does not know {sorted(set(body) - known)}"
    assert model.from_dict(body) is not None


# Fields of experiments, iterations and `updateExperimentFields` -> model of each value.
EXPERIMENT_PARTS = {
    "iteration": IterationInput,
    "analysisConfig": AnalysisConfigInput,
    "treatments": TreatmentInput,
    "parameters": TreatmentParameterInput,
    "metrics": MetricInput,
    "flags": FlagInput,
}
# Every instruction of reference 13.4 that ldconf sends -> the parameters it takes.
INSTRUCTIONS = {
    "updateExperimentFields": {"value"},
    "saveAndStartNewIteration": {"changeJustification", "value"},
    "startIteration": {"changeJustification"},
    "stopIteration": {"winningTreatmentId", "winningReason"},
    "archiveExperiment": set(),
}
UPDATABLE = {
    *(field.alias or name for name, field in ExperimentPost.model_fields.items()),
    *(field.alias or name for name, field in IterationInput.model_fields.items()),
}


def _parse_experiment(body: Json) -> None:
    """Parse every part of a body of experiments, and each value of its instructions."""
    for instruction in body.get("instructions") or ():
        parameters = set(instruction) - {"kind"}
        assert parameters <= INSTRUCTIONS[instruction["kind"]]
        for name, edit in (instruction.get("value") or {}).items():
            assert name in UPDATABLE, f"no field {name} to update"
            assert edit["operation"] in ("add", "update", "remove")
            _parse_experiment({name: edit["value"]} if "value" in edit else {})
    for name, model in EXPERIMENT_PARTS.items():
        value = body.get(name)
        for part in value.values() if name == "flags" and value else _listed(value):
            _parse(model, part)
            _parse_experiment(part)


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _operations(body: Json) -> list[Json]:
    """Return the JSON patch operations of a body, if it is a JSON patch."""
    patch = body.get("patch") if isinstance(body, Mapping) else body
    return [one for one in patch or () if one["op"] in ("add", "replace")]

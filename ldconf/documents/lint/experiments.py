"""Lint of experiments: what makes their results say less than they seem to."""

from __future__ import annotations

from collections.abc import Iterator

from ldconf.core.diagnostic import Severity
from ldconf.documents.lint.rule import Finding, Rule, Scope
from ldconf.kinds.experiment_model import STOPPED, Experiment


def undecided(scope: Scope) -> Iterator[Finding]:
    """Experiments that are to run without a rule for their end."""
    for address, resource in scope.workspace.resources.items():
        if not isinstance(resource, Experiment) or resource.decision is not None:
            continue
        if "status" in resource.managed_names and resource.status != STOPPED:
            yield Finding(
                address,
                (),
                f"experiment `{address.key}` has no `decision`: nothing says when and how it ends",
                "write `decision:` before it starts; `ldconf experiment size` helps to choose",
            )


def lone_guardrail(scope: Scope) -> Iterator[Finding]:
    """Experiments whose only protection against harm is their primary metric."""
    for address, resource in scope.workspace.resources.items():
        if not isinstance(resource, Experiment) or resource.decision is None:
            continue
        if len(resource.metrics) > 1 and not resource.decision.guardrails:
            yield Finding(
                address,
                ("decision",),
                f"no metric of experiment `{address.key}` is a guardrail: a winner may do harm",
                "name the metrics that must not get worse under `guardrails`",
            )


_HEAD = """\
metrics:
  solved: {kind: custom, eventKey: solved, isNumeric: false, analysisUnits: [user]}
  thumbs_down: {kind: custom, eventKey: thumbs-down, isNumeric: false, analysisUnits: [user]}
aiConfigs:
  greeter:
    name: Greeter
    mode: agent
    variations:
      main: {name: Main, modelConfigKey: OpenAI.gpt-4o-mini, instructions: Greet the customer.}
      second: {extends: main, name: Second, instructions: Greet the customer by name.}
    targeting:
      test: {fallthrough: main}
experiments:
  greeting:
    environment: test
    aiConfig: greeter
    hypothesis: A name solves more
    methodology: bayesian
    metrics: [solved, thumbs_down]
    primary: solved
    allocation: {main: 50, second: 50}
    control: main
    status: running
"""
_GUARDED = (
    f"{_HEAD}    decision: {{maximumDays: 14, guardrails: {{thumbs_down: {{margin: 0.1}}}}}}\n"
)

RULES = (
    Rule(
        "experiment-undecided",
        Severity.WARNING,
        "An experiment without a rule for its end",
        "Who decides after having seen the results finds a winner far too often. `decision` says "
        "beforehand how many units are needed, what counts as a winner and what happens without "
        "one; `ldconf experiment decide` applies it.",
        undecided,
        _HEAD,
        _GUARDED,
    ),
    Rule(
        "experiment-no-guardrail",
        Severity.WARNING,
        "An experiment that watches for no harm",
        "A variation may win on the primary metric and be worse in what the others measure. A "
        "guardrail is a metric that must not get worse by more than its margin.",
        lone_guardrail,
        f"{_HEAD}    decision: {{maximumDays: 14}}\n",
        _GUARDED,
    ),
)

"""What experiments need of the rest of the files: environment, rule, what is served, metrics.

Rule ids: `unknown-environment`, `unknown-rule`, `running-experiment`, `metric-unit`,
`archived-arm`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias

from ldconf.core.address import Address, ai_config
from ldconf.core.address import targeting as targeting_address
from ldconf.core.address import variation as variation_address
from ldconf.core.diagnostic import Diagnostic, Severity
from ldconf.core.resource import Resource
from ldconf.core.workspace import Workspace
from ldconf.documents.load_problems import suggestion
from ldconf.documents.tree import SETTINGS_FILE
from ldconf.documents.yaml import Path
from ldconf.kinds.experiment_model import (
    RUNNING,
    STOPPED,
    Experiment,
    metric_addresses,
    rule_description,
)
from ldconf.kinds.metric import Metric
from ldconf.kinds.metric_group import MetricGroup
from ldconf.kinds.serve import DISABLED
from ldconf.kinds.targeting import Targeting
from ldconf.kinds.targeting_document import FALLTHROUGH
from ldconf.kinds.targeting_model import Rule
from ldconf.kinds.variation_model import ARCHIVED, Variation

Written: TypeAlias = Mapping[Address, Resource]
Slot: TypeAlias = tuple[str, str, str]  # AI Config, environment, rule


def check_experiments(
    workspace: Workspace, written: Written, doubtful: Collection[Address]
) -> Iterator[Diagnostic]:
    """Yield what is wrong between experiments and the objects they are about.

    `written` holds targeting before `off` is compiled; `doubtful` are objects that did not load.
    """
    running: dict[Slot, Address] = {}
    for address, resource in written.items():
        if isinstance(resource, Experiment):
            checker = _Checker(workspace, written, doubtful, address, resource)
            yield from checker.problems()
            if resource.status == RUNNING and "status" in resource.managed_names:
                slot = (resource.ai_config, resource.environment, _slot_name(resource))
                first = running.setdefault(slot, address)
                if first != address:
                    yield checker.overlaps(first)


class _Checker:
    """The checks of one experiment."""

    def __init__(
        self,
        workspace: Workspace,
        written: Written,
        doubtful: Collection[Address],
        address: Address,
        experiment: Experiment,
    ) -> None:
        self.workspace = workspace
        self.written = written
        self.doubtful = doubtful
        self.address = address
        self.experiment = experiment
        self.targeting_at = targeting_address(experiment.ai_config, experiment.environment)
        self.rule = rule_description(experiment)

    def problems(self) -> Iterator[Diagnostic]:
        """Yield all problems but those between experiments."""
        listed = self.workspace.settings.environments
        if self.experiment.environment not in listed:
            yield self._error(
                ("environment",),
                f"environment `{self.experiment.environment}` is not listed under "
                f"`environments:` in {SETTINGS_FILE}",
                "unknown-environment",
                suggestion(self.experiment.environment, listed, words="listed"),
            )
            return
        yield from self._units()
        if ai_config(self.experiment.ai_config) not in self.written:
            return  # reported as a reference
        yield from self._archived_arms()
        targeting = self.written.get(self.targeting_at)
        rule = None
        if isinstance(targeting, Targeting) and "rules" in targeting.managed_names and self.rule:
            rules = {rule.description: rule for rule in targeting.rules or ()}
            rule = rules.get(self.rule)
            if rule is None and self.experiment.status != STOPPED:
                yield self._error(
                    ("rule", "description"),
                    f"the targeting of `{self.experiment.ai_config}` in"
                    f" {self.experiment.environment} has no rule {self.rule!r}",
                    "unknown-rule",
                    suggestion(self.rule, list(rules), words="rules"),
                )
                return
        if self.experiment.status == RUNNING and "status" in self.experiment.managed_names:
            yield from self._served(targeting if isinstance(targeting, Targeting) else None, rule)

    def _served(self, targeting: Targeting | None, rule: Rule | None) -> Iterator[Diagnostic]:
        """While it runs, what its rule serves is managed and is the control (design section 9)."""
        name = "rules" if self.rule else FALLTHROUGH
        if targeting is None or name not in targeting.managed_names:
            if self.targeting_at in self.doubtful:
                return
            where = f"{self.targeting_at}"
            yield self._error(
                ("status",),
                f"it runs on {self._where()}, and `{name}` is not managed there",
                "running-experiment",
                f"write `{name}` under {where}, serving the control `{self.experiment.control}`",
            )
            return
        if targeting.off:
            yield self._error(
                ("off",),
                f"`off: true` where experiment `{self.address.key}` is running",
                "running-experiment",
                "stop it in the same commit: `status: stopped` with `winner` and `reason`",
                self.targeting_at,
            )
        serve = rule.serve if rule is not None else targeting.fallthrough
        path: Path = (FALLTHROUGH,)
        if rule is not None:
            path = ("rules", (targeting.rules or []).index(rule), "serve")
        control = self.experiment.control
        if control and serve != control:
            served = f"serves `{serve}`" if isinstance(serve, str) else "has a rollout"
            yield self._error(
                path,
                f"experiment `{self.address.key}` is running here, so this must serve its control"
                f" `{control}`; it {served}",
                "running-experiment",
                f"write `{control}`: who takes part gets what `allocation` says",
                self.targeting_at,
            )

    def _where(self) -> str:
        rule = f"rule {self.rule!r}" if self.rule else "the fallthrough"
        return f"{rule} of `{self.experiment.ai_config}` in {self.experiment.environment}"

    def _units(self) -> Iterator[Diagnostic]:
        """Metrics are analysed per unit of randomization, so they must be measured in it."""
        unit = self.experiment.randomization_unit
        for index, target in metric_addresses(self.experiment):
            for key, metric in self._metrics(target):
                if "analysisUnits" not in metric.managed_names or unit in metric.analysis_units:
                    continue
                measured = ", ".join(metric.analysis_units)
                yield self._error(
                    ("metrics", index),
                    f"metric `{key}` is measured per {measured}, but `randomizationUnit` is {unit}",
                    "metric-unit",
                    f"add {unit} to the metric's `analysisUnits`, or randomize by {measured}",
                )

    def _metrics(self, target: Address) -> Iterator[tuple[str, Metric]]:
        found = self.written.get(target)
        if isinstance(found, Metric):
            yield target.key, found
        elif isinstance(found, MetricGroup):
            for member in found.metrics or ():
                inner = self.written.get(Address.of("metrics", member.key))
                if isinstance(inner, Metric):
                    yield member.key, inner

    def _archived_arms(self) -> Iterator[Diagnostic]:
        """Only an iteration that is over may have retired variations."""
        if self.experiment.status == STOPPED:
            return
        paths: list[tuple[Path, str]] = [(("allocation", k), k) for k in self.experiment.allocation]
        if self.experiment.remainder:
            paths.append((("remainder",), self.experiment.remainder))
        for path, key in paths:
            found = self.written.get(variation_address(self.experiment.ai_config, key))
            if key != DISABLED and isinstance(found, Variation) and found.state == ARCHIVED:
                yield self._error(
                    path,
                    f"variation `{key}` is archived",
                    "archived-arm",
                    "take `state: archived` away, or compare another variation",
                )

    def overlaps(self, first: Address) -> Diagnostic:
        """Return the error that another experiment is running on the same rule."""
        at = self.workspace.position(first)
        return self._error(
            ("status",),
            f"experiment `{first.key}` is running on {self._where()} too",
            "running-experiment",
            f"that one is at {at}; stop one of them",
        )

    def _error(
        self,
        path: Path,
        summary: str,
        rule: str,
        hint: str | None = None,
        address: Address | None = None,
    ) -> Diagnostic:
        at = address or self.address
        position = self.workspace.position(at, *path)
        return Diagnostic(Severity.ERROR, summary, position, rule, hint, at)


def _slot_name(experiment: Experiment) -> str:
    return rule_description(experiment) or FALLTHROUGH

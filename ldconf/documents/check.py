"""Rules across documents: every name leads somewhere, and what it leads to fits.

Rule ids: `unknown-reference`, `removed-reference`, `archived-served`, `wrong-mode`,
`contradicting-model`, `conflicting-entry`, `invalid-object`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from ldconf.core.address import Address, ai_config
from ldconf.core.diagnostic import Diagnostic, Severity
from ldconf.core.kind import Reference
from ldconf.core.resource import Resource
from ldconf.core.workspace import Workspace
from ldconf.documents.check_experiments import check_experiments
from ldconf.documents.load_problems import nearest
from ldconf.documents.tree import SETTINGS_FILE
from ldconf.documents.yaml import Path
from ldconf.kinds import KIND_BY_NAME, kind_of
from ldconf.kinds.agent_graph import AgentGraph
from ldconf.kinds.ai_config import AIConfig
from ldconf.kinds.experiment import Experiment
from ldconf.kinds.serve import DISABLED
from ldconf.kinds.variation import Variation, mode_problems


def check(
    workspace: Workspace, written: Mapping[Address, Resource], doubtful: Collection[Address]
) -> Iterator[Diagnostic]:
    """Yield what is wrong between objects.

    `written` holds targeting before `off` is compiled. `doubtful` are objects that did not load:
    they were reported, so names that lead to them are not.
    """
    checker = _Checker(workspace, written, doubtful)
    for address, resource in written.items():
        yield from checker.object(address, resource)
    yield from check_experiments(workspace, written, doubtful)
    yield from checker.entries()


class _Checker:
    def __init__(
        self,
        workspace: Workspace,
        written: Mapping[Address, Resource],
        doubtful: Collection[Address],
    ) -> None:
        self.workspace = workspace
        self.written = written
        self.doubtful = doubtful
        keys = [address.key for address in written if address.kind == "modelConfigs"]
        self.own_providers = {"Custom"} | {key.partition(".")[0] for key in keys}

    def object(self, address: Address, resource: Resource) -> Iterator[Diagnostic]:
        """Yield what is wrong with one object in the company of the others."""
        kind = kind_of(address)
        for problem in kind.check(address, resource) if kind.check else ():
            yield self._error(
                address, problem.path, problem.summary, "invalid-object", problem.hint
            )
        for reference in kind.references(address, resource):
            yield from self._reference(address, resource, reference)
        if isinstance(resource, Variation):
            yield from self._variation(address, resource)

    def _reference(
        self, address: Address, resource: Resource, reference: Reference
    ) -> Iterator[Diagnostic]:
        target, path = reference.target, reference.path
        found = self.written.get(target)
        if found is None and (target in self.doubtful or self._is_homeless(address, target)):
            return
        if target in self.workspace.removed:
            summary = f"{_named(target)} is in `removed` and still used here"
            at = self.workspace.removed[target]
            yield self._error(address, path, summary, "removed-reference", f"removed at {at}")
        elif found is None and not self._is_elsewhere(target):
            yield self._dangling(address, reference)
        elif reference.served and isinstance(found, Variation) and found.state == "archived":
            hint = "serve another variation, or take `state: archived` away"
            yield self._error(
                address, path, f"{_named(target)} is archived", "archived-served", hint
            )
        elif isinstance(found, AIConfig) and not isinstance(resource, Experiment):
            wanted = "agent" if isinstance(resource, AgentGraph) else "judge"
            if "mode" in found.managed_names and found.mode != wanted:
                article = "an" if wanted == "agent" else "a"
                summary = f"{_named(target)} has `mode: {found.mode}`, not {article} {wanted}"
                yield self._error(address, path, summary, "wrong-mode")

    def _is_homeless(self, address: Address, target: Address) -> bool:
        """True for a variation of an AI Config that an experiment names and nobody defines: that
        is said once, of the AI Config."""
        return (
            address.kind == "experiments"
            and target.kind == "variations"
            and ai_config(target.parts[1]) not in self.written
        )

    def _is_elsewhere(self, target: Address) -> bool:
        """True for external objects and for what may be in LaunchDarkly's model catalogue."""
        if self.workspace.settings.external.has(target):
            return True
        if target.kind == "targeting":  # it exists as soon as its AI Config does
            return True
        if target.kind != "modelConfigs":
            return target.kind == "variations" and target.key == DISABLED
        provider, _, model = target.key.partition(".")
        return bool(provider and model) and provider not in self.own_providers

    def _dangling(self, address: Address, reference: Reference) -> Diagnostic:
        target = reference.target
        key = target.parts[-1]
        summary = f"{_named(target)} is not defined"
        if target.kind == "segments":
            key = target.parts[1]
            summary += f" in environment `{target.parts[2]}`"
            siblings = [
                a.parts[1]
                for a in self.written
                if a.kind == "segments" and a.environment == target.environment
            ]
        else:
            siblings = [a.parts[-1] for a in self.written if a.parts[:-1] == target.parts[:-1]]
        meant = nearest(key, siblings)
        hint = f"did you mean `{meant}`? " if meant else ""
        return self._error(
            address,
            reference.path,
            summary,
            "unknown-reference",
            hint + _where_to_define(target),
        )

    def _variation(self, address: Address, variation: Variation) -> Iterator[Diagnostic]:
        if variation.state == "archived":
            return
        owner = self.written.get(ai_config(address.parts[1]))
        has_mode = isinstance(owner, AIConfig) and "mode" in owner.managed_names
        mode = owner.mode if isinstance(owner, AIConfig) and has_mode else None
        for path, message in mode_problems(mode, variation):
            yield self._error(address, path, f"`{path[0]}`: {message}", "wrong-mode")
        yield from self._model_name(address, variation)

    def _model_name(self, address: Address, variation: Variation) -> Iterator[Diagnostic]:
        """`model.modelName` follows from the model config; our own ones tell what it must be."""
        key, model = variation.model_config_key, variation.model
        if not key or model is None or not model.model_name:
            return
        own = self.written.get(Address.of("modelConfigs", key))
        name = own.managed().get("id") if own is not None else None
        if name is not None and name != model.model_name:
            summary = f"`model.modelName` contradicts {key}, whose `id` is {name}"
            hint = "leave it out: it is derived from `modelConfigKey`"
            path: Path = ("model", "modelName")
            yield self._error(address, path, summary, "contradicting-model", hint)

    def entries(self) -> Iterator[Diagnostic]:
        """Yield objects that are two of listed, removed and external (design section 9)."""
        external = self.workspace.settings.external
        for address in self.written:
            at = self.workspace.removed.get(address)
            if at is not None:
                summary = f"{address} is listed here and in `removed` at {at}"
                yield self._error(address, (), summary, "conflicting-entry")
            if _is_named(self.workspace, address) and external.has(address):
                summary = f"{address} is listed here and `external` in {SETTINGS_FILE}"
                yield self._error(address, (), summary, "conflicting-entry")
        for address, at in self.workspace.removed.items():
            if _is_named(self.workspace, address) and external.has(address):
                summary = f"{address} is in `removed` and `external` in {SETTINGS_FILE}"
                yield Diagnostic(Severity.ERROR, summary, at, "conflicting-entry", None, address)

    def _error(
        self, address: Address, path: Path, summary: str, rule: str, hint: str | None = None
    ) -> Diagnostic:
        position = self.workspace.position(address, *path)
        return Diagnostic(Severity.ERROR, summary, position, rule, hint, address)


def _is_named(workspace: Workspace, address: Address) -> bool:
    """True if `external` names this very key, not only `"*"`."""
    keys = workspace.settings.external.keys
    sections = [address.kind]
    if address.kind == "segments" and address.environment:
        sections.append(f"segments/{address.environment}")
    return any(address.key in (keys.get(section) or ()) for section in sections)


def _named(target: Address) -> str:
    label = KIND_BY_NAME[target.kind].label
    return f"{label} `{target.parts[1] if target.kind == 'segments' else target.parts[-1]}`"


def _where_to_define(target: Address) -> str:
    if target.kind == "variations":
        return f"variations are defined under `aiConfigs: {target.parts[1]}: variations:`"
    section = target.section
    if section == "modelConfigs" and "." not in target.key:
        return (
            "LaunchDarkly's own models have keys like OpenAI.gpt-4o; yours stand in `modelConfigs:`"
        )
    entry = f"{section}: {{{target.parts[2]}: [...]}}" if section == "segments" else section
    elsewhere = entry if section == "segments" else f"{section}: [...]"
    return (
        f"define it under `{section}:`, name it in `external: {{{elsewhere}}}` in {SETTINGS_FILE}, "
        f"or run `ldconf import --only {target}`"
    )

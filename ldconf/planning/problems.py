"""What only the live state shows to be wrong in the files: every problem, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from operator import itemgetter

from ldconf.core.address import Address
from ldconf.core.diagnostic import Diagnostic, Severity
from ldconf.core.errors import DocumentError
from ldconf.core.resource import same
from ldconf.kinds.experiment_model import environment_of
from ldconf.kinds.serve import DISABLED
from ldconf.kinds.variation_model import ARCHIVED
from ldconf.planning.compare import BORN, STATE, Comparison
from ldconf.planning.experiments import steps_of
from ldconf.planning.graph import references
from ldconf.planning.lifecycle import STATUS, Impossible
from ldconf.planning.scene import Scene
from ldconf.planning.sides import EXPERIMENTS, is_archived
from ldconf.planning.threeway import Row


def raise_any(scene: Scene) -> None:
    """Raise DocumentError with all problems, if there are any."""
    if found := tuple(problems(scene)):
        raise DocumentError(found)


def raise_impossible(scene: Scene, compared: Mapping[Address, Comparison]) -> None:
    """Raise DocumentError if an experiment is to take a step that there is not (design 5)."""
    found = tuple(
        problem
        for address, one in compared.items()
        if address.kind == EXPERIMENTS
        for problem in _of_experiment(scene, one)
    )
    if found:
        raise DocumentError(found)


def _of_experiment(scene: Scene, found: Comparison) -> Iterator[Diagnostic]:
    address, steps = found.address, steps_of(found)
    observed = scene.live.live.observed.get(address)
    if found.row is Row.CREATE and observed is not None and is_archived(address, observed):
        yield _error(
            scene,
            address,
            (),
            f"experiment {address.key!r} is archived in LaunchDarkly, which keeps its key for good",
            "archived-experiment",
            "choose another key, or restore it in LaunchDarkly",
        )
    elif isinstance(steps, Impossible):
        yield _error(scene, address, (STATUS,), steps.summary, "experiment-step", steps.hint)


def problems(scene: Scene) -> Iterator[Diagnostic]:
    """Yield every problem of the files against the live project."""
    yield from _environments(scene)
    yield from _externals(scene)
    yield from _undeletable(scene)
    for address, resource in sorted(scene.desired.workspace.resources.items(), key=itemgetter(0)):
        yield from _homeless(scene, address)
        for reference in references(address, resource):
            if not _exists(scene, reference.target):
                yield _missing(scene, address, reference.target, reference.path)
        if address.kind == "variations":
            yield from _contradicting_model(scene, address)
    for address in sorted(scene.desired.workspace.off):
        yield from _switched_off(scene, address)


def _exists(scene: Scene, address: Address) -> bool:
    """True if the object is there, or will be: a retired variation is never made."""
    if scene.live.observed(address) is not None:
        return True
    values = scene.desired.values(address)
    if values is None and address.kind == "targeting":  # every AI Config has it, everywhere
        return _exists(scene, Address(address.parts[:2]))
    return values is not None and values.get(STATE) != ARCHIVED


def _error(
    scene: Scene,
    address: Address,
    path: tuple[str | int, ...],
    summary: str,
    rule: str,
    hint: str | None = None,
) -> Diagnostic:
    position = scene.desired.workspace.position(address, *path)
    return Diagnostic(Severity.ERROR, summary, position, rule, hint, address)


def _environments(scene: Scene) -> Iterator[Diagnostic]:
    known = scene.live.live.environments
    workspace = scene.desired.workspace
    named = (environment_of(address, found) for address, found in workspace.resources.items())
    for environment in sorted({*filter(None, named), *workspace.settings.environments}):
        if environment not in known:
            yield Diagnostic(
                Severity.ERROR,
                f"environment {environment!r} does not exist in project"
                f" {scene.live.live.project!r}",
                rule="unknown-environment",
                hint=_instead(environment, known),
            )


def _externals(scene: Scene) -> Iterator[Diagnostic]:
    settings = scene.desired.workspace.settings
    for section, keys in sorted(settings.external.keys.items()):
        kind, _, environment = section.partition("/")
        for key in sorted(keys or ()):
            if kind == "segments":
                places = [environment] if environment else list(scene.live.live.environments)
                candidates = [Address.of(kind, key, place) for place in places]
            else:
                candidates = [Address.of(kind, key)]
            if not any(scene.live.observed(address) for address in candidates):
                yield Diagnostic(
                    Severity.ERROR,
                    f"external {section}/{key} does not exist in LaunchDarkly",
                    rule="missing-external",
                    hint=_instead(key, _keys(scene, kind)),
                    address=candidates[0],
                )


def _undeletable(scene: Scene) -> Iterator[Diagnostic]:
    for address, position in sorted(scene.desired.workspace.removed.items()):
        if address.kind == "targeting":
            yield Diagnostic(
                Severity.ERROR,
                "targeting cannot be deleted: it exists as long as its AI Config does",
                position,
                "removed-targeting",
                "write `off: true` to serve `disabled` to everybody",
                address,
            )


def _homeless(scene: Scene, address: Address) -> Iterator[Diagnostic]:
    if address.ai_config is None or address.kind == "aiConfigs":
        return
    owner = Address(address.parts[:2])
    if not _exists(scene, owner):
        yield _error(
            scene,
            address,
            (),
            f"AI Config {owner.key!r} does not exist in LaunchDarkly and the files do not make it",
            "missing-ai-config",
            "give it fields of its own, at least `name` and `mode`",
        )


def _missing(
    scene: Scene, address: Address, target: Address, path: tuple[str | int, ...]
) -> Diagnostic:
    return _error(
        scene,
        address,
        path,
        f"{target} does not exist in LaunchDarkly and the files do not make it",
        "missing-reference",
        _instead(target.key, _keys(scene, target.kind)),
    )


def _contradicting_model(scene: Scene, address: Address) -> Iterator[Diagnostic]:
    values = scene.desired.values(address) or {}
    stated = (values.get("model") or {}).get("modelName")
    derived = scene.desired.derived_model_name(address, values)
    if stated and derived and stated != derived:
        yield _error(
            scene,
            address,
            ("model", "modelName"),
            f"`modelName` is {stated!r}, but the model config"
            f" {values.get('modelConfigKey', 'in use')!r} says {derived!r}",
            "model-name",
            "leave `modelName` out; it follows from `modelConfigKey`",
        )


def _switched_off(scene: Scene, address: Address) -> Iterator[Diagnostic]:
    """`off: true` needs its fields managed, so that turning back on needs no other edit."""
    live = scene.live.values(address)
    values = scene.desired.values(address)
    if live is None or values is None:
        return
    unmanaged = [name for name in BORN if name not in values]
    if "fallthrough" not in unmanaged and not _is_written(scene, address, "fallthrough"):
        unmanaged.append("fallthrough")
    for name in unmanaged:
        if not same(live.get(name), BORN[name]):
            yield _error(
                scene,
                address,
                ("off",),
                f"`off: true` needs `{name}` in the files, because it is not empty in LaunchDarkly",
                "off-unmanaged",
                f"run `ldconf pull {address} --with-members`",
            )


def _is_written(scene: Scene, address: Address, field: str) -> bool:
    """True if a file gives the field, here or in a parent (compiling `off` always sets it)."""
    workspace = scene.desired.workspace
    known = {path for at, path in workspace.positions if at == address}
    return not known or (field,) in known or (address, field) in workspace.inherited


def _keys(scene: Scene, kind: str) -> set[str]:
    addresses = {*scene.live.live.observed, *scene.desired.workspace.resources}
    return {address.key for address in addresses if address.kind == kind} - {DISABLED}


def _instead(key: str, known: Iterable[str]) -> str | None:
    close = get_close_matches(key, sorted(known), n=1)
    return f"did you mean {close[0]!r}?" if close else None

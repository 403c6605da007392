"""What a running experiment depends on, as the files of one commit say it (design section 9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_of
from ldconf.core.address import variation as variation_of
from ldconf.core.resource import Json, same
from ldconf.core.workspace import Workspace
from ldconf.kinds import kind_of
from ldconf.kinds.experiment_model import DESIGN, Experiment, rule_description
from ldconf.kinds.model_config import PRICES
from ldconf.kinds.targeting import Targeting

Values: TypeAlias = Mapping[Address, Mapping[str, Json]]  # address -> field -> canonical value

_VERSIONED = ("tools", "modelConfigs")
AUDIENCE = "the clauses and order of the rules"


def depends_on(workspace: Workspace, at: Address, experiment: Experiment) -> Values:
    """Return what may not change under an experiment, by address and field.

    Variations with their tools and model configs (without prices), who is asked (clauses and order
    of its rule and those above, their segments, `off`), and its own design. Pure.
    """
    found: dict[Address, Mapping[str, Json]] = {at: _picked(experiment.managed(), DESIGN)}
    arms = dict.fromkeys((*experiment.allocation, experiment.remainder))
    for name in filter(None, arms):
        found |= _variation(workspace, variation_of(experiment.ai_config, name))
    where = targeting_of(experiment.ai_config, experiment.environment)
    targeting = workspace.resources.get(where)
    if isinstance(targeting, Targeting):
        found |= _audience(workspace, where, targeting, rule_description(experiment))
    return found


def _variation(workspace: Workspace, at: Address) -> Iterator[tuple[Address, Mapping[str, Json]]]:
    variation = workspace.resources.get(at)
    if variation is None:
        return
    yield at, variation.managed()
    for reference in kind_of(at).references(at, variation):
        used = workspace.resources.get(reference.target)
        if used is not None and reference.target.kind in _VERSIONED:
            values = used.managed()
            yield reference.target, _picked(values, (name for name in values if name not in PRICES))


def _audience(
    workspace: Workspace, at: Address, targeting: Targeting, rule: str | None
) -> Iterator[tuple[Address, Mapping[str, Json]]]:
    """Yield who is asked: `off`, and the clauses down to the experiment's rule."""
    above = list(targeting.rules or ())
    names = [one.description for one in above]
    if rule is not None and rule in names:
        above = above[: names.index(rule) + 1]
    asked = Targeting.model_construct(_fields_set={"rules"}, rules=above)
    clauses = [one["clauses"] for one in asked.managed()["rules"] or ()]
    yield at, {AUDIENCE: clauses, "off": at in workspace.off}
    for reference in kind_of(at).references(at, asked):
        segment = workspace.resources.get(reference.target)
        if segment is not None and reference.target.kind == "segments":
            yield reference.target, segment.managed()


def changes(before: Values, after: Values) -> Iterator[tuple[Address, tuple[str, ...]]]:
    """Yield (address, fields that differ). What the files no longer manage is no change: nothing
    is written then; what was in no file before is new rather than changed."""
    for address, now in after.items():
        was = before.get(address)
        if was is None:
            continue
        fields = [name for name in now if name not in was or not same(was[name], now[name])]
        if fields:
            yield address, tuple(fields)


def kept(before: Values, after: Values) -> Values:
    """Return what is known after a commit: values that it does not tell stay as they were."""
    return {at: {**before.get(at, {}), **after.get(at, {})} for at in {**before, **after}}


def _picked(values: Mapping[str, Json], names: Iterable[str]) -> dict[str, Json]:
    return {name: values[name] for name in names if name in values}

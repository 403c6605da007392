"""What 1,000 requests cost before and after a plan, from the prices of model configs.

Both sides are priced with the same typical request, so that the figures compare models and not
what people happened to ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_of
from ldconf.core.address import variation as variation_of
from ldconf.core.change import Change, Create, FieldDiff, Plan, Restore, Transition, Update
from ldconf.core.cost import ASSUMED, REQUESTS, CostChange, CostSide, Tokens, change
from ldconf.core.live import Live
from ldconf.core.resource import Json, Resource
from ldconf.kinds.experiment_model import ai_config_of
from ldconf.kinds.experiment_parts import served
from ldconf.kinds.serve import DISABLED, TOTAL, weights
from ldconf.planning.applied import Resources, applied
from ldconf.planning.lifecycle import START

Typical = Mapping[Address, Tokens]  # by variation, and by AI Config for all of its variations
_PRICES = ("costPerInputToken", "costPerOutputToken")
_MODEL = ("modelConfigKey", "modelConfigVersion", "model")


def costs(plan: Plan, live: Live, typical: Typical) -> Mapping[Address, CostChange]:
    """Return the cost of each change that may alter it: models, prices, who is served what."""
    before = {address: observed.resource for address, observed in live.observed.items()}
    changes = (*plan.changes, *plan.refused)
    pricing = _Pricing(before, applied(before, changes), typical)
    found = ((one.address, pricing.of(one)) for one in changes)
    return {address: cost for address, cost in found if cost is not None}


@dataclass(frozen=True)
class _Pricing:
    before: Resources
    after: Resources
    typical: Typical

    def of(self, found: Change) -> CostChange | None:
        """Return the cost change of a change, None if it cannot alter the cost."""
        if isinstance(found, Transition):
            return self._started(found)
        if not isinstance(found, Create | Update | Restore):
            return None
        diffs = {} if isinstance(found, Create) else {diff.field: diff for diff in found.fields}
        sent = _values(found.after)
        match found.address.kind:
            case "variations":
                return self._variation(found.address, sent, diffs)
            case "modelConfigs" if any(name in diffs for name in _PRICES):
                tokens = ASSUMED
                was = _side(found.address.key, self.before.get(found.address), tokens)
                prices = {**_values(self.before.get(found.address)), **sent}
                return change(was, _priced(found.address.key, prices, tokens), tokens)
            case "targeting" if diffs.get("fallthrough"):
                return self._served(found.address, diffs["fallthrough"])
            case _:
                return None

    def _variation(
        self, address: Address, sent: Mapping[str, Json], diffs: Mapping[str, FieldDiff]
    ) -> CostChange | None:
        live = _values(self.before.get(address))
        if not sent.get("modelConfigKey") and "modelConfigKey" not in live:
            return None
        tokens = self._tokens(address)
        becomes = self._model({**live, **sent}, self.after, tokens)
        if not diffs:
            return change(None, becomes, tokens) if address not in self.before else None
        was = self._model(live, self.before, tokens)
        is_other = any(name in diffs for name in _MODEL[:2]) or was.model != becomes.model
        return change(was, becomes, tokens) if is_other else None

    def _served(self, address: Address, diff: FieldDiff) -> CostChange | None:
        tokens = self._tokens(Address(address.parts[:2]))
        was = self._mean(address, diff.before, self.before, tokens)
        becomes = self._mean(address, diff.after, self.after, tokens)
        is_equal = was and becomes and was.per_thousand == becomes.per_thousand is not None
        return None if becomes is None or is_equal else change(was, becomes, tokens)

    def _started(self, found: Transition) -> CostChange | None:
        """Return the cost of whom an experiment starts to divide: its control served them all."""
        design = found.after.managed()
        if found.verb != START or not design.get("allocation"):
            return None
        address = targeting_of(design["aiConfig"], design["environment"])
        rollout = {"rollout": served(design)}
        return self._served(address, FieldDiff("audience", design.get("control"), rollout))

    def _mean(
        self, address: Address, serve: Json, side: Resources, tokens: Tokens
    ) -> CostSide | None:
        """Return the mean cost of whom the default rule serves; None if it serves nobody."""
        if serve is None or serve == DISABLED:
            return None
        arms = {key: weight for key, weight in weights(serve).items() if weight}
        total: float | None = 0.0
        for key, weight in arms.items():
            if key == DISABLED:
                continue
            values = _values(side.get(variation_of(address.parts[1], key)))
            cost = self._model(values, side, tokens).per_thousand
            total = None if total is None or cost is None else total + cost * weight / TOTAL
        return CostSide(", ".join(arms), None if total is None else _rounded(total))

    def _model(self, values: Mapping[str, Json], side: Resources, tokens: Tokens) -> CostSide:
        key = values.get("modelConfigKey")
        if not key:
            name = (values.get("model") or {}).get("modelName")
            return CostSide(name or "a model that is not known", None)
        return _side(key, side.get(Address.of("modelConfigs", key)), tokens)

    def _tokens(self, address: Address) -> Tokens:
        whole = Address(address.parts[:2])
        return self.typical.get(address) or self.typical.get(whole) or ASSUMED


def priced_ai_configs(plan: Plan, found: Mapping[Address, CostChange]) -> Iterator[str]:
    """Yield the AI Configs whose typical request matters to these costs."""
    keys = {address.parts[1] for address in found if address.ai_config is not None}
    for one in (*plan.changes, *plan.refused):
        if isinstance(one, Transition) and one.address in found:
            keys.add(ai_config_of(one.address, one.after) or "")
    yield from sorted(keys)


def _values(resource: Resource | None) -> Mapping[str, Json]:
    return {} if resource is None else resource.managed()


def _side(key: str, resource: Resource | None, tokens: Tokens) -> CostSide:
    return _priced(key, _values(resource), tokens)


def _priced(key: str, values: Mapping[str, Json], tokens: Tokens) -> CostSide:
    per_input, per_output = (values.get(name) for name in _PRICES)
    if per_input is None or per_output is None:
        return CostSide(key, None)
    dollars = (tokens.input * per_input + tokens.output * per_output) * REQUESTS
    return CostSide(key, _rounded(dollars))


def _rounded(dollars: float) -> float:
    return round(dollars, 6)

"""How the design of an experiment compares between files and LaunchDarkly."""

from __future__ import annotations

from collections.abc import Mapping

from ldconf.core.address import Address
from ldconf.core.address import targeting as targeting_address
from ldconf.core.resource import Json, same
from ldconf.kinds.experiment_model import STOPPED
from ldconf.kinds.experiment_parts import declared
from ldconf.kinds.targeting_rules import match_rules
from ldconf.planning.lifecycle import STATUS
from ldconf.planning.scene import Scene


class Declared:
    """Equality of `analysisConfig`: the server fills in what nobody wrote (reference 13.5)."""

    def in_sync(self, desired: Json, live: Json) -> bool:
        """True if live says what is declared."""
        return same(desired, declared(desired, live))

    def ours(self, said: Json, live: Json) -> bool:
        """See `in_sync`."""
        return self.in_sync(said, live)

    def unmoved(self, base: Json, desired: Json) -> bool:
        """True if the files still say the same."""
        return same(base, desired)


DECLARED = Declared()


def named_rule(scene: Scene, address: Address, rule: Json) -> Json:
    """Return the rule of a live experiment by the name that the files give it now.

    A rule that is only renamed stays the experiment's rule (design section 9, Rules). Of one that
    is stopped, the name that the rule had then is as good.
    """
    observed, live = scene.live.observed(address), scene.live.values(address)
    if not isinstance(rule, Mapping) or observed is None or live is None:
        return rule
    then = {"description": observed.meta.get("rule_was")}
    wanted = scene.desired.values(address) or {}
    if wanted.get(STATUS, live[STATUS])[STATUS] == STOPPED and same(wanted.get("rule"), then):
        return then
    place = targeting_address(live["aiConfig"], live["environment"])
    there, targeting = scene.live.observed(place), scene.desired.values(place)
    ids = list((there.meta if there else {}).get("rule_ids") or ())
    if observed.meta.get("rule_id") not in ids or not targeting or not targeting.get("rules"):
        return rule
    index = ids.index(observed.meta["rule_id"])
    rules = (scene.live.values(place) or {}).get("rules") or ()
    for in_file, in_live in match_rules(targeting["rules"], rules):
        if in_live == index and in_file is not None:
            return {"description": targeting["rules"][in_file]["description"]}
    return rule

"""Files, live state and base become a plan. Pure: the same arguments give an equal plan."""

from __future__ import annotations

from ldconf.core.address import Address
from ldconf.core.change import Plan
from ldconf.core.live import Live
from ldconf.core.workspace import Workspace
from ldconf.planning import problems
from ldconf.planning.assemble import Findings, assemble
from ldconf.planning.compare import Comparison, compare
from ldconf.planning.options import DEFAULTS, PlanOptions
from ldconf.planning.removal import removals
from ldconf.planning.scene import Scene
from ldconf.planning.scope import Scope
from ldconf.planning.settle import settle


def plan(
    desired: Workspace,
    live: Live,
    base: Workspace | None,
    options: PlanOptions = DEFAULTS,
) -> Plan:
    """Return what apply would do, and everything else a reviewer must know.

    Raises DocumentError if the live project shows a problem of the files, UsageError or
    LdconfError if `--target` and `--environment` name nothing or leave something needed out.
    """
    scene = Scene(desired, live, base, options)
    problems.raise_any(scene)
    scope = Scope.of(scene)
    compared = _comparisons(scene)
    if not options.offline:
        problems.raise_impossible(scene, compared)
    removed = removals(scene)
    settled = settle(scene, scope, compared, removed.deletes)
    kept = tuple(one for address, one in compared.items() if scope.keeps(address))
    return assemble(scene, scope, Findings(kept, removed, settled))


def needs_history(desired: Workspace, live: Live, base: Workspace | None) -> bool:
    """True if the files between base and HEAD may tell that a moved live value is ours.

    That is, if a field is in row x/x/y or x/z/y, or a managed object is gone (design section 9).
    """
    if base is None:
        return False
    scene = Scene(desired, live, base, PlanOptions(file_consents=False))
    return any(one.has_moved for one in _comparisons(scene).values())


def _comparisons(scene: Scene) -> dict[Address, Comparison]:
    compared = ((a, compare(scene, a)) for a in sorted(scene.desired.workspace.resources))
    return {address: one for address, one in compared if one is not None}

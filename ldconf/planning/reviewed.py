"""`--reviewed` and `apply FILE`: nothing is sent that was not reviewed (design section 9)."""

from __future__ import annotations

from collections.abc import Iterable

from ldconf.core.address import Address
from ldconf.core.change import Plan
from ldconf.core.errors import StalePlanError
from ldconf.planning.planfile import ReviewedPlan

_HINT = "look at the new plan, then give its digest or file"


def check(plan: Plan, reviewed: Iterable[str | ReviewedPlan]) -> None:
    """Raise StalePlanError if the plan would send something that was not reviewed.

    A digest stands for exactly its set of changes; files stand for the union of theirs, so a
    reviewed change that is no longer needed is no difference. Nothing to send is always reviewed.
    """
    given = tuple(reviewed)
    digests = {one for one in given if isinstance(one, str)}
    files = [one for one in given if isinstance(one, ReviewedPlan)]
    if not plan.changes or plan.digest in digests:
        return
    if not files:
        raise StalePlanError(
            f"the plan is not the reviewed one: its digest is {plan.digest}"
            f" ({_named(change.address for change in plan.changes)})",
            hint=_HINT,
        )
    hashes = frozenset().union(*(file.hashes for file in files))
    fresh = [at.address for at, found in plan.change_hashes.items() if found not in hashes]
    if fresh:
        raise StalePlanError(f"not in the reviewed plan: {_named(fresh)}", hint=_HINT)
    _check_consents(plan, files)


def _check_consents(plan: Plan, files: Iterable[ReviewedPlan]) -> None:
    """A consent lifts only changes of a reviewed plan that lists it."""
    listed = frozenset().union(*(file.consents for file in files))
    for use in plan.consents:
        if (str(use.address), use.allow, use.because) not in listed:
            raise StalePlanError(
                f"consent `{use.allow}` at {use.address} is not in the reviewed plan", hint=_HINT
            )


def _named(addresses: Iterable[Address]) -> str:
    return ", ".join(map(str, addresses))

"""What a reviewer wants to know beside the changes: cost, experiments, prompts, consents.

Nothing of it is in the digest; what monitoring tells depends on the time.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from ldconf.api.reader import Progress
from ldconf.api.tasks import concurrently
from ldconf.core.address import Address
from ldconf.core.address import ai_config as ai_config_at
from ldconf.core.address import variation as variation_at
from ldconf.core.cost import CostChange, Tokens
from ldconf.core.errors import LdconfError
from ldconf.core.resource import canonical_json, sha256
from ldconf.core.usage import Monitoring, Use
from ldconf.planning.applied import applied
from ldconf.planning.costs import costs, priced_ai_configs
from ldconf.render import report
from ldconf.render.rows import ConsentRow, ExperimentRow, Report, SampleRow
from ldconf.workflow.monitor import MonitorWish, monitor
from ldconf.workflow.plan import Planned, PlanWish, make_plan
from ldconf.workflow.site import Site

DAYS = 7
_SOURCE = f"mean of the last {DAYS} days"
_MOST = 20  # AI Configs asked about; each costs a request per environment
_FINGERPRINT = 12
_PROMPT = ("instructions", "messages")


async def plan_for_review(site: Site, wish: PlanWish, progress: Progress | None = None) -> Planned:
    """Return the plan of a site with typical requests from monitoring, if context is wished."""
    found = await make_plan(site, wish, progress)
    if not wish.context:
        return found
    return replace(found, typical=await _typical(site, found))


@dataclass(frozen=True)
class Beside:
    """What the caller adds to a report: remarks on the run, sample contexts, and how to show it."""

    remarks: tuple[str, ...] = ()
    samples: tuple[SampleRow, ...] = ()
    redact: bool = False


def review_report(planned: Planned, beside: Beside) -> Report:
    """Return everything that a plan has to say."""
    options = report.ReportOptions(
        workspace=planned.workspace,
        context=planned.context,
        remarks=(*planned.remarks, *beside.remarks),
        requests=planned.requests,
        unmanaged=planned.unmanaged,
        redact=beside.redact,
        costs=costs_of(planned),
        samples=beside.samples,
        experiments=experiments(planned),
        consents=open_consents(planned),
        prompts=prompts(planned),
    )
    return report.build(planned.plan, options)


def costs_of(planned: Planned) -> Mapping[Address, CostChange]:
    """Return what 1,000 requests cost before and after, of each change that alters it."""
    return costs(planned.plan, planned.live, planned.typical)


def experiments(planned: Planned) -> tuple[ExperimentRow, ...]:
    """Return the draft and running experiments that were read."""
    return tuple(
        ExperimentRow(
            one.key,
            one.name,
            one.environment,
            one.ai_config,
            one.status,
            tuple(sorted(one.variations)),
        )
        for one in planned.live.experiments
    )


def open_consents(planned: Planned) -> tuple[ConsentRow, ...]:
    """Return the consents of the files that the base does not have: the others are spent."""
    base = planned.base.workspace
    spent = {entry.identity for entry in base.consents} if base else set()
    fresh = (entry for entry in planned.workspace.consents if entry.identity not in spent)
    return tuple(ConsentRow(*one.identity) for one in sorted(fresh, key=lambda one: one.identity))


def prompts(planned: Planned) -> Mapping[str, str]:
    """Return address -> fingerprint of the prompt after apply, of the AI Configs that change.

    A prompt that LaunchDarkly does not return is what the files say; else it is left out.
    """
    live, changes = planned.live, (*planned.plan.changes, *planned.plan.refused)
    touched = {one.address.ai_config for one in changes}
    after = applied({at: observed.resource for at, observed in live.observed.items()}, changes)
    found = {}
    for address in sorted(after):
        if address.kind != "variations" or address.ai_config not in touched:
            continue
        values = after[address].managed()
        observed = live.observed.get(address)
        files = planned.workspace.resources.get(address)
        written = files.managed() if files else {}
        hidden = [n for n in _PROMPT if observed and n in observed.omitted and not values.get(n)]
        if all(name in written for name in hidden):
            texts = [(written if name in hidden else values).get(name) for name in _PROMPT]
            found[str(address)] = sha256(canonical_json(texts))[:_FINGERPRINT]
    return found


async def _typical(site: Site, planned: Planned) -> Mapping[Address, Tokens]:
    """Return the mean tokens of a request; nothing if nobody can tell. Never a reason to fail."""
    priced = priced_ai_configs(planned.plan, costs_of(planned))
    keys = [key for key in priced if ai_config_at(key) in planned.live.observed][:_MOST]
    if not keys:
        return {}
    now = int(time.time() * 1000)
    wishes = [MonitorWish(ai_config=key, since_s=DAYS * 86_400) for key in keys]
    found = await concurrently([partial(_monitored, site, wish, now) for wish in wishes])
    return _means([use for one in found if one is not None for use in one.uses])


async def _monitored(site: Site, wish: MonitorWish, now: int) -> Monitoring | None:
    try:
        return await monitor(site, wish, now)
    except LdconfError:
        return None


def _means(uses: list[Use]) -> Mapping[Address, Tokens]:
    sums: dict[Address, list[int]] = defaultdict(lambda: [0, 0, 0])
    for use in uses:
        places = [ai_config_at(use.ai_config)]
        if use.variation is not None:
            places.append(variation_at(use.ai_config, use.variation))
        for place in places:
            for index, number in enumerate((use.requests, use.input_tokens, use.output_tokens)):
                sums[place][index] += number
    return {
        place: Tokens(round(given / requests), round(answered / requests), _SOURCE)
        for place, (requests, given, answered) in sums.items()
        if requests and given + answered
    }

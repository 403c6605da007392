"""Applying: show the plan, make sure a person saw it, do exactly that (design 4.3, 4.6)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ldconf.api.apply import ApplyOptions, apply
from ldconf.api.client import Client
from ldconf.api.reader import Progress
from ldconf.core.errors import LdconfError, RefusedError, UsageError
from ldconf.core.outcome import Outcome
from ldconf.documents import git
from ldconf.planning import planfile, reviewed
from ldconf.planning.planfile import ReviewedPlan
from ldconf.settings import provenance
from ldconf.workflow.base import NONE, Base
from ldconf.workflow.interrupt import stop_on_interrupt
from ldconf.workflow.plan import Inputs, Planned, PlanWish, base_of, planned
from ldconf.workflow.site import Site, load_workspace


@dataclass(frozen=True)
class ApplyWish:
    """What the caller asks of an apply. `reviewed` are digests and plans that a person saw."""

    plan: PlanWish
    reviewed: tuple[str | ReviewedPlan, ...] = ()
    yes: bool = False
    is_terminal: bool = False
    pull_requests: tuple[int, ...] = ()  # what is applied with this, if the caller knows

    @property
    def asks(self) -> bool:
        """True if a person has to say yes first."""
        return self.is_terminal and not self.yes and not self.reviewed


@dataclass(frozen=True)
class Done:
    """What became of an apply. `declined`: the person said no."""

    planned: Planned
    outcomes: tuple[Outcome, ...] = ()
    declined: bool = False
    interrupted: bool = False


class Talk(Protocol):
    """The caller's side of the conversation."""

    @property
    def progress(self) -> Progress | None:
        """Where to report progress to."""

    def show(self, found: Planned) -> None:
        """Show the plan."""

    def agrees(self) -> bool:
        """Ask the person."""

    def tell(self, outcome: Outcome) -> None:
        """Say what became of one change."""


async def apply_plan(site: Site, wish: ApplyWish, talk: Talk) -> Done:
    """Plan, show, make sure, apply. Raises RefusedError or StalePlanError before any write."""
    workspace, remarks = load_workspace(site.root)
    base = base_of(site, workspace, wish.plan.base, as_account=wish.plan.as_account)
    _check_ways(site, wish, base)
    inputs = Inputs(site, workspace, base, remarks)
    plan_wish = replace(wish.plan, file_consents=_file_consents(site, wish, base))
    async with site.client() as client:
        found = await planned(client, inputs, plan_wish, talk.progress)
        talk.show(found)
        if wish.reviewed:
            reviewed.check(found.plan, wish.reviewed)
        if not found.plan.changes:
            return Done(found)
        if wish.asks:
            if not talk.agrees():
                return Done(found, declined=True)
            # The world moved on while the person was reading.
            shown = planfile.loads(found.file)
            found = await planned(client, inputs, replace(plan_wish, context=False), talk.progress)
            reviewed.check(found.plan, [shown])
        return await _carry_out(client, found, wish, talk)


async def _carry_out(client: Client, found: Planned, wish: ApplyWish, talk: Talk) -> Done:
    outcomes: list[Outcome] = []
    async with stop_on_interrupt() as stopped:
        options = ApplyOptions(
            comment=_comment(found, wish.pull_requests),
            commit=_commit(found),
            stop=stopped,
            progress=talk.progress,
        )
        async for outcome in apply(found.plan, found.live, client, options):
            talk.tell(outcome)
            outcomes.append(outcome)
        return Done(found, tuple(outcomes), interrupted=stopped())


def read_reviewed(text: str) -> str | ReviewedPlan:
    """Return what `--reviewed` names: a digest, or the content of a plan file."""
    if len(text) == 64 and all(letter in "0123456789abcdef" for letter in text):
        return text
    try:
        content = Path(text).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        reason = getattr(err, "strerror", None) or str(err)
        raise UsageError(
            f"{text!r} is neither a digest (64 hexadecimal digits) nor a plan file: {reason}",
            "`ldconf plan --out FILE` writes one",
        ) from err
    try:
        return planfile.loads(content)
    except LdconfError as err:
        raise LdconfError(f"{text}: {err.summary}", err.hint) from err


def _check_ways(site: Site, wish: ApplyWish, base: Base) -> None:
    """Refuse what nobody would see, before LaunchDarkly is asked."""
    if not (wish.is_terminal or wish.yes or wish.reviewed):
        raise UsageError(
            "apply asks before it writes, and there is no terminal to ask on",
            "give a plan file, --reviewed DIGEST, or --yes",
        )
    dirty = base.repository is not None and base.repository.dirty
    if dirty and not wish.is_terminal and not site.connection.is_local:
        raise RefusedError(
            "the files differ from HEAD, so no commit says what would be applied",
            "commit them first; on a terminal, or with --local, they can be applied as they are",
        )
    by_digest = wish.plan.base == NONE and any(isinstance(one, str) for one in wish.reviewed)
    if base.workspace is None and not (
        wish.is_terminal or by_digest or site.connection.needs_no_history
    ):
        raise RefusedError(
            "there is no base, so changes made in LaunchDarkly could be overwritten unseen",
            "name one with --base REF, or review the plan and give `--base none --reviewed DIGEST`",
        )


def _file_consents(site: Site, wish: ApplyWish, base: Base) -> bool:
    """Consents in the files lift only what somebody saw; without a base only with a digest."""
    if not (wish.is_terminal or wish.reviewed):
        return False
    by_digest = any(isinstance(one, str) for one in wish.reviewed)
    return base.workspace is not None or by_digest or site.connection.needs_no_history


def _commit(found: Planned) -> str:
    """Return the commit of the files; empty without git, or if they are not what it says."""
    repository = found.base.repository
    return "" if repository is None or repository.dirty else repository.head or ""


def _comment(found: Planned, pull_requests: Sequence[int] = ()) -> str:
    """Return who applies what and why, for LaunchDarkly's audit log."""
    event = os.environ.get("GITHUB_EVENT_PATH")
    try:
        text = Path(event).read_text(encoding="utf-8") if event else None
    except (OSError, UnicodeDecodeError):
        text = None
    who = provenance(os.environ, _commit(found) or None, text)
    if pull_requests:
        who = replace(who, pull_request=", ".join(map(str, pull_requests)))
    words = who.comment()
    reasons = [use.because for use in found.plan.consents] or _subject(found)
    return "; ".join([words, *reasons])


def _subject(found: Planned) -> list[str]:
    repository = found.base.repository
    commit = _commit(found)
    if repository is None or not commit:
        return []
    shown = git.git(repository.top, "show", "-s", "--format=%s", commit, check=False)
    subject = shown.stdout.decode("utf-8", "replace").strip()
    return [subject] if subject else []

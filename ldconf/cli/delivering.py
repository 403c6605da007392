"""The work of `ldconf github`: plan, apply and drift, each with what GitHub is told."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ldconf.cli import actions
from ldconf.cli.applying import Conversation, carry_out, exit_code, told
from ldconf.cli.formats import write_file
from ldconf.cli.planning import Drawn, finish, report_of
from ldconf.cli.planning import exit_code as plan_exit_code
from ldconf.cli.policing import annotate, held_against
from ldconf.cli.run import Run
from ldconf.core.errors import ExitCode, LdconfError, UsageError
from ldconf.core.policy import PolicyReport
from ldconf.render import delivery as drawing
from ldconf.render import json, markdown, policy
from ldconf.workflow import delivery, samples
from ldconf.workflow.apply import ApplyWish, Done, read_reviewed
from ldconf.workflow.delivery import Place, Runner
from ldconf.workflow.edits import PullWish, pull
from ldconf.workflow.plan import Planned, PlanWish

FIRST_TIME = "this workspace was never applied from here, so nobody reviewed this against a base"


@dataclass(frozen=True)
class PlanDelivery:
    """What `ldconf github plan` takes."""

    out: Path
    redact: bool = False
    no_samples: bool = False
    author: str | None = None


def deliver_plan(run: Run, wanted: PlanDelivery) -> int:
    """Plan, write the files of the artifact, and comment. Returns the exit code."""
    runner = delivery.runner(os.environ, wanted.author)
    place = delivery.place(run.root())
    request = runner.event.pull_request
    if request is not None and request.closed:
        run.say(f"pull request {request.number} is closed: nothing to plan")
        return ExitCode.DONE
    try:
        planned, drawn = _planned(run, wanted, runner, place)
    except LdconfError as error:
        if request is not None and not request.outside:
            body = drawing.plan_failed(place.heading(runner), error.summary)
            _comment(run, runner, request.number, body, create=False)
            body = policy.not_checked(place.settings.project, place.name)
            run.wait(delivery.put_comment, runner, request.number, body, create=False)
        raise
    finish(run, planned, drawn)
    report = report_of(planned, drawn)
    policies = held_against(run.root(), planned, drawn)
    body = markdown.plan(report, artifact=actions.artifact())
    write_file(wanted.out / "plan.md", body)
    write_file(wanted.out / "report.json", json.document("plan", report))
    write_file(wanted.out / "policy.json", json.document("policy", policies))
    stopping = sum(found.stops for found in policies.violations)
    outputs = {"artifact": place.artifact, "violations": str(stopping)}
    if drawn.out is not None:
        outputs["plan-file"] = str(drawn.out)
    actions.leave_outputs(outputs)
    if request is not None and not request.outside:
        says = bool(report.groups or report.refused or report.refusals or report.conflicts)
        _comment(run, runner, request.number, body, create=says)
    judged = _judge(run, runner, policies)
    return plan_exit_code(planned.plan, detailed=False) or judged


def _judge(run: Run, runner: Runner, report: PolicyReport) -> int:
    """Tell what the policies say, in a comment of its own. Returns the exit code."""
    body = policy.markdown(report)
    if report.rules:
        run.say(policy.verdict(report))
        annotate(run, report)
        actions.leave_summary(body)
    request = runner.event.pull_request
    if request is not None and not request.outside:
        says = bool(report.violations)
        run.wait(delivery.put_comment, runner, request.number, body, create=says)
    return ExitCode.REFUSED if report.is_refused else ExitCode.DONE


def _planned(run: Run, wanted: PlanDelivery, runner: Runner, place: Place) -> tuple[Planned, Drawn]:
    """Return the plan, online if this run may have secrets, and how it is drawn."""
    wanted.out.mkdir(parents=True, exist_ok=True)
    request = runner.event.pull_request
    samples.check(run.root(), skip=wanted.no_samples)
    file: Path | None = wanted.out / "plan.json"
    if request is not None and request.outside:
        planned, file = delivery.plan_outside(place, request, PlanWish(context=False)), None
    else:
        base = delivery.base_for(place, runner.event)
        planned = run.plan(PlanWish(base=base, as_account=not run.local))
    sampled = samples.sampled(run.root(), planned, skip=wanted.no_samples)
    return planned, Drawn(None, file, wanted.redact, sampled.remarks, sampled.rows)


@dataclass(frozen=True)
class ApplyDelivery:
    """What `ldconf github apply` takes."""

    digests: tuple[str, ...] = ()
    redact: bool = False
    author: str | None = None


def deliver_apply(run: Run, wanted: ApplyDelivery) -> int:
    """Apply what was reviewed, move the ref, and tell the pull requests."""
    if run.local:
        raise UsageError("a delivery applies to an account; locally, use `ldconf apply --local`")
    runner, digests = delivery.runner(os.environ, wanted.author), wanted.digests
    delivery.check_may_apply(runner.event, os.environ.get("GITHUB_REF"))
    place = delivery.place(run.root())
    found = run.wait(delivery.reviewed, runner, place)
    for remark in found.remarks:
        run.say(remark)
    talk = Conversation(run, redact=wanted.redact)
    try:
        if place.applied is None and not digests:
            return _first_time(run, runner, place, talk, found)
        base = "none" if place.applied is None else None
        reviewed = tuple(map(read_reviewed, digests)) if digests else found.plans
        numbers = tuple(one.number for one in found.pulls)
        plan_wish = PlanWish(base=base, as_account=True)
        wish = ApplyWish(plan_wish, reviewed, pull_requests=numbers)
        done = carry_out(run, wish, talk)
    except LdconfError as error:
        digest = talk.shown.plan.digest if talk.shown is not None else None
        hint = error.hint if digest is None else "; ".join(found.remarks)
        body = drawing.not_applied(place.heading(runner), error.summary, digest, hint)
        _tell(run, runner, found, body, create=True)
        raise
    return _finished(run, runner, place, found, done)


def _finished(run: Run, runner: Runner, place: Place, found: delivery.Reviewed, done: Done) -> int:
    """Move the ref if everything is applied, and tell the pull requests what became of them."""
    code, verdict, at = exit_code(done), told(done).verdict, place.heading(runner)
    whole = code == ExitCode.DONE
    if whole:
        moved = run.wait(delivery.move_ref, runner, place)
        run.say(f"{place.ref} {'is now' if moved else 'stays'} at {place.head[:12]}")
        body = drawing.applied(at, verdict)
    else:
        body = drawing.not_applied(at, verdict, None, _HINTS[ExitCode(code)])
    actions.leave_summary(body)
    _tell(run, runner, found, body, create=not whole)
    return code


_HINTS = {
    ExitCode.ERROR: "Run the job again: it goes on from here, and nothing is done twice.",
    ExitCode.REFUSED: "The run's summary says what was refused, and how to consent.",
    ExitCode.APPROVAL_PENDING: "Once the requests are approved and applied in LaunchDarkly, run "
    "the job again: it moves the applied ref.",
    ExitCode.INTERRUPTED: "Run the job again: it goes on from here, and nothing is done twice.",
}


def _first_time(
    run: Run, runner: Runner, place: Place, talk: Conversation, found: delivery.Reviewed
) -> int:
    """Show the whole plan and write nothing: a person applies it by its digest."""
    planned = run.plan(PlanWish(base="none"))
    talk.show(planned)
    digest = planned.plan.digest
    run.say(
        f"{FIRST_TIME}\nnothing was written; to apply this plan, start the workflow by hand with "
        f"the digest {digest}"
    )
    body = drawing.not_applied(place.heading(runner), f"{FIRST_TIME}.", digest)
    actions.leave_summary(body)
    _tell(run, runner, found, body, create=True)
    return ExitCode.REFUSED


def deliver_drift(run: Run, author: str | None, *, redact: bool = False) -> int:
    """Take over what moved, as a pull request. Returns the exit code."""
    runner = delivery.runner(os.environ, author)
    place = delivery.place(run.root())
    if place.applied is None:
        run.say(f"{place.ref} does not exist: before the first apply there is no drift")
        return ExitCode.DONE
    planned = run.plan(PlanWish(as_account=True))
    finish(run, planned, Drawn(redact=redact, as_drift=True))
    with run.site() as site, run.progress() as progress:
        pulled = run.wait(pull, site, PullWish(drift=True, base=place.applied), progress)
    found = report_of(planned, Drawn(redact=redact))
    report = markdown.plan(found, artifact=actions.artifact(), limit=markdown.LIMIT - 4_000)
    title = drawing.drift_title(place.heading(runner))
    words = (title, drawing.drift_body(report, pulled.remarks))
    made = run.wait(delivery.propose_drift, runner, place, pulled.paths, words)
    for remark in pulled.remarks:
        run.say(remark)
    if made.number is not None:
        run.say(f"pull request {made.number} takes over what moved in LaunchDarkly")
    elif made.closed is not None:
        run.say(f"nothing is left to take over: pull request {made.closed} is closed")
    else:
        run.say("nothing to take over")
    actions.leave_outputs({"pull-request": str(made.number or "")})
    return ExitCode.DONE


def _comment(run: Run, runner: Runner, number: int, body: str, *, create: bool) -> None:
    done = run.wait(delivery.put_comment, runner, number, body, create=create)
    run.say(f"comment of pull request {number}: {done or 'none, as nothing changes'}")


def _tell(run: Run, runner: Runner, found: delivery.Reviewed, body: str, *, create: bool) -> None:
    """Tell the merged pull requests. What was applied stays so if GitHub takes no comment."""
    try:
        run.wait(delivery.tell, runner, found.pulls, body, create=create)
    except LdconfError as error:
        run.say(f"the pull requests could not be told: {error.summary}")

"""The tools that ask LaunchDarkly: plan and, if the server may, apply of a plan that was shown."""

from __future__ import annotations

from dataclasses import dataclass

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from ldconf.core.outcome import Outcome
from ldconf.mcp.answers import Applied, Planned
from ldconf.mcp.desk import Desk, explained
from ldconf.render import markdown, outcomes
from ldconf.workflow import plan as making
from ldconf.workflow import samples
from ldconf.workflow.apply import ApplyWish, apply_plan
from ldconf.workflow.review import Beside, plan_for_review, review_report

ASKS = ToolAnnotations(read_only_hint=True, open_world_hint=True)
ACTS = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=True)


def add_planning(server: MCPServer, desk: Desk) -> None:
    """Add plan, and apply if the desk allows it."""

    @server.tool(annotations=ASKS)
    async def plan(
        base: str | None = None,
        targets: list[str] | None = None,
        environments: list[str] | None = None,
    ) -> Planned:
        """Tell what apply would do to LaunchDarkly. Only reads. Show the report to the person.

        base: the commit to compare with, or `none`. targets: only these addresses and below.
        """
        wish = making.PlanWish(
            base=base, targets=tuple(targets or ()), environments=tuple(environments or ())
        )
        with explained():
            with desk.site() as site:
                found = await plan_for_review(site, wish)
            sampled = samples.sampled(desk.root, found, skip=not samples.can_evaluate())
        report = review_report(found, Beside(sampled.remarks, sampled.rows))
        desk.shown[found.plan.digest] = wish
        return Planned(
            digest=found.plan.digest,
            verdict=report.summary.verdict,
            risk=report.summary.risk,
            changes=len(found.plan.changes),
            refused=bool(found.plan.refusals or found.plan.refused or found.plan.conflicts),
            report=markdown.plan(report),
        )

    if not desk.allow_apply:
        return

    @server.tool(annotations=ACTS)
    async def apply(digest: str) -> Applied:
        """Do exactly what a plan of this session said. Ask the person first.

        digest: that of the plan that the person saw and agreed to.
        """
        wish = desk.shown.get(digest)
        if wish is None:
            raise ToolError("no plan with this digest was shown: plan first, and show its report")
        with explained(), desk.site() as site:
            done = await apply_plan(site, ApplyWish(plan=wish, reviewed=(digest,)), _Silent())
        report = outcomes.build(done.planned.plan, done.outcomes, interrupted=done.interrupted)
        results = list(report.stranded)  # what a failure left stopped is said first
        results += [
            f"{row.result}: {row.word} {row.address}{f' ({row.reason})' if row.reason else ''}"
            for row in report.rows
        ]
        is_done = len(report.rows) == len(done.planned.plan.changes) and all(
            row.result == "done" for row in report.rows
        )
        return Applied(done=is_done, results=results)


@dataclass(frozen=True)
class _Silent:
    """Nobody to talk to while applying: the person has agreed to the digest."""

    progress: None = None

    def show(self, found: making.Planned) -> None:
        """The plan was shown by the tool `plan`."""

    def agrees(self) -> bool:
        """Nobody is asked here: what was reviewed is applied, or nothing."""
        return False

    def tell(self, outcome: Outcome) -> None:
        """Every outcome is in the answer."""

"""Delivery in GitHub Actions: which plan was reviewed, which ref moves, what GitHub is told.

Everything here talks to GitHub and git; LaunchDarkly is planned and applied by `plan` and `apply`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ldconf.core.errors import LdconfError, UsageError
from ldconf.core.workspace import WorkspaceSettings
from ldconf.documents import git
from ldconf.github import access, artifacts, comments, event, pulls, refs
from ldconf.github.client import GitHub
from ldconf.github.event import Event, PullRequest, Trigger
from ldconf.github.pulls import Merged
from ldconf.planning import planfile
from ldconf.planning.planfile import ReviewedPlan
from ldconf.render.delivery import Heading
from ldconf.workflow.base import commits, paths_of
from ldconf.workflow.offline import plan_against
from ldconf.workflow.plan import Planned, PlanWish
from ldconf.workflow.site import settings_of

BRANCH = "ldconf/drift/"


@dataclass(frozen=True)
class Runner:
    """The job that this is: its event, its repository, and who writes its comments."""

    event: Event
    access: access.Access
    run_url: str | None
    author: str = comments.BOT
    branch: str = ""  # the branch or tag that the run belongs to

    def github(self) -> GitHub:
        """Return a client, to be opened with `async with`."""
        return GitHub(self.access)


@dataclass(frozen=True)
class Place:
    """A workspace in its repository. `applied` is the commit of the applied ref, None before the
    first adoption."""

    root: Path
    top: Path
    prefix: str
    head: str
    settings: WorkspaceSettings
    ref: str
    applied: str | None

    @property
    def name(self) -> str:
        """The workspace as the applied ref has it."""
        return self.ref.rpartition("/")[2]

    @property
    def artifact(self) -> str:
        """The name of the artifact that holds a reviewed plan."""
        project, _, name = self.ref.removeprefix("refs/ldconf/applied/").partition("/")
        return f"ldconf-plan--{project}--{name}"

    def heading(self, runner: Runner) -> Heading:
        """Return the heading of comments about this workspace."""
        return Heading(self.settings.project, self.name, self.head, runner.run_url)


@dataclass(frozen=True)
class Reviewed:
    """The plans that were reviewed since the base, and the pull requests they belong to."""

    plans: tuple[ReviewedPlan, ...]
    pulls: tuple[Merged, ...]
    remarks: tuple[str, ...] = ()


def runner(env: Mapping[str, str], author: str | None = None) -> Runner:
    """Return what the variables of the job say. Raises an LdconfError outside of one."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, number = (env.get(name) for name in names)
    url = f"{server}/{repository}/actions/runs/{number}" if server and repository else None
    return Runner(
        event=event.read(env),
        access=access.access(env),
        run_url=url if number else None,
        author=author or comments.BOT,
        branch=env.get("GITHUB_REF_NAME", ""),
    )


def place(root: Path) -> Place:
    """Return where a workspace stands. Raises LdconfError outside of git."""
    settings = settings_of(root)
    top = git.top_level(root)
    head = git.head(top) if top else None
    if top is None or head is None:
        raise LdconfError(f"{root} is in no git repository with a commit")
    prefix = root.resolve().relative_to(top.resolve()).as_posix()
    prefix = "" if prefix == "." else prefix
    ref = git.workspace_ref_name(settings.project, prefix)
    found = git.git(top, "show-ref", "--verify", "--quiet", ref, check=False)
    applied = git.resolve(top, ref) if found.returncode == 0 else None
    return Place(root, top, prefix, head, settings, ref, applied)


def plan_outside(at: Place, pull: PullRequest, wish: PlanWish) -> Planned:
    """Return the plan of a pull request that gets no secrets: its files against its base's."""
    branch = f"refs/remotes/origin/{pull.base_branch}"
    git.resolve(at.top, branch)  # raises, and says how to get the history
    base = git.merge_base(at.top, at.head, branch)
    if base is None:
        raise LdconfError(f"HEAD and {pull.base_branch} have no common ancestor")
    return plan_against(at.root, base[:12], wish)


def base_for(at: Place, found: Event) -> str | None:
    """Return the base that a merge queue names, if nothing better is known."""
    return found.base_sha if found.trigger is Trigger.MERGE_QUEUE and at.applied is None else None


def check_may_apply(found: Event, ref: str | None) -> None:
    """Refuse to apply anything but the default branch. Raises UsageError."""
    if found.trigger not in (Trigger.PUSH, Trigger.MANUAL):
        raise UsageError(f"nothing is applied on {found.trigger}: only on push, or by hand")
    if ref != f"refs/heads/{found.default_branch}":
        raise UsageError(f"only {found.default_branch} is applied, and this is {ref}")


async def put_comment(runner: Runner, number: int, body: str, *, create: bool) -> str | None:
    """Create or edit the comment of a pull request. Returns what happened."""
    async with runner.github() as github:
        return await comments.put(github, number, body, author=runner.author, create=create)


async def reviewed(runner: Runner, at: Place) -> Reviewed:
    """Return the plans of the pull requests merged since the applied ref; before the first
    adoption only the pull requests of HEAD, and no plan."""
    paths = paths_of(at.prefix, at.settings)
    found = commits(at.top, at.applied, paths) if at.applied else [at.head]
    async with runner.github() as github:
        merged = await pulls.merged_with(github, found)
        if at.applied is None:
            return Reviewed((), merged)
        plans, remarks = [planfile.NOTHING], []
        for pull in merged:
            plan = await _plan_of(github, at, pull)
            if isinstance(plan, str):
                remarks.append(f"pull request {pull.number}: {plan}")
            else:
                plans.append(plan)
    return Reviewed(tuple(plans), merged, tuple(remarks))


async def _plan_of(github: GitHub, at: Place, pull: Merged) -> ReviewedPlan | str:
    """Return the reviewed plan of a pull request, or why there is none."""
    if pull.outside:
        return "it came from a fork or Dependabot, so its plan was never compared with LaunchDarkly"
    text = await artifacts.reviewed_plan(github, at.artifact, pull.head_sha)
    if text is None:
        return f"no reviewed plan of {pull.head_sha[:12]} is kept"
    plan = planfile.loads(text)
    if (plan.project, plan.workspace) != (at.settings.project, at.name):
        return f"its plan is for {plan.project} ({plan.workspace})"
    return plan


async def tell(runner: Runner, found: Sequence[Merged], body: str, *, create: bool) -> None:
    """Write the same comment into every merged pull request."""
    async with runner.github() as github:
        for pull in found:
            await comments.put(github, pull.number, body, author=runner.author, create=create)


async def move_ref(runner: Runner, at: Place) -> bool:
    """Move the applied ref to HEAD. Only after an untargeted apply with exit 0."""
    async with runner.github() as github:
        return await refs.forward(github, at.ref, at.head)


@dataclass(frozen=True)
class Proposed:
    """The pull request of a proposal: `number` None if there is nothing to propose."""

    number: int | None
    closed: int | None = None
    is_new_commit: bool = False


async def propose_drift(
    runner: Runner, at: Place, files: Sequence[Path], words: tuple[str, str]
) -> Proposed:
    """Open or update the one pull request with these files; without files, close it."""
    texts = {file: file.read_bytes().decode() for file in files}
    branch = f"{BRANCH}{at.ref.removeprefix('refs/ldconf/applied/')}"
    return await propose(runner, at, branch, texts, words)


async def propose(
    runner: Runner, at: Place, branch: str, texts: Mapping[Path, str], words: tuple[str, str]
) -> Proposed:
    """Open or update the one pull request of a branch with these files; without files, close it.

    `words` are its title and body.
    """
    title, body = words
    async with runner.github() as github:
        if not texts:
            return Proposed(None, await pulls.close(github, branch))
        files = {
            path.resolve().relative_to(at.top.resolve()).as_posix(): text
            for path, text in texts.items()
        }
        made = await refs.commit_files(github, branch, at.head, files, title)
        base = runner.event.default_branch or runner.branch
        wanted = pulls.Proposal(branch, base, title, body)
        return Proposed(await pulls.propose(github, wanted), is_new_commit=made)

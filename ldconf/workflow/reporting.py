"""Reports on experiments at GitHub: which experiments run, and where each report stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ldconf.documents import git
from ldconf.github import comments, issues
from ldconf.github.issues import Report
from ldconf.kinds.experiment_model import RUNNING, Experiment
from ldconf.render.experiment_markdown import marker, markers
from ldconf.workflow.delivery import Runner
from ldconf.workflow.site import load_workspace

BRANCH = "ldconf/ship/"


@dataclass(frozen=True)
class Running:
    """An experiment that the files say is running."""

    key: str
    environment: str


def running(root: Path) -> tuple[Running, ...]:
    """Return the running experiments of the files, in file order."""
    workspace, _ = load_workspace(root)
    return tuple(
        Running(address.key, found.environment)
        for address, found in workspace.resources.items()
        if isinstance(found, Experiment) and found.status == RUNNING
    )


def branch(project: str, key: str) -> str:
    """Return the branch of the pull request that ships an experiment."""
    return f"{BRANCH}{git.ref_part(project)}/{git.ref_part(key)}"


async def put(runner: Runner, words: tuple[str, str], *, issue: int | None) -> int:
    """Write a report (title, body) into its own issue, or as a comment on `issue`.

    Returns the number.
    """
    title, body = words
    async with runner.github() as github:
        if issue is None:
            return await issues.put(github, Report(title, body), author=runner.author)
        await comments.put(github, issue, body, author=runner.author)
        return issue


async def close_over(runner: Runner, project: str, left: Sequence[Running]) -> tuple[int, ...]:
    """Close the issues of experiments that run no more. Returns their numbers."""
    kept = {marker(project, one.key) for one in left}
    async with runner.github() as github:
        return await issues.close_others(github, markers(project), kept, author=runner.author)

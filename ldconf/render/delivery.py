"""What a delivery writes beside a plan: comments of pull requests, the words of a drift request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ldconf.render.markup import code, comment, prose


@dataclass(frozen=True)
class Heading:
    """Which workspace a comment is about, at which commit, and the run that wrote it."""

    project: str
    workspace: str
    commit: str = ""
    run_url: str | None = None

    @property
    def marker(self) -> str:
        """The hidden first line, the same as that of a plan."""
        return f"<!-- ldconf plan {comment(self.project)} {comment(self.workspace)} -->"

    @property
    def name(self) -> str:
        """The workspace in words."""
        return f"{code(self.project)} ({code(self.workspace)})"

    @property
    def foot(self) -> str:
        """The last line: commit and run."""
        run = f" · [run]({self.run_url})" if self.run_url else ""
        return f"<sub>commit {code(self.commit[:12])}{run}</sub>"


def plan_failed(at: Heading, reason: str) -> str:
    """Return the comment for a commit that cannot be planned: the old plan must not stand."""
    words = "The errors are in the run. The plan that stood here belongs to an older commit."
    return _comment(at, f"### No plan for {at.name}", f"❌ {prose(reason)}", words)


def applied(at: Heading, verdict: str) -> str:
    """Return the comment of a pull request whose changes were applied whole."""
    return _comment(at, f"### Applied {at.name}", f"✅ {prose(verdict)}")


def not_applied(at: Heading, reason: str, digest: str | None, hint: str | None = None) -> str:
    """Return the comment of a merged pull request whose changes were not (all) applied."""
    parts = [f"### Merged, not applied: {at.name}", f"🛑 {prose(reason)}"]
    if hint:
        parts.append(prose(hint))
    if digest:
        parts.append(
            "The plan as it is now stands in the run's summary. To apply it, start the apply "
            f"workflow by hand with the digest {code(digest)}."
        )
    return _comment(at, *parts)


def drift_title(at: Heading) -> str:
    """Return the title of the pull request that takes over what moved in LaunchDarkly."""
    return f"Take over changes made in LaunchDarkly ({at.project}, {at.workspace})"


def drift_body(report: str, remarks: tuple[str, ...]) -> str:
    """Return its text: the drift as a plan shows it, and what nobody can take over for you."""
    lines = [f"- {prose(remark)}" for remark in remarks]
    left = ["**Left for you**", "\n".join(lines)] if lines else []
    intro = (
        "Somebody changed LaunchDarkly, and the files did not say so yet. This pull request writes "
        "it into the files. Merge it to keep the change; to undo the change instead, close this "
        "and commit a consent `drift` (see the documentation of drift)."
    )
    return "\n\n".join([intro, *left, report])


def no_results(marker: str, key: str, reason: str) -> str:
    """Return the report on an experiment that cannot be analysed: old figures must not stand."""
    words = "The run says more. The figures that stood here were older."
    return "\n\n".join([marker, f"### Experiment {code(key)}", f"❌ {prose(reason)}", words]) + "\n"


def report_title(key: str, environment: str) -> str:
    """Return the title of the issue that reports on an experiment."""
    return f"Experiment {key} in {environment}"


def ship_title(key: str, winner: str) -> str:
    """Return the title of the pull request that ends an experiment."""
    return f"Ship {winner}: experiment {key}"


def ship_body(results: str, remarks: Sequence[str], plan: str | None) -> str:
    """Return its text: what it does, the results, and the plan that it leads to."""
    intro = (
        "The rule of this experiment says to end it. Merged and applied, this stops the iteration "
        "and serves its winner. To go on with the experiment, close this."
    )
    lines = ["\n".join(f"- {prose(remark)}" for remark in remarks)] if remarks else []
    after = ["<details><summary>The plan that it leads to</summary>", plan, "</details>"]
    return "\n\n".join([intro, *lines, results.strip(), *(after if plan else ())]) + "\n"


def with_foot(at: Heading, report: str, ship: str | None) -> str:
    """Return the report on an experiment, with the pull request that ships it and the run."""
    return "\n\n".join([report.strip(), *([ship] if ship else ()), at.foot]) + "\n"


def _comment(at: Heading, *parts: str) -> str:
    return "\n\n".join([at.marker, *parts, at.foot]) + "\n"

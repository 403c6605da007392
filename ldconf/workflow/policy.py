"""Holding a plan against the workspace's policies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ldconf.core.errors import UsageError
from ldconf.core.policy import PolicyReport, PolicyRule
from ldconf.core.resource import Json
from ldconf.policy.check import check, read, rules_of
from ldconf.workflow.base import NONE, find_base
from ldconf.workflow.site import load_workspace


def check_file(root: Path, path: Path, base: str | None) -> PolicyReport:
    """Hold the plan in a file against the policies at its base (or at `base`).

    Raises LdconfError for what is no plan, or the plan of another project.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        reason = getattr(err, "strerror", None) or str(err)
        raise UsageError(f"cannot read {path}: {reason}") from err
    return check_text(root, text, base)


def check_text(root: Path, text: str, base: str | None) -> PolicyReport:
    """Hold a plan's JSON against the policies at its base (or at `base`)."""
    plan = read(text)
    return check(plan, _rules(root, plan, base))


def _rules(root: Path, plan: Mapping[str, Json], base: str | None) -> Mapping[str, PolicyRule]:
    workspace, _ = load_workspace(root)
    project = workspace.settings.project
    if plan["project"] != project:
        raise UsageError(f"the plan is of project {plan['project']}, the files are of {project}")
    wanted = base or (plan["base"] or NONE).split(" ")[0]
    found = find_base(root, workspace, wanted, os.environ).workspace
    return rules_of(found.settings.policy if found else None, workspace.settings.policy)

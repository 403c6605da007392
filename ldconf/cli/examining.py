"""The conversation of `ldconf doctor`: everything is looked at, whatever fails."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ldconf.cli.options import Format
from ldconf.cli.run import Run
from ldconf.core.errors import LdconfError
from ldconf.render import checkup, json
from ldconf.render.checkup import Finding, Level
from ldconf.workflow import doctor


def examine(run: Run) -> list[Finding]:
    """Return every finding; one that cannot be made becomes a failed one."""
    findings = [*doctor.installation()]
    try:
        root = run.root()
    except LdconfError as error:
        return [*findings, Finding(Level.FAIL, "workspace", error.summary, error.hint)]
    findings += [*doctor.files(root), *doctor.history(root), doctor.sdk_key(os.environ)]
    try:
        with run.site() as site:
            return [*findings, *run.wait(doctor.account, site)]
    except LdconfError as error:
        return [*findings, Finding(Level.FAIL, "account", error.summary, error.hint)]


def write(run: Run, findings: Sequence[Finding], form: Format) -> None:
    """Write the findings in the wanted format."""
    match form:
        case Format.JSON:
            run.out(json.document("doctor", {"findings": json.data(findings)}))
        case Format.MARKDOWN:
            run.out(checkup.markdown(findings))
        case Format.TEXT:
            run.out(checkup.text(findings, run.look))

"""The result of `ldconf validate`, drawn."""

from __future__ import annotations

from ldconf.cli.options import Format
from ldconf.cli.run import Run
from ldconf.render import diagnostics, json
from ldconf.render.markup import code, prose
from ldconf.workflow.site import Checked


def show(run: Run, checked: Checked, form: Format) -> None:
    """Write the problems: on stderr with a count on stdout, or all of it as JSON or Markdown."""
    counts = diagnostics.counts(checked.diagnostics)
    match form:
        case Format.JSON:
            members = {
                "valid": not checked.has_errors,
                "diagnostics": diagnostics.data(checked.diagnostics),
            }
            run.out(json.document("diagnostics", members))
        case Format.MARKDOWN:
            lines = [
                f"- {code(str(found.position))} **{found.severity.value}**: {prose(found.summary)}"
                for found in checked.diagnostics
            ]
            run.out("\n".join([f"**{counts}**", "", *lines]) + "\n")
        case Format.TEXT:
            run.tell(checked.diagnostics)
            run.out(f"{checked.objects} objects, {counts}\n")

"""The drawing of `ldconf show`."""

from __future__ import annotations

import os

from ldconf.cli.options import Format
from ldconf.cli.run import Run
from ldconf.render import beside, json
from ldconf.workflow.show import Shown


def write(run: Run, shown: Shown, form: Format) -> None:
    """Write one object in the wanted format."""
    place = shown.position
    where = None
    if place is not None:
        where = f"{os.path.relpath(run.root() / place.file)}:{place.line}"
    found = beside.build(shown.address, shown.files, shown.live, where)
    match form:
        case Format.JSON:
            run.out(json.document("object", shown))
        case Format.MARKDOWN:
            run.out(beside.markdown(found))
        case Format.TEXT:
            run.out(beside.text(found, run.look))

"""`ldconf defaults`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of


def defaults(
    context: typer.Context,
    python: Annotated[
        Path | None, typer.Option("--python", metavar="FILE", help="Where the module goes")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Where the JSON file goes")
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(
            "--environment",
            metavar="E",
            help="Whose fallthrough is taken; else the last of ldconf.yaml",
            autocompletion=options.complete_environment,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a file is out of date")
    ] = False,
) -> int:
    """Write the fallbacks that an application needs while LaunchDarkly does not answer.

    Of each AI Config: the variation that most of those get whom no rule names. Without --python
    and --json both go beside ldconf.yaml, as ai_config_defaults.py and ai_config_defaults.json.

    \b
    Examples:
      ldconf defaults --python app/ai_config_defaults.py
      ldconf defaults --python app/ai_config_defaults.py --check
    """
    from ldconf.cli.writing import told
    from ldconf.workflow.defaults import DefaultsWish, default_texts, stale, write

    run = run_of(context)
    texts = default_texts(run.root(), DefaultsWish(python, json, environment))
    old = stale(texts)
    if not check:
        told(run, write({path: texts[path] for path in old}), "up to date")
        return 0
    for path in old:
        run.say(f"{path} is out of date: run `ldconf defaults` as with --check, without it")
    return int(bool(old))

"""`ldconf evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldconf.cli import options
from ldconf.cli.run import run_of


def evaluate(
    context: typer.Context,
    ai_config: Annotated[
        str, typer.Argument(metavar="AI_CONFIG", autocompletion=options.complete_ai_config)
    ],
    environment: Annotated[
        str,
        typer.Option("--environment", metavar="E", autocompletion=options.complete_environment),
    ],
    given: Annotated[
        str | None, typer.Option("--context", metavar="JSON", help="The context, with its kind")
    ] = None,
    variables: Annotated[
        str | None,
        typer.Option("--variables", metavar="JSON", help="What the application passes in"),
    ] = None,
    sample: Annotated[
        Path | None,
        typer.Option("--sample", metavar="FILE", help="Many contexts, one JSON object per line"),
    ] = None,
    origin: Annotated[
        options.Origin | None,
        typer.Option("--from", help="Whose targeting; files, or local with --local"),
    ] = None,
    form: options.PlainFormat = options.Plain.TEXT,
) -> int:
    """Tell which variation a context gets, why, and the prompt rendered for it.

    LaunchDarkly's own SDK decides and renders, without network. Needs the extra `agent`.

    \b
    Examples:
      ldconf evaluate pet-store-agent --environment test --context '{"kind":"user","key":"u1"}'
      ldconf evaluate pet-store-agent --environment production --from live --context '{"key":"u1"}'
      ldconf evaluate pet-store-agent --environment test --sample contexts.jsonl
    """
    from ldconf.cli.evaluating import Asked, evaluate

    evaluate(run_of(context), Asked(ai_config, environment, given, variables, sample, origin), form)
    return 0

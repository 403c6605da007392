"""`ldconf schema`."""

from __future__ import annotations

import typer

from ldconf.cli.run import run_of


def schema(context: typer.Context) -> int:
    """Print the JSON Schema of the documents, for editors.

    \b
    Examples:
      ldconf schema > .ldconf/schema.json
    """
    import json

    from ldconf.workflow.formatting import document_schema

    run_of(context).out(json.dumps(document_schema(), indent=2, ensure_ascii=False) + "\n")
    return 0

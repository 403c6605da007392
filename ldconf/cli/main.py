"""The program: its commands in the order of the help, and its global options."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ldconf import __version__
from ldconf.cli import (
    agent,
    apply,
    defaults,
    dev,
    doctor,
    drift,
    evaluate,
    experiment,
    experiment_ship,
    fmt,
    github,
    import_,
    init,
    mcp,
    monitor,
    plan,
    policy,
    promote,
    pull,
    schema,
    show,
    test,
    validate,
)
from ldconf.cli.arguments import hoisted
from ldconf.cli.boundary import guarded
from ldconf.cli.run import Run, run_of


class Program(TyperGroup):
    """The group of all commands, inside the one error boundary."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line and exit with its code (return it without `standalone_mode`)."""
        run = Run()
        start = partial(
            super().main,
            hoisted(sys.argv[1:] if args is None else args),
            prog_name,
            complete_var,
            standalone_mode=False,
            windows_expand_args=windows_expand_args,
            obj=run,
            **extra,
        )
        code = guarded(start, run)
        if standalone_mode:
            sys.exit(code)
        return code


app = typer.Typer(
    name="ldconf",
    cls=Program,
    no_args_is_help=True,
    # Drawing help with rich costs 0.1 s at every start.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Global options may stand anywhere on the line. Exit codes: 0 done, 1 error, 3 refused, "
    "5 approval pending, 64 usage error, 130 interrupted.",
)

COMMANDS: Mapping[str, Callable[..., int]] = {
    "init": init.init,
    "validate": validate.validate,
    "plan": plan.plan,
    "policy": policy.policy,
    "apply": apply.apply,
    "drift": drift.drift,
    "pull": pull.pull,
    "import": import_.import_,
    "promote": promote.promote,
    "show": show.show,
    "evaluate": evaluate.evaluate,
    "test": test.run,
    "defaults": defaults.defaults,
    "schema": schema.schema,
    "fmt": fmt.fmt,
    "dev": dev.dev,
    "mcp": mcp.mcp,
    "monitor": monitor.monitor,
    "doctor": doctor.doctor,
}
for name, command in COMMANDS.items():
    app.command(name)(command)
app.add_typer(agent.app, name="agent")
experiment.app.command("ship")(experiment_ship.ship)
app.add_typer(experiment.app, name="experiment")
app.add_typer(github.app, name="github")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ldconf {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    workspace: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder with ldconf.yaml; else here, above, or ./configs"),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Use the local LaunchDarkly of the workspace")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Results and errors only")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log requests; tracebacks of internal errors")
    ] = False,
    version: Annotated[  # noqa: ARG001 - acts in its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version")
    ] = False,
) -> None:
    """Infrastructure as code for LaunchDarkly AI Configs: YAML in git, plan, apply."""
    run = run_of(context)
    run.workspace, run.local, run.quiet, run.verbose = workspace, local, quiet, verbose


def run() -> None:
    """Entry point of the console script."""
    app(prog_name="ldconf")

"""`ldconf agent`: ask, chat and traffic."""

from __future__ import annotations

from typing import Annotated

import typer

from ldconf.agent.choices import Framework, Models
from ldconf.cli.options import Format, OneFormat, complete_environment
from ldconf.cli.run import run_of

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

UserKey = Annotated[str, typer.Option("--user", metavar="KEY", help="Key of the user who asks")]
Attributes = Annotated[
    list[str] | None,
    typer.Option("--attr", metavar="NAME=VALUE", help="Attribute of the user (repeatable)"),
]
FrameworkOption = Annotated[Framework, typer.Option("--framework", help="What runs the agent")]
ModelsOption = Annotated[
    Models,
    typer.Option(
        "--models",
        help="Who answers: the offline simulated model, the provider that the AI Config names, or "
        "the OpenAI-compatible endpoint at OPENAI_BASE_URL",
    ),
]
EnvironmentOption = Annotated[
    str | None,
    typer.Option(
        "--environment",
        metavar="E",
        help="With --local: the environment, else the first of ldconf.yaml",
        autocompletion=complete_environment,
    ),
]


@app.callback()
def agent() -> None:
    """The reference agent: a pet store's assistant that LaunchDarkly configures.

    Needs the extra `agent`, an SDK key in LAUNCHDARKLY_SDK_KEY (or --local), and no model: unless
    told otherwise a simulated model answers.
    """


@app.command()
def ask(
    context: typer.Context,
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="The question")],
    user: UserKey = "u1",
    attr: Attributes = None,
    framework: FrameworkOption = Framework.PLAIN,
    models: ModelsOption = Models.SIMULATED,
    environment: EnvironmentOption = None,
    stream: Annotated[bool, typer.Option("--stream", help="Write while the model writes")] = False,
) -> int:
    """Ask the Pet Store agent one question.

    \b
    Examples:
      ldconf agent ask "What's the price of Doggy Delights?" --local
      ldconf agent ask "How do I house train a puppy?" --user u2 --attr subscription_status=active
    """
    from ldconf.cli.agent_session import Wish, ask_once

    wish = Wish(framework, models, environment)
    return ask_once(run_of(context), wish, prompt, (user, attr or []), stream=stream)


@app.command()
def chat(
    context: typer.Context,
    user: UserKey = "u1",
    attr: Attributes = None,
    framework: FrameworkOption = Framework.PLAIN,
    models: ModelsOption = Models.SIMULATED,
    environment: EnvironmentOption = None,
) -> int:
    """Talk with the Pet Store agent; it shows which variation answered. /help lists commands.

    \b
    Examples:
      ldconf agent chat --local --attr subscription_status=premium
      ldconf agent chat --models provider --framework langgraph
    """
    from ldconf.cli.agent_chat import talk
    from ldconf.cli.agent_session import Wish

    return talk(run_of(context), Wish(framework, models, environment, True), (user, attr or []))


@app.command()
def traffic(
    context: typer.Context,
    users: Annotated[int, typer.Option(min=1, help="Simulated users")] = 500,
    requests: Annotated[int, typer.Option(min=1, help="Requests of all users together")] = 2000,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="At the same time")] = 8,
    seed: Annotated[int, typer.Option(help="The same seed gives the same traffic")] = 7,
    duration: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", help="Spread over this time; else at full speed"),
    ] = None,
    framework: FrameworkOption = Framework.PLAIN,
    models: ModelsOption = Models.SIMULATED,
    environment: EnvironmentOption = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="The simulated model takes the time that it reports")
    ] = False,
    written: OneFormat = Format.TEXT,
) -> int:
    """Let simulated users ask, and give feedback; prints a summary per variation.

    \b
    Examples:
      ldconf agent traffic --local
      ldconf agent traffic --local --users 50 --requests 200 --seed 3 --format json
    """
    from ldconf.agent.traffic_plan import TrafficPlan
    from ldconf.cli.agent_session import Wish, send_traffic

    wish = Wish(framework, models, environment, real_time)
    plan = TrafficPlan(users, requests, concurrency, seed, duration)
    return send_traffic(run_of(context), wish, plan, written)

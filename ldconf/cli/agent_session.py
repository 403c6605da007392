"""What the commands of the agent share: LaunchDarkly, a runner, and the agent."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ldconf.agent.choices import Framework, Models
from ldconf.agent.extras import needs
from ldconf.agent.traffic_plan import TrafficPlan
from ldconf.cli.options import Format
from ldconf.cli.run import Run
from ldconf.core.errors import UsageError

if TYPE_CHECKING:
    from ldconf.agent.connect import Access
    from ldconf.agent.pet_store import PetStoreAgent

_LOUD = ("ldclient", "ldai", "ldconf.agent", "strands", "LDClient")
Who = tuple[str, Sequence[str]]  # key, NAME=VALUE


@dataclass(frozen=True)
class Wish:
    """Who shall answer, and from which environment of the local LaunchDarkly."""

    framework: Framework
    models: Models
    environment: str | None = None
    real_time: bool = False

    @property
    def is_simulated(self) -> bool:
        """True if no real model answers."""
        return self.models is Models.SIMULATED


def ask_once(program: Run, wish: Wish, prompt: str, who: Who, *, stream: bool) -> int:
    """Ask one question: the answer on stdout, what is worth knowing about it on stderr."""
    user = user_of(*who)
    with session(program, wish) as agent:
        from ldconf.agent.task import Conversation
        from ldconf.agent.wording import about, warnings

        conversation = Conversation(f"ask {user['key']}")
        answer = agent.ask(prompt, user, conversation, program.out if stream else None)
        program.out("\n" if stream and answer.result.text else f"{answer.text}\n")
        for line in (about(answer, simulated=wish.is_simulated), *warnings(answer)):
            program.say(line)
    return 0


def send_traffic(program: Run, wish: Wish, plan: TrafficPlan, written: Format) -> int:
    """Send simulated traffic and print its summary."""
    with session(program, wish) as agent, program.progress() as progress:
        from ldconf.agent.summary import summarise
        from ldconf.agent.traffic import run_traffic
        from ldconf.agent.wording import table

        visits = run_traffic(agent, plan, progress)
        summary = summarise(visits, simulated=wish.is_simulated)
    if written is Format.JSON:
        program.out(json.dumps(summary.as_json(), indent=2) + "\n")
    else:
        program.out(table(summary))
    return 0


def user_of(key: str, attributes: Sequence[str]) -> dict[str, Any]:
    """Return the user. Values that are JSON (`true`, `3`) are taken as such, others as text."""
    found: dict[str, Any] = {"subscription_status": "guest"}
    for text in attributes:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"not an attribute: {text!r}", "write --attr NAME=VALUE")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return {**found, "key": key}


@contextmanager
def session(program: Run, wish: Wish) -> Iterator[PetStoreAgent]:
    """Give the agent; its events are sent at the end."""
    for name in () if program.verbose else _LOUD:  # we say ourselves what is worth saying
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    with needs("the agent", "agent"):
        from ldconf.agent.choose import make_runner
        from ldconf.agent.connect import launchdarkly
        from ldconf.agent.pet_store import PetStoreAgent
        from ldconf.agent.pet_store_defaults import PET_STORE_AGENT
    runner = make_runner(wish.framework, wish.models, os.environ, real_time=wish.real_time)
    with _access(program, wish) as access, launchdarkly(access) as client:
        yield PetStoreAgent(client, runner, PET_STORE_AGENT)


@contextmanager
def _access(program: Run, wish: Wish) -> Iterator[Access]:
    from ldconf.agent.connect import Access, access

    if not program.local:
        if wish.environment is not None:
            raise UsageError(
                "--environment goes with --local", "elsewhere the SDK key says the environment"
            )
        yield access(os.environ)
        return
    from ldconf.cli.local import local_sdk

    with local_sdk(program, wish.environment) as found:
        yield Access.at(found.host, found.sdk_key)

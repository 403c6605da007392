"""Simulated users: who they are, what they ask, and whether an answer pleases them.

Everything follows from the seed and from the numbers of users and requests, whatever the
concurrency, as long as the model itself is deterministic (the simulated one is).
"""

from __future__ import annotations

import csv
import random
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ldconf.agent.pet_store import Answer, PetStoreAgent
from ldconf.agent.task import Conversation
from ldconf.agent.traffic_plan import TrafficPlan

SUBSCRIPTIONS = {"guest": 50, "active": 30, "premium": 20}  # percent of users
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class User:
    """A simulated user; the same number is always the same person.

    `answers_rate`: how often they press a thumb at all. `forgiving`: how often they like an answer
    that does not help. `grumpy`: how often they dislike one that does.
    """

    key: str
    subscription: str
    answers_rate: float
    forgiving: float
    grumpy: float

    @property
    def context(self) -> Mapping[str, Any]:
        """The attributes that LaunchDarkly gets."""
        return {"key": self.key, "subscription_status": self.subscription}

    def likes(self, chance: random.Random, *, helpful: bool) -> bool | None:
        """Return thumb up, thumb down, or None for no thumb."""
        answers, mood = chance.random(), chance.random()
        if answers >= self.answers_rate:
            return None
        return mood >= self.grumpy if helpful else mood < self.forgiving


@dataclass(frozen=True)
class Prompt:
    """A question of the bundled set; `kind` says what a helpful answer holds."""

    kind: str
    text: str


@dataclass(frozen=True)
class Visit:
    """One request of a user, and what came of it: an answer, or the error."""

    user: User
    prompt: Prompt
    answer: Answer | None
    liked: bool | None
    helpful: bool = False
    error: str = ""


def user(number: int) -> User:
    """Return a simulated user."""
    chance = random.Random(f"user {number}")
    subscription = chance.choices(list(SUBSCRIPTIONS), list(SUBSCRIPTIONS.values()))[0]
    traits = (chance.uniform(0.3, 0.9), chance.uniform(0, 0.2), chance.uniform(0, 0.15))
    return User(f"simulated-user-{number:04d}", subscription, *traits)


@cache
def prompts() -> tuple[Prompt, ...]:
    """Return the bundled prompts; the first four are the workshop's."""
    text = files("ldconf.agent").joinpath("prompts.csv").read_text(encoding="utf-8")
    return tuple(Prompt(row["kind"], row["text"]) for row in csv.DictReader(text.splitlines()))


def is_helpful(prompt: Prompt, subscription: str, text: str) -> bool:
    """Return whether an answer holds what was asked for; works for answers of any model."""
    if prompt.kind == "emergency":
        return "vet" in text
    if prompt.kind == "other":
        return any(word in text.lower() for word in ("sorry", "only", "unfortunately"))
    if prompt.kind == "care":
        return "ubscri" in text if subscription == "guest" else len(text.split()) > 20
    return "$" in text or "nothing" in text


def run_traffic(
    agent: PetStoreAgent, plan: TrafficPlan, progress: Progress | None = None
) -> list[Visit]:
    """Send all requests and return the visits in the order of the plan."""
    started = time.monotonic()
    pause_s = (plan.duration_s or 0) / plan.requests
    with ThreadPoolExecutor(plan.concurrency) as pool:
        futures: dict[Future[Visit], int] = {}
        for number in range(plan.requests):
            due = started + number * pause_s
            futures[pool.submit(_visit, agent, plan, number, due)] = number
        visits: dict[int, Visit] = {}
        try:
            for future in as_completed(futures):
                visits[futures[future]] = future.result()
                if progress is not None:
                    progress("simulated requests", len(visits), plan.requests)
        except BaseException:  # Ctrl-C: what has not started yet does not start any more
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [visits[number] for number in range(plan.requests)]


def _visit(agent: PetStoreAgent, plan: TrafficPlan, number: int, due: float) -> Visit:
    if (wait := due - time.monotonic()) > 0:
        time.sleep(wait)
    chance = random.Random(f"{plan.seed} {number}")
    who = user(chance.randrange(plan.users))
    prompt = chance.choice(prompts())
    try:
        thread = Conversation(f"traffic {plan.seed} {number}")
        answer = agent.ask(prompt.text, who.context, thread)
    except Exception as error:  # a failed request is a result here; the agent has tracked it
        return Visit(who, prompt, None, None, error=f"{type(error).__name__}: {error}")
    helpful = is_helpful(prompt, who.subscription, answer.text)
    liked = who.likes(chance, helpful=helpful)
    if liked is not None:
        agent.feedback(answer, positive=liked)
    return Visit(who, prompt, answer, liked, helpful)


def by_variation(visits: list[Visit]) -> Iterator[tuple[str, list[Visit]]]:
    """Yield the answered visits by variation, in the order of their names."""
    groups: dict[str, list[Visit]] = {}
    for visit in visits:
        if visit.answer is not None:
            groups.setdefault(visit.answer.variation or "(default)", []).append(visit)
    yield from sorted(groups.items())

"""How often the declared rule ships, over many seeds of the simulated traffic.

    python benchmarks/decide_seeds.py [SEEDS]

For every seed the Pet Store's simulated users ask the agent with two models whose quality is known:
as in `make demo`, with a smaller effect, and with both equal. Who gets which arm, whether an answer
helps and who presses a thumb are the agent's own functions, as in `ldconf agent traffic`; only the
texts are taken from a table, made by the real agent beforehand, and one seed is compared with the
real agent visit by visit. Events go through the same SQL, estimators and decision as those of an
experiment. Beside it stands what `ldconf experiment size --simulate` says of the same design, with
the rates that the traffic really has; the two must agree within three standard errors.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import sqrt
from pathlib import Path
from typing import Any

import duckdb
from ldclient import Config, LDClient
from ldclient.integrations.test_data import TestData

from ldconf.agent.choices import Framework, Models
from ldconf.agent.choose import make_runner
from ldconf.agent.pet_store import PetStoreAgent
from ldconf.agent.pet_store_defaults import PET_STORE_AGENT
from ldconf.agent.simulated import _Draw
from ldconf.agent.task import Conversation
from ldconf.agent.traffic import (
    SUBSCRIPTIONS,
    Prompt,
    User,
    is_helpful,
    prompts,
    run_traffic,
    user,
)
from ldconf.agent.traffic_plan import TrafficPlan
from ldconf.compile import workspace_source
from ldconf.core.analysis import Verdict
from ldconf.core.experiment import ExperimentDesign
from ldconf.experiments.aggregation import aggregate
from ldconf.experiments.analyse import analyse
from ldconf.experiments.decide import decide
from ldconf.experiments.design import IterationFacts, design_of
from ldconf.experiments.simulate import Plan, report
from ldconf.experiments.synthetic import Truth
from ldconf.workflow.site import load_workspace

CONFIGS = Path(__file__).parents[1] / "configs"
AI_CONFIG, CONTROL, TREATMENT = "pet-store-agent", "base-config", "model-variant-2"
EXPERIMENT = "pet-store-agent-model-performance"
# The known truth, by world: `demo` is that of `make demo`.
WORLDS: Mapping[str, Mapping[str, float]] = {
    "demo": {CONTROL: 0.50, TREATMENT: 0.92},
    "small effect": {CONTROL: 0.65, TREATMENT: 0.88},
    "equal": {CONTROL: 0.65, TREATMENT: 0.65},
}
USERS, REQUESTS = 2000, 4000
POSITIVE, NEGATIVE = "$ld:ai:feedback:user:positive", "$ld:ai:feedback:user:negative"
START = 1_790_000_000_000
DAY_MS = 86_400_000

Helps = Mapping[tuple[str, str, Prompt, bool], bool]


@dataclass(frozen=True)
class World:
    """What is the same for every seed."""

    design: ExperimentDesign
    helps: Helps  # (variation, subscription, prompt, complete answer) -> helpful
    models: Mapping[str, str]
    users: tuple[User, ...]


def main(seeds: int) -> None:
    world = make_world()
    check_against_agent(world)
    for name, quality in WORLDS.items():
        started = time.perf_counter()
        verdicts: Counter[Verdict] = Counter()
        rates: Counter[tuple[str, str]] = Counter()
        units: Counter[str] = Counter()
        for seed in range(seeds):
            verdict, counted = one_seed(world, quality, seed)
            verdicts[verdict] += 1
            for arm, (exposed, positive, negative) in counted.items():
                units[arm] += exposed
                rates[arm, POSITIVE] += positive
                rates[arm, NEGATIVE] += negative
        took = time.perf_counter() - started
        shares = {verdict.value: count / seeds for verdict, count in verdicts.items()}
        print(f"{name}: {seeds} seeds in {took:.0f} s: {shares}")
        found = {key: count / units[key[0]] for key, count in rates.items()}
        if len(set(quality.values())) == 1:  # then both arms tell of the same rate
            found = {
                (arm, event): sum(rates[one, event] for one in quality) / units.total()
                for arm, event in rates
            }
        for arm in quality:
            print(
                f"  {arm}: {units[arm] / seeds:.0f} users, positive {found[arm, POSITIVE]:.4f}, "
                f"negative {found[arm, NEGATIVE]:.4f}"
            )
        compare(world, verdicts[Verdict.SHIP_TREATMENT], seeds, found, units)


def compare(
    world: World,
    ships: int,
    seeds: int,
    rates: Mapping[tuple[str, str], float],
    units: Mapping[str, int],
) -> None:
    """Print what the simulation of `size` says of the same rates. Exits with 1 beyond 3 s.e."""
    truths = {}
    for event, key in (
        (POSITIVE, "positive_feedback_rate"),
        (NEGATIVE, "negative_feedback_rate"),
    ):
        base, other = rates[CONTROL, event], rates[TREATMENT, event]
        truths[key] = Truth(base, effects={TREATMENT: other / base - 1})
    per_arm = min(units.values()) // seeds
    primary = truths.pop("positive_feedback_rate")
    told = report(
        world.design,
        primary,
        abs(primary.effects[TREATMENT]),
        Plan(runs=2000, per_arm=per_arm),
        truths,
    )
    simulated = told.different.ships_treatment
    share = ships / seeds
    error = sqrt(simulated.error**2 + max(share * (1 - share), 1 / seeds) / seeds)
    apart = abs(share - simulated.value) / error
    print(
        f"  ships the treatment: traffic {share:.3f}, simulated {simulated.value:.3f} "
        f"(+- {simulated.error:.3f}); apart {apart:.2f} standard errors"
    )
    if apart > 3:
        raise SystemExit("the simulation does not agree with the traffic")


def one_seed(
    world: World, quality: Mapping[str, float], seed: int
) -> tuple[Verdict, Mapping[str, tuple[int, int, int]]]:
    """Return the verdict on one seed's traffic, and per arm: users, positive, negative."""
    events = list(visits(world, quality, seed))
    database = duckdb.connect()
    database.execute(TABLES)
    rows = json.dumps(events)
    database.execute(EXPOSURES, {"rows": rows})
    database.execute(OUTCOMES, {"rows": rows})
    end = START + REQUESTS * 10
    [counted] = aggregate(
        lambda sql, values: database.execute(sql, values).fetchall(), world.design, [end], "seeds"
    )
    database.close()
    decision = decide(analyse(world.design, counted), as_of=START + 28 * DAY_MS)
    return decision.verdict, {
        arm: (
            found.exposed,
            round(found.metrics["positive_feedback_rate"].total),
            round(found.metrics["negative_feedback_rate"].total),
        )
        for arm, found in counted.arms.items()
    }


def visits(world: World, quality: Mapping[str, float], seed: int) -> Iterator[Mapping[str, Any]]:
    """Yield what the agent would tell of each request: who, which arm, and the thumb."""
    for number in range(REQUESTS):
        chance = random.Random(f"{seed} {number}")
        who = world.users[chance.randrange(USERS)]
        prompt = chance.choice(prompts())
        if who.subscription == "premium":
            continue  # their rule stands above the experiment
        arm = arm_of(who.key, seed)
        draw = _Draw(world.models[arm], f"traffic {seed} {number}", "1", prompt.text)
        complete = draw.share("quality") < quality[arm]
        helpful = world.helps[arm, who.subscription, prompt, complete]
        liked = who.likes(chance, helpful=helpful)
        yield {"ts": START + number * 10, "unit": who.key, "arm": arm, "liked": liked}


def arm_of(key: str, seed: int) -> str:
    """Return the arm that an SDK gives: 50/50 by the first 15 hex digits of a SHA-1."""
    digest = hashlib.sha1(f"{seed}.{key}".encode()).hexdigest()
    return CONTROL if int(digest[:15], 16) / float(0xFFFFFFFFFFFFFFF) < 0.5 else TREATMENT


TABLES = """
CREATE TABLE exposures(ts BIGINT, project VARCHAR, environment VARCHAR, flag VARCHAR,
  variation INTEGER, variation_key VARCHAR, ai_version BIGINT, rule_id VARCHAR, reason VARCHAR,
  context_kind VARCHAR, context_key VARCHAR, units MAP(VARCHAR, VARCHAR));
CREATE TABLE outcomes(ts BIGINT, project VARCHAR, environment VARCHAR, event_key VARCHAR,
  metric DOUBLE, config_key VARCHAR, context_kind VARCHAR, context_key VARCHAR,
  units MAP(VARCHAR, VARCHAR));
CREATE TABLE contexts(last_seen BIGINT, project VARCHAR, environment VARCHAR,
  context_kind VARCHAR, context_key VARCHAR, units MAP(VARCHAR, VARCHAR), context JSON);
"""
_ROWS = """(SELECT unnest(from_json($rows::JSON,
  '[{"ts":"BIGINT","unit":"VARCHAR","arm":"VARCHAR","liked":"BOOLEAN"}]'), recursive := true))"""
EXPOSURES = f"""INSERT INTO exposures BY NAME
SELECT ts, 'pet-store-agent' AS project, 'test' AS environment, '{AI_CONFIG}' AS flag,
  arm AS variation_key, 1 AS ai_version, 'FALLTHROUGH' AS reason, 'user' AS context_kind,
  unit AS context_key FROM {_ROWS}"""
OUTCOMES = f"""INSERT INTO outcomes BY NAME
SELECT ts + 1 AS ts, 'pet-store-agent' AS project, 'test' AS environment,
  CASE WHEN liked THEN '{POSITIVE}' ELSE '{NEGATIVE}' END AS event_key, 1.0 AS metric,
  '{AI_CONFIG}' AS config_key, 'user' AS context_kind, unit AS context_key
FROM {_ROWS} WHERE liked IS NOT NULL"""


def make_world() -> World:
    """Return the design of the workspace, and which answers help."""
    workspace, _ = load_workspace(CONFIGS)
    design = design_of(
        workspace.settings.project,
        EXPERIMENT,
        workspace.resources,
        IterationFacts(started=START, status="running"),
    )
    # Only what the rule looks at is simulated.
    decisive = tuple(
        metric
        for metric in design.metrics
        if metric.key == design.primary or metric.key in design.decision.guardrails
    )
    design = replace(design, metrics=decisive, environment="test")
    values = {
        one.key: one.value for one in workspace_source(workspace).ai_configs[AI_CONFIG].variations
    }
    helps: dict[tuple[str, str, Prompt, bool], bool] = {}
    for arm, complete in product(WORLDS["equal"], (True, False)):
        agent = agent_with(values[arm], float(complete))
        for subscription, prompt in product(SUBSCRIPTIONS, prompts()):
            who = next(one for one in map(user, range(USERS)) if one.subscription == subscription)
            answer = agent.ask(prompt.text, who.context, Conversation(f"{arm} {complete}"))
            helpful = is_helpful(prompt, subscription, answer.text)
            helps[arm, subscription, prompt, complete] = helpful
    models = {arm: values[arm]["model"]["name"] for arm in WORLDS["equal"]}
    return World(design, helps, models, tuple(map(user, range(USERS))))


def agent_with(value: Mapping[str, Any], quality: float) -> PetStoreAgent:
    """Return the real agent, served one variation whose simulated model has this quality."""
    model = value["model"]
    custom = {**(model.get("custom") or {}), "simulated": {"quality": quality}}
    source = TestData.data_source()
    source.update(
        source.flag(AI_CONFIG)
        .variations({**value, "model": {**model, "custom": custom}})
        .variation_for_all(0)
    )
    client = LDClient(Config("sdk-none", update_processor_class=source, send_events=False))
    runner = make_runner(Framework.PLAIN, Models.SIMULATED, {}, real_time=False)
    return PetStoreAgent(client, runner, PET_STORE_AGENT)


def check_against_agent(world: World) -> None:
    """Compare one seed with the real agent, visit by visit."""
    workspace, _ = load_workspace(CONFIGS)
    values = {
        one.key: one.value for one in workspace_source(workspace).ai_configs[AI_CONFIG].variations
    }
    for arm, quality in WORLDS["demo"].items():
        plan = TrafficPlan(users=USERS, requests=400, concurrency=1, seed=3)
        real = run_traffic(agent_with(values[arm], quality), plan)
        for number, visit in enumerate(real):
            draw = _Draw(world.models[arm], f"traffic 3 {number}", "1", visit.prompt.text)
            complete = draw.share("quality") < quality
            told = world.helps[arm, visit.user.subscription, visit.prompt, complete]
            if told != visit.helpful:
                raise SystemExit(f"the table and the agent differ at visit {number} of {arm}")
    print("one seed equals the real agent, visit by visit")


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)

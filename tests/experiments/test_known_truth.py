"""Traffic of the simulated users with a known truth, from events to the verdict.

The seed is the one of `ldconf agent traffic`. How often other seeds ship, and that a simulation of
the rule says the same, is measured in `benchmarks/decide_seeds.py`, whose functions these are.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ldconf.agent.traffic_plan import TrafficPlan
from ldconf.core.analysis import Verdict

SEEDS = Path(__file__).parents[2] / "benchmarks" / "decide_seeds.py"


@pytest.fixture(scope="module")
def seeds() -> ModuleType:
    spec = importlib.util.spec_from_file_location("decide_seeds", SEEDS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_better_model_is_shipped_and_an_equal_one_is_not(seeds: ModuleType) -> None:
    world = seeds.make_world()
    seed = TrafficPlan().seed
    verdict, counted = seeds.one_seed(world, seeds.WORLDS["demo"], seed)
    assert verdict is Verdict.SHIP_TREATMENT
    assert all(arm[0] >= 600 for arm in counted.values())
    verdict, counted = seeds.one_seed(world, seeds.WORLDS["equal"], seed)
    assert verdict is not Verdict.SHIP_TREATMENT
    assert all(arm[0] >= 600 for arm in counted.values())

"""What a request costs: tokens times the model's prices.

An SDK gets no prices from LaunchDarkly (they stand in the model config, which only the REST API
returns). So they come from the variation's `model.custom` if it has them, else from `prices.csv`:
list prices of 2025-10, the same figures as the local LaunchDarkly's catalogue. A model in neither
has no known price, and no cost is tracked.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ldconf.agent.task import ModelSettings, Tokens

INPUT, OUTPUT = "cost_per_input_token", "cost_per_output_token"  # in `model.custom`, USD


@dataclass(frozen=True)
class Price:
    """USD per token."""

    input: float
    output: float

    def of(self, tokens: Tokens) -> float:
        """Return the cost in USD."""
        return tokens.input * self.input + tokens.output * self.output


def price_of(model: ModelSettings) -> Price | None:
    """Return the prices of a model, or None if nobody said them."""
    match (model.custom.get(INPUT), model.custom.get(OUTPUT)):
        case (int() | float() as per_input, int() | float() as per_output):
            return Price(per_input, per_output)
    return price_list().get(model.name)


@cache
def price_list() -> Mapping[str, Price]:
    """Return the bundled prices by model name."""
    text = files("ldconf.agent").joinpath("prices.csv").read_text(encoding="utf-8")
    return {
        row["model"]: Price(
            float(row["input_usd_per_million"]) / 1e6, float(row["output_usd_per_million"]) / 1e6
        )
        for row in csv.DictReader(text.splitlines())
    }

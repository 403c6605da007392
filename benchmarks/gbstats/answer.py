"""Run by `../calibration.py` in an environment of its own: gbstats needs numpy below 2.

Reads one JSON object per line (statistics of two arms) and writes its answer, likewise.
"""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import Any

STATISTICS = {
    "rate": "ProportionStatistic",
    "mean": "SampleMeanStatistic",
    "ratio": "RatioStatistic",
    "percentile": "QuantileStatistic",
    "clustered": "QuantileClusteredStatistic",
}


def main() -> None:
    from gbstats.bayesian.tests import EffectBayesianABTest, EffectBayesianConfig
    from gbstats.models import statistics as kinds

    settings = EffectBayesianConfig(difference_type="relative", alpha=0.1)
    for line in sys.stdin:
        asked = json.loads(line)
        arms = [made(kinds, asked["kind"], asked[arm]) for arm in ("control", "treatment")]
        found = EffectBayesianABTest(*arms, settings).compute_result()
        answer = {"p": found.chance_to_win, "ci": list(found.ci), "error": found.error_message}
        print(json.dumps(answer))


def made(kinds: ModuleType, kind: str, arm: dict[str, Any]) -> Any:
    if kind == "ratio":
        arm = {
            key: kinds.SampleMeanStatistic(**value) if isinstance(value, dict) else value
            for key, value in arm.items()
        }
    return getattr(kinds, STATISTICS[kind])(**arm)


if __name__ == "__main__":
    main()

"""Plan 1,000 AI Configs (5 variations, 2 environments each) on the local LaunchDarkly.

Prints seconds and peak memory of `ldconf plan` as a user runs it, once with the local LaunchDarkly
in the same process (`--local`) and once served by `ldconf dev`.
Repeat with: `python benchmarks/plan_thousand.py [AI_CONFIGS]`.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LDCONF = Path(sys.executable).with_name("ldconf")
VARIATIONS = 5


def write_workspace(folder: Path, ai_configs: int) -> None:
    settings = {"project": "many", "environments": ["test", "production"]}
    (folder / "ldconf.yaml").write_text(json.dumps(settings))
    for number in range(ai_configs):
        key = f"agent-{number:04}"
        (folder / f"{key}.yaml").write_text(json.dumps({"aiConfigs": {key: agent(number)}}))


def agent(number: int) -> dict[str, object]:
    variations = {
        f"variation-{index}": {
            "name": f"Variation {index}",
            "modelConfigKey": "OpenAI.gpt-4o-mini",
            "model": {"parameters": {"temperature": index / 10}},
            "instructions": f"You are agent {number}, in variation {index}. " + "Be brief. " * 60,
        }
        for index in range(VARIATIONS)
    }
    rule = {
        "description": "Premium",
        "clauses": [{"attribute": "plan", "op": "in", "values": ["premium"]}],
        "serve": "variation-1",
    }
    weights = {"variation-0": 50, "variation-2": 30, "variation-3": 10, "variation-4": "rest"}
    serving = {"rules": [rule], "fallthrough": {"rollout": weights}}
    return {
        "name": f"Agent {number}",
        "mode": "agent",
        "variations": variations,
        "targeting": {"test": serving, "production": {"extends": "test"}},
    }


def run(folder: Path, *words: str) -> tuple[float, str]:
    """Run a command and return (seconds, its output)."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LAUNCHDARKLY_")}
    started = time.perf_counter()
    done = subprocess.run(
        [str(LDCONF), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"ldconf {' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - started, done.stdout


def main() -> None:
    ai_configs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_workspace(folder, ai_configs)
        seconds, _ = run(folder, "apply", "--local", "--yes", "--quiet")
        print(f"apply of {ai_configs} AI Configs, in-process: {seconds:.1f} s")
        for label in ("plan, in-process", "plan, in-process again"):
            seconds, text = run(folder, "plan", "--local", "--no-context")
            assert "No changes" in text, text[-500:]
            print(f"{label}: {seconds:.1f} s")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"peak memory of the largest command so far: {peak:.0f} MB")
        server = subprocess.Popen(
            [str(LDCONF), "dev", "--port", "0"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            time.sleep(3)
            seconds, text = run(folder, "plan", "--local", "--no-context")
            assert "No changes" in text, text[-500:]
            print(f"plan, served by `ldconf dev`: {seconds:.1f} s")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()

"""A change of 200 objects, 50 experiments that start, and a prompt of 60 kB, as a reviewer gets it.

Prints seconds and size of `ldconf plan --local`, as JSON and as Markdown.
Repeat with: `python benchmarks/review_large.py`.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LDCONF = Path(sys.executable).with_name("ldconf")
AGENTS, LIMIT = 50, 65_536
WORDS = (
    "ask",
    "answer",
    "product",
    "price",
    "stock",
    "order",
    "customer",
    "refund",
    "agent",
    "brief",
)


def prompt(size: int) -> str:
    """Return a prompt of about this many characters, the same each time."""
    chosen = random.Random(1)
    lines: list[str] = []
    while sum(map(len, lines)) < size:
        sentence = " ".join(chosen.choice(WORDS) for _ in range(chosen.randint(6, 14)))
        lines.append(f"{len(lines) + 1}. {sentence.capitalize()}.\n")
    return "".join(lines)


def edited(text: str) -> str:
    """Return the text with three edits far apart."""
    lines = text.splitlines(keepends=True)
    for share in (0.1, 0.5, 0.9):
        at = int(len(lines) * share)
        lines[at] = lines[at].replace(".\n", ", but never twice.\n")
    return "".join(lines)


def experiment(key: str, *, changed: bool) -> dict[str, object]:
    """Return an experiment with a metric of its own, that the change starts."""
    metric = {"kind": "custom", "eventKey": f"{key}-liked", "isNumeric": False}
    found = {
        "name": f"Which variation of {key}",
        "environment": "production",
        "aiConfig": key,
        "hypothesis": "The second one is liked as well",
        "methodology": "bayesian",
        "metrics": [f"{key}-liked"],
        "primary": f"{key}-liked",
        "allocation": {"first": 50, "second": 50},
        "control": "second" if changed else "first",
        "status": "running" if changed else "draft",
    }
    return {
        "metrics": {f"{key}-liked": {**metric, "successCriteria": "HigherThanBaseline"}},
        "experiments": {key: found},
    }


def write_workspace(folder: Path, *, changed: bool) -> None:
    settings = {
        "project": "large",
        "environments": ["test", "production"],
        "guards": {"maxUpdatePercent": 100},
    }
    (folder / "ldconf.yaml").write_text(json.dumps(settings))
    for number in range(AGENTS):
        key = f"agent-{number:03}"
        text = prompt(60_000 if number == 0 else 2_000)
        (folder / f"{key}.md").write_text(edited(text) if changed else text)
        temperature = 0.2 if changed else 0.7
        model = "OpenAI.gpt-4o" if changed and number % 5 == 0 else "OpenAI.gpt-4o-mini"
        first = {
            "modelConfigKey": model,
            "model": {"parameters": {"temperature": temperature}},
            "instructions": {"file": f"{key}.md"},
        }
        halves = {"rollout": {"first": 10 if changed else 50, "second": "rest"}}
        agent = {
            "mode": "agent",
            "variations": {"first": first, "second": {"extends": "first"}},
            "targeting": {
                "test": {"fallthrough": halves},
                "production": {"fallthrough": "second" if changed else "first"},
            },
        }
        trial = experiment(key, changed=changed)
        (folder / f"{key}.yaml").write_text(json.dumps({"aiConfigs": {key: agent}, **trial}))


def run(folder: Path, *words: str) -> tuple[float, str]:
    """Run a command and return (seconds, its output)."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LAUNCHDARKLY_")}
    started = time.perf_counter()
    done = subprocess.run(
        [str(LDCONF), *words, "--local"],
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
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_workspace(folder, changed=False)
        run(folder, "apply", "--yes", "--quiet")
        write_workspace(folder, changed=True)
        seconds, found = run(folder, "plan", "--format", "json")
        changes = sum(len(group["rows"]) for group in json.loads(found)["groups"])
        print(f"plan of {changes} changes as JSON: {seconds:.1f} s, {len(found):,} characters")
        seconds, drawn = run(folder, "plan", "--format", "markdown")
        assert len(drawn) < LIMIT, len(drawn)
        print(f"the same as Markdown: {seconds:.1f} s, {len(drawn):,} characters of {LIMIT:,}")
        target = "aiConfigs/agent-000/variations/first"
        seconds, drawn = run(folder, "plan", "--format", "markdown", "--target", target)
        print(f"60 kB prompt with three edits alone: {seconds:.1f} s, {len(drawn):,} characters")
        if len(sys.argv) > 1:
            Path(sys.argv[1]).write_text(drawn)


if __name__ == "__main__":
    main()

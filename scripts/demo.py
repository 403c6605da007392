"""The main job on a local LaunchDarkly, with real commands: plan, apply, drift, pull, an agent
that uses what was applied, and an experiment from its start to the shipped winner.

Everything happens in a temporary copy of `configs/` with a git repository of its own, against a
freshly started `ldconf dev`. Each step checks what it shows: a wrong exit code or a missing line
ends the demo with exit 1.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import launchdarkly_api
    from launchdarkly_api.api.agent_control_api import AgentControlApi
    from launchdarkly_api.api.environments_api import EnvironmentsApi

from ldconf.agent.choices import Framework, Models
from ldconf.agent.choose import make_runner
from ldconf.agent.connect import Access, launchdarkly
from ldconf.agent.pet_store import PetStoreAgent
from ldconf.agent.pet_store_defaults import PET_STORE_AGENT
from ldconf.agent.task import Conversation

ROOT = Path(__file__).parents[1]
LDCONF = Path(sys.executable).with_name("ldconf")
BOLD, DIM, RESET = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")
PROJECT, AI_CONFIG = "pet-store-agent", "pet-store-agent"
GREETING = "Woof!"
EXPERIMENT = "pet-store-agent-model-performance"
QUALITY = {"base-config": 0.50, "model-variant-2": 0.92}  # the known truth
BETTER = "model-variant-2"


def say(text: str) -> None:
    """Print a headline."""
    print(f"\n{BOLD}# {text}{RESET}", flush=True)


def run(workspace: Path, *words: str, expect: int = 0, shows: str = "", quiet: bool = False) -> str:
    """Run a command in the workspace, show it (with its output unless quiet), and check both."""
    print(f"{DIM}${RESET} {BOLD}{' '.join(words)}{RESET}", flush=True)
    command = [str(LDCONF), *words[1:]] if words[0] == "ldconf" else list(words)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LAUNCHDARKLY_")}
    if sys.stdout.isatty():
        environment["FORCE_COLOR"] = "1"
    done = subprocess.run(
        command, cwd=workspace, env=environment, text=True, capture_output=True, check=False
    )
    if not quiet or done.returncode != expect:
        print(done.stdout + done.stderr, end="", flush=True)
    if done.returncode != expect:
        raise SystemExit(f"demo: expected exit {expect}, got {done.returncode}")
    if shows and shows not in " ".join((done.stdout + done.stderr).split()):
        raise SystemExit(f"demo: expected to read {shows!r}")
    return done.stdout


@contextmanager
def local_launchdarkly(workspace: Path) -> Iterator[tuple[str, str]]:
    """Run `ldconf dev` on a free port and yield (host, token)."""
    print(f"{DIM}${RESET} {BOLD}ldconf dev --port 0 &{RESET}", flush=True)
    server = subprocess.Popen(
        [str(LDCONF), "dev", "--port", "0"],
        cwd=workspace,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        access = _wait_for(workspace / ".ldconf" / "local" / PROJECT / "lock.json", server)
        yield access["host"], access["token"]
    finally:
        server.terminate()
        server.wait(timeout=10)


def _wait_for(lock: Path, server: subprocess.Popen[bytes]) -> dict[str, str]:
    for _ in range(200):
        if server.poll() is not None:
            raise SystemExit(f"demo: ldconf dev ended with exit {server.returncode}")
        text = lock.read_text() if lock.exists() else ""
        if text.endswith("}"):  # else it is being written
            access: dict[str, str] = json.loads(text)
            if access.get("host"):
                print(f"the local LaunchDarkly listens on {access['host']}")
                return access
        time.sleep(0.05)
    raise SystemExit("demo: ldconf dev did not start within 10 s")


def official_client(host: str, token: str) -> AgentControlApi:
    """Return LaunchDarkly's own API client, pointed at the local LaunchDarkly."""
    settings = launchdarkly_api.Configuration(host=host, api_key={"ApiKey": token})
    return AgentControlApi(launchdarkly_api.ApiClient(settings))


def edit_like_the_ui(client: AgentControlApi) -> None:
    """Change the temperature of the base variation, as somebody would in the UI at night."""
    model = {
        "modelName": "claude-sonnet-4-5",
        "parameters": {"temperature": 0.2, "max_tokens": 4096},
        "custom": {"max_search_results": 5},
    }
    client.patch_ai_config_variation(
        PROJECT, AI_CONFIG, "base-config", ai_config_variation_patch={"model": model}
    )
    print("PATCH .../variations/base-config: temperature 0.7 -> 0.2")


def read_back(client: AgentControlApi) -> None:
    """Read the result with LaunchDarkly's own client and print it."""
    found = client.get_ai_config(PROJECT, AI_CONFIG)
    for variation in found.variations:
        model = variation.model
        print(f"  {found.key} / {variation.key}: {model['modelName']} {model['parameters']}")
    tools = client.list_ai_tools(PROJECT)
    print(f"  tools: {', '.join(sorted(tool.key for tool in tools.items))}")
    expected = {"base-config": 0.2, "model-variant-2": 0.7}  # the child kept its own value
    if {v.key: v.model["parameters"]["temperature"] for v in found.variations} != expected:
        raise SystemExit("demo: the official client read something else than the files say")


def ask(workspace: Path, subscription: str) -> None:
    """Ask the agent as a user with this subscription."""
    who = ("--user", f"{subscription}-001", "--attr", f"subscription_status={subscription}")
    question = "What's the price of Doggy Delights?"
    run(workspace, "ldconf", "agent", "ask", question, *who, "--local", shows="$54.99")


@contextmanager
def running_agent(client: AgentControlApi, host: str) -> Iterator[PetStoreAgent]:
    """Run the agent in this process, connected to the environment `test` by its SDK key."""
    environment = EnvironmentsApi(client.api_client).get_environment(PROJECT, "test")
    logging.getLogger("ldclient").setLevel(logging.ERROR)
    with launchdarkly(Access.at(host, environment.api_key)) as sdk:
        runner = make_runner(Framework.PLAIN, Models.SIMULATED, {}, real_time=False)
        yield PetStoreAgent(sdk, runner, PET_STORE_AGENT)


def answer_of(agent: PetStoreAgent) -> str:
    """Return the answer to one question in a conversation of its own."""
    user = {"key": "premium-002", "subscription_status": "premium"}
    return agent.ask("What's the price of Doggy Delights?", user, Conversation("demo")).text


def change_the_prompt(workspace: Path, client: AgentControlApi, agent: PetStoreAgent) -> None:
    """Apply a new prompt while the agent runs, and measure when its answers follow."""
    prompt = workspace / "prompts" / "pet-store-agent.md"
    prompt.write_text(prompt.read_text() + f'\n4. Begin every answer with "{GREETING}".\n')
    commit(workspace, "Greet")
    print(f"before: {answer_of(agent)}")
    followed_at_ms: list[float] = []

    def watch() -> None:
        while not followed_at_ms and time.monotonic() < give_up:
            if answer_of(agent).startswith(GREETING):
                followed_at_ms.append(time.time() * 1000)
            time.sleep(0.005)

    give_up = time.monotonic() + 30
    watcher = threading.Thread(target=watch)
    watcher.start()
    run(workspace, "ldconf", "apply", "--local", "--base", "HEAD~1", "--yes", "--quiet")
    watcher.join()
    if not followed_at_ms:
        raise SystemExit("demo: the running agent did not follow within 30 s")
    versions = client.get_ai_config_variation(PROJECT, AI_CONFIG, "base-config").items
    written_at_ms = max(versions, key=lambda one: one.version).created_at
    delay_ms = max(0.0, followed_at_ms[0] - written_at_ms)
    print(f"after:  {answer_of(agent)}")
    print(f"{BOLD}The running agent followed {delay_ms:.0f} ms after the write.{RESET}")
    if delay_ms > 1000:
        raise SystemExit("demo: that took more than a second")


def experiment(workspace: Path) -> None:
    """Start the experiment of the files, feed it, decide it by its own rule, and ship the winner.

    The truth is known: the simulated model reads its quality from `model.custom`.
    """
    say("An experiment: how many users does it need?")
    run(workspace, "ldconf", "experiment", "size", EXPERIMENT, "--baseline", "65%", "--mde", "10%")
    say("Two models whose quality is known, and the experiment starts: one commit, one plan")
    edit(
        workspace / "pet-store-agent.yaml",
        "custom: {max_search_results: 5}",
        f"custom: {{max_search_results: 5, simulated: {{quality: {QUALITY['base-config']}}}}}",
    )
    quality = f"custom: {{simulated: {{quality: {QUALITY['model-variant-2']}}}}}"
    inherits = "          parameters: {temperature: 0.7}\n"
    document = workspace / "pet-store-agent.yaml"
    edit(document, inherits, f"{inherits}          {quality}\n")
    edit(workspace / "experiments.yaml", "status: draft", "status: running")
    commit(workspace, "Compare two models in production")
    plan_and_apply(workspace, shows="start iteration 1")
    say("2,000 simulated users, through LaunchDarkly's own SDK")
    users = ("--users", "2000", "--requests", "4000")
    where = ("--local", "--environment", "production")
    run(workspace, "ldconf", "agent", "traffic", *where, *users, "--quiet")
    say("What was measured, and what the rule says that was written down before the start")
    run(workspace, "ldconf", "experiment", "results", EXPERIMENT, "--local")
    say("The winner is shipped as a change to the YAML: to be reviewed like every other")
    ship = ("ldconf", "experiment", "ship", EXPERIMENT, "--local")
    run(workspace, *ship, shows=f"verdict: ship {BETTER}")
    run(workspace, "git", "--no-pager", "diff", "--unified=1")
    commit(workspace, f"Ship {BETTER}")
    plan_and_apply(workspace, shows="stop iteration 1")
    run(workspace, "ldconf", "plan", "--local", "--base", "HEAD", shows="No changes")


def plan_and_apply(workspace: Path, shows: str) -> None:
    """Plan the last commit and apply it."""
    since = ("--local", "--base", "HEAD~1")
    run(workspace, "ldconf", "plan", *since, shows=shows)
    applied = run(workspace, "ldconf", "apply", *since, "--yes", "--quiet", quiet=True)
    print(applied.splitlines()[-1])


def edit(document: Path, before: str, after: str) -> None:
    """Replace the one place where a text stands."""
    text = document.read_text()
    if text.count(before) != 1:
        raise SystemExit(f"demo: {before!r} stands {text.count(before)} times in {document.name}")
    document.write_text(text.replace(before, after))


def commit(workspace: Path, message: str) -> None:
    """Commit the workspace: git is the state."""
    identity = ("-c", "user.name=demo", "-c", "user.email=demo@example.com")
    subprocess.run(["git", "add", "-A"], cwd=workspace, check=True)
    subprocess.run(
        ["git", *identity, "commit", "--quiet", "-m", message], cwd=workspace, check=True
    )


def demo(workspace: Path) -> None:
    """Run every step in the workspace."""
    subprocess.run(["git", "init", "--quiet", "-b", "main"], cwd=workspace, check=True)
    (workspace / ".gitignore").write_text(".ldconf/\n")
    commit(workspace, "Pet Store Agent")
    with local_launchdarkly(workspace) as (host, token):
        say("The files are checked offline")
        run(workspace, "ldconf", "validate")
        say("What would change, for whom, and where")
        run(workspace, "ldconf", "plan", "--local")
        say("Make it so")
        run(workspace, "ldconf", "apply", "--local", "--yes")
        say("A second plan is empty")
        run(workspace, "ldconf", "plan", "--local", "--detailed-exitcode", shows="No changes")
        client = official_client(host, token)
        say("Somebody makes a hot fix in LaunchDarkly")
        edit_like_the_ui(client)
        say("Drift is named, and nothing overwrites it (exit 4: LaunchDarkly is ahead)")
        drift = ("ldconf", "drift", "--local", "--base", "HEAD", "--detailed-exitcode")
        run(workspace, *drift, expect=4, shows="temperature")
        say("Take the hot fix into the files")
        run(workspace, "ldconf", "pull", "--local", "--base", "HEAD", "--drift")
        run(workspace, "git", "--no-pager", "diff", "--unified=1")
        commit(workspace, "Take in the hot fix")
        run(workspace, "ldconf", "plan", "--local", "--base", "HEAD", shows="No changes")
        say("LaunchDarkly's own API client reads it back")
        read_back(client)
        say("An agent uses it through LaunchDarkly's own SDKs (the model behind it is simulated)")
        ask(workspace, "guest")
        ask(workspace, "premium")
        say("A new prompt is applied while an agent runs")
        with running_agent(client, host) as agent:
            change_the_prompt(workspace, client, agent)
        say("500 simulated users ask, and every call is measured")
        run(workspace, "ldconf", "agent", "traffic", "--local", "--users", "500", "--quiet")
        run(workspace, "ldconf", "monitor", "--local", "--environment", "test")
        experiment(workspace)


def main() -> None:
    """Run the demo in a temporary folder and say how long it took."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ldconf-demo-") as folder:
        workspace = Path(folder) / "pet-store"
        shutil.copytree(ROOT / "configs", workspace, ignore=shutil.ignore_patterns(".ldconf"))
        demo(workspace)
    print(f"\n{BOLD}Done in {time.monotonic() - started:.1f} s.{RESET}")


if __name__ == "__main__":
    main()

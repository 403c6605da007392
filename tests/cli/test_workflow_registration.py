"""Pre-registration and contamination, read from real git histories."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from ldconf.core.analysis import PreRegistration, Registration
from ldconf.workflow.registration import registration
from ldconf.workflow.site import load_workspace
from tests.documents.trees import Repository

SETTINGS = "project: shop\nenvironments: [test, production]\n"
BOT = """\
metrics:
  good: {name: Good, kind: custom, eventKey: good, isNumeric: false, analysisUnits: [user],
    successCriteria: HigherThanBaseline, unitAggregationType: average}
  bad: {name: Bad, kind: custom, eventKey: bad, isNumeric: false, analysisUnits: [user],
    successCriteria: LowerThanBaseline, unitAggregationType: average}
tools:
  search: {description: Looks things up, schema: {type: object}}
segments:
  beta: {production: {name: Beta, included: [u1]}, test: {name: Beta}}
aiConfigs:
  bot:
    name: Bot
    mode: agent
    variations:
      base: {modelConfigKey: OpenAI.gpt-4o, instructions: {file: base.md}, tools: [search]}
      small: {extends: base, modelConfigKey: OpenAI.gpt-4o-mini}
      other: {modelConfigKey: OpenAI.gpt-4.1}
    targeting:
      production:
        targets: []
        rules:
          - description: Beta
            clauses: [{op: segmentMatch, values: [beta]}]
            serve: other
        fallthrough: base
"""
EXPERIMENT = """\
experiments:
  exp:
    name: Small or base
    environment: production
    aiConfig: bot
    hypothesis: small is as good
    methodology: bayesian
    metrics: [good, bad]
    primary: good
    allocation: {base: 50, small: 50}
    control: base
    decision: {minimumUnitsPerArm: 100, guardrails: {}}
    status: draft
"""
RUNNING = EXPERIMENT.replace("draft", "running")


class History:
    """A workspace in a repository, commit by commit."""

    def __init__(self, folder: Path, below: str = "") -> None:
        self.repository = Repository(folder)
        self.below = below
        self.files = {"ldconf.yaml": SETTINGS, "bot.yaml": BOT, "base.md": "Be kind.\n"}
        self.commit(exp=EXPERIMENT)

    @property
    def root(self) -> Path:
        return self.repository.root / self.below

    def commit(self, **documents: str) -> str:
        self.files |= {f"{name}.yaml": text for name, text in documents.items()}
        return self.repository.commit(
            {f"{self.below}{name}": text for name, text in self.files.items()}
        )

    def edit(self, old: str, new: str, file: str = "bot.yaml") -> str:
        assert old in self.files[file]
        self.files[file] = self.files[file].replace(old, new)
        return self.commit()

    def found(self, iteration: int | None = None) -> PreRegistration:
        workspace, _ = load_workspace(self.root)
        return registration(self.root, workspace, "exp", iteration)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "repo")


def test_rule_of_the_first_commit_that_runs_it(history: History) -> None:
    start = history.commit(exp=RUNNING)
    history.edit("Bot", "Our bot")
    found = history.found()
    assert (found.status, found.commit, found.changed) == (Registration.SAME, start, ())
    assert found.contaminations == ()
    assert (found.author, found.date and len(found.date) >= 20) == ("t", True)


def test_edited_rule_is_named_field_by_field(history: History) -> None:
    history.commit(exp=RUNNING)
    history.edit(
        "decision: {minimumUnitsPerArm: 100, guardrails: {}}",
        "decision: {minimumUnitsPerArm: 50, guardrails: {bad: {margin: 0.1}}}\n"
        "    analysis: {prior: flat}",
        "exp.yaml",
    )
    found = history.found()
    assert found.status is Registration.EDITED
    assert found.changed == (
        "decision.minimumUnitsPerArm",
        "decision.guardrails.bad",
        "analysis.prior",
    )


def test_default_that_is_written_out_is_no_edit(history: History) -> None:
    history.commit(exp=RUNNING)
    history.edit("guardrails: {}}", "looks: 1, inconclusive: control}", "exp.yaml")
    assert history.found().status is Registration.SAME


def test_edit_that_is_not_committed_counts(history: History) -> None:
    history.commit(exp=RUNNING)
    edited = RUNNING.replace("100", "10")
    (history.root / "exp.yaml").write_text(edited)
    assert history.found().changed == ("decision.minimumUnitsPerArm",)


def test_going_back_to_draft_and_on_does_not_register_anew(history: History) -> None:
    start = history.commit(exp=RUNNING)
    history.commit(exp=EXPERIMENT)
    history.commit(exp=RUNNING.replace("100", "10"))
    found = history.found()
    assert (found.commit, found.status) == (start, Registration.EDITED)


def test_dropping_the_entry_and_writing_it_again_does_not_register_anew(history: History) -> None:
    start = history.commit(exp=RUNNING)
    history.commit(exp="experiments: {}\n")
    history.commit(exp="experiments: {}\n", again=RUNNING.replace("100", "10"))
    found = history.found()
    assert (found.commit, found.status) == (start, Registration.EDITED)


def test_each_iteration_has_its_own_registration(history: History) -> None:
    first = history.commit(exp=RUNNING)
    second = history.commit(exp=RUNNING.replace("100", "10") + "    iteration: 2\n")
    assert (history.found().commit, history.found().status) == (second, Registration.SAME)
    assert history.found(1).commit == first


def test_without_a_commit_that_runs_it_nothing_is_verifiable(history: History) -> None:
    (history.root / "exp.yaml").write_text(RUNNING)
    found = history.found()
    assert found.status is Registration.NOT_VERIFIABLE
    assert found.reason == "no commit's files say that iteration 1 runs"


def test_without_git_nothing_is_verifiable(history: History, tmp_path: Path) -> None:
    for name, text in {**history.files, "exp.yaml": RUNNING}.items():
        (tmp_path / name).write_text(text)
    workspace, _ = load_workspace(tmp_path)
    found = registration(tmp_path, workspace, "exp")
    assert (found.status, found.reason) == (
        Registration.NOT_VERIFIABLE,
        "the files are in no git repository with a commit",
    )


def test_a_shallow_clone_does_not_pretend(history: History, tmp_path: Path) -> None:
    history.commit(exp=RUNNING)
    history.edit("minimumUnitsPerArm: 100", "minimumUnitsPerArm: 10", "exp.yaml")
    clone = tmp_path / "clone"
    history.repository.git("clone", "-q", "--depth=1", f"file://{history.root}", str(clone))
    workspace, _ = load_workspace(clone)
    found = registration(clone, workspace, "exp")
    assert found.status is Registration.NOT_VERIFIABLE
    assert "shallow" in (found.reason or "")


def test_moving_the_workspace_does_not_register_anew(tmp_path: Path) -> None:
    history = History(tmp_path / "repo", "old/")
    history.commit(exp=RUNNING)
    history.edit("minimumUnitsPerArm: 100", "minimumUnitsPerArm: 10", "exp.yaml")
    history.repository.git("mv", "old", "new")
    history.below = "new/"
    history.commit()
    found = history.found()
    assert found.status is Registration.NOT_VERIFIABLE
    assert "moved" in (found.reason or "")


def test_only_the_first_parents_count(history: History) -> None:
    git = history.repository.git
    git("checkout", "-q", "-b", "topic")
    history.commit(exp=RUNNING)
    history.edit("minimumUnitsPerArm: 100", "minimumUnitsPerArm: 80", "exp.yaml")
    git("checkout", "-q", "main")
    git("merge", "-q", "--no-ff", "-m", "merged", "topic")
    found = history.found()
    assert found.commit == git("rev-parse", "HEAD")  # what was merged is what was registered
    assert found.status is Registration.SAME


CHANGES = {
    "a prompt in its file": ("base.md", "kind", "brief", "variations/base: instructions changed"),
    "a prompt that is inherited": ("base.md", "kind", "brief", "variations/small: instructions"),
    "a model": ("bot.yaml", "gpt-4o-mini", "gpt-4.1-mini", "variations/small: modelConfigKey"),
    "a tool": ("bot.yaml", "Looks things", "Finds things", "tools/search: description changed"),
    "who is asked": ("bot.yaml", "[beta]", "[beta], negate: true", "targeting/production: the cl"),
    "a segment": ("bot.yaml", "[u1]", "[u1, u2]", "segments/beta/production: included changed"),
    "its own design": ("exp.yaml", "base: 50, small: 50", "base: 60, small: 40", "exp: allocation"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_change_of_a_dependency_contaminates(
    history: History, change: tuple[str, str, str, str]
) -> None:
    file, old, new, words = change
    history.commit(exp=RUNNING)
    commit = history.edit(old, new, file)
    found = [one for one in history.found().contaminations if words in one]
    assert len(found) == 1, history.found().contaminations
    assert found[0].startswith(f"{commit[:12]} (20")
    assert ", t): " in found[0]


UNRELATED = {
    "another variation": ("bot.yaml", "gpt-4.1}", "gpt-4.1-mini}"),
    "what another rule serves": ("bot.yaml", "serve: other", "serve: base"),
    "a rule's name": ("bot.yaml", "description: Beta", "description: Testers"),
    "a target": ("bot.yaml", "targets: []", "targets: [{variation: base, values: [qa]}]"),
    "another environment": ("bot.yaml", "test: {name: Beta}", "test: {name: Betas}"),
    "its description": ("exp.yaml", "name: Small or base", "name: Base or small"),
    "the rule that decides": ("exp.yaml", "minimumUnitsPerArm: 100", "minimumUnitsPerArm: 9"),
}


@pytest.mark.parametrize("change", UNRELATED.values(), ids=UNRELATED)
def test_other_changes_do_not_contaminate(history: History, change: tuple[str, str, str]) -> None:
    file, old, new = change
    history.commit(exp=RUNNING)
    history.edit(old, new, file)
    assert history.found().contaminations == ()


def test_a_change_that_was_taken_back_contaminates_twice(history: History) -> None:
    history.commit(exp=RUNNING)
    history.edit("kind", "brief", "base.md")
    history.edit("brief", "kind", "base.md")
    found = [one for one in history.found().contaminations if "variations/base" in one]
    assert len(found) == 2


def test_what_changed_before_the_start_or_after_the_end_does_not_count(history: History) -> None:
    history.edit("kind", "brief", "base.md")
    history.commit(exp=RUNNING)
    history.commit(exp=RUNNING.replace("running", "stopped\n    winner: small\n    reason: ok"))
    history.edit("brief", "long", "base.md")
    assert history.found().contaminations == ()


def test_a_rule_experiment_does_not_depend_on_the_rules_below(history: History) -> None:
    vip = """\
          - description: VIP
            clauses: [{attribute: vip, op: in, values: [true]}]
            serve: base
"""
    history.edit("        fallthrough: base\n", f"{vip}        fallthrough: base\n")
    history.commit(
        exp=RUNNING.replace("aiConfig: bot", "aiConfig: bot\n    rule: {description: VIP}")
    )
    late = vip.replace("VIP", "Late").replace("vip", "late")
    history.edit("        fallthrough: base\n", f"{late}        fallthrough: base\n")
    assert history.found().contaminations == ()
    history.edit("[beta]", "[beta], negate: true")
    assert len(history.found().contaminations) == 1


def test_a_consent_is_named_with_its_reason(history: History) -> None:
    history.commit(exp=RUNNING)
    consent = """\
consents:
  - {address: aiConfigs/bot/variations/base, allow: [contaminate], because: INC-7}
"""
    history.files["base.md"] = "Be brief.\n"
    history.commit(consents=consent)
    base = next(one for one in history.found().contaminations if "variations/base" in one)
    assert base.endswith("instructions changed (consent: INC-7)")


def test_a_consent_without_a_change_is_named_too(history: History) -> None:
    history.commit(exp=RUNNING)
    consent = "consents: [{address: aiConfigs/bot, allow: [contaminate], because: INC-8}]\n"
    commit = history.commit(exp=RUNNING + consent)
    (found,) = history.found().contaminations
    assert found.startswith(commit[:12])
    assert found.endswith("consent to contaminate aiConfigs/bot: INC-8")


def test_a_dependency_that_moves_to_another_document_is_followed(history: History) -> None:
    history.commit(exp=RUNNING)
    tool = "tools:\n  search: {description: Looks things up, schema: {type: object}}\n"
    history.files["bot.yaml"] = history.files["bot.yaml"].replace(tool, "")
    history.commit(tools=tool)
    assert history.found().contaminations == ()
    history.edit("Looks", "Finds", "tools.yaml")
    assert len(history.found().contaminations) == 1


def test_a_commit_that_does_not_load_is_passed_over(history: History) -> None:
    start = history.commit(exp=RUNNING)
    history.edit("mode: agent", "mode: [")
    history.edit("mode: [", "mode: agent")
    found = history.found()
    assert (found.commit, found.contaminations) == (start, ())


def test_what_is_not_committed_contaminates_too(history: History) -> None:
    history.commit(exp=RUNNING)
    (history.root / "base.md").write_text("Be brief.\n")
    assert "not committed yet: aiConfigs/bot/variations/base: instructions changed" in (
        history.found().contaminations
    )


def test_a_workspace_below_the_top_and_its_shared_folder(tmp_path: Path) -> None:
    history = History(tmp_path / "repo", "team/configs/")
    history.files["ldconf.yaml"] = f"{SETTINGS}shared: ../shared\n"
    history.files["bot.yaml"] = BOT.replace("base.md", "../shared/kind.md")
    history.repository.write({"team/shared/kind.md": "Be kind.\n"})
    history.commit(exp=RUNNING)
    commit = history.repository.commit({"team/shared/kind.md": "Be brief.\n"})
    found = history.found().contaminations
    assert found[0].startswith(commit[:12])
    assert "instructions changed" in found[0]


def test_a_long_history_is_read_once(tmp_path: Path) -> None:
    history = History(tmp_path / "repo")
    git = history.repository.git
    lines = []
    for number in range(600):
        lines += [
            "commit refs/heads/main",
            f"committer t <t@example.test> {1_800_000_000 + number} +0000",
            "data 1",
            "x",
            *(["from refs/heads/main^0"] if number == 0 else []),
            "M 100644 inline notes.yaml",
            f"data {len(text := f'# {number}')}",
            text,
        ]
    path = tmp_path / "stream"
    path.write_text("\n".join(lines) + "\n")
    with path.open("rb") as stream:
        words = ["git", "-C", str(history.root), "fast-import", "--quiet"]
        subprocess.run(words, stdin=stream, check=True)
    git("reset", "-q", "--hard", "main")
    start = history.commit(exp=RUNNING)
    began = time.perf_counter()
    assert history.found().commit == start
    assert time.perf_counter() - began < 3

"""Commands that need no LaunchDarkly, and what shells, pipes and editors see of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ldconf.cli import applying, progress
from ldconf.cli.planning import drift_exit_code, exit_code
from ldconf.core.change import ApprovalNeed, Drift, Note, NoteKind
from ldconf.core.errors import UsageError
from ldconf.core.outcome import Applied, Awaiting, Failed, Skipped
from ldconf.workflow.apply import Done
from ldconf.workflow.base import Base
from ldconf.workflow.plan import Planned
from tests.e2e.world import BASE, World, pet_store
from tests.render import plans


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return pet_store(tmp_path, monkeypatch)


def test_validate_counts_objects(world: World) -> None:
    found = world.command("validate")
    assert (found.code, found.out, found.err) == (0, "15 objects, no problems\n", "")


def test_problem_is_shown_with_its_line(world: World) -> None:
    world.edit("name: Base config", "nmae: Base config")
    found = world.command("validate")
    assert found.code == 1
    assert "pet-store-agent.yaml:" in found.err
    assert "did you mean" in found.err
    assert "^" in found.err


def test_paths_of_problems_start_where_the_user_stands(world: World) -> None:
    world.edit("name: Base config", "nmae: Base config")
    above = World(world.root.parent, world.monkeypatch)
    assert (
        "pet-store/pet-store-agent.yaml:"
        in above.command("validate", "--workspace", "pet-store").err
    )


def test_problems_as_json(world: World) -> None:
    world.edit("name: Base config", "nmae: Base config")
    found = world.command("validate", "--format", "json").json
    assert found["valid"] is False
    assert found["diagnostics"][0]["file"] == "pet-store-agent.yaml"


def test_problems_as_markdown(world: World) -> None:
    world.edit("name: Base config", "nmae: Base config")
    found = world.command("validate", "--format", "markdown")
    assert found.out.startswith("**1 error**\n\n- `pet-store-agent.yaml:")


def test_strict_makes_warnings_errors(world: World) -> None:
    world.edit("temperature: 0.7", "Temperature: 0.7")
    relaxed, strict = world.command("validate"), world.command("validate", "--strict")
    assert (relaxed.code, strict.code) == (0, 1)
    assert "warning" in relaxed.err
    assert "error" in strict.err


def test_quiet_keeps_warnings_back(world: World) -> None:
    world.edit("temperature: 0.7", "Temperature: 0.7")
    assert world.command("validate", "--quiet").err == ""


def test_problem_stops_a_plan_before_the_network(world: World) -> None:
    world.edit("name: Base config", "nmae: Base config")
    found = world.run("plan")
    assert (found.code, found.out) == (1, "")
    assert found.err.endswith("error: 1 problem in the workspace\n")
    assert not (world.root / ".ldconf").exists() or "GET" not in found.err


def test_broken_settings_are_shown_with_their_line(world: World) -> None:
    world.edit("environments:", "enviroments:", "ldconf.yaml")
    found = world.run("plan")
    assert found.code == 1
    assert "ldconf.yaml:" in found.err


def test_annotations_in_github_actions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    world.edit("name: Base config", "nmae: Base config")
    assert "::error file=pet-store-agent.yaml,line=" in world.command("validate").err


def completed(world: World, line: str) -> list[str]:
    world.monkeypatch.setenv("_LDCONF_COMPLETE", "complete_bash")
    world.monkeypatch.setenv("COMP_WORDS", f"ldconf {line}")
    world.monkeypatch.setenv("COMP_CWORD", str(len(line.split(" "))))
    return world.command().out.split()


def test_shell_completes_addresses(world: World) -> None:
    assert BASE in completed(world, "show aiConfigs/pet-store-agent/v")
    assert completed(world, "plan --target tools/get_p") == ["tools/get_product"]


def test_shell_completes_keys_and_environments(world: World) -> None:
    assert completed(world, "promote pet") == ["pet-store-agent"]
    assert completed(world, "promote pet-store-agent --from te") == ["test"]


def test_shell_completion_is_silent_without_a_workspace(tmp_path: Path, world: World) -> None:
    lost = World(tmp_path, world.monkeypatch)
    assert completed(lost, "show tools/") == []
    assert completed(lost, "plan --environment t") == []


def test_doctor_without_token_fails_and_says_how_to_go_on(world: World) -> None:
    found = world.command("doctor")
    assert found.code == 1
    assert "fail  account: no access token" in found.out
    assert "--local" in found.out


def test_doctor_without_workspace_still_looks_at_the_rest(tmp_path: Path, world: World) -> None:
    found = World(tmp_path, world.monkeypatch).command("doctor")
    assert found.code == 1
    assert "ok    versions: ldconf " in found.out
    assert "fail  workspace: no workspace" in found.out


def test_doctor_names_files_that_do_not_load(world: World) -> None:
    world.edit("name: Base config", "nmae: Base config")
    found = world.run("doctor")
    assert found.code == 1
    assert "fail  files: 1 error" in found.out


def test_doctor_knows_the_base(world: World) -> None:
    commit = world.commit()
    world.git("update-ref", "refs/ldconf/applied/pet-store-agent/_root", "HEAD")
    found = world.run("doctor", "--format", "markdown")
    assert found.code == 0
    assert f"- **ok** git base: {commit[:12]} (applied last)" in found.out


def test_doctor_knows_a_base_that_cannot_be_used(world: World) -> None:
    world.commit("one")
    world.git("update-ref", "refs/ldconf/applied/pet-store-agent/_root", "HEAD")
    world.git("commit", "-q", "--amend", "-m", "other")
    found = world.run("doctor")
    assert found.code == 1
    assert "fail  git base: " in found.out


def test_sdk_key_is_never_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUNCHDARKLY_SDK_KEY", "sdk-0123456789")
    found = world.run("doctor")
    assert "ok    SDK key: LAUNCHDARKLY_SDK_KEY is set" in found.out
    assert "sdk-0123456789" not in found.both


def test_local_without_the_extra_names_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    found = world.run("plan")
    assert found.code == 1
    assert 'pip install "ldconf[dev]"' in found.err


def test_schema_is_json(world: World) -> None:
    assert json.loads(world.command("schema").out)["$schema"].endswith("2020-12/schema")


UNTIDY = "tools:\n    b: {description: B}   # keep\n"


def test_fmt_writes_the_canonical_form(tmp_path: Path, world: World) -> None:
    world = World(tmp_path / "small", world.monkeypatch)
    world.root.mkdir()
    (world.root / "ldconf.yaml").write_text("project: p\nenvironments: [test]\n")
    path = world.root / "untidy.yaml"
    path.write_text(UNTIDY)
    check = world.command("fmt", "--check")
    assert (check.code, check.out) == (1, "would change untidy.yaml\n")
    assert path.read_text() == UNTIDY
    assert world.command("fmt").out == "wrote untidy.yaml\n"
    assert "# keep" in path.read_text()
    assert world.command("fmt", "--check").code == 0


def test_fmt_of_named_files_needs_no_workspace(tmp_path: Path, world: World) -> None:
    (tmp_path / "x.yaml").write_text(UNTIDY)
    lost = World(tmp_path, world.monkeypatch)
    assert lost.command("fmt", "x.yaml").out == "wrote x.yaml\n"
    assert lost.command("fmt", "gone.yaml").code == 64


def test_fmt_names_every_file_that_is_no_yaml_and_writes_nothing(world: World) -> None:
    (world.root / "a.yaml").write_text("a: [")
    (world.root / "b.yaml").write_bytes(b"\xff")
    (world.root / "untidy.yaml").write_text(UNTIDY)
    found = world.command("fmt")
    assert found.code == 1
    assert "a.yaml:2:1: error: not YAML" in found.err
    assert "b.yaml:1:1: error: not UTF-8" in found.err
    assert (world.root / "untidy.yaml").read_text() == UNTIDY


def test_bar_shows_after_a_second_and_hides(capsys: pytest.CaptureFixture[str]) -> None:
    now = iter([0.0, 0.5, 2.0])
    bar = progress.Bar(clock=lambda: next(now))
    bar("reading", 1, 9)
    assert not bar.is_shown
    bar("reading", 5, 9)
    assert bar.is_shown
    bar.hide()
    assert not bar.is_shown


def test_no_bar_where_nobody_sees_it() -> None:
    with progress.progress(quiet=True) as found:
        assert found is None


CHANGED = plans.plan(plans.EDIT)
REFUSED = plans.plan(plans.EDIT, refused=(plans.WHO,))
DRIFTED = plans.plan(drift=(Drift(plans.TEST, "rules", None, []),))


@pytest.mark.parametrize(
    ("plan", "detailed", "code"),
    [
        (plans.EMPTY, True, 0),
        (CHANGED, False, 0),
        (CHANGED, True, 2),
        (REFUSED, True, 3),
        (DRIFTED, True, 0),
        (plans.plan(conflicts=plans.FULL.conflicts), False, 3),
    ],
)
def test_exit_code_of_plan(plan, detailed: bool, code: int) -> None:
    assert exit_code(plan, detailed=detailed) == code


def test_exit_codes_of_drift() -> None:
    assert drift_exit_code(plans.EMPTY) == 0
    assert drift_exit_code(CHANGED) == 2
    assert drift_exit_code(DRIFTED) == 4
    assert drift_exit_code(plans.FULL) == 6
    assert drift_exit_code(plans.TWO_WAY) == 6


def done(plan, *outcomes, interrupted: bool = False) -> int:
    from ldconf.core.live import Live

    planned = Planned(plan, plans.WORKSPACE, Live("p", {}, {}), Base())
    return applying.exit_code(Done(planned, outcomes, interrupted=interrupted))


APPLIED, FAILED = Applied(plans.EDIT), Failed(plans.EDIT, "500")
AWAITING, SKIPPED = Awaiting(plans.WHO, "5f1e"), Skipped(plans.WHO, None, "x")


def test_exit_code_of_apply_is_the_first_that_is_true() -> None:
    assert done(REFUSED, FAILED, AWAITING, interrupted=True) == 130
    assert done(REFUSED, FAILED, AWAITING) == 1
    assert done(REFUSED, APPLIED, AWAITING) == 3
    assert done(CHANGED, APPLIED, AWAITING, SKIPPED) == 5
    assert done(CHANGED, APPLIED, SKIPPED) == 1
    assert done(CHANGED, APPLIED) == 0
    pending = Note(NoteKind.PENDING, "request 5f1e is pending", plans.PRODUCTION)
    assert done(plans.plan(notes=(pending,))) == 5
    behind = replace(CHANGED, approvals=(ApprovalNeed(plans.WHO.address, blocked_by="77aa"),))
    assert done(behind, APPLIED, SKIPPED) == 5


def allowed(*allow: str, because: str | None = "INC-1", terminal: bool = True):
    consented = applying.Consented(allow=allow, because=because)
    return applying.consents(consented, is_terminal=terminal)


def test_allow_without_guard_lifts_all_but_drift() -> None:
    found = allowed("tools/a")
    assert {entry.allow for entry in found} == {
        *("protected", "inPlaceEdit", "contaminate", "deletes", "updates"),
    }
    assert {entry.because for entry in found} == {"INC-1"}


def test_allow_with_guards_lifts_these() -> None:
    assert [e.allow for e in allowed("tools/a=drift,protected")] == ["drift", "protected"]


@pytest.mark.parametrize(
    ("allow", "because", "terminal"),
    [
        (("tools/a=everything",), "x", True),
        (("=drift",), "x", True),
        (("tools/a",), None, True),
        (("tools/a",), "x", False),
        ((), "x", True),
    ],
)
def test_wrong_allow(allow: tuple[str, ...], because: str | None, terminal: bool) -> None:
    with pytest.raises(UsageError):
        allowed(*allow, because=because, terminal=terminal)

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ldconf import __version__
from ldconf.cli import boundary, main
from ldconf.cli.arguments import hoisted
from ldconf.cli.main import COMMANDS, app
from ldconf.cli.run import Run
from ldconf.core.errors import LdconfError, NotFound, RefusedError


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), prog_name="ldconf")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_one_line_of_purpose_and_examples(command: str) -> None:
    found = run(command, "--help")
    assert found.exit_code == 0
    usage, blank, purpose, *_ = found.stdout.splitlines()
    assert usage.startswith(f"Usage: ldconf {command}")
    assert (blank, purpose[:2]) == ("", "  ")
    assert f"  Examples:\n    ldconf {command}" in found.stdout


def test_version() -> None:
    found = run("--version")
    assert (found.exit_code, found.stdout) == (0, f"ldconf {__version__}\n")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((), id="nothing"),
        pytest.param(("plam",), id="command"),
        pytest.param(("plan", "--nope"), id="option"),
        pytest.param(("plan", "--format", "yaml"), id="format"),
        pytest.param(("plan", "--format", "json="), id="format file"),
        pytest.param(("promote", "bot"), id="missing option"),
        pytest.param(("pull",), id="nothing to pull"),
        pytest.param(("pull", "--drift", "tools/a"), id="too much to pull"),
        pytest.param(("dev", "--port", "70000"), id="port"),
        pytest.param(("--workspace", "nowhere", "validate"), id="workspace"),
    ],
)
def test_usage_errors_exit_64(words: tuple[str, ...]) -> None:
    found = run(*words)
    assert found.exit_code == 64
    assert "Traceback" not in found.output


def test_wrong_command_suggests_the_right_one() -> None:
    assert "Did you mean 'plan'?" in run("plam").stderr


def test_no_workspace_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = run("validate")
    assert found.exit_code == 1
    assert "--workspace DIR" in found.stderr


def test_global_options_may_stand_anywhere() -> None:
    words = ["plan", "-q", "--base", "x", "--workspace", "w", "--local", "--workspace=v"]
    assert hoisted(words) == [
        *("-q", "--workspace", "w", "--local", "--workspace=v"),
        *("plan", "--base", "x"),
    ]


def test_words_after_two_dashes_stay() -> None:
    assert hoisted(["pull", "--", "--local"]) == ["pull", "--", "--local"]


def test_last_word_without_its_value_is_left_to_typer() -> None:
    assert hoisted(["plan", "--workspace"]) == ["plan", "--workspace"]


def failing(error: BaseException) -> object:
    def start() -> None:
        raise error

    return start


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LdconfError("broken"), 1),
        (RefusedError("no"), 3),
        (KeyboardInterrupt(), 130),
        (BaseExceptionGroup("", [KeyboardInterrupt()]), 130),
        (ExceptionGroup("", [ExceptionGroup("", [RefusedError("no")])]), 3),
        (ExceptionGroup("", [ValueError("a"), ValueError("b")]), 1),
        (RuntimeError("bug"), 1),
    ],
    ids=lambda value: str(value)[:20],
)
def test_every_error_has_its_exit_code(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert boundary.guarded(failing(error), Run()) == code
    assert "Traceback" not in capsys.readouterr().err


def test_internal_error_asks_to_be_reported(capsys: pytest.CaptureFixture[str]) -> None:
    boundary.guarded(failing(RuntimeError("bug")), Run())
    said = capsys.readouterr().err
    assert said.startswith("internal error: RuntimeError: bug\n")
    assert "report" in said


@pytest.mark.parametrize("error", [RuntimeError("bug"), LdconfError("broken")])
def test_verbose_shows_the_trace(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    boundary.guarded(failing(error), Run(verbose=True))
    assert "Traceback" in capsys.readouterr().err


def test_api_error_names_method_address_status_and_the_servers_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = NotFound("not there", method="GET", path="/x", status=404, message="no x", hint="look")
    boundary.guarded(failing(error), Run(host="https://h"))
    assert capsys.readouterr().err == (
        "error: not there\n  GET https://h/api/v2/x 404\n  no x\n  look\n"
    )


def test_secret_in_an_error_is_masked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAUNCHDARKLY_ACCESS_TOKEN", "api-0123456789")
    boundary.guarded(failing(RuntimeError("sent api-0123456789\x1b[2J")), Run(verbose=True))
    said = capsys.readouterr().err
    assert "api-0123456789" not in said
    assert "\x1b" not in said


def test_python_m_runs_the_program() -> None:
    command = [sys.executable, "-m", "ldconf", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == f"ldconf {__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    """What would make `--help` slow; the figures are in benchmarks/startup.py."""
    script = (
        "import sys; from ldconf.cli import main; "
        "print([m for m in ('pydantic', 'rich', 'httpx', 'yaml', 'anyio') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_console_script_is_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ldconf", "--version"])
    with pytest.raises(SystemExit) as ended:
        main.run()
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"ldconf {__version__}\n"


def test_output_that_cannot_hold_a_character_gets_a_plain_one() -> None:
    script = "from ldconf.cli.run import Run; Run().out('a → b … │ ünï\\n')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert done.stdout == b"a -> b ... | ?n?\n"

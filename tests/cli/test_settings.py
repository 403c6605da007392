from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ldconf import settings
from ldconf.core.errors import SettingsError, UsageError
from ldconf.core.workspace import WorkspaceSettings
from ldconf.settings import Provenance

EU = "https://app.eu.launchdarkly.com"
WORKSPACE = WorkspaceSettings("p", ("test",), EU)
TOKEN = {"LAUNCHDARKLY_ACCESS_TOKEN": " api-123\n"}


def test_token_and_host_come_from_environment_and_file() -> None:
    found = settings.connection(WORKSPACE, TOKEN)
    assert (found.host, found.token.get_secret_value()) == (EU, "api-123")
    assert not found.needs_no_history


def test_without_token_both_ways_are_named() -> None:
    with pytest.raises(SettingsError) as error:
        settings.connection(WORKSPACE, {})
    assert "LAUNCHDARKLY_ACCESS_TOKEN" in (error.value.hint or "")
    assert "--local" in (error.value.hint or "")


@pytest.mark.parametrize(
    ("named", "host"),
    [
        ("", EU),
        ("app.eu.launchdarkly.com", EU),
        ("https://APP.eu.launchdarkly.com/", EU),
        (f"{EU}/api/v2", EU),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("localhost:8765", "http://localhost:8765"),
        ("[::1]:8765", "http://[::1]:8765"),
    ],
)
def test_host(named: str, host: str) -> None:
    assert settings.api_host(EU, {"LAUNCHDARKLY_API_HOST": named}) == host


@pytest.mark.parametrize(
    "named",
    [
        "https://app.launchdarkly.com",
        "http://app.eu.launchdarkly.com",
        "https://app.eu.launchdarkly.com.evil.org",
        "ftp://app.eu.launchdarkly.com",
        "https://user:pw@app.eu.launchdarkly.com",
        "https://app.eu.launchdarkly.com/other",
    ],
)
def test_host_that_does_not_agree_is_refused(named: str) -> None:
    with pytest.raises(SettingsError):
        settings.api_host(EU, {"LAUNCHDARKLY_API_HOST": named})


def test_unencrypted_host_in_the_file_is_refused() -> None:
    with pytest.raises(SettingsError, match="unencrypted"):
        settings.api_host("http://app.launchdarkly.com", {})


def test_loopback_needs_no_history() -> None:
    env = {**TOKEN, "LAUNCHDARKLY_API_HOST": "http://127.0.0.1:1"}
    assert settings.connection(WORKSPACE, env).needs_no_history


def test_connection_does_not_show_its_token() -> None:
    assert "api-123" not in repr(settings.connection(WORKSPACE, TOKEN))


def store(name: str) -> str:
    return {"plain": "api-plain", "whole": json.dumps({"token": "api-json"})}[name]


@pytest.mark.parametrize(
    ("reference", "token"), [("plain", "api-plain"), ("whole#token", "api-json")]
)
def test_secret_store_reference(reference: str, token: str) -> None:
    env = {"LAUNCHDARKLY_ACCESS_TOKEN": f"aws-secretsmanager:{reference}"}
    found = settings.connection(WORKSPACE, env, store)
    assert found.token.get_secret_value() == token


@pytest.mark.parametrize("reference", ["", "#token", "plain#token", "whole#other"])
def test_bad_secret_store_reference(reference: str) -> None:
    env = {"LAUNCHDARKLY_ACCESS_TOKEN": f"aws-secretsmanager:{reference}"}
    with pytest.raises(SettingsError) as error:
        settings.connection(WORKSPACE, env, store)
    assert "api-" not in str(error.value)


def test_secret_store_without_boto3_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(SettingsError) as error:
        settings.read_aws_secret("ld/token")
    assert error.value.hint == "pip install 'ldconf[aws]'"


class FakeSecrets:
    """Answers as boto3's client does."""

    def get_secret_value(self, SecretId: str) -> dict[str, object]:  # noqa: N803 - AWS's name
        if SecretId == "binary":
            return {"SecretBinary": b"x"}
        if SecretId == "missing":
            raise LookupError("ResourceNotFoundException")
        return {"SecretString": "api-aws"}


@pytest.fixture
def boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("boto3")
    module.client = lambda _: FakeSecrets()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "boto3", module)


@pytest.mark.usefixtures("boto3")
def test_secret_from_aws() -> None:
    assert settings.read_aws_secret("ld/token") == "api-aws"


@pytest.mark.usefixtures("boto3")
@pytest.mark.parametrize(("name", "words"), [("binary", "binary"), ("missing", "does not give")])
def test_secret_that_aws_does_not_give(name: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        settings.read_aws_secret(name)


def test_workspace_is_found_here_above_or_in_configs(tmp_path: Path) -> None:
    outer, inner = tmp_path / "a", tmp_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "ldconf.yaml").touch()
    assert settings.find_workspace(None, tmp_path) == tmp_path / "configs"
    (outer / "ldconf.yaml").touch()
    assert settings.find_workspace(None, inner) == outer
    assert settings.find_workspace(outer, tmp_path) == outer


def test_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        settings.find_workspace(tmp_path, tmp_path)
    with pytest.raises(SettingsError, match="no workspace"):
        settings.find_workspace(None, tmp_path / "x")


PUSH = {
    "GITHUB_SHA": "0123456789abcdef",
    "GITHUB_REPOSITORY": "acme/prompts",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_ACTOR": "jane",
}


def event(message: str) -> str:
    return json.dumps({"head_commit": {"message": message}})


@pytest.mark.parametrize(
    ("env", "text", "number"),
    [
        ({**PUSH, "GITHUB_REF": "refs/pull/7/merge"}, None, "7"),
        (PUSH, event("Shorter prompt (#12)\n\nbody (#9)"), "12"),
        (PUSH, event("Merge pull request #13 from acme/x"), "13"),
        (PUSH, event("Direct push, see #5 for more"), None),
        (PUSH, "{}", None),
        (PUSH, "no json", None),
        (PUSH, None, None),
    ],
)
def test_pull_request_of_a_run(env: dict[str, str], text: str | None, number: str | None) -> None:
    assert settings.provenance(env, None, text).pull_request == number


def test_provenance_on_a_laptop_is_the_commit() -> None:
    assert settings.provenance({}, "abc") == Provenance(commit="abc")


def test_comment() -> None:
    whole = settings.provenance(PUSH, None, event("x (#12)"))
    assert whole.comment() == "ldconf: acme/prompts 0123456789ab, pull request 12, by jane"
    assert Provenance().comment() == "ldconf"


@pytest.mark.parametrize(
    ("env", "terminal", "colour"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour(env: dict[str, str], terminal: bool, colour: bool) -> None:
    assert settings.colour(env, terminal) is colour

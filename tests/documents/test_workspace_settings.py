from __future__ import annotations

import pytest

from ldconf.core.address import Address, segment
from ldconf.core.workspace import Guards, WorkspaceSettings
from ldconf.documents.load import load_settings
from tests.documents.trees import SETTINGS, Memory


def settings(text: str) -> WorkspaceSettings:
    loaded = load_settings(Memory({"ldconf.yaml": text}))
    assert loaded.diagnostics == ()
    assert loaded.settings is not None
    return loaded.settings


def test_defaults() -> None:
    found = settings(SETTINGS)

    assert (found.project, found.environments) == ("pet-store", ("test", "production"))
    assert found.host == "https://app.launchdarkly.com"
    assert found.guards == Guards()
    assert found.shared is None
    assert not found.external.has(Address.parse("tools/x"))


def test_every_setting() -> None:
    found = settings(
        """\
        project: pet-store
        host: https://app.eu.launchdarkly.com/
        environments: [test, production]
        guards:
          maxDeletePercent: 12.5
          maxUpdatePercent: 0
          minObjects: 3
          protect: [aiConfigs/bot/targeting/production, "*/x", metrics, segments/beta]
          inPlaceEdits: {production: forbid, test: allow}
        external:
          metrics: [m]
          segments: {production: [beta], test: "*"}
          modelConfigs: "*"
        shared: ../shared/./x/..
        lint: {unused-variation: off, x: error}
        """
    )

    assert found.host == "https://app.eu.launchdarkly.com"
    assert found.guards == Guards(
        max_delete_percent=12.5,
        max_update_percent=0,
        min_objects=3,
        protect=("aiConfigs/bot/targeting/production", "*/x", "metrics", "segments/beta"),
        in_place_edits={"production": "forbid", "test": "allow"},
    )
    assert found.external.has(Address.parse("metrics/m"))
    assert not found.external.has(Address.parse("metrics/n"))
    assert found.external.has(Address.parse("modelConfigs/A.b"))
    assert found.external.has(segment("beta", "production"))
    assert not found.external.has(segment("other", "production"))
    assert found.external.has(segment("other", "test"))
    assert found.shared == "../shared"
    assert found.lint == {"unused-variation": "off", "x": "error"}


@pytest.mark.parametrize(
    "host",
    [
        "https://app.launchdarkly.us",
        "http://localhost:8765",
        "http://127.0.0.1:1",
        "http://[::1]:8765",
        "https://example.test:8443/",
    ],
)
def test_hosts(host: str) -> None:
    assert settings(f"{SETTINGS}host: {host}\n").host == host.rstrip("/")


@pytest.mark.parametrize("shared", ["shared", "../shared", "a/b", "../../x/y", "../configs"])
def test_shared_folders(shared: str) -> None:
    assert settings(f"{SETTINGS}shared: {shared}\n").shared == shared


def test_a_workspace_may_write_no_environment() -> None:
    assert settings("project: p\nenvironments: []\n").environments == ()


def test_missing_file_names_init() -> None:
    tree = Memory({})
    del tree.files["ldconf.yaml"]

    (found,) = load_settings(tree).diagnostics

    assert found.summary == "ldconf.yaml does not exist"
    assert found.hint == "`ldconf init` writes one"


def test_documents_are_not_read() -> None:
    tree = Memory({"a.yaml": "broken: ["})

    assert load_settings(tree).diagnostics == ()

from __future__ import annotations

from collections.abc import Iterator

import pytest
from launchdarkly_api import ApiClient, Configuration

from ldconf.emulator.app import create_app
from ldconf.emulator.faults import Faults
from ldconf.emulator.server import LocalServer
from ldconf.emulator.store import Store


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    made = Store()
    yield made
    made.close()


@pytest.fixture(scope="session")
def faults() -> Faults:
    return Faults()


@pytest.fixture(scope="session")
def host(store: Store, faults: Faults) -> Iterator[str]:
    with LocalServer(create_app(store, faults), "127.0.0.1", 0) as server:
        yield server.host


@pytest.fixture(scope="session")
def client(host: str) -> Iterator[ApiClient]:
    configuration = Configuration(host=host, api_key={"ApiKey": "api-contract"})
    with ApiClient(configuration) as made:
        yield made
        made.rest_client.pool_manager.clear()


@pytest.fixture(scope="session")
def beta(host: str) -> Iterator[ApiClient]:
    """A client for beta resources. Its default header wins over the `ld_api_version` parameter of
    its own methods, so the default has to be changed."""
    configuration = Configuration(host=host, api_key={"ApiKey": "api-contract"})
    with ApiClient(configuration) as made:
        made.set_default_header("LD-API-Version", "beta")
        yield made
        made.rest_client.pool_manager.clear()


@pytest.fixture
def project(store: Store, request: pytest.FixtureRequest) -> str:
    """A fresh project of the test's own."""
    key = request.node.name.replace("_", "-").replace("[", "-").replace("]", "")[:80]
    store.ensure_project(key, ["test", "production"])
    return key

"""Real models: an endpoint over HTTP for every framework, providers by name, keys and extras."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from strands.models import Model

from ldconf.agent import langchain_models, strands_models
from ldconf.agent.choices import Framework, Models
from ldconf.agent.choose import make_runner
from ldconf.agent.extras import needs
from ldconf.agent.openai_compatible import EndpointError, OpenAICompatible
from ldconf.agent.task import ModelSettings
from ldconf.core.errors import LdconfError, SettingsError
from tests.agent.endpoint import Endpoint, call_chunks, serve, text_chunks
from tests.agent.shop import PRICE, served, shop

PARAMETERS = {"temperature": 0.7, "max_tokens": 4096, "top_p": 0.9, "seed": 1}
PRODUCT = '{"query": "Doggy Delights"}'


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serve() as found:
        yield found


@pytest.fixture(params=list(Framework), ids=str)
def framework(request: pytest.FixtureRequest) -> Framework:
    found: Framework = request.param
    return found


def test_endpoint_answers_with_tools_over_http(framework: Framework, endpoint: Endpoint) -> None:
    endpoint.replies = [call_chunks("get_product", PRODUCT), text_chunks("It costs ", "$54.99.")]
    env = {"OPENAI_BASE_URL": endpoint.url, "OPENAI_API_KEY": "sk-test-key"}
    value = served("model-variant-2", parameters=PARAMETERS)
    pieces: list[str] = []
    with shop(make_runner(framework, Models.ENDPOINT, env), value) as store:
        answer = store.ask(PRICE, on_text=pieces.append)
        assert store.values("$ld:ai:tokens:input") == [90]
        assert store.values("$ld:ai:tokens:output") == [12]
        assert store.values("$ld:ai:tokens:ttf") == [answer.result.first_token_ms]
    assert answer.text == "It costs $54.99."
    assert pieces == ["It costs ", "$54.99."]
    assert list(answer.result.tool_calls) == ["get_product"]
    first, second = endpoint.requests
    assert endpoint.paths == ["/v1/chat/completions"] * 2
    assert endpoint.headers[0]["Authorization"] == "Bearer sk-test-key"
    assert first["model"] == "gpt-4o-mini"
    assert {name: first[name] for name in PARAMETERS} == PARAMETERS
    assert "max_search_results" not in json.dumps(first)  # `custom` is for our code only
    assert len(first["tools"]) == 4
    assert [message["role"] for message in first["messages"]] == ["system", "user"]
    assert "54.99" in second["messages"][-1]["content"]


def test_broken_arguments_of_a_model_are_told_to_it(
    framework: Framework, endpoint: Endpoint
) -> None:
    endpoint.replies = [call_chunks("get_product", '{"query": '), text_chunks("sorry")]
    env = {"OPENAI_BASE_URL": endpoint.url}
    with shop(make_runner(framework, Models.ENDPOINT, env)) as store:
        assert store.ask(PRICE).text == "sorry"
    assert "'query' is a required property" in endpoint.requests[1]["messages"][-1]["content"]
    assert "Authorization" not in endpoint.headers[0]


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ((401, '{"error": {"message": "Incorrect API key"}}'), "401: Incorrect API key"),
        ((500, "<html>oops"), "500: <html>oops"),
        (["{broken"], "not JSON: {broken"),
        ([{"error": {"message": "overloaded"}}], "overloaded"),
    ],
    ids=["401", "500", "no JSON", "error in the stream"],
)
def test_endpoint_errors_are_tracked_and_raised(
    framework: Framework, endpoint: Endpoint, reply: Any, says: str
) -> None:
    endpoint.replies = [reply]
    env = {"OPENAI_BASE_URL": endpoint.url, "OPENAI_API_KEY": "sk-secret"}
    with shop(make_runner(framework, Models.ENDPOINT, env)) as store:
        with pytest.raises(EndpointError) as caught:
            store.ask(PRICE)
        assert store.values("$ld:ai:generation:error") == [1]
    assert says in caught.value.summary
    assert "sk-secret" not in caught.value.summary


def test_endpoint_that_is_not_there() -> None:
    model = OpenAICompatible(ModelSettings("m", "OpenAI"), "http://127.0.0.1:9/v1", "")
    with pytest.raises(EndpointError, match="no answer from") as caught:
        list(model.stream([], []))
    assert "OPENAI_BASE_URL" in (caught.value.hint or "")


def test_endpoint_without_an_address_names_the_variable(framework: Framework) -> None:
    with pytest.raises(SettingsError, match="OPENAI_BASE_URL"):
        make_runner(framework, Models.ENDPOINT, {})


def test_missing_key_names_the_variable_and_the_way_out(framework: Framework) -> None:
    value = served("model-variant-2")
    with shop(make_runner(framework, Models.PROVIDER, {}), value) as store:
        with pytest.raises(SettingsError, match="OPENAI_API_KEY is not set") as caught:
            store.ask(PRICE)
        assert store.values("$ld:ai:generation:error") == [1]
    assert "--models simulated" in (caught.value.hint or "")


def test_unknown_provider_names_the_known_ones(framework: Framework) -> None:
    value = {**served(), "provider": {"name": "Acme"}}
    runner = make_runner(framework, Models.PROVIDER, {})
    with shop(runner, value) as store, pytest.raises(LdconfError, match="'Acme'") as caught:
        store.ask(PRICE)
    assert "Anthropic, OpenAI, Bedrock" in (caught.value.hint or "")


def test_plain_runner_only_reaches_openai() -> None:
    env = {"ANTHROPIC_API_KEY": "k"}
    runner = make_runner(Framework.PLAIN, Models.PROVIDER, env)
    with shop(runner) as store, pytest.raises(LdconfError, match="way to Anthropic") as caught:
        store.ask(PRICE)
    assert "--framework langgraph" in (caught.value.hint or "")


@pytest.mark.parametrize("module", ["langchain_anthropic", "langchain_openai"])
def test_missing_langchain_package_names_the_extra(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    provider = module.removeprefix("langchain_")
    env = {"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"}
    with pytest.raises(LdconfError) as caught:
        langchain_models.provider_model(ModelSettings("m", provider), env)
    assert caught.value.hint == f'pip install "ldconf[{provider}]"'


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_missing_strands_package_names_the_extra(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, provider, None)
    monkeypatch.delitem(sys.modules, f"strands.models.{provider}", raising=False)
    env = {"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"}
    with pytest.raises(LdconfError) as caught:
        strands_models.provider_model(ModelSettings("m", provider), env)
    assert caught.value.hint == f'pip install "ldconf[{provider}]"'


class Double(FakeListChatModel):
    """Stands in for a LangChain class whose package is not installed here."""

    model: str = ""
    temperature: float = 0
    max_tokens: int = 0
    top_p: float = 0
    seed: int = 0
    responses: list[str] = ["hello"]

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self


@pytest.mark.parametrize(
    ("provider", "module", "name"),
    [
        ("Anthropic", "langchain_anthropic", "ChatAnthropic"),
        ("OpenAI", "langchain_openai", "ChatOpenAI"),
        ("Bedrock", "langchain_aws", "ChatBedrockConverse"),
        ("Bedrock:Anthropic", "langchain_aws", "ChatBedrockConverse"),
    ],
)
def test_langchain_class_of_a_provider_gets_all_parameters(
    provider: str, module: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = ModuleType(module)
    setattr(package, name, Double)
    monkeypatch.setitem(sys.modules, module, package)
    env = {"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"}
    value = {**served(parameters=PARAMETERS), "provider": {"name": provider}}
    made: list[Double] = []
    monkeypatch.setattr(Double, "model_post_init", lambda self, _: made.append(self))
    with shop(make_runner(Framework.LANGGRAPH, Models.PROVIDER, env), value) as store:
        assert store.ask("hi").text == "hello"
    assert made[0].model == "claude-sonnet-4-5"
    assert {key: getattr(made[0], key) for key in PARAMETERS} == PARAMETERS


def strands_double(recorded: dict[str, Any]) -> type[Model]:
    """Stands in for a Strands class whose library is not installed here."""

    class Double(strands_models.BridgedModel):
        def __init__(self, **settings: Any) -> None:
            recorded.update(settings)

    return Double


def test_strands_class_of_anthropic_gets_all_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: dict[str, Any] = {}
    module = ModuleType("strands.models.anthropic")
    module.AnthropicModel = strands_double(recorded)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "strands.models.anthropic", module)
    settings = ModelSettings("claude-x", "Anthropic", PARAMETERS)
    strands_models.provider_model(settings, {"ANTHROPIC_API_KEY": "k"})
    rest = {name: value for name, value in PARAMETERS.items() if name != "max_tokens"}
    assert recorded == {"model_id": "claude-x", "max_tokens": 4096, "params": rest}


def test_strands_class_of_openai_gets_all_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: dict[str, Any] = {}
    module = ModuleType("strands.models.openai")
    module.OpenAIModel = strands_double(recorded)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "strands.models.openai", module)
    settings = ModelSettings("gpt-x", "OpenAI", PARAMETERS)
    strands_models.provider_model(settings, {"OPENAI_API_KEY": "k"})
    key = {"api_key": "k"}
    assert recorded == {"client_args": key, "model_id": "gpt-x", "params": PARAMETERS}


def test_strands_class_of_bedrock_is_the_real_one() -> None:
    model = strands_models.provider_model(
        ModelSettings("anthropic.claude-x", "Bedrock:Anthropic", {"temperature": 0.2, "top_k": 5}),
        {},
    )
    found = model.get_config()
    assert (found["model_id"], found["temperature"]) == ("anthropic.claude-x", 0.2)
    assert found["additional_request_fields"] == {"top_k": 5}


def test_strands_has_no_class_for_every_provider() -> None:
    with pytest.raises(LdconfError, match="no class for the provider Groq"):
        strands_models.provider_model(ModelSettings("m", "Groq"), {"GROQ_API_KEY": "k"})


@pytest.mark.parametrize(
    ("framework", "package"),
    [
        (Framework.LANGGRAPH, "langchain_core.language_models"),
        (Framework.STRANDS, "strands.models"),
    ],
)
def test_missing_framework_names_the_extra(
    framework: Framework, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(LdconfError) as caught:
        make_runner(framework, Models.SIMULATED, {})
    assert caught.value.hint == f'pip install "ldconf[{framework}]"'


def test_missing_package_is_named() -> None:
    with (
        pytest.raises(LdconfError, match="the agent needs the package ldclient"),
        needs("the agent", "agent"),
    ):
        raise ModuleNotFoundError("No module named 'ldclient'", name="ldclient")

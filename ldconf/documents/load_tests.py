"""The entries of `tests:`: what a context must get of an AI Config."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, TypeAlias

from pydantic import Field, field_validator, model_validator

from ldconf.core.address import Address
from ldconf.core.diagnostic import Position
from ldconf.core.evaluation import ConfigTest, TextExpectation
from ldconf.core.resource import Bool, Json, Part, Str
from ldconf.documents.load_problems import suggestion
from ldconf.documents.load_settings import unlisted
from ldconf.kinds.serve import DISABLED

_Text: TypeAlias = Annotated[Str, Field(min_length=1)]
Step: TypeAlias = str | int


class Given(Part):
    """The situation of a test."""

    ai_config: _Text = Field(description="Key of the AI Config")
    environment: _Text = Field(description="Key of the environment")
    context: dict[Str, Json] = Field(description="The context that is evaluated, with its `kind`")
    variables: dict[Str, Json] | None = Field(
        default=None, description="What the application passes for the prompt's variables"
    )


class ExpectedText(Part):
    """What the rendered prompt must be like: its messages, or the instructions of an agent."""

    contains: _Text | list[_Text] | None = Field(
        default=None, description="A text, or several, that must all be in it"
    )
    equals: Str | None = Field(default=None, description="The whole text")
    matches: _Text | None = Field(
        default=None, description="A regular expression that is found in it (Python's syntax)"
    )

    @field_validator("matches")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as err:
            raise ValueError(f"{pattern!r} is not a regular expression: {err}") from None
        return pattern

    @model_validator(mode="after")
    def _says_something(self) -> ExpectedText:
        if self.contains is None and self.equals is None and self.matches is None:
            raise ValueError("`text` needs `contains`, `equals` or `matches`")
        return self

    def expectation(self) -> TextExpectation:
        """Return it as the domain knows it."""
        contains = [self.contains] if isinstance(self.contains, str) else self.contains or []
        return TextExpectation(tuple(contains), self.equals, self.matches)


class Expectation(Part):
    """The result of a test. What is not written is not looked at."""

    variation: _Text | None = Field(
        default=None, description="Key of the variation that the context must get, or `disabled`"
    )
    model: _Text | None = Field(default=None, description="The provider's name of the model")
    enabled: Bool | None = Field(default=None, description="Whether the AI Config is enabled")
    text: ExpectedText | None = Field(default=None, description="The rendered prompt")
    tools: list[_Text] | None = Field(
        default=None, description="Names of all attached tools, in any order; [] for none"
    )

    @model_validator(mode="after")
    def _says_something(self) -> Expectation:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            names = ", ".join(f"`{name}`" for name in type(self).model_fields)
            raise ValueError(f"`expect` needs at least one of {names}")
        return self


class TestDocument(Part):
    """A test of targeting and prompts: what a context must get. Evaluated offline."""

    __test__ = False  # not a test of pytest's

    name: _Text | None = Field(default=None, description="What the test is about")
    given: Given = Field(description="The situation")
    expect: Expectation = Field(description="The result")

    @field_validator("given")
    @classmethod
    def _context_is_one(cls, given: Given) -> Given:
        kind = given.context.get("kind", "user")
        if not isinstance(kind, str) or (kind != "multi" and not given.context.get("key")):
            raise ValueError("`context` needs a `kind` and a `key`")
        return given

    def test(self, position: Position | None) -> ConfigTest:
        """Return it as the domain knows it."""
        given, expect = self.given, self.expect
        return ConfigTest(
            name=self.name or _situation(given),
            ai_config=given.ai_config,
            environment=given.environment,
            context=given.context,
            variables=given.variables or {},
            variation=expect.variation,
            model=expect.model,
            enabled=expect.enabled,
            text=expect.text.expectation() if expect.text else None,
            tools=None if expect.tools is None else frozenset(expect.tools),
            position=position,
        )


def unknown_names(
    test: TestDocument, defined: Iterable[Address], environments: Sequence[str] | None
) -> Iterator[tuple[tuple[Step, ...], str, str, str | None]]:
    """Yield (path inside the test, rule, summary, hint) of each name that nothing has."""
    given, known = test.given, list(defined)
    problem = unlisted(given.environment, environments)
    if problem:
        yield ("given", "environment"), "unknown-environment", *problem
    ai_configs = sorted(address.parts[1] for address in known if address.kind == "aiConfigs")
    if given.ai_config not in ai_configs:
        summary = f"AI Config `{given.ai_config}` is not defined"
        hint = suggestion(given.ai_config, ai_configs, words="defined")
        yield ("given", "aiConfig"), "unknown-reference", summary, hint
        return
    wanted = test.expect.variation
    variations = sorted(
        address.key
        for address in known
        if address.kind == "variations" and address.parts[1] == given.ai_config
    )
    if wanted is not None and wanted not in (*variations, DISABLED):
        summary = f"variation `{wanted}` is not defined"
        hint = suggestion(wanted, variations, words="defined")
        yield ("expect", "variation"), "unknown-reference", summary, hint


def _situation(given: Given) -> str:
    context = given.context
    who = f"{context.get('kind', 'user')} {context.get('key', '')}".strip()
    return f"{given.ai_config} in {given.environment} for {who}"

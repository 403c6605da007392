"""What a context gets: the variation that LaunchDarkly's own SDK chooses, why, and its prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ldconf.core.diagnostic import Position
from ldconf.core.resource import Json


class ReasonKind(Enum):
    """Which part of targeting decided."""

    TARGET = "target"
    RULE = "rule"
    FALLTHROUGH = "fallthrough"
    OFF = "off"


@dataclass(frozen=True)
class Reason:
    """Why a context gets a variation. `words` say it for people; `rule` is the description of the
    rule that matched; `is_rollout` is true if a percentage decided."""

    kind: ReasonKind
    words: str
    rule: str | None = None
    is_rollout: bool = False
    in_experiment: bool = False


@dataclass(frozen=True)
class Message:
    """One text of a rendered prompt. The role of an agent's is `instructions`."""

    role: str
    content: str


@dataclass(frozen=True)
class Evaluation:
    """What one context gets of one AI Config. `model` is None where nothing is served."""

    ai_config: str
    environment: str
    variation: str
    enabled: bool
    reason: Reason
    mode: str | None = None
    model: str | None = None
    provider: str | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)
    custom: Mapping[str, Json] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()

    @property
    def text(self) -> str:
        """The whole rendered prompt: its texts in order, with an empty line between."""
        return "\n\n".join(message.content for message in self.messages)


@dataclass(frozen=True)
class Distribution:
    """How many sample contexts get each variation."""

    ai_config: str
    environment: str
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many contexts there are."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class TextExpectation:
    """What a rendered prompt must be like; what is None is not looked at."""

    contains: tuple[str, ...] = ()
    equals: str | None = None
    matches: str | None = None


@dataclass(frozen=True)
class ConfigTest:
    """An entry of `tests:`: in this situation an AI Config must give this. None: not looked at."""

    name: str
    ai_config: str
    environment: str
    context: Mapping[str, Json]
    variables: Mapping[str, Json] = field(default_factory=dict)
    variation: str | None = None
    model: str | None = None
    enabled: bool | None = None
    text: TextExpectation | None = None
    tools: frozenset[str] | None = None
    position: Position | None = None


@dataclass(frozen=True)
class Miss:
    """One expectation that was not met."""

    what: str
    expected: str
    got: str


@dataclass(frozen=True)
class TestResult:
    """What became of a test. `error` says why there is no evaluation."""

    __test__ = False  # not a test of pytest's

    test: ConfigTest
    evaluation: Evaluation | None
    misses: tuple[Miss, ...] = ()
    error: str | None = None
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """True if every expectation was met."""
        return self.error is None and not self.misses

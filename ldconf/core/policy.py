"""Policies: what a team demands of every plan, and what a plan does against it."""

from __future__ import annotations

from dataclasses import dataclass

from ldconf.core.diagnostic import Position

POLICY = "policy"  # the consent that lifts a violation at an address


@dataclass(frozen=True)
class PolicyRule:
    """One entry under `policy:` in `ldconf.yaml`. Which of the last five count depends on `rule`.

    `environments` empty means all of them, where a rule does not need any named.
    """

    rule: str
    severity: str = "error"  # error | warning | note; only errors stop
    message: str | None = None  # in place of the rule's own words
    models: tuple[str, ...] = ()  # patterns of model config keys
    maximum: float | None = None
    tags: tuple[str, ...] = ()
    maintainer: bool = False
    environments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Violation:
    """A change that a policy does not allow. `id` is its key under `policy:`.

    `because` is the reason of the consent that lifts it, None if none does.
    """

    id: str
    rule: str
    severity: str
    address: str
    message: str
    consent: str | None  # what to write under `consents:`; None: nothing lifts it
    because: str | None = None
    position: Position | None = None

    @property
    def stops(self) -> bool:
        """True if the pull request must not go on like this."""
        return self.severity == "error" and self.because is None


@dataclass(frozen=True)
class PolicyReport:
    """What was checked and what was found, in the order of the rules."""

    project: str
    workspace: str
    digest: str
    rules: tuple[str, ...]
    violations: tuple[Violation, ...] = ()

    @property
    def is_refused(self) -> bool:
        """True if a violation stops."""
        return any(found.stops for found in self.violations)

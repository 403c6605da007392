"""The sections that are lists: `removed`, `consents`, `tests`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias, TypeVar, get_args

from pydantic import BaseModel, Field, ValidationError

from ldconf.core.address import Address
from ldconf.core.diagnostic import Position
from ldconf.core.evaluation import ConfigTest
from ldconf.core.resource import Part, Str
from ldconf.core.workspace import Consent, WorkspaceSettings
from ldconf.documents.load_explain import flaws, shown
from ldconf.documents.load_places import Sources
from ldconf.documents.load_problems import Problems, suggestion
from ldconf.documents.load_sections import Raw, Sections
from ldconf.documents.load_settings import NESTED, SECTIONS, pattern_problem, unlisted
from ldconf.documents.load_tests import TestDocument, unknown_names

Permission: TypeAlias = Literal[
    "protected", "inPlaceEdit", "drift", "contaminate", "deletes", "updates", "policy"
]
EVERYWHERE = ("deletes", "updates")  # take the address "*" only
_Model = TypeVar("_Model", bound=BaseModel)
_Text: TypeAlias = Annotated[Str, Field(min_length=1)]


class ConsentDocument(Part):
    """A written permission that lifts a guard once; every use of it is a line of the plan."""

    address: _Text = Field(description="Address or pattern; it covers everything below")
    allow: list[Permission] = Field(min_length=1, description="What is allowed there")
    because: _Text = Field(description="The reason, for reviewers and for the plan")


@dataclass
class Lists:
    """What the list sections of all documents say."""

    removed: dict[Address, Position] = field(default_factory=dict)
    consents: list[Consent] = field(default_factory=list)
    tests: list[ConfigTest] = field(default_factory=list)


def read_lists(
    sections: Sections, sources: Sources, settings: WorkspaceSettings | None, problems: Problems
) -> Lists:
    """Return the entries of all list sections; adds to `problems`."""
    reader = _ListReader(sources, problems, settings.environments if settings else None)
    lists = Lists()
    for raw in sections.lists["removed"]:
        reader.removed(raw, lists.removed)
    for raw in sections.lists["consents"]:
        reader.consents(raw, lists.consents)
    for raw in sections.lists["tests"]:
        test = reader.validated(TestDocument, raw)
        if test is not None:
            reader.names(test, raw, sections)
            lists.tests.append(test.test(sources.value(raw.place)))
    return lists


@dataclass
class _ListReader:
    sources: Sources
    problems: Problems
    environments: Sequence[str] | None  # None: not known, as the settings do not load

    def removed(self, raw: Raw, found: dict[Address, Position]) -> None:
        position = self.sources.value(raw.place) or Position(raw.place.file)
        if not isinstance(raw.value, str):
            summary = f"`removed` takes addresses, not {shown(raw.value)}"
            self.problems.error(summary, position, "removed", hint="for instance tools/KEY")
            return
        problem = removal_problem(raw.value, self.environments)
        if problem:
            self.problems.error(problem[0], position, "removed", hint=problem[1])
            return
        address = Address.parse(raw.value)
        if address in found:
            summary = f"{address} is removed twice; first at {found[address]}"
            self.problems.error(summary, position, "duplicate-key")
        else:
            found[address] = position

    def consents(self, raw: Raw, found: list[Consent]) -> None:
        consent = self.validated(ConsentDocument, raw)
        if consent is None:
            return
        position = self.sources.value(raw.place)
        for summary, hint in self._consent_problems(consent):
            at = self.sources.value(raw.place.below("address"))
            self.problems.error(summary, at, "consent", hint=hint)
        known = {one.identity: one for one in found}
        for allow in consent.allow:
            one = Consent(consent.address, allow, consent.because, position)
            if one.identity in known:
                summary = f"this consent is given twice; first at {known[one.identity].position}"
                self.problems.error(summary, position, "duplicate-key")
            else:
                known[one.identity] = one
                found.append(one)

    def names(self, test: TestDocument, raw: Raw, sections: Sections) -> None:
        """Check that what a test names is there."""
        for path, rule, summary, hint in unknown_names(test, sections.objects, self.environments):
            at = self.sources.value(raw.place.below(*path))
            self.problems.error(summary, at, rule, hint=hint)

    def _consent_problems(self, consent: ConsentDocument) -> Iterator[tuple[str, str | None]]:
        general = [allow for allow in consent.allow if allow in EVERYWHERE]
        if general and consent.address != "*":
            yield f'`{general[0]}` is about the whole plan: its address is "*"', None
        elif consent.address == "*" and len(general) < len(consent.allow):
            named = ", ".join(allow for allow in consent.allow if allow not in EVERYWHERE)
            yield f'"*" goes with {" and ".join(EVERYWHERE)} only, not with {named}', None
        elif consent.address != "*":
            problem = pattern_problem(consent.address, self.environments)
            if problem:
                yield problem

    def validated(self, model: type[_Model], raw: Raw) -> _Model | None:
        """Return the validated entry, None (and problems) if it is wrong."""
        place = raw.place
        if not isinstance(raw.value, Mapping):
            summary = f"an entry of `{place.path[0]}` must be a mapping, not {shown(raw.value)}"
            self.problems.error(summary, self.sources.value(place), "wrong-type")
            return None
        try:
            return model.model_validate(raw.value, by_alias=True, by_name=False)
        except ValidationError as err:
            for flaw in flaws(
                model, err, raw.value, lambda path: self.sources.written(place.below(*path))
            ):
                at = place.below(*flaw.path)
                position = self.sources.key(at) if flaw.at_key else self.sources.value(at)
                self.problems.error(flaw.summary, position, flaw.rule, hint=flaw.hint)
            return None


def removal_problem(text: str, environments: Sequence[str] | None) -> tuple[str, str | None] | None:
    """Return (summary, hint) if `text` is not the address of something that can be deleted."""
    parts = text.split("/")
    if not all(parts):
        return f'"{text}" is not an address', "for instance tools/KEY or aiConfigs/KEY"
    section, length = parts[0], len(parts)
    if section not in SECTIONS:
        return f'"{text}" starts with no known section', suggestion(section, SECTIONS)
    if section == "segments":
        if length != 3:
            hint = "a segment is removed in each environment: segments/KEY/ENVIRONMENT"
            return f'"{text}" is not an address', hint
        return unlisted(parts[2], environments)
    if section == "aiConfigs" and length == 4 and parts[2] in NESTED:
        if parts[2] == "targeting":
            hint = "drop its entry to stop managing it; `off: true` serves `disabled`"
            return "targeting cannot be deleted", hint
        return None
    if length != 2:
        return f'"{text}" is not an address', f"for instance {section}/KEY"
    return None


PERMISSIONS: tuple[str, ...] = get_args(Permission)

"""What the tools answer; clients get these as structured content with a schema."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class Listed(BaseModel):
    """One object of the files."""

    address: str = Field(description="YAML path of the object, used by all other tools")
    place: str = Field(description="file:line:column")


class Objects(BaseModel):
    """The objects of a workspace."""

    project: str
    environments: list[str]
    objects: list[Listed]


class Shown(BaseModel):
    """One object, with what it inherits and with the text of its files."""

    address: str
    place: str
    fields: dict[str, Any]


class Checked(BaseModel):
    """Whether the files are sound."""

    ok: bool
    objects: int
    problems: list[str]


class Written(BaseModel):
    """The files that were written; nothing is applied by that."""

    files: list[str]
    remarks: list[str] = Field(description="What the linter says of the workspace now")


class Evaluated(BaseModel):
    """What a context gets."""

    variation: str
    enabled: bool
    reason: str
    value: Any = Field(description="What an application would get, with variables filled in")


class Tested(BaseModel):
    """What became of the tests in the files."""

    passed: int
    failed: int
    failures: list[str]


class Planned(BaseModel):
    """What apply would do. The digest names exactly these changes."""

    digest: str
    verdict: str
    risk: str
    changes: int
    refused: bool = Field(description="True if apply would refuse something")
    report: str = Field(description="Markdown for people: show it whole")


class Applied(BaseModel):
    """What became of the changes."""

    done: bool
    results: list[str]


class ListedExperiment(BaseModel):
    """One experiment of the files."""

    address: str
    place: str = Field(description="file:line:column")
    environment: str
    ai_config: str
    rule: str = Field(description="`fallthrough`, or the description of a rule")
    status: str
    iteration: int
    primary: str = Field(description="The metric that decides")
    allocation: dict[str, float] = Field(description="Percent of the rule's traffic by variation")
    control: str
    winner: str | None


class Experiments(BaseModel):
    """The experiments of a workspace."""

    experiments: list[ListedExperiment]


class Decided(BaseModel):
    """What an experiment shows, and what its rule says of that."""

    verdict: str
    words: str
    winner: str | None = Field(description="What to serve if it is ended now")
    reasons: list[str]
    warnings: list[str]
    registration: list[str] = Field(description="Was the rule written before the start")
    remarks: list[str]
    report: str = Field(description="Markdown for people: show it whole")


class Shipped(BaseModel):
    """The files that end an experiment; nothing is applied by that."""

    files: list[str]
    winner: str
    reason: str
    archived: list[str]
    remarks: list[str]

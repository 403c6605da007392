"""The published schema of a plan holds for every plan, and is strict enough to tell others."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ldconf.core.address import Address
from ldconf.core.cost import ASSUMED, CostSide, change
from ldconf.render import json as drawing
from ldconf.render import report
from ldconf.render.report import ReportOptions
from ldconf.render.rows import ConsentRow, ExperimentRow, Report, SampleMove, SampleRow
from ldconf.render.schema import plan_schema
from tests.render import plans

ROOT = Path(__file__).parents[2]
PUBLISHED = json.loads((ROOT / "docs" / "plan.schema.json").read_text(encoding="utf-8"))
EXTRAS = ReportOptions(
    workspace=plans.WORKSPACE,
    context=plans.CONTEXT,
    unmanaged=(plans.TOOL,),
    costs={plans.BASE: change(CostSide("a", 2.0), CostSide("b", None), ASSUMED)},
    samples=(SampleRow("bot", "test", 4, 1, 25.0, (SampleMove("a", "b", 1),)),),
    experiments=(ExperimentRow("e", "E", "test", "bot", "running", ("a", "b")),),
    consents=(ConsentRow("tools/x", "policy", "INC-1"),),
    prompts={str(plans.BASE): "0123456789ab"},
)


def document(plan=plans.FULL, options=EXTRAS) -> Any:
    return json.loads(drawing.document("plan", report.build(plan, options)))


def test_the_published_schema_is_the_one_of_the_code() -> None:
    assert plan_schema() == PUBLISHED


def test_the_schema_is_valid_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(PUBLISHED)


@pytest.mark.parametrize("plan", [plans.FULL, plans.EMPTY], ids=["full", "empty"])
def test_plans_fit(plan) -> None:
    jsonschema.validate(document(plan), PUBLISHED)
    jsonschema.validate(document(plan, ReportOptions(redact=True)), PUBLISHED)


def test_the_golden_plan_fits() -> None:
    golden = ROOT / "tests" / "golden" / "plan.json"
    jsonschema.validate(json.loads(golden.read_text(encoding="utf-8")), PUBLISHED)


@pytest.mark.parametrize("name", [*(field.name for field in fields(Report)), "formatVersion"])
def test_no_part_may_be_missing(name: str) -> None:
    found = document()
    first, *rest = name.split("_")
    del found[first + "".join(part.capitalize() for part in rest)]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, PUBLISHED)


def test_another_version_does_not_fit() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document(), "formatVersion": 2}, PUBLISHED)


def test_a_row_of_another_form_does_not_fit() -> None:
    found = document()
    found["groups"][0]["rows"][0]["fields"][0]["details"] = [{"type": "picture"}]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, PUBLISHED)


def test_costs_stand_beside_their_change() -> None:
    rows = [row for group in document()["groups"] for row in group["rows"]]
    cost = next(row["cost"] for row in rows if row["address"] == str(plans.BASE))
    assert cost["after"] == {"model": "b", "perThousand": None}
    assert cost["percent"] is None
    assert Address.parse(str(plans.BASE)) == plans.BASE

"""`no_cover` saves half of the time of what it marks; pytest-cov alone ignores it beside xdist."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def tracer() -> str:
    return type(sys.gettrace()).__module__


@pytest.mark.no_cover
def test_a_test_that_is_marked_runs_untraced() -> None:
    assert tracer() != "coverage"


@settings(max_examples=1)
@given(example=st.none())
def test_generated_examples_run_untraced(example: None) -> None:
    assert tracer() != "coverage"


def test_others_are_traced_if_coverage_is_asked_for(request: pytest.FixtureRequest) -> None:
    asked = request.config.pluginmanager.hasplugin("_cov")
    assert (tracer() == "coverage") is asked

from __future__ import annotations

import pytest

from ldconf.planning.threeway import ABSENT, UNKNOWN, Column, Row, row

TABLE = {
    "created": (ABSENT, "x", ABSENT, Row.CREATE),
    "adopted with a difference": (ABSENT, "x", "y", Row.ADOPT),
    "adopted without one": (ABSENT, "x", "x", Row.ADOPTED),
    "nothing": ("x", "x", "x", Row.SAME),
    "intended": ("x", "z", "x", Row.INTENDED),
    "drift": ("x", "x", "y", Row.DRIFT),
    "someone was faster": ("x", "z", "z", Row.SAME),
    "conflict": ("x", "z", "y", Row.CONFLICT),
    "deleted in LaunchDarkly": ("x", "x", ABSENT, Row.GONE),
    "deleted there, changed here": ("x", "z", ABSENT, Row.GONE_CONFLICT),
    "dropped": ("x", ABSENT, "y", Row.RELEASED),
    "dropped, gone": ("x", ABSENT, ABSENT, Row.RELEASED),
    "never managed": (ABSENT, ABSENT, "y", Row.UNMANAGED),
    "no base, created": (UNKNOWN, "x", ABSENT, Row.CREATE),
    "no base, different": (UNKNOWN, "x", "y", Row.INTENDED),
    "no base, equal": (UNKNOWN, "x", "x", Row.SAME),
    "no base, never managed": (UNKNOWN, ABSENT, "y", Row.UNMANAGED),
    "cleared": ("x", None, "x", Row.INTENDED),
    "cleared and gone already": ("x", None, None, Row.SAME),
    "cleared against a hand edit": ("x", None, "y", Row.CONFLICT),
    "null is not absent": (None, None, "y", Row.DRIFT),
}


@pytest.mark.parametrize(("base", "desired", "live", "expected"), TABLE.values(), ids=TABLE.keys())
def test_row_of_the_table(base: Column, desired: Column, live: Column, expected: Row) -> None:
    assert row(base, desired, live) is expected


def test_live_value_that_the_files_said_since_the_base_is_ours() -> None:
    assert row("x", "z", "y", history=["z", "y"]) is Row.INTENDED
    assert row("x", "x", "y", history=["y"]) is Row.INTENDED


def test_live_value_that_the_files_never_said_stays_drift() -> None:
    assert row("x", "x", "y", history=["z", ABSENT]) is Row.DRIFT


def test_object_that_the_files_removed_since_the_base_is_made_again() -> None:
    assert row("x", "x", ABSENT, history=[ABSENT]) is Row.CREATE


def test_true_is_not_one() -> None:
    assert row(1, 1, True) is Row.DRIFT
    assert row(1, 1.0, 1) is Row.SAME

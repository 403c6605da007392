"""What a rule serves: forms, exact sums, errors in words."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ldconf.core.resource import Json
from ldconf.kinds import serve
from tests import strategies_ai as strategies

SERVED = ["one", "two", "three", "disabled"]
SERVE: TypeAdapter[Json] = TypeAdapter(serve.Serve)


def canonical(value: Json) -> Json:
    return serve.canonical(SERVE.dump_python(SERVE.validate_python(value), by_alias=True))


def problem(value: Json) -> str:
    with pytest.raises(ValidationError) as caught:
        SERVE.validate_python(value)
    (error,) = caught.value.errors()
    return error["msg"].removeprefix("Value error, ")


def rollout(**percents: Json) -> dict[str, Json]:
    return {"rollout": percents}


@given(strategies.serves(SERVED))
def test_canonical_form_is_its_own_canonical_form(value: Json):
    assert canonical(canonical(value)) == canonical(value)


@given(strategies.serves(SERVED))
def test_weights_are_whole_numbers_that_sum_to_100000(value: Json):
    weights = serve.weights(canonical(value))
    assert all(type(weight) is int and weight > 0 for weight in weights.values())
    assert sum(weights.values()) == 100_000


@given(strategies.rollouts(SERVED))
def test_percents_sum_to_100_exactly(value: Json):
    found = canonical(value)
    if not isinstance(found, str):
        assert sum(Decimal(str(percent)) for percent in found["rollout"].values()) == 100


@given(strategies.serves(SERVED))
def test_written_form_reads_back_as_the_same(value: Json):
    found = canonical(value)
    assert canonical(serve.document(found)) == found


@given(strategies.serves(SERVED))
def test_constructed_form_dumps_as_the_same(value: Json):
    found = canonical(value)
    dumped = SERVE.dump_python(serve.constructed(found), by_alias=True, exclude_unset=True)
    assert serve.canonical(dumped) == found


@given(st.integers(0, 100_000))
def test_every_thousandth_of_a_percent_survives(weight: int):
    assert serve.weights(rollout(one=serve.percent(weight)))["one"] == weight


def test_rest_is_what_the_others_leave():
    assert canonical(rollout(one=33.333, two="rest")) == {
        "rollout": {"one": 33.333, "two": 66.667},
        "bucketBy": "key",
        "contextKind": "user",
    }


def test_whole_rollout_is_the_variation():
    assert canonical({**rollout(one=100, two=0), "bucketBy": "country"}) == "one"


def test_zero_arm_and_order_mean_nothing():
    assert canonical(rollout(two=60, three=0, one=40)) == canonical(rollout(one=40.0, two=60.0))


def test_rest_may_be_nothing():
    assert canonical(rollout(one=100, two="rest")) == "one"


def test_written_rollout_has_no_defaults():
    assert serve.document(canonical(rollout(one=40, two=60))) == rollout(one=40, two=60)


def test_written_rollout_says_what_is_not_default():
    written = {**rollout(one=40, two=60), "bucketBy": "country", "contextKind": "device"}
    assert serve.document(canonical(written)) == written


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (rollout(one=99.5), "the percentages sum to 99.5, 0.5 missing; `rest` can fill it"),
        (rollout(one=60, two=40.001), "the percentages sum to 100.001, 0.001 too much"),
        (rollout(one=60, two=50, three="rest"), "the percentages sum to 110, 10 too much"),
        (rollout(one="rest", two="rest"), "only one arm may be `rest`, not 2"),
    ],
    ids=["missing", "too much", "nothing left for rest", "two rests"],
)
def test_sums_are_told_in_words(value: Json, message: str):
    assert problem(value) == message


@pytest.mark.parametrize(
    "percent", [50.0005, -1, 100.001, "50", "50 %", True, None, float("nan"), float("inf"), 1e-5]
)
def test_percentage_that_is_none_is_refused(percent: Json):
    assert problem(rollout(one=percent, two="rest")) == (
        "a percentage is a number from 0 to 100 with up to three decimals, "
        f"or `rest`, not {percent!r}"
    )


@pytest.mark.parametrize("value", [None, 3, ["one"]])
def test_other_forms_are_told_what_serve_takes(value: Json):
    assert problem(value) == "takes a variation key, or `rollout:` with percentages"


def test_served_names_every_arm_with_its_path():
    value = SERVE.validate_python(rollout(one=40, disabled="rest"))
    assert list(serve.served(value)) == [
        (("rollout", "one"), "one"),
        (("rollout", "disabled"), "disabled"),
    ]


def test_served_names_a_single_variation():
    assert list(serve.served("one")) == [((), "one")]


def test_nothing_is_served_by_nothing():
    assert list(serve.served(None)) == []


def test_wire_form_uses_ids_and_drops_zero_arms():
    value = {"rollout": {"one": 0, "two": 12.5, "three": 87.5}, "bucketBy": "k", "contextKind": "u"}
    assert serve.to_wire(value, {"one": "1", "two": "2", "three": "3"}) == {
        "rolloutWeights": {"2": 12_500, "3": 87_500},
        "rolloutBucketBy": "k",
        "rolloutContextKind": "u",
    }

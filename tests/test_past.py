"""What a range holds, and which of an earlier study's trials count in another space."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import ValidationError

from pasts import SPACE, past, trial
from pawl.past import Past, PastTrial, Range

NUMBERS = st.integers(-20, 20) | st.floats(-20, 20).map(lambda x: round(x, 2))


@given(st.integers(-8, 8), st.integers(1, 12), st.integers(1, 4), NUMBERS)
def test_it_holds_what_a_sampler_of_the_same_range_would_take(low: int, width: int, step: int, value: float) -> None:
    high = low + step * width
    known = Range(type="int", low=low, high=high, step=step)
    theirs = IntDistribution(low, high, step=step)
    assert known.holds(value) == (isinstance(value, int) and theirs._contains(value))
    known = Range(type="float", low=low / 10, high=high / 10, step=step / 10)
    floats = FloatDistribution(low / 10, high / 10, step=step / 10)
    assert known.holds(value) == floats._contains(value)


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.floats(0, 1), st.booleans())
def test_its_ends_lie_at_0_and_1_and_all_else_between(one: float, other: float, share: float, log: bool) -> None:
    low, high = sorted((one, other))
    if high - low < 1e-6 * high:
        return
    known = Range(type="float", low=low, high=high, log=log)
    assert (known.place(low), known.place(high)) == (0, 1)
    inside = low + share * (high - low)
    assert not known.holds(inside) or -1e-9 <= known.place(inside) <= 1 + 1e-9


def test_types_are_not_mixed_up() -> None:
    choices, depth = Range(type="categorical", choices=(1, "a", True)), Range(type="int", low=1, high=8)
    assert [choices.holds(value) for value in (1, 1.0, True, False, "a", "b")] == [
        True,
        False,
        True,
        False,
        True,
        False,
    ]
    assert [choices.place(value) for value in (1, "a", True)] == [0, 1, 2]
    assert [depth.holds(value) for value in (1, 1.0, True, "1", 9, 0)] == [True, False, False, False, False, False]
    assert Range(type="float", low=0, high=2).holds(1), "a float may be written without a point"
    assert not Range(type="float", low=0, high=2).holds(True)


def test_ranges_may_differ_and_only_what_lies_in_this_one_counts() -> None:
    known = past([trial(1.0, DEPTH=2), trial(2.0, DEPTH=7), trial(3.0, LEARNING_RATE=0.9)])
    here = {
        "train.py:DEPTH": Range(type="int", low=1, high=4), "train.py:LEARNING_RATE": SPACE["train.py:LEARNING_RATE"],
        "train.py:NAME": Range(type="int", low=0, high=1), "train.py:WIDTH": Range(type="int", low=1, high=99),
    }  # fmt: skip
    assert known.matching(here) == ["train.py:DEPTH", "train.py:LEARNING_RATE"]
    assert [(one.gain, one.parameters) for one in known.within(here)] == [
        (1.0, {"train.py:DEPTH": 2, "train.py:LEARNING_RATE": 0.1}),
        (3.0, {"train.py:DEPTH": 2, "train.py:LEARNING_RATE": 0.9}),
    ]
    assert known.within({"train.py:WIDTH": here["train.py:WIDTH"]}) == []


def test_a_range_is_read_off_a_table_whatever_else_stands_there() -> None:
    told = {"type": "categorical", "low": None, "log": False, "choices": ["a", 1], "likely": "a"}
    assert Range.of(told) == Range(type="categorical", choices=("a", 1))


def test_the_digest_is_of_all_of_it_and_of_the_name_too() -> None:
    known = past([trial(1.0), trial(2.0)])
    assert known.digest == past([trial(1.0), trial(2.0)]).digest
    others = [past([trial(1.0), trial(2.5)]), past([trial(1.0), trial(2.0)], entries=10), known.called("other")]
    assert len({known.digest, *(other.digest for other in others)}) == 4
    assert Past.model_validate_json(known.model_dump_json()) == known


@pytest.mark.parametrize("change", [{"gain": float("nan")}, {"gain": 1e300}, {"runs": 0}, {"parameters": {}}])
def test_a_trial_is_finite_and_rests_on_something(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PastTrial.model_validate(trial(1.0).model_dump() | change)

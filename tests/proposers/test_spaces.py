"""Spaces: to the unit interval and back, conditions, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from pawl.errors import ConfigError
from pawl.proposers.spaces import Dimension, Space

UNITS = st.floats(0, 1)
SIZES = st.floats(1e-6, 1e6)


@st.composite
def tables(draw: st.DrawFn) -> Mapping[str, JsonValue]:
    """A constant's table, as config would let it through."""
    low, width = draw(st.floats(-1e4, 1e4)), draw(SIZES)
    positive = draw(SIZES)
    whole = draw(st.integers(-1000, 1000))
    return draw(
        st.sampled_from([
            {"type": "float", "low": low, "high": low + width},
            {"type": "float", "low": positive, "high": positive * (1 + width), "log": True},
            {"type": "float", "low": low, "high": low + width, "step": width / draw(st.integers(1, 50))},
            {"type": "int", "low": whole, "high": whole + draw(st.integers(1, 500))},
            {"type": "int", "low": whole, "high": whole + draw(st.integers(5, 500)), "step": draw(st.integers(1, 5))},
            {"type": "int", "low": abs(whole) + 1, "high": abs(whole) + 1 + draw(st.integers(1, 500)), "log": True},
            {"type": "categorical", "choices": ["a", 1, 1.0, True, False, 0]},
        ])
    )  # fmt: skip


def one(table: Mapping[str, JsonValue]) -> Dimension:
    return Space.of({"train.py:X": table}).dimensions[0]


@given(tables(), UNITS)
def test_what_a_place_gives_is_a_value_and_lies_there_again(table: Mapping[str, JsonValue], unit: float) -> None:
    dimension = one(table)
    value = dimension.value(unit)
    assert dimension.holds(value)
    assert 0 <= dimension.unit(value) <= 1
    again = dimension.value(dimension.unit(value))
    assert again == value
    assert type(again) is type(value)


@given(tables(), UNITS, UNITS)
def test_values_rise_with_their_place(table: Mapping[str, JsonValue], one_place: float, other: float) -> None:
    dimension = one(table)
    first, second = (dimension.value(unit) for unit in sorted((one_place, other)))
    if not isinstance(first, str) and dimension.kind != "categorical":
        assert isinstance(second, int | float)
        assert first <= second
        assert dimension.unit(first) <= dimension.unit(second)


@given(tables(), st.integers(0, 49))
def test_each_of_few_values_has_an_equal_share(table: Mapping[str, JsonValue], index: int) -> None:
    dimension = one(table)
    if 0 < dimension.count and not dimension.log:
        index %= dimension.count
        inside = [(index + share) / dimension.count for share in (0.01, 0.5, 0.99)]
        assert len({(type(v), v) for v in map(dimension.value, inside)}) == 1
        assert dimension.unit(dimension.value(inside[0])) == pytest.approx(inside[1], abs=1e-3)


def test_a_logarithmic_range_is_halved_at_its_geometric_mean() -> None:
    dimension = one({"type": "float", "low": 1e-4, "high": 1.0, "log": True})
    assert dimension.value(0.5) == 0.01
    assert dimension.unit(0.1) == pytest.approx(0.75)
    assert dimension.value(0.123456) == float(f"{10 ** (-4 + 4 * 0.123456):.4g}")


def test_a_logarithmic_integer_takes_every_value() -> None:
    dimension = one({"type": "int", "low": 1, "high": 8, "log": True})
    assert {dimension.value(n / 100) for n in range(101)} == set(range(1, 9))


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ({"type": "int", "low": 0.5, "high": 4.5}, [1, 2, 3, 4]),
        ({"type": "int", "low": 1, "high": 8, "step": 3}, [1, 4, 7]),
        ({"type": "float", "low": 0, "high": 0.3, "step": 0.1}, [0.0, 0.1, 0.2, 0.3]),
        ({"type": "float", "low": 0.1, "high": 0.35, "step": 0.1}, [0.1, 0.2, 0.3]),
        ({"type": "categorical", "choices": ["a", 1, True]}, ["a", 1, True]),
    ],
)
def test_few_values_are_those_that_one_would_list(table: Mapping[str, JsonValue], values: list[object]) -> None:
    dimension = one(table)
    found = [dimension.value((n + 0.5) / dimension.count) for n in range(dimension.count)]
    assert [(type(v), v) for v in found] == [(type(v), v) for v in values]


@pytest.mark.parametrize("value", ["1", True, 1.5, 0, 9, math.nan, None])
def test_what_an_integer_never_is(value: object) -> None:
    dimension = one({"type": "int", "low": 1, "high": 8})
    assert not dimension.holds(value)


TREE: Mapping[str, Mapping[str, JsonValue]] = {
    "train.py:NESTEROV": {"type": "categorical", "choices": [True, False], "when": {"train.py:MOMENTUM": [1, 2]}},
    "train.py:MOMENTUM": {"type": "int", "low": 0, "high": 2, "when": {"train.py:OPTIMISER": ["sgd"]}},
    "train.py:OPTIMISER": {"type": "categorical", "choices": ["sgd", "adamw", "lion"]},
    "train.py:BETA": {"type": "float", "low": 0, "high": 1, "when": {"train.py:OPTIMISER": ["adamw", "lion"]}},
}


def test_parents_come_first_and_the_rest_as_declared() -> None:
    names = [name.partition(":")[2] for name in Space.of(TREE).names]
    assert names == ["OPTIMISER", "MOMENTUM", "BETA", "NESTEROV"]
    flat = {key: {"type": "int", "low": 0, "high": 2} for key in ("b:X", "a:Y", "c:Z")}
    assert Space.of(flat).names == ("b:X", "a:Y", "c:Z")


@given(st.integers())
def test_what_is_drawn_fits_and_conditions_hold(seed: int) -> None:
    space = Space.of(TREE)
    params = space.sample(Random(seed))
    assert space.fits(params)
    assert ("train.py:MOMENTUM" in params) == (params["train.py:OPTIMISER"] == "sgd")
    assert ("train.py:BETA" in params) != ("train.py:MOMENTUM" in params)
    assert ("train.py:NESTEROV" in params) == (params.get("train.py:MOMENTUM", 0) != 0)
    units = space.units(params)
    assert [name for name, unit in zip(space.names, units, strict=True) if not math.isnan(unit)] == list(params)
    assert space.params(units) == params


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"train.py:OPTIMISER": "sgd"},
        {"train.py:OPTIMISER": "sgd", "train.py:MOMENTUM": 0, "train.py:BETA": 0.5},
        {"train.py:OPTIMISER": "adamw", "train.py:BETA": 2.0},
        {"train.py:OPTIMISER": "adamw", "train.py:BETA": 0.5, "train.py:OTHER": 1},
        {"train.py:OPTIMISER": "sgd", "train.py:MOMENTUM": 1, "train.py:NESTEROV": 1},
        {"train.py:MOMENTUM": 0},
    ],
)
def test_what_is_not_of_the_space_does_not_fit(params: dict[str, object]) -> None:
    space = Space.of(TREE)
    assert not space.fits(params)
    with pytest.raises(ValueError, match="does not fit the space"):
        space.units(params)  # type: ignore[arg-type]


def test_only_what_is_given_changes_in_the_files() -> None:
    space = Space.of({"a.py:X": TREE["train.py:OPTIMISER"], "b.py:Y": {"type": "int", "low": 0, "high": 2}})
    files = {"a.py": "X = 'sgd'  # as it was\n", "b.py": "Y = 1\n"}
    assert space.current(files) == {"a.py:X": "sgd", "b.py:Y": 1}
    assert space.changed(files, {"b.py:Y": 2}) == {"b.py": "Y = 2\n"}


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ({"train.py:OPTIMIZER": ["sgd"]}, "when names 'train.py:OPTIMIZER'. Did you mean 'train.py:OPTIMISER'?"),
        ({"train.py:OPTIMISER": ["adam"]}, "when waits for 'train.py:OPTIMISER' to be 'adam', and it never is"),
        ({"train.py:NESTEROV": [1]}, "when waits for 'train.py:NESTEROV' to be 1, and it never is"),
        ({"train.py:NESTEROV": [True]}, "when goes round in a circle"),
        ({"train.py:BETA": [0.5]}, "when names 'train.py:BETA', a float"),
        ({"train.py:OPTIMISER": []}, "at least 1 item"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(when: JsonValue, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Space.of({**TREE, "train.py:MOMENTUM": {**TREE["train.py:MOMENTUM"], "when": when}})
    assert said in str(caught.value)

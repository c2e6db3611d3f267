"""The user's beliefs: a density over the space, draws from it, and a weight that fades."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from pawl.proposers import likely
from pawl.proposers.spaces import Space

SURE = st.sampled_from(["low", "medium", "high"])
X = "train.py:X"


def space(**table: JsonValue) -> Space:
    return Space.of({X: table})


def density(found: Space, value: str | float) -> float:
    return likely.density(found, {X: value})


@given(st.floats(0.001, 1000), st.booleans(), SURE)
def test_a_floats_density_has_the_mass_of_the_uniform_one_and_its_peak_at_the_guess(
    guess: float, log: bool, sure: str
) -> None:
    found = space(type="float", low=0.001, high=1000, log=log, likely=guess, sure=sure)
    dimension, places = found.dimensions[0], [(n + 0.5) / 400 for n in range(400)]
    values = [math.exp(math.log(0.001) + u * math.log(1e6)) if log else 0.001 + u * 999.999 for u in places]
    densities = [density(found, value) for value in values]
    assert sum(densities) / len(densities) == pytest.approx(1, abs=0.01)
    assert max(densities) <= density(found, guess) + 1e-9
    assert min(densities) >= likely.OPEN
    assert dimension.unit(values[densities.index(max(densities))]) == pytest.approx(dimension.unit(guess), abs=3e-3)


@given(st.integers(1, 12), st.booleans(), SURE)
def test_an_integers_density_has_the_mass_of_the_uniform_one(guess: int, log: bool, sure: str) -> None:
    found = space(type="int", low=1, high=12, log=log, likely=guess, sure=sure)
    shares = {n: found.dimensions[0].share(n) for n in range(1, 13)}
    assert sum((high - low) * density(found, n) for n, (low, high) in shares.items()) == pytest.approx(1)
    assert max(shares, key=lambda n: density(found, n)) == guess


@pytest.mark.parametrize(("sure", "times"), [("low", 2), ("medium", 5), ("high", 20)])
def test_a_categorical_guess_is_some_times_as_likely_as_another_choice(sure: str, times: float) -> None:
    found = space(type="categorical", choices=["a", "b", 1, True], likely=1, sure=sure)
    one, other = density(found, 1), density(found, True)
    assert (one - likely.OPEN) / (other - likely.OPEN) == pytest.approx(times)
    assert one + 3 * other == pytest.approx(4)


@pytest.mark.parametrize(
    "table",
    [
        {"type": "int", "low": 0.5, "high": 9.5, "likely": 0.7},
        {"type": "int", "low": 1, "high": 9, "step": 3, "likely": 9},
        {"type": "int", "low": 1, "high": 9, "likely": 4.5},
        {"type": "float", "low": 0, "high": 1.19, "step": 0.3, "likely": 1.19},
        {"type": "float", "low": 0, "high": 1, "likely": 1},
    ],
)
def test_a_guess_beside_the_values_is_one_of_the_nearest(table: Mapping[str, JsonValue]) -> None:
    found = Space.of({X: {**table, "sure": "high"}})
    dimension, guess = found.dimensions[0], table["likely"]
    assert isinstance(guess, int | float)
    values = {dimension.value(n / 1000) for n in range(1001)}
    densest = max(values, key=lambda value: density(found, value))  # type: ignore[arg-type]
    assert abs(float(densest) - guess) == min(abs(float(value) - guess) for value in values)
    assert len({str(likely.sample(found, Random(n))[X]) for n in range(50)}) > 1


TREE: Mapping[str, Mapping[str, JsonValue]] = {
    "t.py:KIND": {"type": "categorical", "choices": ["sgd", "adamw"], "likely": "adamw", "sure": "high"},
    "t.py:RATE": {"type": "float", "low": 1e-5, "high": 1, "log": True, "likely": 3e-3},
    "t.py:BETA": {"type": "float", "low": 0, "high": 1, "likely": 0.9, "when": {"t.py:KIND": ["adamw"]}},
    "t.py:SIZE": {"type": "int", "low": 1, "high": 9},
}


def test_only_active_constants_with_a_guess_count() -> None:
    found = Space.of(TREE)
    sgd = {"t.py:KIND": "sgd", "t.py:RATE": 3e-3, "t.py:SIZE": 4}
    assert likely.density(found, sgd) == likely.density(found, {**sgd, "t.py:SIZE": 9})
    apart = [likely.density(found, {name: sgd[name]}) for name in ("t.py:KIND", "t.py:RATE")]  # type: ignore[dict-item]
    assert likely.density(found, sgd) == pytest.approx(math.prod(apart))


@given(st.integers())
def test_what_is_drawn_fits_the_space(seed: int) -> None:
    found = Space.of(TREE)
    assert found.fits(likely.sample(found, Random(seed)))


def test_draws_come_from_the_density() -> None:
    found, chance = Space.of(TREE), Random(1)
    drawn = [likely.sample(found, chance) for _ in range(4000)]
    expected = likely.density(found, {"t.py:KIND": "adamw"}) / 2
    assert sum(one["t.py:KIND"] == "adamw" for one in drawn) / 4000 == pytest.approx(expected, abs=0.02)
    rate = found.dimensions[1]
    places = [rate.unit(one["t.py:RATE"]) for one in drawn]
    near = [abs(place - rate.unit(3e-3)) < 0.15 for place in places]
    assert sum(near) / 4000 == pytest.approx(0.9 * 0.683 + 0.1 * 0.3, abs=0.03)
    assert sum(place < 0.1 for place in places) > 20  # a tenth is uniform: nothing is ruled out


@given(st.floats(1e-5, 1), st.integers(1, 1000))
def test_what_was_believed_fades_with_what_is_measured(rate: float, finished: int) -> None:
    found = Space.of({"t.py:RATE": TREE["t.py:RATE"]})
    now, later = (abs(math.log(likely.weight(found, {"t.py:RATE": rate}, n))) for n in (finished, finished + 1))
    assert later <= now
    assert now == pytest.approx(abs(math.log(likely.density(found, {"t.py:RATE": rate}))) * likely.BETA / finished)


def test_of_candidates_the_likely_ones_are_chosen_more_often() -> None:
    found = Space.of({"t.py:RATE": TREE["t.py:RATE"]})
    chance = Random(2)

    def share(finished: int) -> float:
        both = ({"t.py:RATE": rate} for _ in range(1000) for rate in (3e-3, 1.0))
        picked = islice(likely.chosen(both, found, finished, 2, chance), 1000)
        return sum(one["t.py:RATE"] == 3e-3 for one in picked) / 1000

    assert share(10) > 0.9
    assert share(10_000) == pytest.approx(0.5, abs=0.05)


def test_where_nothing_is_guessed_the_density_is_uniform() -> None:
    found = Space.of({"t.py:SIZE": TREE["t.py:SIZE"]})
    assert not likely.believed(found)
    assert likely.density(found, {"t.py:SIZE": 3}) == 1.0
    assert likely.believed(Space.of(TREE))

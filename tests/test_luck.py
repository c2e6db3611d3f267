"""Luck's arithmetic against scipy, and the promises that it makes against simulated luck."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pawl import luck


@pytest.mark.parametrize("freedom", [1, 2, 5, 8, 29, 30, 200])
@pytest.mark.parametrize("t", [-3.0, 0.0, 0.5, 2.0, 5.0, 30.0])
def test_students_tail_is_scipys(freedom: int, t: float) -> None:
    wanted = float(stats.t.sf(t, freedom))
    assert luck.t_beyond(t, freedom) == pytest.approx(wanted, rel=1e-3, abs=1e-15)


@pytest.mark.parametrize("freedom", [1, 2, 5, 8, 29, 30, 200])
@pytest.mark.parametrize("probability", [0.005, 0.025, 0.5, 0.975])
def test_limits_of_an_sd_are_scipys_chi_square(freedom: int, probability: float) -> None:
    wanted = 2.0 * math.sqrt(freedom / stats.chi2.ppf(probability, freedom))
    assert luck.sd_limit(2.0, freedom, probability) == pytest.approx(wanted, rel=3e-3)


def test_a_stated_sd_is_a_normal() -> None:
    assert luck.t_beyond(2.0, math.inf) == pytest.approx(stats.norm.sf(2.0))
    assert luck.below(np.array([-12.0, -1.0, 0.0, 3.0])) == pytest.approx(stats.norm.cdf([-12, -1, 0, 3]), abs=1e-8)


@pytest.mark.parametrize("tries", [1, 10, 120])
def test_the_best_of_many_is_as_lucky_as_simulated(tries: int) -> None:
    draws = np.random.default_rng(0).standard_normal((40_000, tries + 1))
    best = draws[:, 1:].max(axis=1)
    assert luck.best_of(tries) == pytest.approx(best.mean(), abs=0.02)
    limit = luck.chain_limit(tries, 0.05)
    assert luck.chain_beyond(limit, tries) == pytest.approx(0.05, abs=1e-5)
    assert (draws[:, 0] + best > limit).mean() == pytest.approx(0.05, abs=0.005)


def test_holm_is_statsmodels_by_hand() -> None:
    assert luck.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert luck.holm([]) == []


EFFECTS = {
    "none": lambda rng, n: np.zeros(n),
    "two heaps": lambda rng, n: rng.integers(0, 2, n) * 1.5,
    "three close heaps": lambda rng, n: rng.integers(0, 3, n) * 0.8,
    "some far": lambda rng, n: rng.exponential(3, n) * (rng.random(n) < 0.4),
}


@pytest.mark.parametrize("name", EFFECTS)
@pytest.mark.parametrize("tries", [12, 40, 120])
def test_the_limit_from_the_tries_is_too_low_no_more_often_than_it_says(name: str, tries: int) -> None:
    """Whatever the ideas do: 1,000 logs, a risk of 5 %, and room for three standard errors of the simulation."""
    rng = np.random.default_rng(11)
    found = [luck.ceiling((EFFECTS[name](rng, tries) + rng.standard_normal(tries)).tolist(), 0.05) for _ in range(1000)]
    low = sum(one is not None and one.high < 1 for one in found)
    assert low <= 1000 * 0.05 + 3 * math.sqrt(1000 * 0.05 * 0.95)


def test_the_limit_is_of_use_where_most_ideas_do_nothing() -> None:
    rng = np.random.default_rng(5)
    found = luck.ceiling(rng.standard_normal(120).tolist(), 0.01)
    assert found is not None
    assert 0.7 < found.sd < 1.4
    assert 1.0 < found.high < 2.0


def test_too_few_tries_or_equal_ones_set_no_limit() -> None:
    assert luck.ceiling([0.1 * n for n in range(11)], 0.05) is None
    assert luck.ceiling([0.0] * 30, 0.05) is None


@given(st.lists(st.floats(-1e3, 1e3), min_size=12, max_size=40), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
@settings(max_examples=40, deadline=None)
def test_the_limit_moves_with_the_unit_and_not_with_the_zero(gains: list[float], scale: float, shift: float) -> None:
    plain = luck.ceiling(gains, 0.05)
    moved = luck.ceiling([scale * gain for gain in gains], 0.05)
    assert (plain is None) == (moved is None)
    if plain is not None and moved is not None:
        assert moved.high == pytest.approx(scale * plain.high, rel=1e-9)
        shifted = luck.ceiling([gain + shift for gain in gains], 0.05)
        assert shifted is not None or plain.high < 1e-9
        if shifted is not None:
            assert shifted.high == pytest.approx(plain.high, rel=1e-6, abs=1e-9)

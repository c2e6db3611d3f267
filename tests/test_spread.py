"""Noise and correlation of scores: as scipy has them, and safe where there are few."""

from __future__ import annotations

import math
from statistics import stdev

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from pawl.evidence import paired_scale, spread
from pawl.racing import Spread


@pytest.mark.parametrize("count", [5, 6, 8, 12, 30, 100])
def test_the_interval_of_a_spread_is_the_chi_square_one(count: int) -> None:
    scores = list(np.random.default_rng(count).normal(3, 0.2, count))
    found, freedom = spread(scores), count - 1
    assert found.sd == pytest.approx(stdev(scores), rel=1e-12)
    assert found.low == pytest.approx(found.sd * math.sqrt(freedom / chi2.ppf(0.975, freedom)), rel=0.03)
    assert found.high == pytest.approx(found.sd * math.sqrt(freedom / chi2.ppf(0.025, freedom)), rel=0.03)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_with_very_few_scores_the_interval_is_too_wide_and_never_too_narrow(count: int) -> None:
    found, freedom = spread([1.0, 2.0, 4.0, 3.0][:count]), count - 1
    assert 0 < found.low <= found.sd * math.sqrt(freedom / chi2.ppf(0.975, freedom)) * 1.02
    assert found.sd * math.sqrt(freedom / chi2.ppf(0.025, freedom)) <= found.high < math.inf


def test_equal_scores_have_no_spread() -> None:
    found = spread([2.5] * 6)
    assert (found.sd, found.low, found.high) == (0, 0, 0)


@given(st.lists(st.floats(-9, 9), min_size=2, max_size=9), st.floats(0.01, 9))
@settings(deadline=None)
def test_a_correlation_is_what_the_seeds_share_and_is_clipped(differences: list[float], sd: float) -> None:
    found = Spread.guessed(sd**2)
    found.differences(differences)
    rest = (found.own / found.freedom) / sd**2
    assert found.correlation(sd) == pytest.approx(min(max(1 - rest, 0.0), 0.95))
    assert found.seen == len(differences) - 1


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.8])
def test_a_correlation_is_found_from_differences(rho: float) -> None:
    rng = np.random.default_rng(17)
    both = rng.multivariate_normal([0, 0], 4 * np.array([[1, rho], [rho, 1]]), 4_000)
    found = Spread.guessed(4.0)
    found.differences(list(both[:, 0] - both[:, 1]))
    assert found.correlation(2.0) == pytest.approx(rho, abs=0.05)
    assert found.correlation(0.0) == 0.0


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.95])
def test_the_scale_of_a_pair_is_that_of_a_difference(rho: float) -> None:
    rng = np.random.default_rng(13)
    both = rng.multivariate_normal([0, 0], 4 * np.array([[1, rho], [rho, 1]]), 200_000)
    assert paired_scale(2.0, rho) == pytest.approx(float((both[:, 0] - both[:, 1]).std()), rel=0.01)

"""Exact intervals of a rate, beside scipy's, and how many null candidates are owed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from pawl.rates import Calibration, Rate, at_most, interval


@given(st.integers(1, 400).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))), st.sampled_from([0.9, 0.95]))
def test_the_interval_is_clopper_and_pearsons(seen: tuple[int, int], level: float) -> None:
    known = binomtest(*seen).proportion_ci(level, method="exact")
    assert interval(*seen, level) == pytest.approx((known.low, known.high), abs=1e-8)


@given(st.integers(1, 60).flatmap(lambda of: st.tuples(st.integers(0, 7 * of), st.just(of))))
def test_a_fraction_only_widens_it(seen: tuple[int, int]) -> None:
    sevenths, of = seen
    wide = interval(sevenths / 7, of, 0.95)
    assert wide == (interval(sevenths // 7, of, 0.95)[0], interval(-(-sevenths // 7), of, 0.95)[1])
    assert 0 <= wide[0] <= wide[1] <= 1


def test_nothing_seen_is_nothing_known() -> None:
    assert interval(0, 0, 0.95) == (0.0, 1.0)


@given(st.integers(0, 50), st.integers(1, 50), st.floats(0, 1))
def test_the_binomial_is_scipys(count: int, of: int, rate: float) -> None:
    assert at_most(count, of, rate) == pytest.approx(float(binom.cdf(count, of, rate)), abs=1e-9)


def test_a_rate_is_exceeded_only_where_something_was_promised_and_the_whole_interval_is_above() -> None:
    def rate(low: float, promised: float | None) -> Rate:
        return Rate("screen", "x", 9, 10, 10, low, 1.0, 0.95, promised)

    assert rate(0.51, 0.5).exceeded
    assert not rate(0.5, 0.5).exceeded
    assert not rate(0.99, None).exceeded


@pytest.mark.parametrize(("turns", "owed"), [(0, 0), (40, 0), (89, 0), (90, 1), (200, 4), (1000, 35)])
def test_so_many_turns_owe_so_many_null_candidates(turns: int, owed: int) -> None:
    assert Calibration(0.05, turns).owed == owed
    assert owed == 0 or binom.cdf(owed - 1, turns, 0.05) < 0.01 <= binom.cdf(owed, turns, 0.05)

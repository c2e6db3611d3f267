"""The betting test: exact where it can be, simulated with fixed seeds where it cannot."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from statistics import fmean

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pawl.evidence import (
    STAKE,
    ClippedMean,
    SignFlip,
    gamma,
    paired_scale,
    threshold,
)

Floats = NDArray[np.float64]
TEST = SignFlip(1.0)
STRICT = ClippedMean(1.0)
SIZE = st.floats(0, 50) | st.sampled_from([0.0, 1e-300, 1e300, math.inf])
GAIN = st.floats(-50, 50) | st.sampled_from([0.0, -0.0, 1e-300, 1e300, -1e300, math.inf, -math.inf])
SCALE = st.sampled_from([1e-9, 0.05, 1.0, 30.0])
NULLS: dict[str, Callable[[np.random.Generator, tuple[int, int]], Floats]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "t3": lambda rng, shape: rng.standard_t(3, shape),
    "signed-lognormal": lambda rng, shape: rng.choice([-1.0, 1.0], shape) * rng.lognormal(0, 2, shape),
    "unequal-sizes": lambda rng, shape: rng.standard_normal(shape) * np.geomspace(0.01, 100, shape[1]),
}


def wealth(gains: Floats, scale: float) -> Floats:
    """E after each pair of each row: the same arithmetic for many sequences at once."""
    bets = [STAKE * np.tanh(size * np.abs(gains) / scale) * np.sign(gains) for size in TEST.lambdas]
    return np.mean([np.exp(np.cumsum(np.log1p(bet), axis=1)) for bet in bets], axis=0)


def test_the_arithmetic_for_many_is_that_for_one() -> None:
    gains = np.random.default_rng(1).standard_t(3, (40, 12))
    for scale in (0.1, 1.0, 7.0):
        many = wealth(gains, scale)
        for row, prefix in itertools.product(range(0, 40, 5), (1, 6, 12)):
            assert many[row, prefix - 1] == pytest.approx(SignFlip(scale).e_value(list(gains[row, :prefix])), rel=1e-9)


def test_the_value_is_the_designs_formula() -> None:
    gains, scale = [0.3, -0.1, 0.0, 1.2], 0.4
    by_hand = fmean(
        math.prod(1 + 0.98 * math.tanh(size * abs(gain) / scale) * ((gain > 0) - (gain < 0)) for gain in gains)
        for size in (0.5, 1, 2, 8)
    )
    assert SignFlip(scale).e_value(gains) == pytest.approx(by_hand, rel=1e-12)
    assert SignFlip(scale, (1.0,)).e_value([scale]) == pytest.approx(1 + 0.98 * math.tanh(1), rel=1e-12)


@given(st.lists(SIZE, max_size=7), SCALE)
@settings(max_examples=25, deadline=None)
def test_over_all_sign_flips_the_mean_is_exactly_one(sizes: list[float], scale: float) -> None:
    test = SignFlip(scale)
    flips = itertools.product((1, -1), repeat=len(sizes))
    values = [test.e_value([sign * size for sign, size in zip(signs, sizes, strict=True)]) for signs in flips]
    assert fmean(values) == pytest.approx(1, abs=1e-9)


@given(st.lists(GAIN, max_size=8), SIZE, SCALE)
@settings(max_examples=60, deadline=None)
def test_after_any_past_the_next_fair_sign_changes_nothing_on_average(
    past: list[float], size: float, scale: float
) -> None:
    test = SignFlip(scale)
    now, up, down = test.e_value(past), test.e_value([*past, size]), test.e_value([*past, -size])
    assert (up + down) / 2 == pytest.approx(now, rel=1e-9)
    assert 0 <= down <= now * (1 + 1e-12) <= up * (1 + 1e-9)


@given(st.lists(st.tuples(GAIN, GAIN), max_size=8), SCALE)
@settings(max_examples=60, deadline=None)
def test_better_gains_never_give_less_evidence(pairs: list[tuple[float, float]], scale: float) -> None:
    test = SignFlip(scale)
    worse, better = test.e_value([min(pair) for pair in pairs]), test.e_value([max(pair) for pair in pairs])
    assert worse <= better * (1 + 1e-12)


@given(st.lists(GAIN, max_size=8), st.permutations(range(8)))
@settings(max_examples=30, deadline=None)
def test_the_order_of_gains_does_not_matter(gains: list[float], order: list[int]) -> None:
    shuffled = [gains[n] for n in order if n < len(gains)]
    assert TEST.e_value(shuffled) == pytest.approx(TEST.e_value(gains), rel=1e-12)


@given(st.lists(st.floats(-50, 50), max_size=6), st.floats(1e-3, 1e3))
@settings(max_examples=30, deadline=None)
def test_the_unit_of_the_metric_does_not_matter(gains: list[float], unit: float) -> None:
    assert SignFlip(unit).e_value([gain * unit for gain in gains]) == pytest.approx(TEST.e_value(gains), rel=1e-6)


def test_no_gains_or_no_difference_is_no_evidence() -> None:
    assert TEST.e_value([]) == TEST.e_value([0.0, -0.0, 0.0]) == 1.0


def test_a_failed_run_is_the_largest_loss_and_never_ruins_for_ever() -> None:
    assert TEST.e_value([-math.inf]) == pytest.approx(0.02)
    assert TEST.e_value([math.inf]) == pytest.approx(1.98)
    assert TEST.e_value([-math.inf, *[math.inf] * 12]) == pytest.approx(0.02 * 1.98**12)
    assert SignFlip(0.0).e_value([1e-9, -math.inf]) == pytest.approx(0.02 * 1.98)


def test_evidence_stays_finite_however_long_the_luck() -> None:
    assert math.isfinite(TEST.e_value([math.inf] * 5000))
    assert TEST.e_value([-math.inf] * 5000) == 0.0


@given(st.lists(GAIN, max_size=6), st.integers(0, 14))
@settings(max_examples=30, deadline=None)
def test_the_best_case_is_what_wins_alone_would_reach(gains: list[float], left: int) -> None:
    for test in (TEST, STRICT):
        held = [(1.0,) * len(test.factors(0.0)), *test.wealth(gains)][-1]
        assert test.best_case(held, left) == pytest.approx(test.e_value([*gains, *[math.inf] * left]), rel=1e-9)


@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize("scale", [0.05, 1.0, 20.0])
def test_under_a_null_few_ever_reach_twenty(null: str, scale: float) -> None:
    gains = NULLS[null](np.random.default_rng(7), (20_000, 20))
    assert (wealth(gains, scale).max(axis=1) >= 20).mean() <= 0.05


def test_a_challenger_with_twice_the_spread_does_not_break_the_bound() -> None:
    rng = np.random.default_rng(8)
    gains = 2 * rng.standard_normal((20_000, 20)) - rng.standard_normal((20_000, 20))
    assert (wealth(gains, math.sqrt(2)).max(axis=1) >= 20).mean() <= 0.05


def test_gains_that_are_more_often_negative_reach_it_less_often() -> None:
    rng = np.random.default_rng(9)
    fair, worse = (wealth(rng.standard_normal((20_000, 20)) - shift, 1.0).max(axis=1) for shift in (0.0, 0.3))
    assert (worse >= 20).mean() < (fair >= 20).mean()


FACTS = [
    (1, 0, 14, 26),
    (1, 0.5, 8, 15),
    (1, 0.8, 5, 7),
    (2, 0, 6, 9),
    (2, 0.5, 5, 6),
    (2, 0.8, 5, 5),
    (0.5, 0.8, 12, 21),
]


@pytest.mark.parametrize(("effect", "rho", "median", "late"), FACTS)
def test_a_real_effect_is_found_in_as_many_pairs_as_was_measured(
    effect: float, rho: float, median: int, late: int
) -> None:
    """FACTS section 2: pairs to E >= 20, median and 80 % quantile."""
    scale = paired_scale(1.0, rho)
    gains = effect + scale * np.random.default_rng(10).standard_normal((4000, 60))
    won = wealth(gains, scale) >= 20
    pairs = np.where(won.any(axis=1), won.argmax(axis=1) + 1, 999)
    assert abs(np.quantile(pairs, 0.5) - median) <= 1
    assert abs(np.quantile(pairs, 0.8) - late) <= max(1, 0.1 * late)


def test_the_first_thresholds_are_the_designs() -> None:
    """DESIGN section 8 lists 275 for the fourth; its own formula gives 273.2, as does online-fdr."""
    assert [round(threshold(step, 0, 0.1)) for step in range(1, 6)] == [20, 76, 162, 273, 406]


@given(st.integers(1, 10**6), st.integers(0, 50), st.sampled_from([0.01, 0.1, 0.5]))
def test_a_threshold_is_the_designs_formula_and_wins_lower_it(step: int, wins: int, alpha: float) -> None:
    expected = 2.1098 * (step + 1) * math.log(step + 1) ** 2 / (alpha * (wins + 1))
    assert threshold(step, wins, alpha) == pytest.approx(expected, rel=1e-12)
    assert threshold(step, wins + 1, alpha) < threshold(step, wins, alpha) < threshold(step + 1, wins, alpha)


def test_the_shares_of_alpha_sum_to_one_and_not_more() -> None:
    last = 200_000
    n = np.arange(1, last + 1) + 1.0
    spent = float((1 / (2.1098 * n * np.log(n) ** 2)).sum())
    assert spent == pytest.approx(math.fsum(gamma(step) for step in range(1, 2001)) + spent - _partial(2000), rel=1e-12)
    rest_at_most, rest_at_least = (1 / (2.1098 * math.log(last + end)) for end in (1, 2))
    assert spent + rest_at_most <= 1
    assert spent + rest_at_least >= 0.9999


def _partial(last: int) -> float:
    n = np.arange(1, last + 1) + 1.0
    return float((1 / (2.1098 * n * np.log(n) ** 2)).sum())


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.3])
def test_decisions_are_those_of_the_reference_implementation(alpha: float) -> None:
    pytest.importorskip("online_fdr", reason="pip install online-fdr==1.0.0 --no-deps")
    from online_fdr.core.abstract.abstract_gamma_seq import AbstractGammaSequence
    from online_fdr.e_values.sequential import ELond

    class Ours(AbstractGammaSequence):  # type: ignore[misc]
        def calc_gamma(self, j: int, *args: object, **kwargs: object) -> float:
            return gamma(j)

    reference, wins = ELond(alpha, Ours()), 0
    values = np.exp(np.random.default_rng(11).uniform(0, 9, 300))
    for step, value in enumerate(values, start=1):
        bar = threshold(step, wins, alpha)
        assert reference.test_one(float(value)) == (value >= bar)
        assert reference.current_level == pytest.approx(1 / bar, rel=1e-12)
        wins += int(value >= bar)
    assert 1 < wins < 300


# ------------------------------------------------------------------------------------------------- interval


FINITE = st.lists(st.integers(-500, 500).map(lambda n: n / 100), min_size=1, max_size=9)


def highest(gains: list[float], median: float = 0.0) -> float:
    """The largest E that the test of this median reached on the way."""
    return max(TEST.e_value([gain - median for gain in gains[: n + 1]]) for n in range(len(gains)))


@given(FINITE)
@settings(max_examples=40, deadline=None)
def test_the_lower_bound_is_above_zero_just_when_twenty_was_reached(gains: list[float]) -> None:
    reached = highest(gains)
    assume(not 18 < reached < 22)
    low, _ = TEST.interval(gains, 0.90)
    assert (low is not None and low > 0) == (reached >= 20)


@given(FINITE)
@settings(max_examples=30, deadline=None)
def test_each_bound_is_where_the_test_stops_rejecting(gains: list[float]) -> None:
    low, high = TEST.interval(gains, 0.90)
    step = 1e-4
    if low is not None:
        assert highest(gains, low) >= 20 > highest(gains, low + step)
    if high is not None:
        mirrored = [-gain for gain in gains]
        assert highest(mirrored, -high) >= 20 > highest(mirrored, -high + step)
    assert (low is None and high is None) == (1.98 ** len(gains) < 20)


@given(
    st.lists(st.integers(-300, 300).map(lambda n: n / 100), min_size=5, max_size=7),
    st.integers(-9, 9),
    st.floats(0.01, 100),
)
@settings(max_examples=15, deadline=None)
def test_the_interval_moves_and_grows_with_the_gains(gains: list[float], shift: float, factor: float) -> None:
    low, high = TEST.interval(gains, 0.90)
    moved = SignFlip(factor).interval([factor * gain + shift for gain in gains], 0.90)
    assert low is not None
    assert high is not None
    assert moved == pytest.approx((factor * low + shift, factor * high + shift), abs=1e-4 * factor)


@given(st.lists(st.integers(-300, 300).map(lambda n: n / 100), min_size=5, max_size=8))
@settings(max_examples=15, deadline=None)
def test_more_pairs_only_narrow_it_and_a_higher_level_widens_it(gains: list[float]) -> None:
    low, high = TEST.interval(gains, 0.90)
    shorter, wider = TEST.interval(gains[:-1], 0.90), TEST.interval(gains, 0.95)
    for (outer_low, outer_high), slack in ((shorter, 1e-5), (wider, 1e-4)):
        assert outer_low is None or (low is not None and outer_low <= low + slack)
        assert outer_high is None or (high is not None and outer_high >= high - slack)


def test_too_few_pairs_bound_nothing() -> None:
    assert TEST.interval([], 0.90) == (None, None)
    assert TEST.interval([9.0] * 4, 0.90) == (None, None)
    low, high = TEST.interval([9.0] * 5, 0.90)
    assert low is not None
    assert high is not None


def test_a_failed_run_opens_the_side_that_it_speaks_for() -> None:
    low, high = TEST.interval([-math.inf] * 3 + [1.0] * 6, 0.90)
    assert low is None or low < 1.0
    assert high is not None
    assert TEST.interval([math.inf] * 9, 0.90) == (None, None)
    low, high = TEST.interval([math.inf] * 3 + [1.0] * 6, 0.90)
    assert low is not None
    assert high is None or high > 1.0


@pytest.mark.parametrize("noise", ["normal", "t3"])
def test_the_interval_covers_the_true_median_as_often_as_it_says(noise: str) -> None:
    gains = 0.7 + NULLS[noise](np.random.default_rng(12), (110, 9))
    found = [TEST.interval(list(row), 0.90) for row in gains]
    covered = [(low is None or low <= 0.7) and (high is None or high >= 0.7) for low, high in found]
    assert sum(covered) / len(covered) >= 0.90
    assert sum(low is not None and high is not None for low, high in found) > 100

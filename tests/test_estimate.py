"""The gain at a stopped test: as often too high as too low, wherever and however the test stopped."""

from __future__ import annotations

import math
import random
from statistics import fmean
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundles import standalone
from pawl.estimate import estimate
from pawl.evidence import Betting, ClippedMean, SignFlip, Stop, threshold
from pawl.policy import CertificationTable

STOP = Stop(threshold(1, 0, 0.1), 0.15, 20)
TESTS = {"sign-flip": SignFlip(1.0), "clipped-mean": ClippedMean(1.0)}
GAIN = st.integers(-400, 400).map(lambda n: n / 100)
ODD = GAIN | st.sampled_from([math.inf, -math.inf, math.nan])


def stopped(gains: list[float], test: Betting, stop: Stop = STOP) -> list[float]:
    return gains[: stop.end(test, gains)[0]]


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_it_is_above_the_truth_half_of_the_time_and_the_plain_mean_is_not(shift: float) -> None:
    """With 200 certificates a share of one half has an sd of .035; bench/interval.py looks more closely."""
    draw, test, above, mean_above = random.Random(4), SignFlip(1.0), 0, 0
    for _ in range(200):
        gains = stopped([shift + draw.gauss(0, 1) for _ in range(20)], test)
        found = estimate(gains, test, STOP)
        assert found is not None
        above += found > shift
        mean_above += fmean(gains) > shift
    assert abs(above / 200 - 0.5) < 0.09
    assert shift != 0.0 or abs(mean_above / 200 - 0.5) > 0.1


@given(st.lists(GAIN, min_size=20, max_size=20), GAIN, st.sampled_from([0.01, 1.0, 40.0]), st.sampled_from(list(TESTS)))
@settings(max_examples=15, deadline=None)
def test_its_unit_is_that_of_the_metric(gains: list[float], shift: float, unit: float, name: str) -> None:
    rules = CertificationTable()
    plain, scaled = (rules.betting(name, scale) for scale in (1.0, unit))  # type: ignore[arg-type]
    mine = stopped([gain + shift for gain in gains], plain)
    found, other = estimate(mine, plain, STOP), estimate([gain * unit for gain in mine], scaled, STOP)
    assert found is not None
    assert other == pytest.approx(found * unit, abs=2e-5 * unit)


def test_without_a_finite_gain_there_is_none() -> None:
    for gains in ([], [math.inf] * 5, [-math.inf], [math.nan] * 3):
        assert estimate(gains, SignFlip(1.0), STOP) is None


def test_where_no_path_could_have_ended_sooner_it_is_the_centre() -> None:
    """Five wins are the fewest that certify, and gains so large could not have ended as anything else."""
    test, gains = SignFlip(1.0), [6.0, 3.0, 4.0, 5.0, 2.0]
    assert STOP.end(test, gains) == (5, "certified")
    assert estimate(gains, test, STOP) == pytest.approx(4.0, abs=0.05)


def test_an_early_win_counts_for_less_than_its_mean_where_losing_was_close() -> None:
    test, gains = SignFlip(1.0), [0.9, -0.4, 1.1, 0.2, 1.3, 0.9, 1.0, 1.2]
    mine = stopped(gains + [1.5] * 12, test)
    assert STOP.end(test, gains + [1.5] * 12)[1] == "certified"
    found = estimate(mine, test, STOP)
    assert found is not None
    assert found < fmean(mine)


def test_pairs_in_which_both_failed_say_nothing() -> None:
    test, gains = SignFlip(1.0), [1.0, 2.0, 1.5, 0.8, 1.2, 2.2]
    wide = Stop(STOP.bar, 0.0, 20)
    with_failures = [*gains[:3], math.nan, *gains[3:]]
    assert test.e_value(with_failures) == test.e_value(gains)
    assert test.interval(with_failures, 0.9) == pytest.approx(test.interval(gains, 0.9), abs=1e-5)
    assert estimate(with_failures, test, wide) == pytest.approx(estimate(gains, test, wide), abs=0.25)


@given(st.lists(ODD, min_size=1, max_size=20), st.sampled_from(list(TESTS)), st.sampled_from([0.3, 1.0]))
@settings(max_examples=25, deadline=None)
def test_the_verifier_without_pawl_finds_the_same(gains: list[float], name: str, scale: float) -> None:
    rules = CertificationTable(pairs=12)
    test, stop = rules.betting(name, scale), rules.stop(20.3)  # type: ignore[arg-type]
    mine = stopped(gains, test, stop)
    other = standalone().Betting(SimpleNamespace(**rules.model_dump()), name, scale, 20.3)
    assert other.e_value(mine) == pytest.approx(test.e_value(mine), rel=1e-12)
    found = (other.estimate(mine), *other.interval(mine, 0.9))
    for theirs, ours in zip(found, (estimate(mine, test, stop), *test.interval(mine, 0.9)), strict=True):
        assert (theirs is None) == (ours is None)
        assert theirs is None or theirs == pytest.approx(ours, abs=1e-5 * scale)

"""Who goes on after a cheap look."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import t as student

from pawl.rungs import FIRST, RECENT, Halving, Learned, Look, above_zero, foretold

SCALE, PRICE = 1.0, 0.02
NUMBERS = st.floats(-50, 50)
LOOKS = st.lists(st.builds(Look, NUMBERS, st.none() | NUMBERS), max_size=30)


def looks(slope: float, rest: float, count: int = 40, seed: int = 0) -> list[Look]:
    """Challengers whose whole difference is `slope` times the partial one, with the noise of two runs."""
    draw = np.random.default_rng(seed)
    partial = draw.normal(-1, 2, count)
    return [Look(float(x), float(slope * x + rest * draw.standard_normal())) for x in partial]


def test_nobody_is_stopped_before_there_is_something_to_learn_from() -> None:
    few = [Look(-5.0, -5.0)] * (FIRST - 1)
    assert Learned().stops(-100.0, few, SCALE, PRICE) == ""
    assert Learned().stops(-100.0, [*few, Look(1.0, None)], SCALE, PRICE) == ""
    assert Learned().stops(-100.0, [*few, few[0]], SCALE, PRICE) != ""


def test_where_the_rung_tells_who_is_far_behind_stops_and_who_is_near_goes_on() -> None:
    known = looks(1.0, 1.0)
    assert "expected to bring" in Learned().stops(-3.0, known, SCALE, PRICE)
    for near in (-0.2, 0.0, 2.0):
        assert Learned().stops(near, known, SCALE, PRICE) == ""


def test_where_the_rung_tells_nothing_it_stops_nobody() -> None:
    for seed in range(5):
        assert Learned().stops(-3.0, looks(0.0, 2.0, seed=seed), SCALE, PRICE) == ""


def test_where_curves_cross_who_is_ahead_stops() -> None:
    known = looks(-1.0, 1.0)
    assert Learned().stops(-3.0, known, SCALE, PRICE) == ""
    assert Learned().stops(3.0, known, SCALE, PRICE) != ""


def test_a_look_pays_where_it_stops_more_than_it_costs() -> None:
    """A line that tells stops about half of these; one that tells nothing stops nobody."""
    for seed in range(5):
        telling, silent = looks(1.0, 1.0, seed=seed), looks(0.0, 2.0, seed=seed)
        assert Learned().pays(0.1, telling, SCALE, PRICE)
        assert not Learned().pays(0.7, telling, SCALE, PRICE)
        assert not Learned().pays(0.1, silent, SCALE, PRICE)
        assert Halving(0.33).pays(0.7, silent, SCALE, PRICE)


def test_a_rung_is_not_judged_before_there_is_something_to_learn_from() -> None:
    few = looks(0.0, 2.0, FIRST - 1)
    assert Learned().pays(0.9, few, SCALE, PRICE)
    assert Learned().pays(0.9, [*few, *[Look(1.0, None)] * 50], SCALE, PRICE)
    assert not Learned().pays(0.9, looks(0.0, 2.0, FIRST), SCALE, PRICE)


def test_a_rung_is_judged_by_its_newest_looks() -> None:
    """What it stopped long ago it need not stop today."""
    behind, near = [Look(-4.0, -4.0)] * 200, [Look(0.0, 0.0)] * RECENT
    assert Learned().pays(0.3, [*near, *behind], SCALE, PRICE)
    assert not Learned().pays(0.3, [*behind, *near], SCALE, PRICE)


def test_one_that_diverged_does_not_draw_the_line_alone() -> None:
    known = [*looks(0.0, 2.0), Look(-1e9, -1e9)]
    slope, _ = foretold(1.0, [(max(x.partial, -8.0), max(x.whole or 0.0, -8.0)) for x in known], SCALE)
    assert abs(slope) < 0.7
    assert Learned().stops(-1.0, known, SCALE, PRICE) == ""


def test_where_a_seed_changes_nothing_nothing_is_learned_about_noise() -> None:
    assert Learned().stops(-1.0, looks(1.0, 0.0), 0.0, PRICE) == ""


@given(st.lists(NUMBERS, min_size=1, max_size=40), st.floats(0.05, 0.95))
def test_halving_lets_its_share_go_on_and_always_the_best(seen: list[float], keep: float) -> None:
    rule, known = Halving(keep), [Look(x, None) for x in seen]
    assert rule.stops(max(seen) + 1, known, SCALE, PRICE) == ""
    on = sum(
        rule.stops(x, [Look(y, None) for y in seen[:n] + seen[n + 1 :]], SCALE, PRICE) == "" for n, x in enumerate(seen)
    )
    assert on >= min(len(seen), max(1, round(keep * len(seen)) - 1))


@given(NUMBERS, LOOKS, st.floats(1e-6, 10), st.floats(0, 1))
def test_better_looks_never_stop_where_worse_ones_go_on_if_the_line_rises(
    partial: float, known: list[Look], scale: float, price: float
) -> None:
    rising = [Look(abs(look.partial), abs(look.whole) if look.whole is not None else None) for look in known]
    if Learned().stops(partial, rising, scale, price) == "" and partial >= 0:
        assert Learned().stops(partial + 1, rising, scale, price) == ""


@settings(deadline=None)
@given(st.floats(-20, 20), st.floats(0.01, 10), st.integers(2, 30))
def test_what_lies_above_zero(mean: float, sd: float, freedom: int) -> None:
    z = abs(mean) / sd
    beyond, _ = quad(lambda x: (x - z) * student.pdf(x, freedom), z, np.inf)
    assert above_zero(mean, sd, freedom) == pytest.approx(max(mean, 0.0) + sd * beyond, rel=1e-3, abs=1e-6 * sd)
    assert above_zero(mean, sd, freedom) >= max(mean, 0.0)
    assert above_zero(mean, 0.0, freedom) == max(mean, 0.0)


def test_the_fewer_looks_the_further_behind_it_has_to_be() -> None:
    def furthest(many: int) -> float:
        """The least partial difference that goes on."""
        known = [Look(x, x) for x in (-4.0, 4.0)] * many
        return min(x for x in np.linspace(-8, 0, 801) if Learned().stops(float(x), known, SCALE, PRICE) == "")

    assert -8 < furthest(1) < furthest(3) < furthest(20) < 0

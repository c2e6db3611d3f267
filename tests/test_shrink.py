"""What is left of kept gains: honest on average where the truth is known, and careful where little is known."""

from __future__ import annotations

import numpy as np
import pytest

from pawl.shrink import Attempt, shrink


def chain(rng: np.random.Generator, tries: int, good: float) -> tuple[list[Attempt], list[float]]:
    """Keep-if-better at sd 1 where a share of the ideas gains 2 sd and the rest nothing; with the kept ones' truth."""
    luck, found, truth = float(rng.standard_normal()), list[Attempt](), list[float]()
    for _ in range(tries):
        effect, own = 2.0 * (rng.random() < good), float(rng.standard_normal())
        gain = effect + luck - own
        found.append(Attempt(gain, 1.0, gain > 0))
        if gain > 0:
            luck = own
            truth.append(effect)
    return found, truth


@pytest.mark.slow
@pytest.mark.parametrize("good", [0.0, 0.1, 0.4])
def test_it_is_right_on_average_about_gains_and_about_idle_steps(good: float) -> None:
    rng = np.random.default_rng(3)
    gained = expected = idle = likely_idle = claimed = 0.0
    for _ in range(25):
        attempts, truth = chain(rng, 60, good)
        left = shrink(1.0, attempts)
        assert len(left) == len(truth)
        gained, expected = gained + sum(truth), expected + sum(one.gain for one in left)
        idle, likely_idle = idle + sum(effect == 0 for effect in truth), likely_idle + sum(one.idle for one in left)
        claimed += sum(one.gain for one in attempts if one.kept)
    assert abs(expected - gained) < 0.3 * abs(claimed - gained)
    assert likely_idle == pytest.approx(idle, rel=0.25)


def test_a_gain_that_dwarfs_the_noise_is_left_whole() -> None:
    attempts = [Attempt(-0.5, 1.0, False)] * 20 + [Attempt(40.0, 1.0, True)] + [Attempt(-1.0, 1.0, False)] * 20
    (left,) = shrink(1.0, attempts)
    assert left.gain == pytest.approx(40, abs=2)
    assert left.idle < 1e-6


def test_a_change_of_seed_leaves_nothing_and_warns_of_what_was_kept_before() -> None:
    tries = [Attempt(-1.0, 1.0, False)] * 10
    step = Attempt(1.5, 1.0, True)
    alone, warned = shrink(1.0, [*tries, step]), shrink(1.0, [*tries, step, *[Attempt(-1.6, 1.0, False, True)] * 4])
    assert warned[0].gain < alone[0].gain
    assert warned[0].idle > alone[0].idle
    (seed,) = shrink(1.0, [Attempt(0.5, 1.0, True, idle=True)])
    assert (seed.gain, seed.idle) == (0.0, 1.0)


def test_a_long_log_is_read_in_pieces_and_every_kept_step_gets_an_answer() -> None:
    rng = np.random.default_rng(0)
    attempts, truth = chain(rng, 450, 0.02)
    assert len(shrink(1.0, attempts)) == len(truth)


@pytest.mark.parametrize("wild", [1e9, -1e9, 1e-12])
def test_wild_gains_give_finite_answers(wild: float) -> None:
    found = shrink(1.0, [Attempt(0.3, 1.0, True), Attempt(wild, 1.0, wild > 0), Attempt(-0.2, 1.0, False)])
    assert all(np.isfinite([one.gain, one.idle]).all() and 0 <= one.idle <= 1 + 1e-9 for one in found)

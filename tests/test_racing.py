"""What races say: shrinkage, the lucky bar, noise that seeds share, and when one more run is worth it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.racing import PAIRS_FIRST, Belief, first_law

AA = [0.3, -1.1, 0.9, 0.2, -0.6, 1.4]


def believing(common: int = 2, shift: float = 0.0, scale: float = 1.0) -> Belief:
    scores = [shift + scale * score for score in AA]
    return Belief.start(scores[:common], scores[common:])


def raced(belief: Belief, scores: list[float], accepted: bool = False) -> float:
    race = belief.meet()
    for score in scores:
        race.see(score)
    race.settle(accepted)
    return race.gain


def seasoned(seed: int = 1, ideas: int = 60, effect: float = -1.0) -> Belief:
    """A belief after many ideas that harm, whose noise the seeds half share."""
    draw, belief = np.random.default_rng(seed), believing()
    for _ in range(ideas):
        raced(belief, [AA[0] + effect + 0.7 * draw.standard_normal(), AA[1] + effect + 0.7 * draw.standard_normal()])
    return belief


def test_the_first_law_is_a_law_and_expects_more_harm_than_help() -> None:
    law = first_law()
    half = len(law) // 2
    assert law.sum() == pytest.approx(1)
    assert law[half] == pytest.approx(0.5)
    assert law[:half].sum() > law[half + 1 :].sum() > 0.1


@given(st.floats(-4, 4))
def test_what_is_expected_lies_between_what_was_seen_and_nothing(seen: float) -> None:
    belief = seasoned(ideas=0)
    race = belief.meet()
    race.see(float(belief.mean[0] + belief.mean[1]) + seen)
    assert abs(race.gain) <= abs(seen) + 0.4


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=2), st.floats(0.01, 2))
def test_a_better_score_never_makes_an_idea_look_worse(scores: list[float], more: float) -> None:
    one, other = believing().meet(), believing().meet()
    for race, bonus in ((one, 0.0), (other, more)):
        race.see(scores[0] + bonus)
    assert other.gain >= one.gain - 0.05 * more


@settings(max_examples=30)
@given(st.floats(-1e3, 1e3), st.floats(1e-6, 1e6), st.lists(st.floats(-3, 3), min_size=1, max_size=2))
def test_units_do_not_matter(shift: float, scale: float, scores: list[float]) -> None:
    plain = raced(believing(), scores)
    moved = raced(believing(shift=shift * scale, scale=scale), [shift * scale + scale * score for score in scores])
    assert moved / scale == pytest.approx(plain, rel=1e-3, abs=1e-3)


def test_an_effect_of_many_sd_is_found_and_the_next_null_is_not_taken_for_one() -> None:
    belief = believing()
    assert raced(belief, [AA[0] + 40, AA[1] + 40], accepted=True) == pytest.approx(40, rel=0.1)
    raced(belief, [AA[0] + 40, AA[1] + 40.2])
    assert abs(float(belief.mean[0]) - (np.mean(AA) + 40)) < 1.5


def test_challengers_that_are_all_ahead_show_that_the_bar_is_low_and_not_that_all_are_good() -> None:
    draw = np.random.default_rng(3)
    belief = Belief.start([-2.0, -2.0], [0.1, -0.3, 0.4, 0.2])  # the reference was unlucky on both
    gains = [raced(belief, list(0.5 * draw.standard_normal(2))) for _ in range(40)]
    assert np.mean(gains[:3]) < 0.3  # they are two sd ahead of the bar
    assert np.mean(gains[-10:]) < 0.15


def test_in_a_dry_spell_the_same_score_promises_less() -> None:
    fresh, dry = seasoned(ideas=0), seasoned(ideas=80)
    level = [float(belief.mean[0] + belief.mean[1]) for belief in (fresh, dry)]
    races = [belief.meet() for belief in (fresh, dry)]
    for race, start in zip(races, level, strict=True):
        race.see(start + 1.5)
    assert races[1].gain < races[0].gain


def test_the_noise_that_seeds_share_is_found_whatever_the_ideas_do() -> None:
    for own in (0.3, 0.9):
        draw, belief = np.random.default_rng(5), believing()
        for _ in range(80):
            effect = draw.choice([-2.0, 0.0, 1.0])
            raced(belief, [effect + own * draw.standard_normal() for _ in range(2)])
        assert math.sqrt(belief.spread.rest()) == pytest.approx(own, rel=0.25)
    assert belief.scale == pytest.approx(math.sqrt(2) * 0.9, rel=0.25)


def test_the_first_ideas_run_twice_and_the_hopeless_ones_later_do_not() -> None:
    belief = believing()
    for _ in range(PAIRS_FIRST):
        race = belief.meet()
        race.see(-3.0)
        assert race.another()
        race.see(-3.0 + 0.5 * len(belief.spread.met))
        race.settle(False)
    hopeless = belief.meet()
    hopeless.see(-8.0)
    assert not hopeless.another()


def test_what_diverges_teaches_nothing_about_the_noise() -> None:
    """Its two scores lie far apart, and those of programs like the head do not; it is not run twice to learn that."""
    belief = believing()
    known, seen = belief.spread.rest(), belief.spread.seen
    diverged = belief.meet()
    diverged.see(AA[0] - 150.0)
    assert not diverged.another()
    raced(belief, [AA[0] - 150.0, AA[1] - 130.0])
    assert (belief.spread.rest(), belief.spread.seen) == (known, seen)
    for off in (-0.3, 0.3, 0.2):
        raced(belief, [AA[0] - 1 + off, AA[1] - 1 - off])
    assert belief.spread.rest() < known
    assert raced(belief, [AA[0] + 3.0, AA[1] + 3.0], accepted=True) > 0.5


def test_nobody_runs_on_more_seeds_than_there_are() -> None:
    belief = believing()
    race = belief.meet()
    race.see(0.5)
    race.see(0.4)
    assert not race.another()


def test_who_started_behind_the_head_must_make_up_for_it() -> None:
    belief = seasoned()
    even, behind = belief.meet(), belief.meet(behind=1.0)
    for race in (even, behind):
        race.see(float(belief.mean[0] + belief.mean[1]))
    assert behind.gain < even.gain


def test_a_seed_that_changes_nothing_makes_any_difference_count() -> None:
    belief = Belief.start([1.0, 1.0], [1.0, 1.0])
    race = belief.meet()
    race.see(1.25)
    race.see(1.25)
    assert race.gain > 0
    worse = belief.meet()
    worse.see(0.75)
    assert worse.gain < 0


def test_new_seeds_keep_the_level_and_forget_the_luck() -> None:
    belief = seasoned()
    level, law = float(belief.mean[0]), belief.counts.copy()
    belief.redraw(3)
    assert (float(belief.mean[0]), belief.seeds, len(belief.mean)) == (level, 3, 4)
    assert (belief.mean[1:] == 0).all()
    assert (belief.counts == law).all()

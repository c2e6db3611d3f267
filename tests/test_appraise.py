"""Which gains survive: on the published log, under planted truth, and whatever unit the scores are in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logs import made, published
from pawl.appraise import Appraisal, appraise
from pawl.readers.autoresearch import AutoresearchReader
from pawl.trials import Log, Trial

RANK = {"could be noise": 0, "cannot tell": 1, "survives": 2}


def calls(found: Appraisal) -> list[str]:
    return [step.call for step in found.steps]


@pytest.fixture(scope="module")
def overnight() -> Appraisal:
    return appraise(AutoresearchReader().read(published()))


# ------------------------------------------------------------------------------------------- the published log


def test_the_published_log_has_the_noise_that_its_change_of_seed_shows(overnight: Appraisal) -> None:
    noise = overnight.noise
    assert noise.repeats.widest == pytest.approx(0.000695)
    assert noise.repeats.of == ("889dbed: random seed 42 to 137",)
    assert noise.sd == pytest.approx(0.000695 / 2**0.5)
    assert noise.source == "repeats and tries"
    assert noise.high is not None
    assert 0.0002 < noise.low < noise.sd < noise.high < 0.0012


def test_fourteen_of_its_22_gains_are_smaller_than_the_change_of_seed(overnight: Appraisal) -> None:
    assert len(overnight.steps) == 22
    assert sum(step.gain < overnight.noise.repeats.widest for step in overnight.steps) == 14


def test_one_step_of_it_survives_for_sure_and_the_whole_way_does(overnight: Appraisal) -> None:
    assert [step.name for step in overnight.steps if step.call == "survives"] == ["bea057b"]
    assert calls(overnight).count("cannot tell") == 3
    chain = overnight.chain
    assert (chain.call, chain.gain) == ("survives", pytest.approx(0.028214))
    assert chain.low is not None
    assert chain.likely is not None
    assert chain.high is not None
    assert 0.02 < chain.low < chain.likely < chain.gain < chain.high
    assert chain.runs == 10


def test_about_half_of_its_steps_likely_do_nothing(overnight: Appraisal) -> None:
    assert overnight.idle is not None
    likely, low, high = overnight.idle
    assert 5 < low < likely < high < 16


def test_with_the_noise_stated_small_more_of_it_survives() -> None:
    log = AutoresearchReader().read(published())
    assert calls(appraise(log, 0.00005, guesses=False)).count("survives") > 12
    assert calls(appraise(log, 0.01, guesses=False)).count("survives") == 0


# -------------------------------------------------------------------------------------------------- planted truth


@pytest.mark.parametrize("seed", range(4))
def test_large_gains_survive_and_those_of_idle_ideas_do_not(seed: int) -> None:
    found = appraise(made(seed, size=60.0))
    assert found.noise.source == "repeats and tries"
    for step in found.steps:
        assert (step.call == "survives") == (step.gain > 30), step
    assert found.chain.call == "survives"


def test_where_nothing_works_nothing_survives_and_the_way_is_no_way() -> None:
    logs = [appraise(made(seed, tries=20, good=0.0), stated=1.0) for seed in range(8)]
    assert sum("survives" in calls(found) for found in logs) <= 1
    assert sum(found.chain.call == "survives" for found in logs) <= 1
    assert sum(found.idle[0] for found in logs if found.idle) > 0.8 * sum(len(found.steps) for found in logs)


@pytest.mark.slow
@pytest.mark.parametrize("stated", [None, 1.0])
def test_a_false_survivor_is_no_more_common_than_promised(stated: float | None) -> None:
    """300 logs where nothing works, with one change of seed; 5 % of logs may, with room for three standard errors."""
    found = [appraise(made(seed, tries=30, good=0.0), stated, guesses=False) for seed in range(300)]
    most = 300 * 0.05 + 3 * (300 * 0.05 * 0.95) ** 0.5
    assert sum("survives" in calls(one) for one in found) <= most
    assert sum(one.chain.call == "survives" for one in found) <= most


def test_the_verdicts_do_not_hang_on_the_guesses() -> None:
    log = made(5)
    plain, bare = appraise(log), appraise(log, guesses=False)
    assert calls(plain) == calls(bare)
    assert (bare.idle, bare.chain.likely, bare.steps[0].left) == (None, None, None)
    assert plain.idle is not None


def test_without_a_measure_of_noise_nothing_survives_and_each_step_says_what_it_would_need() -> None:
    log = made(0, tries=6, good=0.5, reseed=False)
    found = appraise(log)
    assert (found.noise.source, found.noise.sd, found.noise.high) == ("none", None, None)
    assert set(calls(found)) == {"cannot tell"}
    assert (found.chain.call, found.idle) == ("cannot tell", None)
    for step in found.steps:
        just, over = (appraise(log, step.bearable * factor, guesses=False) for factor in (0.999, 30.0))
        assert next(one for one in just.steps if one.name == step.name).call == "survives"
        assert next(one for one in over.steps if one.name == step.name).call == "could be noise"


def test_a_kept_change_of_seed_is_noise_whatever_it_gained() -> None:
    trials = (*made(1).trials, Trial("lucky", 0.0, "kept", "lucky", "", "random seed 2 to 3"))
    found = appraise(replace(made(1), trials=trials))
    assert found.steps[-1].seed_only
    assert (found.steps[-1].call, found.steps[-1].idle, found.steps[-1].runs) == ("could be noise", 1.0, None)


def test_what_was_kept_though_worse_is_no_gain() -> None:
    trials = (*made(2).trials, Trial("simpler", 1000.0, "kept", "simpler", "", "simplify"))
    found = appraise(replace(made(2), trials=trials))
    assert found.steps[-1].gain < 0
    assert found.steps[-1].call == "could be noise"
    assert found.steps[-1].bearable == 0.0


def seeded(rho: float, gain: float, variants: int = 6, seeds: int = 5) -> Log:
    rng = np.random.default_rng(4)
    shared = rho**0.5 * rng.standard_normal(seeds)
    trials = list[Trial]()
    for n in range(variants * seeds):
        variant, seed = divmod(n, seeds)
        score = -gain * (variant == 3) + shared[seed] + (1 - rho) ** 0.5 * rng.standard_normal()
        trials.append(Trial(f"run {n}", float(score), "", f"v{variant}", f"{seed}"))
    return Log("seeded", "test", "loss", "minimize", tuple(trials))


def test_several_seeds_measure_the_noise_and_common_ones_sharpen_the_eye() -> None:
    alone, together = appraise(seeded(0.0, 3.0)), appraise(seeded(0.9, 3.0))
    assert (alone.noise.source, together.noise.source) == ("repeats", "repeats")
    assert together.noise.correlation > 0.6
    assert together.needs[1] is not None
    assert alone.needs[1] is not None
    assert together.needs[1] < alone.needs[1]
    assert "survives" in calls(together)


def test_two_scores_are_enough_and_no_step_is_an_answer() -> None:
    two = Log("two", "test", "loss", "minimize", (Trial("a", 1.0), Trial("b", 2.0)))
    assert appraise(two).steps == ()
    assert appraise(two, 0.1).chain.gain == 0.0


# ------------------------------------------------------------------------------------------------------ invariants


@given(st.integers(0, 200), st.sampled_from([1e-4, 0.37, 8.0, 1e5]), st.sampled_from([-300.0, 0.0, 12.5]))
@settings(max_examples=15, deadline=None)
def test_neither_unit_nor_zero_nor_sign_changes_a_verdict(seed: int, scale: float, shift: float) -> None:
    log = made(seed, tries=20, size=4.0)
    plain = appraise(log, guesses=False)
    for sign, direction in ((1.0, "minimize"), (-1.0, "maximize")):
        moved = tuple(replace(t, score=sign * scale * ((t.score or 0.0) + shift)) for t in log.trials)
        found = appraise(replace(log, trials=moved, direction=direction), guesses=False)
        assert calls(found) == calls(plain)
        assert found.chain.call == plain.chain.call
        assert [step.gain for step in found.steps] == pytest.approx(
            [scale * step.gain for step in plain.steps], rel=1e-6
        )


@given(st.integers(0, 200), st.floats(0.05, 5.0), st.floats(1.0, 20.0))
@settings(max_examples=30, deadline=None)
def test_more_noise_never_makes_more_survive(seed: int, sd: float, factor: float) -> None:
    log = made(seed, tries=15, size=4.0)
    quiet, loud = (appraise(log, one, guesses=False) for one in (sd, sd * factor))
    assert all(RANK[b] <= RANK[a] for a, b in zip(calls(quiet), calls(loud), strict=True))
    assert RANK[loud.chain.call] <= RANK[quiet.chain.call]


@given(st.integers(0, 200), st.sampled_from([0.001, 0.01, 0.05]))
@settings(max_examples=20, deadline=None)
def test_a_stricter_level_never_makes_more_survive(seed: int, level: float) -> None:
    log = made(seed, tries=15, size=4.0)
    strict, loose = (appraise(log, level=one, guesses=False) for one in (level, 0.2))
    assert all(RANK[a] != 2 or RANK[b] == 2 for a, b in zip(calls(strict), calls(loose), strict=True))

"""What a log says of noise: which descriptions are repeats, and what repeats and seeds add up to."""

from __future__ import annotations

import math
from statistics import stdev

import numpy as np
import pytest

from pawl.repeats import configurations, idle, repeats
from pawl.trials import Decision, Log, Trial


def log(*trials: Trial) -> Log:
    return Log("test", "test", "loss", "minimize", trials)


def trial(score: float | None, decision: Decision = "discarded", words: str = "idea", **more: str) -> Trial:
    return Trial(more.pop("name", "t"), score, decision, words=words, **more)


@pytest.mark.parametrize(
    "words",
    ["random seed 42 to 137", "seed 7", "Seed=137", "try another seed", "change seed (noise check)", "re-run",
     "rerun of best",
     "baseline", "re-baseline", "repeat of the baseline", "noise check", "A/A test", "same code, again"],
)  # fmt: skip
def test_descriptions_of_repeats_are_known(words: str) -> None:
    assert idle(trial(1.0, words=words))


@pytest.mark.parametrize(
    "words",
    ["", "deeper", "repeat kv heads twice", "seed the embedding with PCA", "baseline with warmup",
     "same padding in conv", "rerun tokenizer with larger vocab", "replicate token shift", "lr 0.1, seed 3"],
)  # fmt: skip
def test_ideas_are_not_taken_for_repeats(words: str) -> None:
    assert not idle(trial(1.0, words=words))


def test_a_seed_change_is_held_against_what_was_kept_last() -> None:
    seen = repeats(
        configurations(log(trial(9.0, "kept"), trial(5.0, "kept"), trial(7.0), trial(5.3, words="random seed 1 to 2")))
    )
    assert (seen.freedom, seen.widest) == (1, pytest.approx(0.3))
    assert seen.sd == pytest.approx(0.3 / math.sqrt(2))


def test_a_baseline_measured_again_later_is_held_against_the_first() -> None:
    first = trial(9.0, "kept", "baseline")
    seen = repeats(configurations(log(first, trial(5.0, "kept"), trial(9.1, words="Baseline"))))
    assert seen.sd == pytest.approx(0.1 / math.sqrt(2))


def test_equal_variants_pool_their_spread() -> None:
    groups = {"a": [1.0, 1.2, 1.1], "b": [2.0, 2.4]}
    seen = repeats(configurations(log(*(trial(s, variant=v) for v, scores in groups.items() for s in scores))))
    wanted = math.sqrt((2 * stdev(groups["a"]) ** 2 + stdev(groups["b"]) ** 2) / 3)
    assert (seen.sd, seen.freedom, seen.correlation) == (pytest.approx(wanted), 3, 0.0)


def test_the_same_number_twice_measures_nothing() -> None:
    seen = repeats(configurations(log(trial(1.0, variant="a"), trial(1.0, variant="a"), trial(2.0, variant="b"))))
    assert (seen.freedom, seen.equal) == (0, True)


@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_runs_on_one_seed_tell_how_they_move_together(rho: float) -> None:
    rng = np.random.default_rng(2)
    shared, trials = rng.standard_normal(12), list[Trial]()
    for variant in range(30):
        for seed in range(12):
            own = rng.standard_normal()
            score = variant + math.sqrt(rho) * shared[seed] + math.sqrt(1 - rho) * own
            trials.append(trial(float(score), variant=f"{variant}", seed=f"{seed}"))
    seen = repeats(configurations(log(*trials)))
    sample = rho * float(np.var(shared, ddof=1)) / (rho * float(np.var(shared, ddof=1)) + 1 - rho)
    assert seen.correlation == pytest.approx(sample, abs=0.08)
    assert seen.freedom == (30 - 1) * (12 - 1)


def test_failures_are_in_no_configuration() -> None:
    assert len(configurations(log(trial(None, "crashed"), trial(1.0), trial(2.0)))) == 2

"""Can a search that asks again and again learn the sealed sets? Boosting attacks on Ladder and holdout.

Through the product's own arithmetic: `pawl.ladder.climb`, `pawl.broker.one_bit` and `pawl.broker.threshold`. In every
attack the truth is that nothing is gained, so that every claim above zero is false.

1. The boosting attack of Blum and Hardt (2015) on 4,000 rows with 500 submissions: whose reported error fell below one
   half is put into a majority vote, which is submitted last.
2. The same attacker against a holdout that answers 20 times with one bit.
3. An attacker who owns variants that are truly better, hides a random question in each of 19 of them, so that the
   answer hangs on it, and puts what the answers say into the last variant, which is not better at all.
4. What the Ladder costs Optuna's sampler, as the proposer `space` uses it, on a test function with noise.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Callable

import numpy as np
import optuna
from common import machine, spread, write
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.trial import TrialState
from scipy import stats

from pawl.broker import one_bit, threshold
from pawl.ladder import climb
from pawl.policy import HoldoutTable

ROWS, QUERIES, STEP = 4000, 500, 0.02
RULES = HoldoutTable()
Floats = NDArray[np.float64]
Draw = np.random.Generator


def wilson(hits: int, of: int) -> dict[str, object]:
    """A share with its 95 % interval."""
    low, high = stats.binomtest(hits, of).proportion_ci(method="wilson")
    return {"share": round(hits / of, 4), "low": round(low, 4), "high": round(high, 4), "n": of}


# -- 1: a leaderboard of scores -------------------------------------------------------------------------------------


def boosted(draw: Draw, release: Callable[[float, float, Floats], float]) -> float:
    """The drop in error that a leaderboard reports at the end; `release` is told best, error and mistakes."""
    labels = draw.integers(0, 2, ROWS)
    best, vote = 0.5, np.zeros(ROWS)
    for _ in range(QUERIES):
        guess = draw.integers(0, 2, ROWS)
        mistakes = (guess != labels).astype(np.float64)
        told = release(best, float(mistakes.mean()), mistakes)
        if told < (0.5 if release is naive else best):  # a Ladder tells only of what beats the best
            vote += 2 * guess - 1
        best = min(best, told)
    last = (np.where(vote == 0, draw.integers(0, 2, ROWS), vote > 0) != labels).astype(np.float64)
    return 0.5 - min(best, release(best, float(last.mean()), last))


def naive(best: float, error: float, mistakes: Floats) -> float:
    return error


def laddered(best: float, error: float, mistakes: Floats) -> float:
    return climb(best, error, STEP)


def free(best: float, error: float, mistakes: Floats) -> float:
    """Without a parameter: the step is the standard error of the difference between two independent guesses (the paper
    takes that of this guess and the best one, and rounds more finely)."""
    return climb(best, error, math.sqrt(0.5 / len(mistakes)))


# -- 2 and 3: a holdout of bits -------------------------------------------------------------------------------------


def bar(number: int, mode: str) -> float:
    return threshold(number, RULES.openings, mode, RULES.z, RULES.delta)  # type: ignore[arg-type]


def boosting_bits(draw: Draw, mode: str) -> bool:
    """Whether any of K openings about variants without gain says yes. Each variant is a new random direction and the
    opposite of all that were refused."""
    total = np.zeros(ROWS)
    for number in range(1, RULES.openings + 1):
        direction = draw.normal(size=ROWS)
        if one_bit(direction + total / math.sqrt(number), bar(number, mode)):
            return True
        total -= direction
    return False


def hidden_questions(draw: Draw, mode: str) -> bool:
    """Whether the last opening says yes to a variant that gains nothing. It is made of the random directions that were
    answered with yes, less those that were answered with no, in 19 variants whose true gain lies at the bar, where an
    answer says most about the direction hidden in it."""
    total = np.zeros(ROWS)
    for number in range(1, RULES.openings):
        direction = draw.normal(size=ROWS)  # how the hidden change happens to fall on these rows: its mean is noise
        gains = direction + bar(number, mode) / math.sqrt(ROWS)
        total += direction if one_bit(gains, bar(number, mode)) else -direction
    return one_bit(total, bar(RULES.openings, mode))


# -- 4: the price ---------------------------------------------------------------------------------------------------

SPACE: dict[str, BaseDistribution] = {f"x{n}": FloatDistribution(-1, 1) for n in range(4)}
WEIGHTS = np.array([1, 0.5, 0.25, 0.1])
NOISE = 0.03


def searched(seed: int, step: float, trials: int) -> float:
    """The true loss of what looks best after some trials; a step of 0 (in sds) shows the sampler every score."""
    draw = np.random.default_rng(seed)
    goal = draw.uniform(-0.6, 0.6, 4)

    def loss(params: dict[str, float]) -> float:
        return float(WEIGHTS @ (np.array(list(params.values())) - goal) ** 2)

    tried: list[dict[str, float]] = []
    scores: list[float] = []
    told: list[float] = []
    start = best = float(WEIGHTS @ (np.full(4, -0.5) - goal) ** 2)
    for number in range(trials):
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=8, multivariate=True, constant_liar=True, seed=seed * 1000 + number
        )
        study = optuna.create_study(sampler=sampler)
        shown = told if step else scores
        study.add_trials([
            optuna.create_trial(state=TrialState.COMPLETE, params=params, distributions=SPACE, value=value)
            for params, value in zip(tried, shown, strict=True)
        ])  # fmt: skip
        tried.append(study.ask(SPACE).params)
        scores.append(loss(tried[-1]) + NOISE * draw.standard_normal())
        before, best = best, climb(best, scores[-1], step * NOISE)
        told.append(best if best < before else start)
    return loss(tried[int(np.argmin(scores))])


def main(repetitions: int, bits: int, searches: int) -> None:
    before = machine()
    warnings.filterwarnings("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    figures: dict[str, object] = {}
    for rule in (naive, laddered, free):
        claimed = [boosted(np.random.default_rng(seed), rule) for seed in range(repetitions)]
        mean = round(float(np.mean(claimed)), 4)
        figures[f"claimed minus true, {rule.__name__}"] = {**spread(claimed), "mean": mean}
    for mode in ("standard", "adversarial"):
        for attack in (boosting_bits, hidden_questions):
            hits = sum(attack(np.random.default_rng((2, seed)), mode) for seed in range(bits))
            figures[f"false yes in a life, {attack.__name__}, {mode}"] = wilson(hits, bits)
        figures[f"bars, {mode}"] = [round(bar(k, mode), 2) for k in (1, 10, RULES.openings)]
    for step in (0.0, 0.25, 0.5, 1.0):
        for trials in (40, 60):
            found = [searched(seed, step, trials) for seed in range(searches)]
            figures[f"true loss after {trials} trials, ladder {step}"] = spread(found)
    about = {"rows": ROWS, "queries": QUERIES, "ladder step": STEP, "openings": RULES.openings}
    target = "claimed minus true <= .02 through the Ladder; a false yes in at most .05 of lives"
    write("holdout", {**about, **figures}, before, f"The truth is 0 in all attacks. Targets: {target}.")


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--repetitions", type=int, default=50)
    asked.add_argument("--bits", type=int, default=2000)
    asked.add_argument("--searches", type=int, default=30)
    main(**vars(asked.parse_args()))

"""What a race on common seeds says about an idea, given all the races before it. Pure arithmetic on numbers.

The model. A run of variant v on seed s scores  level(v) + luck(s) + rest,  the rest independent for each run, the luck
of a seed shared by all who run on it. An idea moves the head's level by an effect that is drawn from an unknown law of
effects. From the scores alone we learn, all at once, the level of the head (whose own run may have been lucky: the
winner's curse), the luck of the common seeds, and the law of effects, as an empirical Bayesian does (Robbins 1956;
Efron and Morris 1973): counts of kinds of effects, to which each idea adds its posterior. Levels and lucks are
jointly Gaussian given the effect, and are brought back to one Gaussian after each idea (assumed-density filtering,
Maybeck 1982).

A challenger that is expected to be better is accepted. It runs on one more seed if what that run may change is worth
more than a run spent on the next idea is expected to bring (the value of information, Howard 1966).

Scores are oriented so that higher is better. The unit inside is the sd of one run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIZES = np.array([0.12, 0.25, 0.5, 0.8, 1.2, 1.8, 2.6, 4.0, 7.0, 12.0, 25.0, 60.0, 150.0, 400.0])
CENTRES: Floats = np.concatenate([-SIZES[::-1], [0.0], SIZES])
WIDTHS: Floats = np.abs(CENTRES) / 4
"""The law of effects is a mixture of Gaussians with these centres and sds, in sd of one run: most ideas do little, few
do much, and what does very much is found too."""
WEIGHT = 30.0
"""How many ideas the law of effects that we start from is worth; it is soon forgotten."""
MEMORY = 0.99
"""What each idea leaves of the counts before it: good ideas become rarer while the head gets better."""
FLOOR = 0.25
"""The share of the first counts that is never forgotten: after a long dry spell a good idea is still possible."""
LEAST_LIKELY = 1e-200
"""Nothing is ever ruled out to the last bit: logarithms are taken."""
OUTLIERS, WIDE = 0.02, 4.0
"""The share of runs that are this many times as far off as the Gaussian says: a run that went wrong must not teach."""
LEAST_PRICE = 0.015
"""What a run is worth at least, in sd of one run: where ideas bring nothing, second looks at them bring nothing too."""
PAIRS_FIRST = 6
"""Ideas that run on two seeds in any case: the difference of two seeds' scores is free of effects, and shows how much
of the noise the seeds share."""
NEAR = 8.0
"""The expected effect, in sd of one run, up to which a challenger tells of the noise: what diverges scatters widely,
and says nothing of programs as good as the head."""
TINY = 1e-18
"""The least variance, as a share of the squared score: where the seed changes nothing, rounding is all there is."""
GUESSED_SHARE, GUESS_WORTH = 0.5, 3.0
"""The share of the noise that seeds share before anything was seen, and how many differences that guess is worth."""
_POINTS, _MASS = np.polynomial.hermite_e.hermegauss(9)
_MASS = _MASS / _MASS.sum()


def variance(values: Sequence[float]) -> float:
    """The sample variance. The library's exact one takes a hundred times as long."""
    return float(np.var(values, ddof=1))


def first_law() -> Floats:
    """The law of effects before any idea was seen: half do nothing, most others harm, one in eight helps."""
    harms, helps = 1 / (1 + SIZES[::-1]) ** 1.5, 1 / (1 + SIZES) ** 2.5
    return np.concatenate([0.38 * harms / harms.sum(), [0.5], 0.12 * helps / helps.sum()])


@dataclass(slots=True)
class Spread:
    """How much of the noise is a run's own. `total` is the variance of one run over seeds; `own` sums squared
    deviations, with `freedom`, of differences in which the shared part cancels."""

    total: float
    own: float
    freedom: float
    met: list[float] = field(default_factory=list)

    @classmethod
    def guessed(cls, total: float) -> Spread:
        return cls(total, GUESS_WORTH * total * (1 - GUESSED_SHARE), GUESS_WORTH)

    def differences(self, found: Sequence[float]) -> None:
        """Differences of two runs' scores, alike but for noise and a constant: each has twice the variance."""
        if len(found) > 1:
            self.own += variance(found) * (len(found) - 1) / 2
            self.freedom += len(found) - 1

    def rest(self) -> float:
        """The variance that a run does not share with others on its seed."""
        own, freedom = self.own, self.freedom
        if len(self.met) > 1:
            own, freedom = own + variance(self.met) * (len(self.met) - 1) / 2, freedom + len(self.met) - 1
        return own / freedom

    def shared(self) -> float:
        """The variance that runs on one seed share; never quite 0, so that no seed is ever taken for granted."""
        return max(self.total - self.rest(), 0.02 * self.total)

    @property
    def seen(self) -> int:
        """How many differences were seen, less one for each group of seeds."""
        return round(self.freedom - GUESS_WORTH) + max(len(self.met) - 1, 0)

    def correlation(self, sd: float) -> float:
        """That of two variants' runs on one seed, where one run's sd is `sd`; clipped to [0, .95], because it sets the
        scale of bets, and a scale near zero would bet everything on rounding."""
        return min(max(1 - self.rest() / sd**2, 0.0), 0.95) if sd > 0 else 0.0

    def new_seeds(self) -> None:
        """Differences met so far were of seeds that are raced on no more."""
        self.differences(self.met)
        self.met.clear()


@dataclass(slots=True)
class Belief:
    """What is known of the head, `seeds` common seeds and the ideas. The state is (level, luck of each seed).

    `gain` and `doubt` are the expected gain of the head over the reference and its variance, in the metric's unit."""

    seeds: int
    spread: Spread
    mean: Floats
    cov: Floats
    counts: Floats
    gain: float = 0.0
    doubt: float = 0.0

    @classmethod
    def start(cls, scores: Sequence[float], others: Sequence[float]) -> Belief:
        """From the reference's scores on the common seeds, and on other seeds; at least three in all."""
        spread = Spread.guessed(max(variance([*scores, *others]), TINY * fmean([*scores, *others]) ** 2, TINY**2))
        size = len(scores) + 1
        found = cls(len(scores), spread, np.zeros(size), np.zeros((size, size)), WEIGHT * first_law())
        found.begin(scores, others)
        return found

    def begin(self, scores: Sequence[float], others: Sequence[float]) -> None:
        """The head is the reference, with these scores on new common seeds and on other seeds."""
        self.spread.new_seeds()
        self.gain = self.doubt = 0.0
        self.seeds = len(scores)
        self._unknown(0.0, 1e6 * (self.spread.total + fmean([*scores, *others]) ** 2))
        for score in others:
            self._look(self._sum_of(), score, self.spread.total)
        for seed, score in enumerate(scores):
            self.observe(seed, score)

    def copy(self) -> Belief:
        """One that races may go on from without changing this one; arrays are never changed in place."""
        return replace(self, spread=replace(self.spread, met=list(self.spread.met)))

    @property
    def sd(self) -> float:
        """The sd of one run, the unit of effects."""
        return math.sqrt(self.spread.total)

    @property
    def scale(self) -> float:
        """The sd of a paired difference, in the metric's unit."""
        return math.sqrt(2 * self.spread.rest())

    def redraw(self, seeds: int) -> None:
        """The common seeds are new ones, of which nothing is known."""
        self.spread.new_seeds()
        self.seeds = seeds
        self._unknown(float(self.mean[0]), float(self.cov[0, 0]))

    def observe(self, seed: int, score: float) -> None:
        """A score of the head itself on a common seed."""
        self._look(self._sum_of(seed), score, self.spread.rest())

    def _unknown(self, level: float, doubt: float) -> None:
        """A level known with variance `doubt`, and seeds of which nothing is known."""
        self.mean, self.cov = np.zeros(self.seeds + 1), self.spread.shared() * np.eye(self.seeds + 1)
        self.mean[0], self.cov[0, 0] = level, doubt

    def _sum_of(self, *seeds: int) -> Floats:
        """What a score is the sum of: the level, and the luck of these seeds."""
        found = np.zeros(self.seeds + 1)
        found[[0, *(seed + 1 for seed in seeds)]] = 1.0
        return found

    def _look(self, look: Floats, score: float, noise: float) -> None:
        """Kalman's update."""
        moved = self.cov @ look
        doubt = float(look @ moved) + noise
        self.mean = self.mean + moved / doubt * (score - float(look @ self.mean))
        self.cov = self.cov - np.outer(moved, moved) / doubt

    def meet(self, behind: float = 0.0) -> Race:
        """A challenger whose parent is expected to be `behind` the head."""
        kinds, sd = len(CENTRES), self.sd
        means = np.concatenate([(CENTRES * sd - behind)[:, None], np.tile(self.mean, (kinds, 1))], axis=1)
        covs = np.zeros((kinds, self.seeds + 2, self.seeds + 2))
        covs[:, 0, 0] = (WIDTHS * sd) ** 2
        covs[:, 1:, 1:] = self.cov
        return Race(self, self.counts / self.counts.sum(), means, covs)

    def price(self) -> float:
        """What a run on the next idea is expected to bring, in the metric's unit: the best answer to one look at it."""
        return max(self.meet().worth(), LEAST_PRICE * self.sd)


@dataclass(slots=True)
class Race:
    """One challenger: how likely each kind of effect is by now, and where effect, level and lucks are for each kind."""

    belief: Belief
    weights: Floats
    means: Floats
    covs: Floats
    scores: list[float] = field(default_factory=list)

    @property
    def gain(self) -> float:
        """The expected gain over the head, in the metric's unit."""
        return float(self.weights @ self.means[:, 0])

    @property
    def near(self) -> bool:
        """Whether it is so much like the head that its runs scatter as the head's do."""
        return abs(self.gain) <= NEAR * self.belief.sd

    def see(self, score: float) -> None:
        """The challenger's score on the next common seed."""
        centres, variances, pulls = self._next()
        missed = score - centres
        log = -0.5 * missed**2 / variances
        wide = np.log(OUTLIERS / WIDE) + log / WIDE**2
        log = np.logaddexp(np.log(1 - OUTLIERS) + log, wide) - 0.5 * np.log(variances) + np.log(self.weights)
        self.weights = np.maximum(np.exp(log - log.max()), LEAST_LIKELY)
        self.weights /= self.weights.sum()
        self.means = self.means + missed[:, None] * pulls
        self.covs = self.covs - variances[:, None, None] * pulls[:, :, None] * pulls[:, None, :]
        self.scores.append(score)

    def another(self) -> bool:
        """Whether one more run of this challenger is worth more than a run of the next one."""
        seen, spread = len(self.scores), self.belief.spread
        if seen >= self.belief.seeds:
            return False
        if seen == 1 and spread.seen < PAIRS_FIRST - 1 and self.near:
            return True
        return self.worth() - max(self.gain, 0.0) > self.belief.price()

    def worth(self) -> float:
        """E[max(0, expected gain)] after one more score."""
        centres, variances, pulls = self._next()
        scores = (centres[:, None] + np.sqrt(variances)[:, None] * _POINTS[None, :]).ravel()
        mass = (self.weights[:, None] * _MASS[None, :]).ravel()
        matter = mass > 1e-6
        scores, mass = scores[matter], mass[matter]
        missed = scores[:, None] - centres[None, :]
        log = np.log(self.weights) - 0.5 * np.log(variances) - 0.5 * missed**2 / variances
        likely = np.exp(log - log.max(axis=1, keepdims=True))
        expected = (likely * (self.means[:, 0] + missed * pulls[:, 0])).sum(axis=1) / likely.sum(axis=1)
        return float((mass * np.maximum(expected, 0.0)).sum() / mass.sum())

    def settle(self, accepted: bool) -> None:
        """The belief after this challenger, which is the new head if it was accepted."""
        belief, gain = self.belief, self.gain
        means, covs = self.means[:, 1:].copy(), self.covs[:, 1:, 1:].copy()
        if accepted:
            belief.gain += gain
            belief.doubt += float(self.weights @ (self.covs[:, 0, 0] + (self.means[:, 0] - gain) ** 2))
            means[:, 0] += self.means[:, 0]
            covs[:, 0, :] += self.covs[:, 0, 1:]
            covs[:, :, 0] += self.covs[:, 1:, 0]
            covs[:, 0, 0] += self.covs[:, 0, 0]
        belief.mean = self.weights @ means
        off = means - belief.mean
        belief.cov = np.tensordot(self.weights, covs, axes=1) + (off.T * self.weights) @ off
        if len(self.scores) > 1 and self.near:
            belief.spread.met.append(self.scores[0] - self.scores[1])
        belief.counts = np.maximum(MEMORY * belief.counts + self.weights, FLOOR * WEIGHT * first_law())

    def _next(self) -> tuple[Floats, Floats, Floats]:
        """Of the next score, for each kind: its mean, its variance, and how far each surprise moves the state."""
        look = np.zeros(self.belief.seeds + 2)
        look[0] = look[1] = look[min(len(self.scores), self.belief.seeds - 1) + 2] = 1.0
        moved = self.covs @ look
        variances = moved @ look + self.belief.spread.rest()
        return self.means @ look, variances, moved / variances[:, None]

"""How much an earlier study has to say in this one: how well its gains rank this study's own trials.

As in two-stage surrogates and RGPE (Wistuba, Schilling and Schmidt-Thieme, "Two-stage transfer surrogate model for
automatic hyperparameter optimization", 2016; Feurer, Letham and Bakshy, "Scalable meta-learning for Bayesian
optimization", 2018), an earlier study counts by how well it ranks this study's own configurations, and one that does no
better than chance has no say: nothing is lost to a misleading past but a few first tries. Ranks make other metrics,
scales and units comparable. They count pairs; here it is a rank correlation, whose chance is known exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pawl.past import Past, PastTrial, Range

LENGTH = 0.25
"""How far a trial tells of others: in shares of a constant's range, root mean square over the constants."""
HOPE, FAITH = 0.5, 6
"""What a study that nothing speaks for or against is taken to be worth, and how many own trials that weighs: enough to
outlive one first try that fails, and not two."""
SURE = NormalDist().inv_cdf(0.95)
"""Standard errors that chance is given: one-sided 95 %."""
UNTOLD = -1e-6
"""The gain of what the Ladder says no more of than that it is no better."""

Numbers = NDArray[np.float64]


def similarity(past: Past, own: Sequence[PastTrial], space: Mapping[str, Range]) -> float:
    """The say of an earlier study, 0 (none) to 1. `space` is this study's, `own` are its trials with all of its
    constants.

    Before there are own trials it is HOPE times the share of this study's constants that match. Then it is the mean,
    weighted by FAITH and by the number of own trials, of that and of a lower 95 % bound of the rank correlation between
    the gains that it foretells and the own ones; 0 where that is negative."""
    keys, known = past.matching(space), past.within(space)
    if not keys or len(known) < 2:
        return 0.0
    hope = HOPE * len(keys) / len(space)
    mine = [trial for trial in own if all(space[key].holds(trial.parameters.get(key, "")) for key in keys)]
    if len(mine) < 2:
        return hope
    foretold = foretell(known, mine, {key: space[key] for key in keys})
    rank, error = correlation(foretold, np.array([_gain(trial) for trial in mine]))
    trials = 0 if error == 0 else len(mine) - 1  # beside the first, which is only compared with
    return min(max((FAITH * hope + trials * (rank - SURE * error)) / (FAITH + trials), 0.0), 1.0)


def foretell(known: Sequence[PastTrial], others: Sequence[PastTrial], space: Mapping[str, Range]) -> Numbers:
    """What `known` trials say of the gains of others, in normal scores (sds of what is known, by rank: robust against
    wild losses; Salinas, Shen and Perrone, "A quantile-based approach for hyperparameter transfer learning", 2020).

    It is the mean of a Gaussian process with a Gaussian kernel of LENGTH and the noise of one run, for constants of
    `space`, which must hold all values."""
    gains = np.array([_gain(trial) for trial in known])
    scores = _normal(gains)
    spread = float(np.subtract(*np.percentile(gains, [75, 25]))) / 1.349  # the sd, if wild ones are left aside
    noise = 1.0 / max(spread**2, 1.0) / np.array([trial.runs for trial in known])
    weights = np.linalg.solve(_kernel(known, known, space) + np.diag(noise + 1e-6), scores - scores.mean())
    found: Numbers = _kernel(others, known, space) @ weights
    return np.round(found, 9)  # what is the same but for how it was summed up is the same


def _gain(trial: PastTrial) -> float:
    return trial.gain if trial.better else UNTOLD


def _kernel(some: Sequence[PastTrial], others: Sequence[PastTrial], space: Mapping[str, Range]) -> Numbers:
    """How alike trials are, 0 to 1: len(some) x len(others)."""
    apart = np.zeros((len(some), len(others)))
    for key, known in space.items():
        left, right = (
            np.array([known.place(trial.parameters[key]) for trial in trials])[:, None] for trials in (some, others)
        )
        apart += left != right.T if known.type == "categorical" else (left - right.T) ** 2
    found: Numbers = np.exp(-apart / len(space) / (2 * LENGTH**2))
    return found


def _normal(values: Numbers) -> Numbers:
    """Normal scores by rank (van der Waerden's), ties at their mean rank."""
    ranks = np.array([(values < value).sum() + ((values == value).sum() + 1) / 2 for value in values])
    return np.array([NormalDist().inv_cdf(rank / (len(values) + 1)) for rank in ranks])


def correlation(foretold: Numbers, seen: Numbers) -> tuple[float, float]:
    """The correlation, -1 to 1, of what was foretold with the normal scores of what was seen; and its standard error
    where there is no relation, which is 1 / sqrt(n - 1) whatever the values and ties (Pitman, "Significance tests which
    may be applied to samples from any populations II", 1937). Both are 0 where one of them is all the same.

    What was foretold to be nearly alike hardly counts, as it would in counts of pairs: the best that a study suggests
    lies close together, and in which order it fails says nothing."""
    scores = _normal(seen)
    if np.ptp(foretold) == 0 or np.ptp(scores) == 0:
        return 0.0, 0.0
    return float(np.corrcoef(foretold, scores)[0, 1]), 1 / math.sqrt(len(seen) - 1)

"""How large is the gain, once a test has stopped? The plain mean leans to the side on which the test stops early.

The median-unbiased estimate is the m that the data speak as much for as against. Paths are ordered by how early and
how they ended, and by their mean gain up to there (Tsiatis, Rosner and Mehta, "Exact confidence intervals following a
group sequential test", 1984), which needs nothing that would have come after the stop. Instead of a normal model, the
other paths are those in which signs of the residuals D - m are exchanged (signs as in Efron 1969): under symmetry
around m they were as likely.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pawl.evidence import FAR, Betting, Stop, edge

PATTERNS = 256
"""Sign patterns to compare with: all of them up to eight pairs, this many beyond."""

TIE = 1e-9
"""Difference of two means, in scales of the test, below which they are equal, but for rounding."""

BEYOND = 1e6
"""What a pair that one arm won by failing of the other counts for in a mean, in scales of the test."""

Floats = NDArray[np.float64]


def estimate(gains: Sequence[float], test: Betting, stop: Stop) -> float | None:
    """The median-unbiased estimate of the gain (in its unit) from the gains up to the pair at which `stop` ended the
    test; None where no gain is finite.

    Between the m below which fewer, and above which more, of the exchanged paths end better than the real one did."""
    finite = [gain for gain in gains if math.isfinite(gain)]
    if not finite:
        return None
    reach = max(finite) - min(finite) + 4 * test.scale
    return edge(
        lambda m: _balance(gains, m, test, stop) < 0, min(finite) - reach, max(finite) + reach,
        max(test.scale, 1e-9 * reach) * 1e-6,
    )  # fmt: skip


def _balance(gains: Sequence[float], m: float, test: Betting, stop: Stop) -> int:
    """How many more of the exchanged paths end better than the real one, than end worse."""
    real, turned = (
        np.array([test.factors(gain) for gain in some]).T for some in (gains, [2 * m - gain for gain in gains])
    )
    same = _patterns(len(gains))
    rank, last = _ends(np.where(same, real[:, None, :], turned[:, None, :]), np.array(test.factors(math.inf)), stop)
    far = BEYOND * (test.scale or 1.0)
    known = np.nan_to_num(np.array(gains), nan=m, posinf=m + far, neginf=m - far)
    sums = np.cumsum(np.where(same, known, 2 * m - known), axis=1)
    mean = sums[np.arange(len(rank)), last] / (last + 1)
    tied = np.abs(mean - mean[0]) <= TIE * (test.scale or abs(m) or 1.0)
    better = (rank > rank[0]) | ((rank == rank[0]) & (mean > mean[0]) & ~tied)
    worse = (rank < rank[0]) | ((rank == rank[0]) & (mean < mean[0]) & ~tied)
    return int(better.sum()) - int(worse.sum())


def _ends(paths: Floats, most: Floats, stop: Stop) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How each path (factors by gambler, path and pair) ends: its rank (positive certified, negative futile, farther
    from zero the earlier; 0 where it goes on or pairs are used up) and at which pair, from 0. The rule is that of
    `Stop.ending`."""
    gamblers, rows, count = paths.shape
    left = stop.pairs - np.arange(1, count + 1)
    with np.errstate(over="ignore"):
        held = np.cumprod(paths, axis=2)
        best = (held * (most[:, None] ** np.clip(left, 0, FAR))[:, None, :]).sum(axis=0) / gamblers
    e = held.sum(axis=0) / gamblers
    certified = e >= stop.bar
    futile = ~certified & (left > 0) & ((e < stop.futility) | (best < stop.bar))
    ended = certified | futile
    ended[:, -1] = True
    first, each = ended.argmax(axis=1), np.arange(rows)
    way = certified[each, first].astype(np.int64) - futile[each, first].astype(np.int64)
    return way * (count - first), first


@lru_cache(maxsize=64)
def _patterns(count: int) -> NDArray[np.bool_]:
    """Which residuals keep their sign, a row for each path, the real one first. A fixed choice with its mirror images
    where there are too many, so that whoever does it again finds the same."""
    if 2**count <= PATTERNS:
        return np.array(list(itertools.product((True, False), repeat=count)))
    toss = random.Random(0)
    rows = [[True] * count, *([toss.random() < 0.5 for _ in range(count)] for _ in range(PATTERNS // 2 - 1))]
    return np.array([*rows, *([not kept for kept in row] for row in rows)])

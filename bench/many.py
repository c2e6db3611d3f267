"""The evidence of many sequences at once: the arithmetic of `pawl.evidence`, in numpy. `check` holds it against the
product's own, and so does tests/test_many.py."""

from __future__ import annotations

from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from pawl.evidence import STAKE, Betting, ClippedMean, SignFlip

Floats = NDArray[np.float64]


def evidence(test: Betting, gains: Floats) -> Floats:
    """E after each pair (column) of each sequence (row)."""
    found = np.zeros(gains.shape)
    bets = list(_bets(test, np.nan_to_num(gains, nan=0.0, posinf=np.inf, neginf=-np.inf)))
    for bet in bets:
        found += np.exp(np.cumsum(np.log1p(bet), axis=1)) / len(bets)
    return found


def _bets(test: Betting, gains: Floats) -> list[Floats]:
    """What each gambler wins or loses of its wealth."""
    stretch = gains / test.scale
    if isinstance(test, SignFlip):
        return [STAKE * np.tanh(size * stretch) for size in test.lambdas]
    assert isinstance(test, ClippedMean)
    return [stake * np.clip(stretch / test.clip, -1, 1) for stake in test.stakes]


def check(test: Betting, gains: Floats) -> None:
    """Raise unless the product's own arithmetic gives the same for some of the sequences."""
    for row, e in zip(gains[:25].tolist(), evidence(test, gains[:25]), strict=True):
        own = [fmean(held) for held in test.wealth(row)]
        assert np.allclose(own, e, rtol=1e-9, atol=1e-12), (own, e)

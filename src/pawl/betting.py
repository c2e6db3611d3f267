"""How many fresh pairs would Pawl's own certificate need for a gain of a given size? By simulation, always the same."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from pawl.evidence import STAKE, SignFlip, threshold
from pawl.luck import Floats

ALPHA = 0.10
MOST_PAIRS = 200
REPETITIONS = 600
OFTEN = 0.8
"""Of certificates of a true gain of this size, so many have come by then."""


def pairs_needed(ratio: float) -> int | None:
    """Pairs after which 8 of 10 first certificates (e-LOND, step 1, alpha .10) are won, for a true gain of `ratio` sd
    of a paired difference; None: more than MOST_PAIRS. Ratios are taken to two digits."""
    if ratio <= 0 or not math.isfinite(ratio):
        return None if ratio <= 0 else _simulated(100.0)
    return _simulated(min(float(f"{ratio:.1e}"), 100.0))


@cache
def _simulated(ratio: float) -> int | None:
    gains = _standard() + ratio
    wealth = sum(np.exp(np.minimum(_logs(gains, size), 700.0)) for size in SignFlip(1.0).lambdas)
    won = np.maximum.accumulate(wealth / len(SignFlip(1.0).lambdas), axis=1) >= threshold(1, 0, ALPHA)
    share = won.mean(axis=0)
    return int(np.argmax(share >= OFTEN)) + 1 if share[-1] >= OFTEN else None


@cache
def _standard() -> Floats:
    return np.random.default_rng(1).standard_normal((REPETITIONS, MOST_PAIRS))


def _logs(gains: Floats, size: float) -> Floats:
    return np.asarray(np.cumsum(np.log1p(STAKE * np.tanh(size * np.abs(gains)) * np.sign(gains)), axis=1))

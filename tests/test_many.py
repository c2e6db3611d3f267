"""The arithmetic that benches use for many sequences at once is the product's."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from pawl.evidence import Betting, ClippedMean, SignFlip

MANY = runpy.run_path(str(Path(__file__).parents[1] / "bench" / "many.py"))


@pytest.mark.parametrize(
    "test", [SignFlip(0.3), SignFlip(1.0, (0.7,)), ClippedMean(1.0), ClippedMean(0.2, (0.9,), 1.5)]
)
def test_the_arithmetic_for_many_is_that_for_one(test: Betting) -> None:
    gains = np.random.default_rng(1).standard_t(3, (25, 30))
    gains[::3, 4], gains[::4, 7], gains[::5, 9], gains[::6, 11] = np.inf, -np.inf, np.nan, 0.0
    MANY["check"](test, gains)
    assert MANY["evidence"](test, gains).shape == gains.shape


def test_a_difference_is_noticed() -> None:
    gains = np.random.default_rng(1).standard_normal((25, 30))

    class Other(SignFlip):
        def factors(self, gain: float) -> tuple[float, ...]:
            return (1.0 + 1e-6,) * 4

    with pytest.raises(AssertionError):
        MANY["check"](Other(1.0), gains)

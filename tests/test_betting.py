"""The forecast of runs against the certificate's own arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pawl.betting import MOST_PAIRS, pairs_needed
from pawl.evidence import SignFlip, threshold


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_so_many_pairs_certify_eight_of_ten(ratio: float) -> None:
    """On other gains than those of the forecast, with `SignFlip` itself."""
    pairs = pairs_needed(ratio)
    assert pairs is not None
    rng, bar, won = np.random.default_rng(99), threshold(1, 0, 0.10), 0
    for _ in range(200):
        gains = (rng.standard_normal(pairs) + ratio).tolist()
        won += any(SignFlip(1.0).e_value(gains[: n + 1]) >= bar for n in range(pairs))
    assert 0.7 <= won / 200 <= 0.95


def test_a_larger_gain_needs_no_more_pairs_and_there_is_an_end() -> None:
    needed = [pairs_needed(ratio) for ratio in (0.3, 0.5, 1.0, 2.0, 5.0, 1e9, math.inf)]
    numbers = [MOST_PAIRS + 1 if pairs is None else pairs for pairs in needed]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] == 5  # 1.98 ^ 4 is below 20.6: four signs can never be enough
    assert [pairs_needed(ratio) for ratio in (0.0, -1.0, 0.01)] == [None, None, None]

"""Several claims on the same seeds: which may be made, and what that costs."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.claims import Claim, Rules, Score, cost, decide, e_bh, mean, paced
from pawl.evidence import SignFlip

RULES = Rules(pairs=20, alpha=0.1, futility=0.15)


class Table:
    """Arms with known scores, which count how often they were asked."""

    def __init__(self, **rows: Sequence[Score]) -> None:
        self.rows = rows
        self.asked: set[tuple[str, int]] = set()

    def scores(self, arms: Sequence[str], seeds: Sequence[int]) -> list[list[Score]]:
        self.asked |= {(arm, seed) for arm in arms for seed in seeds}
        return [[self.rows[arm][seed] for seed in seeds] for arm in arms]


def worse(other: str, family: str = "worse") -> Claim[str]:
    return Claim(family, "base", other, SignFlip(1.0).e_value)


def test_e_bh_makes_the_k_best_where_each_reaches_m_over_alpha_k() -> None:
    assert e_bh([100.0, 0.0, 0.0, 0.0], 0.1) == 40.0
    assert e_bh([20.0, 20.0, 0.0, 0.0], 0.1) == 20.0
    assert e_bh([10.0] * 4, 0.1) == 10.0
    assert e_bh([9.9] * 4, 0.1) == 40.0


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30), st.floats(0.01, 0.5))
def test_the_bar_of_e_bh_is_the_definition_s(e_values: list[float], alpha: float) -> None:
    m = len(e_values)
    best = max((k for k in range(1, m + 1) if sum(e >= m / (alpha * k) for e in e_values) >= k), default=0)
    assert e_bh(e_values, alpha) == m / (alpha * max(best, 1))


def test_a_clear_loss_is_claimed_and_a_gain_is_given_up_without_running_it_to_the_end() -> None:
    table = Table(base=[0.0] * 20, lost=[-3.0] * 20, won=[3.0] * 20)
    claims = [worse("lost"), worse("won")]
    decide(claims, range(20), table, RULES)
    assert [claim.made for claim in claims] == [True, False]
    assert len(claims[1].costs) < 5
    assert ("lost", 19) not in table.asked


def test_where_many_are_true_each_needs_less() -> None:
    alone, many = [worse("lost")], [worse("lost") for _ in range(8)]
    table = Table(base=[0.0] * 20, lost=[-3.0] * 20)
    decide(alone, range(20), table, RULES)
    decide(many, range(20), table, RULES)
    assert all(claim.made for claim in many)
    assert many[0].threshold == alone[0].threshold == pytest.approx(10)
    assert len(many[0].costs) == len(alone[0].costs)


def test_families_are_judged_apart() -> None:
    table = Table(base=[0.0] * 20, lost=[-3.0] * 20, same=[0.0] * 20)
    claims = [worse("lost", "one"), *(worse("same", "other") for _ in range(50))]
    decide(claims, range(20), table, RULES)
    assert claims[0].threshold == pytest.approx(10)


def test_who_fails_alone_lost_infinitely() -> None:
    assert cost(1.0, None) == math.inf
    assert cost(None, 1.0) == -math.inf
    assert cost(None, None) == 0.0
    assert mean([math.inf, 1.0, 3.0]) == 2.0
    assert mean([math.inf]) is None


def test_paced_costs_forget_their_unit_and_keep_their_signs() -> None:
    costs = [0.5, -1.0, 0.0, 2.0, math.inf, -0.3]
    found = paced(costs)
    assert found == pytest.approx(paced([1000 * one for one in costs]))
    assert [math.copysign(1, one) for one in found if one] == [1, -1, 1, 1, -1]
    assert paced([0.0, 0.0]) == [0.0, 0.0]


def test_paced_bets_are_fair_where_signs_are_coins_whatever_the_sizes() -> None:
    """The e-value's mean over all sign patterns is 1: exactly, not by simulation."""
    sizes, test = [0.1, 5.0, 0.4, 2.0, 30.0, 1.0, 0.2, 0.9], SignFlip(1.0)
    total = sum(
        test.e_value(paced([size if n >> i & 1 else -size for i, size in enumerate(sizes)]))
        for n in range(2 ** len(sizes))
    )
    assert total / 2 ** len(sizes) == pytest.approx(1)


def test_where_nothing_is_worse_claims_are_rarely_made() -> None:
    draw, false = random.Random(7), 0
    for _ in range(300):
        rows = {name: [draw.gauss(0, 1) for _ in range(20)] for name in ("base", "a", "b", "c", "d")}
        claims = [worse(name) for name in "abcd"]
        decide(claims, range(20), Table(**rows), RULES)
        false += any(claim.made for claim in claims)
    assert false <= 0.1 * 300

"""Which changes are on in which run, and what the scores say of each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.proposers.factorial import EXPECTED, SPREAD, Scored, design, effects, resolution, size

SIZES = [(factors, runs) for factors in range(2, 16) for runs in (4, 8, 16) if size(factors, runs)]


def signs(factors: int, runs: int) -> list[tuple[int, ...]]:
    """+1 where a factor is on, -1 where it is off; the run without any among them, if the design has it."""
    on = design(factors, runs)
    rows = [tuple(1 if n in row else -1 for n in range(factors)) for row in on]
    return rows + [(-1,) * factors] * (runs - len(rows))


def test_a_design_has_as_few_runs_as_keep_effects_apart_from_pairs() -> None:
    assert [size(factors, 16) for factors in (2, 3, 4, 5, 8, 9, 15, 16)] == [4, 8, 8, 16, 16, 16, 16, 0]
    assert [size(factors, 4) for factors in (2, 3, 4)] == [4, 4, 0]
    assert (size(3, 7), size(2, 3)) == (4, 0)
    assert [resolution(factors, 8) for factors in (3, 4, 5)] == ["full", "IV", "III"]


@pytest.mark.parametrize(("factors", "most"), SIZES)
def test_every_factor_is_on_in_half_of_the_runs_and_any_two_are_independent(factors: int, most: int) -> None:
    rows = signs(factors, size(factors, most))
    assert len(rows) == size(factors, most)
    columns = list(zip(*rows, strict=True))
    assert all(sum(column) == 0 for column in columns)
    assert all(sum(a * b for a, b in zip(*two, strict=True)) == 0 for two in combinations(columns, 2))


@pytest.mark.parametrize(("factors", "most"), SIZES)
def test_what_resolution_means(factors: int, most: int) -> None:
    """Of IV: no pair of factors moves with a third one."""
    runs = size(factors, most)
    columns = list(zip(*signs(factors, runs), strict=True))
    clear = all(sum(a * b * c for a, b, c in zip(*three, strict=True)) == 0 for three in combinations(columns, 3))
    assert clear == (resolution(factors, runs) != "III" or factors < 3)


@pytest.mark.parametrize(("factors", "most"), [one for one in SIZES if one[0] * 2 <= size(*one)])
def test_with_resolution_iv_all_are_on_first_and_none_is_on_in_the_head(factors: int, most: int) -> None:
    rows = design(factors, size(factors, most))
    assert rows[0] == tuple(range(factors))
    assert len(rows) <= size(factors, most) - 1
    assert () not in rows


def scored(true: Sequence[float], rows: Sequence[Sequence[int]], shared: float, draw: Random) -> list[Scored]:
    luck = {seed: shared**0.5 * draw.gauss(0, 1) for seed in (1, 2)}
    return [
        Scored(
            10 + sum(true[n] for n in row) + luck[seed] + (1 - shared) ** 0.5 * draw.gauss(0, 1),
            frozenset(row), (seed,),
        )
        for n, row in enumerate(rows)
        for seed in [1 + n % 2]
    ]  # fmt: skip


def test_effects_are_found_whatever_the_luck_of_the_seeds() -> None:
    true = [2.0, 0.0, -1.5, 1.0, 0.0, -2.0, 6.0, 0.5]
    rows = [(), *design(8, 16), (0,), (3,), (6,)]
    draw, off = Random(7), list[float]()
    for _ in range(40):
        found = effects(scored(true, rows, 0.5, draw), 0.5)
        off += [(found[n].mean - true[n]) / found[n].sd for n in range(8)]
    assert abs(sum(off) / len(off)) < 0.35
    assert 0.6 < sum(one**2 for one in off) / len(off) < 1.7


def test_what_was_never_apart_from_all_others_stays_as_was_expected() -> None:
    """A change in every variant is told from their level by nothing."""
    found = effects([Scored(3.0, frozenset({1}), (5,)), Scored(3.0, frozenset({1}), (6,))], 0.5)
    assert found[1].mean == pytest.approx(EXPECTED, abs=0.01)
    assert found[1].sd == pytest.approx(SPREAD, rel=0.05)


def test_a_large_effect_is_not_shrunk_onto_others() -> None:
    rows = [(), *design(4, 8)]
    found = effects([Scored(50.0 * (0 in row), frozenset(row), (1,)) for row in rows], 0.5)
    assert found[0].mean == pytest.approx(50, abs=1)
    assert all(abs(found[n].mean) < 1 for n in (1, 2, 3))


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.frozensets(st.integers(1, 6)), st.integers(1, 3)), min_size=1))
def test_any_scores_give_finite_effects(rows: list[tuple[float, frozenset[int], int]]) -> None:
    found = effects([Scored(score, made, (seed,)) for score, made, seed in rows], 0.95)
    assert found.keys() == frozenset().union(*(made for _, made, _ in rows))
    assert all(abs(one.mean) < 1e6 and 0 <= one.sd < 1e6 for one in found.values())

from __future__ import annotations

from random import Random
from types import MappingProxyType

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.proposers.axes import Axes
from pawl.proposers.spaces import Dimension, Space

SPACE = Space((
    Dimension("a:RATE", "float", 1e-4, 1.0, log=True),
    Dimension("a:DEPTH", "int", 1, 8, step=1.0),
    Dimension("a:WIDTH", "int", 8, 1024, log=True, step=1.0),
    Dimension("a:KIND", "categorical", choices=("sgd", "adam", 1, True)),
    Dimension("a:MOMENTUM", "float", 0.0, 0.99, step=0.09, when=MappingProxyType({"a:KIND": ("sgd",)})),
))  # fmt: skip


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_a_configuration_is_that_of_its_row(seed: int) -> None:
    axes, params = Axes(SPACE), SPACE.sample(Random(seed))
    assert axes.params(axes.row(params)) == params


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_rows_and_neighbours_are_configurations_of_the_space(seed: int) -> None:
    axes, chance = Axes(SPACE), np.random.default_rng(seed)
    rows = axes.draw(5, chance)
    beside = axes.near(rows[0], 4, chance)
    for row in [*rows, *beside]:
        assert SPACE.fits(axes.params(row))
    assert len(np.unique(beside, axis=0)) == len(beside)


def test_neighbours_have_each_other_choice_and_each_axis_moved() -> None:
    axes, chance = Axes(SPACE), np.random.default_rng(0)
    row = axes.row({"a:RATE": 0.01, "a:DEPTH": 4, "a:WIDTH": 64, "a:KIND": "adam"})
    found = [axes.params(one) for one in axes.near(row, 0, chance)]
    assert len({str(one["a:KIND"]) for one in found}) == 4
    assert any("a:MOMENTUM" in one for one in found), "a choice that makes another constant matter"
    assert {one["a:DEPTH"] for one in found} > {4}
    assert len({one["a:RATE"] for one in found}) > 3


def test_an_axis_without_order_knows_only_same_and_different() -> None:
    axes = Axes(SPACE)
    assert axes.ordered.tolist() == [True, True, True, False, True]
    rows = axes.rows([{"a:RATE": 0.01, "a:DEPTH": 4, "a:WIDTH": 64, "a:KIND": kind} for kind in ("adam", 1, True)])
    assert rows[:, 3].tolist() == [1, 2, 3]

from __future__ import annotations

import math
from itertools import islice
from random import Random
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.proposers import bayes
from pawl.proposers.axes import Axes
from pawl.proposers.spaces import Dimension, Params, Space
from pawl.proposers.tried import Earlier, Known, Tried

SPACE = Space((
    Dimension("a:RATE", "float", 1e-4, 1.0, log=True),
    Dimension("a:DEPTH", "int", 1, 8, step=1.0),
    Dimension("a:KIND", "categorical", choices=("sgd", "adam", "lion")),
))  # fmt: skip
SMALL = Space((Dimension("a:DEPTH", "int", 1, 4, step=1.0),))


def loss(params: Params) -> float:
    """Lowest, at 0, for adam, a rate of .01 and a depth of 6."""
    rate, depth = float(params["a:RATE"]), int(params["a:DEPTH"])
    return (math.log10(rate) + 2) ** 2 + ((depth - 6) / 4) ** 2 + {"adam": 0.0, "lion": 0.5, "sgd": 1.0}[
        str(params["a:KIND"])
    ]  # fmt: skip


def ran(params: Params, score: float | None, number: int, ended: bool = True) -> Tried:
    return Tried(2 * number + 1, 2 * number + 2 if ended else 0, params, score, "bayes")


def searched(runs: int, noise: float, seed: int, earlier: tuple[Earlier, ...] = ()) -> list[Tried]:
    chance, tried = Random(seed), list[Tried]()
    for number in range(runs):
        params = next(bayes.candidates(Known(SPACE, tried, 8, 100 * seed + number, earlier)))
        tried.append(ran(params, loss(params) + chance.gauss(0, noise), number))
    return tried


def by_chance(runs: int, seed: int) -> list[Params]:
    chance = Random(seed)
    return [SPACE.sample(chance) for _ in range(runs)]


def test_it_finds_what_chance_does_not() -> None:
    mine = [min(loss(one.params) for one in searched(30, 0.1, seed)) for seed in range(3)]
    chance = [min(map(loss, by_chance(30, seed))) for seed in range(50)]
    assert float(np.median(mine)) < float(np.quantile(chance, 0.1))


@pytest.mark.slow
def test_what_it_expects_to_be_best_is_good_where_the_luckiest_run_need_not_be() -> None:
    tried = searched(40, 1.0, 5)
    belief = bayes.believed(Axes(SPACE), Known(SPACE, tried, 8, 0))
    assert belief is not None
    assert loss(tried[int(belief.expected.argmin())].params) < 0.5


@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_the_unit_of_losses_does_not_matter(losses: list[float], unit: float, zero: float) -> None:
    plain = np.round(np.array(losses), 3)
    assert bayes.standardised(unit * plain + zero) == pytest.approx(bayes.standardised(plain), abs=1e-4)


def test_the_same_is_put_forward_for_the_same() -> None:
    tried = [ran(one, loss(one), number) for number, one in enumerate(by_chance(12, 1))]
    found = [list(islice(bayes.candidates(Known(SPACE, tried, 8, 3)), 5)) for _ in range(2)]
    assert found[0] == found[1]


def test_what_was_tried_or_runs_is_not_put_forward_again() -> None:
    tried = [ran({"a:DEPTH": 2}, 1.0, 0), ran({"a:DEPTH": 4}, None, 1, ended=False), ran({"a:DEPTH": 1}, None, 2)]
    assert list(bayes.candidates(Known(SMALL, tried, 0, 0))) == [{"a:DEPTH": 3}]
    everything = [*tried, ran({"a:DEPTH": 3}, 0.0, 3)]
    assert list(bayes.candidates(Known(SMALL, everything, 0, 0))) == []


def test_it_stays_away_from_what_failed() -> None:
    params = by_chance(40, 2)
    tried = [ran(one, None if one["a:KIND"] == "adam" else loss(one), number) for number, one in enumerate(params)]
    found = [next(bayes.candidates(Known(SPACE, tried, 8, seed)))["a:KIND"] for seed in range(5)]
    assert "adam" not in found


def test_runs_that_all_score_the_same_end_nothing() -> None:
    tried = [ran(one, 1.0, number) for number, one in enumerate(by_chance(10, 3))]
    assert SPACE.fits(next(bayes.candidates(Known(SPACE, tried, 8, 0))))


@pytest.mark.slow
def test_a_guess_draws_the_search_and_fades() -> None:
    guessed = Space((*SPACE.dimensions[:2], Dimension("a:KIND", "categorical", choices=("sgd", "adam"), likely="sgd")))
    chance = Random(1)
    some = [guessed.sample(chance) for _ in range(60)]
    flat = [ran(one, chance.random(), number) for number, one in enumerate(some)]
    early, late = (
        sum(next(bayes.candidates(Known(guessed, flat[:many], 4, seed)))["a:KIND"] == "sgd" for seed in range(8))
        for many in (5, 60)
    )
    assert early == 8
    assert late < 8


@pytest.mark.slow
def test_a_constant_that_matters_only_sometimes() -> None:
    tree = Space((
        Dimension("a:KIND", "categorical", choices=("sgd", "adam")),
        Dimension("a:MOMENTUM", "float", 0.0, 0.99, when=MappingProxyType({"a:KIND": ("sgd",)})),
    ))  # fmt: skip
    chance, tried = Random(4), list[Tried]()
    for number in range(25):
        params = next(bayes.candidates(Known(tree, tried, 6, number)))
        assert tree.fits(params)
        score = abs(float(params["a:MOMENTUM"]) - 0.9) if "a:MOMENTUM" in params else 0.3
        tried.append(ran(params, score + chance.gauss(0, 0.02), number))
    assert min(abs(float(one.params.get("a:MOMENTUM", 0.0)) - 0.9) for one in tried) < 0.03


def past(shuffled: bool = False) -> Earlier:
    params = tuple(by_chance(60, 9))
    losses = [loss(one) + 0.3 for one in params]
    if shuffled:
        Random(3).shuffle(losses)
    return Earlier(SPACE.names, params, tuple(losses))


def test_an_earlier_study_says_where_to_begin() -> None:
    first = next(bayes.candidates(Known(SPACE, [], 8, 0, (past(),))))
    assert loss(first) < 0.2
    assert min(loss(one.params) for one in searched(12, 0.1, 1, (past(),))) < 0.1


def test_one_that_tells_nothing_does_not_keep_it_from_finding() -> None:
    assert min(loss(one.params) for one in searched(30, 0.1, 2, (past(shuffled=True),))) < 0.15


def test_one_that_knew_some_of_the_constants_tells_of_those() -> None:
    whole = past()
    params = tuple({"a:KIND": one["a:KIND"]} for one in whole.params)
    first = next(bayes.candidates(Known(SPACE, [], 8, 0, (Earlier(("a:KIND",), params, whole.losses),))))
    assert first["a:KIND"] == "adam"


def test_many_runs_are_thinned_to_the_best_and_the_newest() -> None:
    scores = bayes.standardised(np.random.default_rng(0).random(500))
    kept = bayes._kept(scores)
    assert len(kept) == bayes.MOST
    assert set(np.argsort(scores)[: bayes.MOST // 2]) <= set(kept)
    assert 499 in kept


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_standardised_losses_keep_the_order_and_have_mean_0(losses: list[float]) -> None:
    found = bayes.standardised(np.array(losses))
    assert found.mean() == pytest.approx(0, abs=1e-6)
    for (one, a), (other, b) in zip(enumerate(found), list(enumerate(found))[1:], strict=False):
        assert losses[one] >= losses[other] or a <= b + 1e-9


def test_one_wild_loss_does_not_hide_how_the_others_differ() -> None:
    losses = np.array([*np.linspace(0, 1, 20), 1e12, np.inf])
    found = bayes.standardised(losses)
    assert found[10] - found[0] > 0.1


@pytest.mark.slow
def test_a_long_axis_of_whole_numbers_is_searched_and_not_left_to_chance() -> None:
    space = Space((Dimension("a:WIDTH", "int", 1, 100, step=1.0),))
    chance, tried = Random(1), list[Tried]()
    for number in range(30):
        few = list(islice(bayes.candidates(Known(space, tried, 8, number)), 20))
        fresh = [params for params in few if params not in [one.params for one in tried]]
        assert number < 8 or few[0] == fresh[0], "the first one is new"
        tried.append(ran(fresh[0], abs(int(fresh[0]["a:WIDTH"]) - 70) + chance.gauss(0, 1), number))
    assert min(abs(int(one.params["a:WIDTH"]) - 70) for one in tried) <= 1


def test_failures_end_the_beginning_too() -> None:
    tried = [ran(one, None, number) for number, one in enumerate(by_chance(8, 1))]
    assert bayes.models(Known(SPACE, tried, 8, 0))
    assert not bayes.models(Known(SPACE, tried[:7], 8, 0))


@pytest.mark.parametrize(
    "losses", [[1e308] * 9 + [0.0], [0.0, *[1e300] * 9], [-1e308, 1e308, *range(8)], [1e-300, *[2e-300] * 9]]
)
def test_losses_of_any_size_are_told_apart(losses: list[float]) -> None:
    found = bayes.standardised(np.array(losses))
    assert np.isfinite(found).all()
    assert found[int(np.argmin(losses))] == found.min() < found.max()
    tried = [ran(one, losses[number], number) for number, one in enumerate(by_chance(10, 3))]
    assert SPACE.fits(next(bayes.candidates(Known(SPACE, tried, 8, 0))))

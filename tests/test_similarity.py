"""How much an earlier study has to say: what ranks this study's trials has a say, and what does not loses it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from random import Random
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.past import Past, PastTrial, Range
from pawl.similarity import FAITH, HOPE, correlation, foretell, similarity

SPACE = {
    "train.py:RATE": Range(type="float", low=1e-4, high=1.0, log=True),
    "train.py:DEPTH": Range(type="int", low=1, high=8),
    "train.py:KIND": Range(type="categorical", choices=("tanh", "relu")),
}
Worth = Callable[[dict[str, float]], float]


def drawn(draw: Random, many: int, worth: Worth, sd: float = 1.0) -> list[PastTrial]:
    """So many configurations at random, worth what `worth` says and what one run adds to it."""
    found = []
    for _ in range(many):
        rate, depth, kind = 10 ** draw.uniform(-4, 0), draw.randint(1, 8), draw.choice(("tanh", "relu"))
        at = {"rate": np.log10(rate) / 4 + 1, "depth": (depth - 1) / 7, "kind": float(kind == "relu")}
        parameters = {"train.py:RATE": rate, "train.py:DEPTH": depth, "train.py:KIND": kind}
        found.append(PastTrial(parameters=parameters, gain=worth(at) + draw.gauss(0, sd), runs=1))
    return found


def bowl(rate: float, depth: float, kind: float) -> Worth:
    """Worth up to 5 sds at a point, 20 less at the far ends."""
    return lambda at: (
        5 - 20 * ((at["rate"] - rate) ** 2 + (at["depth"] - depth) ** 2) - 3 * (at["kind"] != kind)
    )  # fmt: skip


def past(trials: list[PastTrial], name: str = "before") -> Past:
    return Past(
        name=name, origin="a" * 64, entries=9, head="b" * 64, metric="loss", direction="minimize", ladder=0.0,
        space=SPACE, trials=tuple(trials),
    )  # fmt: skip


def shuffled(draw: Random, trials: list[PastTrial]) -> list[PastTrial]:
    gains = [trial.gain for trial in trials]
    draw.shuffle(gains)
    return [trial.model_copy(update={"gain": gain}) for trial, gain in zip(trials, gains, strict=True)]


def test_before_own_trials_it_is_the_share_of_constants_that_match() -> None:
    trials = drawn(Random(1), 20, bowl(0.5, 0.5, 0))
    assert similarity(past(trials), [], SPACE) == HOPE
    more = {**SPACE, "train.py:WIDTH": Range(type="int", low=1, high=9)}
    assert similarity(past(trials), [], more) == pytest.approx(0.75 * HOPE)
    other = {key: Range(type="float", low=0, high=1) for key in ("train.py:DEPTH", "train.py:KIND")}
    assert similarity(past(trials), [], other) == 0, "an int is no float"


@given(st.integers(0, 2**32), st.permutations([-3.0, -2.0, -1.0]))
@settings(max_examples=40, deadline=None)
def test_one_first_try_that_fails_is_forgiven_and_two_are_not(seed: int, losses: list[float]) -> None:
    """Whatever the earlier study was, and in whatever order its best three fail."""
    draw = Random(seed)
    known = drawn(draw, 30, bowl(draw.uniform(0.2, 0.8), draw.uniform(0.2, 0.8), 0))
    kept = sorted(known, key=lambda one: -one.gain)
    first = PastTrial(parameters=kept[-1].parameters, gain=0.0, runs=6)
    failed = [PastTrial(parameters=one.parameters, gain=gain, runs=1) for one, gain in zip(kept, losses, strict=False)]
    says = [similarity(past(known), [first, *failed[:n]], SPACE) for n in range(4)]
    assert says[0] == HOPE
    assert 0 < says[1] < HOPE / 2
    assert says[2:] == [0, 0]
    worked = failed[0].model_copy(update={"gain": 2.0})
    assert similarity(past(known), [first, worked], SPACE) > says[1]


@pytest.mark.parametrize("moved", [0.0, 0.1])
def test_what_is_alike_keeps_its_say_and_its_shuffled_gains_lose_it(moved: float) -> None:
    """Over forty pairs of studies, whose best point may have moved by a tenth of each range."""
    draw, alike, chance = Random(3), list[float](), list[float]()
    for _ in range(40):
        at = draw.uniform(0.2, 0.8), draw.uniform(0.2, 0.8)
        trials = drawn(draw, 40, bowl(*at, 0))
        own = drawn(draw, 15, bowl(at[0] + moved, at[1] + moved, 0))
        alike.append(similarity(past(trials), own, SPACE))
        chance.append(similarity(past(shuffled(draw, trials)), own, SPACE))
    assert fmean(alike) > 0.3
    assert fmean(chance) < 0.1
    assert sum(say == 0 for say in chance) > 20


def test_a_study_that_says_the_opposite_has_no_say() -> None:
    draw = Random(4)
    trials, own = drawn(draw, 40, bowl(0.3, 0.3, 0)), drawn(draw, 12, bowl(0.3, 0.3, 0))
    turned = [one.model_copy(update={"gain": -one.gain}) for one in trials]
    assert similarity(past(trials), own, SPACE) > 0.3
    assert similarity(past(turned), own, SPACE) == 0


def test_one_wild_loss_does_not_drown_what_the_others_tell() -> None:
    draw = Random(5)
    trials, own = drawn(draw, 30, bowl(0.5, 0.5, 1)), drawn(draw, 12, bowl(0.5, 0.5, 1))
    before = similarity(past(trials), own, SPACE)
    wild = [trials[0].model_copy(update={"gain": -1e8}), *trials[1:]]
    assert similarity(past(wild), own, SPACE) == pytest.approx(before, abs=0.1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 25), st.integers(0, 12))
def test_it_is_a_share_and_asks_nothing_of_order_scale_or_unit(seed: int, many: int, own_many: int) -> None:
    """Whoever shuffles the trials with their gains, or measures gains in another unit here, changes nothing."""
    draw = Random(seed)
    trials, own = drawn(draw, many, bowl(0.4, 0.6, 0)), drawn(draw, own_many, bowl(0.5, 0.5, 0))
    found = similarity(past(trials), own, SPACE)
    assert 0 <= found <= 1
    mixed = draw.sample(own, len(own))
    assert similarity(past(trials), mixed, SPACE) == pytest.approx(found, abs=1e-6)
    scaled = [one.model_copy(update={"gain": 1000 * one.gain}) for one in own]
    assert similarity(past(trials), scaled, SPACE) == pytest.approx(found, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=2, max_size=6), st.data())
def test_the_error_of_the_correlation_is_what_chance_makes_of_it(first: list[int], data: st.DataObject) -> None:
    """Over all orders in which the one could stand beside the other."""
    second = data.draw(st.lists(st.integers(-3, 3), min_size=len(first), max_size=len(first)))
    foretold, seen = np.array(first, dtype=float), np.array(second, dtype=float)
    rank, error = correlation(foretold, seen)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert (rank, error) == (0, 0)
        return
    assert -1 - 1e-9 <= rank <= 1 + 1e-9
    chance = [correlation(foretold, np.array(order, dtype=float))[0] for order in permutations(second)]
    assert fmean(chance) == pytest.approx(0, abs=1e-9)
    assert np.std(chance) == pytest.approx(error)
    assert correlation(foretold, np.exp(seen))[0] == pytest.approx(rank), "only ranks of what was seen count"


def test_where_all_own_trials_are_alike_there_is_no_evidence() -> None:
    known, worth = past(drawn(Random(6), 20, bowl(0.5, 0.5, 0))), drawn(Random(7), 5, lambda at: 0.0, sd=0.0)
    assert similarity(known, worth, SPACE) == HOPE


def test_what_the_ladder_does_not_tell_is_taken_as_no_better() -> None:
    known = drawn(Random(8), 30, bowl(0.5, 0.5, 0))
    ordered = sorted(known, key=lambda one: one.gain)
    first = PastTrial(parameters=ordered[0].parameters, gain=0.0, runs=6)
    untold = [PastTrial(parameters=one.parameters, gain=0.0, runs=1, better=False) for one in ordered[-5:]]
    assert similarity(past(known), [first, *untold], SPACE) == 0


def test_own_trials_out_of_the_range_of_now_are_not_compared() -> None:
    known = past(drawn(Random(9), 30, bowl(0.5, 0.5, 0)))
    far = [PastTrial(parameters={"train.py:RATE": 7.0, "train.py:DEPTH": n, "train.py:KIND": "tanh"}, gain=-n, runs=1)
           for n in range(1, 7)]  # fmt: skip
    assert similarity(known, far, SPACE) == HOPE


def test_runs_count_and_near_trials_tell_more_than_far_ones() -> None:
    space = {"a.py:X": Range(type="float", low=0, high=1)}
    trials = [PastTrial(parameters={"a.py:X": x}, gain=g, runs=9) for x, g in ((0.1, 0.0), (0.5, 8.0), (0.9, 0.0))]
    asked = [PastTrial(parameters={"a.py:X": x}, gain=0.0, runs=1) for x in (0.0, 0.3, 0.5)]
    far, near, at = foretell(trials, asked, space)
    assert far < near < at
    doubted = [one.model_copy(update={"runs": 1 if one.gain else 9}) for one in trials]
    assert foretell(doubted, asked, space)[2] < at
    assert FAITH > 1

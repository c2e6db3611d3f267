"""CMA-ES: its generations are read from the ledger, whatever order and number of workers there was."""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("cmaes")

from pawl.proposers.cma_es import NAME, candidates, generations
from pawl.proposers.spaces import Params, Space
from pawl.proposers.tried import Known, Tried

SPACE = Space.of({f"t.py:{name}": {"type": "float", "low": -5, "high": 5} for name in "ABC"})
LOWEST = (2.0, -3.0, 1.0)


def loss(params: Params) -> float:
    return sum((float(value) - low) ** 2 for value, low in zip(params.values(), LOWEST, strict=True))


def searched(runs: int, workers: int, chance: Random, failing: bool = False) -> list[Tried]:
    """What is tried by so many workers, whose runs end in any order."""
    done, running = list[Tried](), list[Tried]()
    for id in range(1, 2 * runs + 1):
        if len(running) < workers and len(done) + len(running) < runs:
            known = Known(SPACE, sorted([*done, *running], key=lambda one: one.id), 8, seed=id)
            running.append(Tried(id, 0, next(candidates(known)), None, NAME))
        else:
            one = running.pop(chance.randrange(len(running)))
            score = None if failing and float(one.params["t.py:A"]) < 0 else loss(one.params)
            done.append(Tried(one.id, id, one.params, score, NAME))
    return done


@pytest.mark.parametrize("workers", [1, 4])
def test_generations_move_towards_the_lowest_point_and_close_in(workers: int) -> None:
    found = list(generations(searched(126, workers, Random(3)), 7))
    assert len(found) == 18 if workers == 1 else len(found) >= 9
    first, last = (sorted(loss(one.params) for one in generation) for generation in (found[0], found[-1]))
    assert last[3] < first[3] / 10


def test_what_fails_counts_as_the_worst_of_its_generation() -> None:
    done = searched(84, 1, Random(4), failing=True)
    early, late = done[:14], done[-14:]
    assert sum(one.loss is None for one in late) <= 2
    assert sum(one.loss is None for one in late) < sum(one.loss is None for one in early)


@given(st.integers(0, 2**32), st.integers(1, 9))
def test_what_was_a_generation_once_stays_one(seed: int, workers: int) -> None:
    """More entries in the ledger never change what the strategy was told before."""
    chance = Random(seed)
    params, running, done, before = SPACE.sample(chance), list[Tried](), list[Tried](), list[list[Tried]]()
    for id in range(1, 80):
        if len(running) < workers:
            running.append(Tried(id, 0, params, None, NAME))
        else:
            one = running.pop(chance.randrange(len(running)))
            done.append(Tried(one.id, id, params, 1.0, NAME))
        found = list(generations([*done, *running], 5))
        assert found[: len(before)] == before
        assert all(len(generation) == 5 for generation in found)
        before = found
    assert before


def test_what_another_sampler_tried_is_not_its_own() -> None:
    own = searched(21, 1, Random(5))
    others = [Tried(one.id + 1000, one.ended + 1000, one.params, one.loss, "tpe") for one in own]
    told = [next(candidates(Known(SPACE, tried, 8, seed=7))) for tried in (own, [*own, *others])]
    assert told[0] == told[1]
    assert next(candidates(Known(SPACE, others, 8, seed=7))) == next(candidates(Known(SPACE, [], 8, seed=7)))


def test_nothing_is_drawn_outside_of_the_space() -> None:
    tables = {
        "t.py:RATE": {"type": "float", "low": 1e-4, "high": 1, "log": True, "likely": 1.0, "sure": "high"},
        "t.py:SIZE": {"type": "int", "low": 1, "high": 3},
    }
    space = Space.of(tables)  # type: ignore[arg-type]
    drawn = list(islice(candidates(Known(space, [], 8, seed=1)), 200))
    assert all(space.fits(params) for params in drawn)
    assert {params["t.py:SIZE"] for params in drawn} == {1, 2, 3}


def test_one_constant_is_enough() -> None:
    space = Space.of({"t.py:X": {"type": "float", "low": 0, "high": 1}})
    tried = list[Tried]()
    for n in range(40):
        params = next(candidates(Known(space, list(tried), 8, seed=n)))
        tried.append(Tried(2 * n + 1, 2 * n + 2, params, abs(float(params["t.py:X"]) - 0.9), NAME))
    assert all(one.loss is not None and one.loss < 0.05 for one in tried[-4:])

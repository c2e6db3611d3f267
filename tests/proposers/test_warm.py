"""The first tries of a study that knows earlier ones."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from pasts import SPACE, past, trial
from pawl.past import PastTrial, Range
from pawl.proposers.warm import best, following

REST = {"train.py:LEARNING_RATE": 0.01, "train.py:DEPTH": 1, "train.py:NAME": "relu"}


def test_studies_take_turns_the_most_similar_first() -> None:
    near = past([trial(2.0, DEPTH=3), trial(3.0, DEPTH=4), trial(0.0)], "near")
    part = {key: SPACE[key] for key in ("train.py:DEPTH", "train.py:NAME")}
    far = past([one.model_copy(update={"parameters": {key: one.parameters[key] for key in part}})
                for one in (trial(9.0, DEPTH=5), trial(-1.0))], "far", space=part)  # fmt: skip
    tried: list[object] = []
    used = {"near": 0, "far": 0}
    found = []
    while hint := following([far, near], [], SPACE, REST, tried, used):
        found.append((hint.past.name, hint.parameters["train.py:DEPTH"], hint.parameters["train.py:LEARNING_RATE"]))
        tried.append(hint.parameters)
        used[hint.past.name] += 1
    assert found == [("near", 4, 0.1), ("far", 5, 0.01), ("near", 3, 0.1)]


def test_the_best_is_what_is_expected_to_be() -> None:
    luck, sure, none, untold = trial(3.0), trial(2.5, runs=4), trial(-1.0, runs=9), trial(0.0, better=False)
    lost, won = trial(8.0, runs=20, certified=False), trial(2.0, runs=20, certified=True)
    assert list(best([luck, none, untold, lost, sure, won])) == [sure, won, luck]


def test_who_has_no_say_is_not_asked() -> None:
    known = past([trial(gain, DEPTH=depth) for depth, gain in enumerate((0.0, 2.0, 4.0, 6.0), 1)])
    own = [trial(-gain, DEPTH=depth) for depth, gain in enumerate((0.0, 2.0, 4.0, 6.0), 1)]
    assert following([known], [], SPACE, REST, [], {}) is not None
    assert following([known], own, SPACE, REST, [], {}) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(1, 8))
def test_what_is_out_of_range_is_never_suggested(seed: int, one: int, other: int) -> None:
    """Whatever an earlier study's ranges were, and whatever was tried in them."""
    draw, low, high = Random(seed), min(one, other), max(one, other) + 1
    trials = [trial(draw.gauss(0, 3), DEPTH=draw.randint(-9, 20), LEARNING_RATE=10 ** draw.uniform(-8, 4),
                    NAME=draw.choice(("tanh", "relu", "gelu"))) for _ in range(30)]  # fmt: skip
    here = {
        "train.py:DEPTH": Range(type="int", low=low, high=high), "train.py:NAME": SPACE["train.py:NAME"],
        "train.py:LEARNING_RATE": Range(type="float", low=0.001, high=1.0, log=True),
        "train.py:WIDTH": Range(type="float", low=1.0, high=2.0, step=0.25),
    }  # fmt: skip
    rest = {"train.py:DEPTH": low, "train.py:NAME": "relu", "train.py:LEARNING_RATE": 0.01, "train.py:WIDTH": 1}
    tried: list[object] = []
    while hint := following([past(trials)], [], here, rest, tried, {}):
        assert hint.parameters.keys() == here.keys()
        assert all(here[key].holds(value) for key, value in hint.parameters.items())
        assert isinstance(hint.parameters["train.py:WIDTH"], float)
        assert hint.parameters not in tried
        tried.append(hint.parameters)


def test_nothing_known_is_nothing_to_suggest() -> None:
    alone = PastTrial(parameters={"train.py:DEPTH": 2}, gain=5.0, runs=1)
    assert following([], [], SPACE, REST, [], {}) is None
    assert following([past([alone])], [], SPACE, REST, [], {}) is None, "its other constants are not known"

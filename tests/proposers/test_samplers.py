"""Samplers: what each finds, what conditions and guesses do to them, and where they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import islice
from random import Random
from statistics import median

import pytest
from optuna.trial import TrialState
from pydantic import JsonValue

from pawl.errors import ConfigError
from pawl.proposers import samplers
from pawl.proposers.constants import Constant
from pawl.proposers.samplers import SAMPLERS, trials, usable
from pawl.proposers.spaces import Params, Space
from pawl.proposers.tried import Known, Tried

Tables = Mapping[str, Mapping[str, JsonValue]]
Loss = Callable[[Params], float]
INSTALLED = [
    pytest.param(name, marks=pytest.mark.slow if name == "gp" else ()) for name in SAMPLERS
]  # fmt: skip


def search(name: str, tables: Tables, loss: Loss, runs: int, seed: int = 0) -> list[Tried]:
    """What a sampler tries of a function, one run after the other."""
    for module in SAMPLERS[name].modules:
        pytest.importorskip(module)
    space, found = Space.of(tables), list[Tried]()
    for n in range(runs):
        known = Known(space, list(found), startup=8, seed=1000 * seed + n)
        done = [one.params for one in found]
        few = list(islice((p for p in islice(SAMPLERS[name].candidates(known), 20) if p not in done), 1))
        params = few[0] if few else space.sample(Random(n))
        found.append(Tried(2 * n + 1, 2 * n + 2, params, loss(params), name))
    return found


def best(name: str, tables: Tables, loss: Loss, runs: int, seed: int = 0) -> float:
    return min(one.loss for one in search(name, tables, loss, runs, seed) if one.loss is not None)


NUMBERS: Tables = {
    "t.py:RATE": {"type": "float", "low": 1e-5, "high": 1, "log": True},
    "t.py:DECAY": {"type": "float", "low": -5, "high": 5},
    "t.py:WIDTH": {"type": "int", "low": 8, "high": 512, "log": True},
    "t.py:DROP": {"type": "float", "low": 0, "high": 0.5, "step": 0.05},
}


def bowl(params: Params) -> float:
    """A quadratic of the places of NUMBERS, its lowest point, 0, off the middle."""
    places = Space.of(NUMBERS).units(params)
    return sum((place - low) ** 2 for place, low in zip(places, (0.7, 0.15, 0.6, 0.25), strict=True))


@pytest.mark.parametrize("name", [pytest.param("tpe", marks=pytest.mark.slow), "cma-es"])
def test_what_learns_beats_chance_on_a_bowl(name: str) -> None:
    learned = median(best(name, NUMBERS, bowl, 110, seed) for seed in range(3))
    drawn = median(best("random", NUMBERS, bowl, 110, seed) for seed in range(9))
    assert learned < drawn / 3


@pytest.mark.slow
def test_a_gaussian_process_beats_chance_in_fewer_runs() -> None:
    drawn = median(best("random", NUMBERS, bowl, 30, seed) for seed in range(9))
    assert best("gp", NUMBERS, bowl, 30) < drawn / 3


TREE: Tables = {
    "t.py:MOMENTUM": {"type": "float", "low": 0, "high": 0.99, "when": {"t.py:OPTIMISER": ["sgd"]}},
    "t.py:NESTEROV": {"type": "categorical", "choices": [False, True], "when": {"t.py:OPTIMISER": ["sgd"]}},
    "t.py:OPTIMISER": {"type": "categorical", "choices": ["adamw", "sgd"]},
    "t.py:BETA": {"type": "float", "low": 0, "high": 0.99, "when": {"t.py:OPTIMISER": ["adamw"]}},
}


def tree(params: Params) -> float:
    """Lowest, 0, for sgd with a momentum of 0.8 and Nesterov's; 0.3 at best for adamw."""
    if params["t.py:OPTIMISER"] == "sgd":
        return abs(float(params["t.py:MOMENTUM"]) - 0.8) + 0.2 * (params["t.py:NESTEROV"] is not True)
    return 0.3 + abs(float(params["t.py:BETA"]) - 0.9)


@pytest.mark.parametrize("name", ["tpe", "random", pytest.param("gp", marks=pytest.mark.slow)])
def test_conditions_hold_for_all_that_is_tried_and_both_branches_are_searched(name: str) -> None:
    found = search(name, TREE, tree, 25)
    assert all(Space.of(TREE).fits(one.params) for one in found)
    assert {one.params["t.py:OPTIMISER"] for one in found} == {"sgd", "adamw"}


@pytest.mark.slow
def test_tpe_finds_its_way_down_a_tree() -> None:
    assert median(best("tpe", TREE, tree, 60, seed) for seed in range(3)) < 0.06


def believing(tables: Tables, places: tuple[float, ...], sure: str) -> Tables:
    """The tables with guesses at places in [0, 1]."""
    values = Space.of(tables).params(places)
    return {name: {**table, "likely": values[name], "sure": sure} for name, table in tables.items()}


@pytest.mark.parametrize("name", INSTALLED)
def test_a_search_starts_near_the_guesses(name: str) -> None:
    places = (0.75, 0.2, 0.65, 0.3)
    near = search(name, believing(NUMBERS, places, "high"), bowl, 8)
    far = [abs(u - place) for one in near for u, place in zip(Space.of(NUMBERS).units(one.params), places, strict=True)]
    assert median(far) < 0.08


@pytest.mark.slow
@pytest.mark.parametrize("sure", ["low", "medium", "high"])
@pytest.mark.parametrize("name", ["tpe", "gp"])
def test_a_misleading_guess_is_survived(name: str, sure: str) -> None:
    wrong = believing(NUMBERS, (0.05, 0.95, 0.05, 0.95), sure)
    runs, tries = (60, 3) if name == "tpe" else (30, 1)
    found = median(best(name, wrong, bowl, runs, seed) for seed in range(tries))
    drawn = median(best("random", NUMBERS, bowl, runs, seed) for seed in range(9))
    assert bowl(Space.of(NUMBERS).params((0.05, 0.95, 0.05, 0.95))) > 1.5
    assert found < min(drawn, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", INSTALLED)
def test_the_same_ledger_gives_the_same_candidates(name: str) -> None:
    for tables in (NUMBERS, believing(NUMBERS, (0.75, 0.2, 0.65, 0.3), "low")):
        known = Known(Space.of(tables), search(name, tables, bowl, 12), startup=8, seed=5)
        first, again = (list(islice(SAMPLERS[name].candidates(known), 3)) for _ in range(2))
        assert first == again
        assert all(known.space.fits(params) for params in first)


def test_trials_say_what_is_running_failed_and_finished() -> None:
    space = Space.of({**TREE, "t.py:DROP": NUMBERS["t.py:DROP"]})
    sgd: Params = {"t.py:OPTIMISER": "sgd", "t.py:MOMENTUM": 0.5, "t.py:NESTEROV": True, "t.py:DROP": 0.15}
    adamw: Params = {"t.py:OPTIMISER": "adamw", "t.py:BETA": 0.5, "t.py:DROP": 0.5}
    found = trials(
        space, [Tried(1, 4, sgd, 0.25, "tpe"), Tried(2, 5, adamw, None, "tpe"), Tried(3, 0, adamw, None, "")]
    )
    assert [trial.state for trial in found] == [TrialState.COMPLETE, TrialState.FAIL, TrialState.RUNNING]
    assert found[0].value == 0.25
    assert found[0].params == {"t.py:OPTIMISER": 1, "t.py:MOMENTUM": 0.5, "t.py:NESTEROV": 1, "t.py:DROP": 3}
    assert found[2].params == {"t.py:OPTIMISER": 0, "t.py:BETA": 0.5, "t.py:DROP": 10}


def test_equal_looking_choices_are_told_apart() -> None:
    tables: Tables = {"t.py:X": {"type": "categorical", "choices": [1, True, 1.0, "1"]}}
    values: list[Constant] = [1, True, 1.0, "1"]
    tried = [Tried(2 * n + 1, 2 * n + 2, {"t.py:X": values[n % 4]}, float(n % 4 != 1), "tpe") for n in range(40)]
    known = [Known(Space.of(tables), tried, startup=8, seed=n) for n in range(20)]
    assert sum(next(SAMPLERS["tpe"].candidates(one))["t.py:X"] is True for one in known) > 12


def test_an_unknown_sampler_is_refused() -> None:
    with pytest.raises(ConfigError, match="there is no sampler 'cmaes'. Did you mean 'cma-es'?"):
        usable("cmaes", Space.of(NUMBERS))


@pytest.mark.parametrize(("name", "module", "extra"), [("gp", "torch", "gp"), ("cma-es", "cmaes", "cma-es")])
def test_what_is_not_installed_is_named_with_the_command(
    name: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samplers, "find_spec", lambda asked: None if asked == module else asked)
    with pytest.raises(ConfigError, match=f"the sampler '{name}' needs {module}") as caught:
        usable(name, Space.of(NUMBERS))
    assert caught.value.hint == f"pip install 'pawl-ai[{extra}]'"


@pytest.mark.parametrize(("key", "what"), [("t.py:OPTIMISER", "is categorical"), ("t.py:X", "depends on others")])
def test_cma_es_refuses_what_it_cannot_search(key: str, what: str) -> None:
    pytest.importorskip("cmaes")
    sizes: JsonValue = {"t.py:SIZE": [1]}
    table = {"type": "int", "low": 1, "high": 9}
    tables = {"t.py:SIZE": table, key: {**table, "when": sizes} if key == "t.py:X" else TREE[key]}
    with pytest.raises(ConfigError, match=f"{key} {what}"):
        usable("cma-es", Space.of(tables))
    assert not math.isnan(best("random", tables, lambda params: 1.0, 3))

"""Whatever changes a genotype, what comes out has the right slots with values that they may take."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grammars
from pawl.proposers import evolution
from pawl.proposers.grammar import Genotype, Grammar
from pawl.proposers.programs import load


@pytest.fixture(scope="module")
def grammar(tmp_path_factory: pytest.TempPathFactory) -> Grammar:
    return load(grammars.write(tmp_path_factory.mktemp("study")), ("train.py",)).grammar


def complaints(grammar: Grammar, genotype: Genotype) -> list[str]:
    """What is wrong, but for a condition between slots: those are asked afterwards."""
    return [problem for problem in grammar.problems(genotype) if problem != "what is deep has four layers"]


@settings(deadline=None)
@given(seed=st.integers(), steps=st.integers(1, 30))
def test_mutations_stay_in_the_grammar_and_change_one_slot(grammar: Grammar, seed: int, steps: int) -> None:
    chance = Random(seed)
    genotype = evolution.anything(grammar, chance)
    assert complaints(grammar, genotype) == []
    for _ in range(steps):
        before, genotype = genotype, evolution.mutated(grammar, genotype, chance)
        assert complaints(grammar, genotype) == []
        shared = [name for name in genotype if name in before and genotype[name] != before[name]]
        assert len(shared) <= 1
        if genotype.keys() != before.keys():
            assert shared == ["body"]


@settings(deadline=None)
@given(seed=st.integers())
def test_a_cross_takes_each_slot_from_a_parent(grammar: Grammar, seed: int) -> None:
    chance = Random(seed)
    one, other = evolution.anything(grammar, chance), evolution.anything(grammar, chance)
    child = evolution.crossed(grammar, one, other, chance)
    assert complaints(grammar, child) == []
    for name, value in child.items():
        assert value in (one.get(name), other.get(name))


def test_mutations_reach_every_value_of_every_choice(grammar: Grammar) -> None:
    chance, seen = Random(1), {name: set[object]() for name in grammar.slots}
    genotype = grammar.default
    for _ in range(2000):
        genotype = evolution.mutated(grammar, genotype, chance)
        for name, value in genotype.items():
            seen[name].add(value)
    assert seen["depth"] == {2, 4, 6, 8, 10, 12}
    assert seen["scale"] == set(range(1, 10))
    assert (seen["kind"], seen["body"]) == ({"wide", "deep"}, {"loop", "power"})
    rates = [rate for rate in seen["rate"] if isinstance(rate, float)]
    assert min(rates) < 3e-4 < 3e-2 < max(rates)

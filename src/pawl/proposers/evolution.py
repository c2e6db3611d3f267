"""How genotypes change: a mutation of each type of slot, and a cross of two."""

from __future__ import annotations

import math
from random import Random

from pawl.proposers.grammar import Genotype, Grammar, Slot
from pawl.proposers.template import Value

REACH = 0.15
"""The sd of a float's mutation, as a share of its range (of its logarithm's, where that is what is searched)."""
DIGITS = 3
"""Significant digits of a float."""


def anything(grammar: Grammar, chance: Random) -> Genotype:
    """Each slot drawn from all that it may be; conditions are not looked at."""
    return grammar.complete({name: _anything(slot, chance) for name, slot in grammar.slots.items()})


def mutated(grammar: Grammar, genotype: Genotype, chance: Random) -> Genotype:
    """With another value in one slot. Slots that are there only now have their defaults; conditions are not looked
    at."""
    name = chance.choice(list(genotype))
    return grammar.complete({**genotype, name: _mutated(grammar.slots[name], genotype[name], chance)})


def crossed(grammar: Grammar, one: Genotype, other: Genotype, chance: Random) -> Genotype:
    """Each slot from one of both, as the coin falls; where it is there in one only, from that one."""
    both = {**one, **other}
    return grammar.complete({name: chance.choice((one, other)).get(name, both[name]) for name in sorted(both)})


def _anything(slot: Slot, chance: Random) -> Value:
    if slot.choices:
        return chance.choice(slot.choices)
    low, high = _range(slot)
    if slot.type == "int":
        return chance.randrange(int(low), int(high) + 1, slot.step)
    return _value(slot, chance.uniform(low, high))


def _mutated(slot: Slot, value: Value, chance: Random) -> Value:
    if slot.choices:
        return chance.choice([choice for choice in slot.choices if choice != value])
    assert isinstance(value, int | float)
    low, high = _range(slot)
    if slot.type == "int":
        near = [value + slot.step * by for by in (-2, -1, -1, 1, 1, 2)]
        return int(chance.choice([other for other in near if low <= other <= high]))
    at = math.log(value) if slot.log else value
    return _value(slot, chance.gauss(at, REACH * (high - low)))


def _range(slot: Slot) -> tuple[float, float]:
    """The ends of what is searched, in logarithms where the slot says so."""
    assert slot.low is not None
    assert slot.high is not None
    return (math.log(slot.low), math.log(slot.high)) if slot.log else (slot.low, slot.high)


def _value(slot: Slot, at: float) -> float:
    """A place in the range of a float as a value that a person would write."""
    assert slot.low is not None
    assert slot.high is not None
    value = float(f"{math.exp(at) if slot.log else at:.{DIGITS}g}")
    return min(max(value, slot.low), slot.high)

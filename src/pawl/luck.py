"""How far can luck alone go? Pure arithmetic on scores: no files, no records, no logs.

All of it takes one run's noise as normal. What is known of its sd is either stated, or measured with `freedom` degrees
of freedom (chi-square; Student 1908 for a gain in such units), or bounded by how close together many tries lie.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST_TRIES = 500
"""Of a longer log, the newest tries bound the noise."""
FEWEST_TRIES = 12
REPETITIONS = 4000


def beyond(z: float) -> float:
    """P(Z > z) of a standard normal Z."""
    return math.erfc(z / math.sqrt(2)) / 2


_GRID = np.linspace(-9.0, 9.0, 36001)
_BELOW = np.array([math.erfc(-z / math.sqrt(2)) / 2 for z in _GRID])


def below(z: Floats) -> Floats:
    """P(Z <= z) of a standard normal Z, for arrays; to five digits, and 1e-19 for whatever is smaller."""
    return np.asarray(np.interp(z, _GRID, _BELOW))


@cache
def _ratio(freedom: float) -> tuple[Floats, Floats]:
    """The distribution of measured over true sd: its values, and their probabilities."""
    logs = np.linspace(-14.0, 3.0, 6001) if freedom < 30 else np.linspace(-4.0, 1.0, 6001)
    weights = np.exp(freedom * (logs - np.exp(2 * logs) / 2) + freedom / 2)
    return np.exp(logs), weights / weights.sum()


def t_beyond(t: float, freedom: float) -> float:
    """P(T > t) of Student's t: a normal measured in units of an sd that is itself measured."""
    if math.isinf(freedom):
        return beyond(t)
    values, weights = _ratio(freedom)
    return float(weights @ below(-t * values))


def sd_limit(sd: float, freedom: float, probability: float) -> float:
    """The value that the true sd exceeds with this probability, given that `sd` was measured (chi-square)."""
    values, weights = _ratio(freedom)
    return sd / float(np.interp(probability, np.cumsum(weights) - weights / 2, values))


@cache
def _best(tries: int) -> tuple[Floats, Floats]:
    """The distribution of the best of so many standard normals: its values, and their probabilities."""
    values = np.linspace(-9, 9, 3601)
    mass = np.diff(below(values) ** tries, prepend=0.0)
    return values, mass


def best_of(tries: int) -> float:
    """The expected best of so many standard normals: what luck gives to whoever picks the best."""
    values, mass = _best(tries)
    return float(values @ mass)


def chain_beyond(z: float, tries: int) -> float:
    """P(Z0 + max(Z1..Zn) > z): how often the best of n tries that do nothing beats its baseline by z sd of one run."""
    values, mass = _best(tries)
    return float(mass @ below(values - z))


def chain_limit(tries: int, probability: float) -> float:
    """The z that `chain_beyond` exceeds with this probability."""
    low, high = -10.0, 20.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if chain_beyond(middle, tries) > probability else (low, middle)
    return high


def holm(chances: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (1979): that of those at most a are called, one or more falsely, has probability at
    most a, however the tests depend on each other."""
    adjusted, worst = [0.0] * len(chances), 0.0
    for rank, place in enumerate(sorted(range(len(chances)), key=lambda n: chances[n])):
        worst = max(worst, min(1.0, (len(chances) - rank) * chances[place]))
        adjusted[place] = worst
    return adjusted


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What many tries say of the noise without one repeat: a likely sd if half of them change nothing, and a limit."""

    sd: float
    high: float


def ceiling(gains: Sequence[float], risk: float) -> Ceiling | None:
    """A limit that the sd of one run exceeds with probability at most `risk`, whatever the ideas were worth.

    Noise can only push tries apart: no stretch of given width can hold more of (effect + noise) than of the noise alone
    (Levy's concentration function). So the narrowest stretch that holds half of the tries is at least as wide as half
    of as many draws of pure noise would be. None where there are too few tries, or half of them are equal."""
    newest = np.sort(np.asarray(gains[-MOST_TRIES:], dtype=float))
    if len(newest) < FEWEST_TRIES:
        return None
    width = float(_narrowest(newest))
    middle, narrow = _noise_alone(len(newest), risk)
    return Ceiling(width / middle, width / narrow) if width > 0 else None


def _narrowest(ordered: Floats) -> Floats:
    half = math.ceil(ordered.shape[-1] / 2)
    return np.asarray((ordered[..., half - 1 :] - ordered[..., : ordered.shape[-1] - half + 1]).min(axis=-1))


@cache
def _noise_alone(tries: int, risk: float) -> tuple[float, float]:
    """The narrowest half of so many standard normals: its median, and what it falls below with probability `risk`."""
    widths = _narrowest(np.sort(np.random.default_rng(0).standard_normal((REPETITIONS, tries)), axis=-1))
    return float(np.median(widths)), float(np.quantile(widths, risk))

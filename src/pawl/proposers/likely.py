"""What the user believes about where good values lie: a density over the space, and how its weight fades.

Each `likely` is a normal distribution around the guess on the unit interval (for log ranges that is the log scale),
cut off at the range's ends; of a categorical constant the guess is some times as likely as any other choice. A tenth
of the density is uniform, so that no belief rules anything out. Hvarfner et al., "piBO: augmenting acquisition
functions with user beliefs for Bayesian optimization" (2022), let such a density weigh on the search with the exponent
beta / n, after n runs: what is measured soon counts for more than what was believed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from random import Random
from statistics import NormalDist

from pawl.proposers.constants import Constant
from pawl.proposers.spaces import Dimension, Params, Space
from pawl.ranges import same

SD: Mapping[str, float] = {"low": 0.3, "medium": 0.15, "high": 0.05}
"""The standard deviation of a number's guess, as a share of its range."""
TIMES: Mapping[str, float] = {"low": 2.0, "medium": 5.0, "high": 20.0}
"""How many times as likely as each other choice a categorical guess is."""
OPEN = 0.1
"""The share of the density that is uniform."""
BETA = 10.0
"""The number of runs after which the density weighs as much as it says; piBO's beta."""
EDGE = 1e-12


def believed(space: Space) -> bool:
    """Whether any constant has a guess."""
    return any(dimension.likely is not None for dimension in space)


def density(space: Space, params: Mapping[str, Constant]) -> float:
    """The user's density at these values of active dimensions, relative to the uniform one: above 1 where the user
    expects good values, 1 where no guess is declared, never 0. Raises ValueError for what is outside of the space."""
    return math.exp(min(_log_density(space, params), 700.0))


def weight(space: Space, params: Mapping[str, Constant], finished: int) -> float:
    """What the density still says after so many finished runs: its power of beta / n."""
    return math.exp(min(log_weight(space, params, finished), 700.0))


def log_weight(space: Space, params: Mapping[str, Constant], finished: int) -> float:
    """The logarithm of `weight`, of however many constants."""
    return _log_density(space, params) * BETA / max(finished, 1)


def _log_density(space: Space, params: Mapping[str, Constant]) -> float:
    return sum(
        math.log(OPEN + (1 - OPEN) * _guess(dimension, dimension.likely, params[dimension.name]))
        for dimension in space
        if dimension.likely is not None and dimension.name in params
    )


def sample(space: Space, chance: Random) -> Params:
    """Values of active dimensions, drawn from the density; uniformly where no guess is declared."""
    return space.build(lambda dimension: _draw(dimension, chance))


def drawn(space: Space, chance: Random) -> Iterator[Params]:
    """One sample after the other, without end."""
    return iter(lambda: sample(space, chance), None)


def chosen(candidates: Iterator[Params], space: Space, finished: int, pool: int, chance: Random) -> Iterator[Params]:
    """Of each `pool` of candidates one, drawn by weight."""
    while few := list(islice(candidates, pool)):
        yield chance.choices(few, [weight(space, params, finished) for params in few])[0]


def _guess(dimension: Dimension, likely: Constant, value: Constant) -> float:
    """The density of a guess alone, relative to the uniform one."""
    if dimension.kind == "categorical":
        times = TIMES[dimension.sure]
        return (times if same(value, likely) else 1.0) * dimension.count / (times + dimension.count - 1)
    normal = NormalDist(dimension.unit(likely), SD[dimension.sure])
    inside, (low, high) = normal.cdf(1) - normal.cdf(0), dimension.share(value)
    if low == high:
        return normal.pdf(low) / inside
    return (normal.cdf(high) - normal.cdf(low)) / (high - low) / inside


def _draw(dimension: Dimension, chance: Random) -> Constant:
    likely = dimension.likely
    if likely is None or chance.random() < OPEN:
        return dimension.value(chance.random())
    if dimension.kind == "categorical":
        return chance.choices(dimension.choices, [_guess(dimension, likely, c) for c in dimension.choices])[0]
    normal = NormalDist(dimension.unit(likely), SD[dimension.sure])
    low, high = normal.cdf(0), normal.cdf(1)
    place = normal.inv_cdf(min(max(low + chance.random() * (high - low), EDGE), 1 - EDGE))
    return dimension.value(min(max(place, 0.0), 1.0))

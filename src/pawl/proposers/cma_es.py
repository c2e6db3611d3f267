"""The covariance matrix adaptation evolution strategy (Hansen and Ostermeier 2001), by the library `cmaes`.

Its state is a function of the generations it was told, and those are read from the ledger, in the order in which they
ended: nothing is stored, and nothing unpickled. Optuna's own sampler would keep its state as a pickle in each trial.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from pawl.proposers.likely import SD
from pawl.proposers.spaces import Dimension, Params
from pawl.proposers.tried import Known, Tried

NAME = "cma-es"
SIGMA = 1 / 6
"""The first standard deviation, as a share of each range, where the user has no guess; as in Optuna."""


def candidates(known: Known) -> Iterator[Params]:
    """Draws from the distribution as it is after all full generations so far."""
    from cmaes import CMA  # an optional extra

    space = known.space
    spread = [_spread(dimension) for dimension in space]
    optimizer = CMA(
        mean=np.array([0.5 if d.likely is None else d.unit(d.likely) for d in space]), sigma=SIGMA,
        cov=np.diag([(sd / SIGMA) ** 2 for sd in spread]), bounds=np.array([[0.0, 1.0]] * len(spread)),
        n_max_resampling=10 * len(spread), seed=known.seed % 2**32,
    )  # fmt: skip
    for generation in generations(known.tried, optimizer.population_size):
        optimizer.tell([
            (np.array(space.units(one.params)), math.inf if one.loss is None else one.loss) for one in generation
        ])  # fmt: skip
    while True:
        yield space.params(optimizer.ask().tolist())


def generations(tried: Iterable[Tried], size: int) -> Iterator[list[Tried]]:
    """The full generations: each the first `size` that ended among those that it proposed since the one before was
    full. What ends later than its generation is left out, as it was drawn from a distribution that is no more."""
    since, full = 0, list[Tried]()
    for one in sorted((one for one in tried if one.sampler == NAME and one.ended), key=lambda one: one.ended):
        if one.id > since:
            full.append(one)
        if len(full) == size:
            yield full
            since, full = one.ended, []


def _spread(dimension: Dimension) -> float:
    return SIGMA if dimension.likely is None else SD[dimension.sure]

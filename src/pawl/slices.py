"""A metric on parts of a sealed set: where a gain on the whole hides a loss for some."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pawl.errors import ConfigError
from pawl.hostile import one_line

Array = NDArray[np.generic]
Scorer = Callable[[Array, Array, Array], dict[str, float]]
MOST_SLICES = 64


def by_slice(
    scorer: Scorer, predictions: Array, labels: Array, inputs: Array, slices: Array | None
) -> dict[str, float]:
    """A scorer's metrics on all rows and, where the sealed set names a slice for each row (`slices` [N], whole numbers
    or text), on the rows of each: `log_loss@3`. Raises ConfigError for slices that do not fit."""
    found = scorer(predictions, labels, inputs)
    if slices is None:
        return found
    names = np.unique(slices) if slices.shape == (len(labels),) and slices.dtype.kind in "iuSU" else slices[:0]
    if not 1 <= len(names) <= MOST_SLICES:
        raise ConfigError(
            f"`slices` must name 1 to {MOST_SLICES} slices in whole numbers or text, one for each row",
            "make the sealed set anew",
        )
    for name in names:
        rows = slices == name
        word = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
        part = scorer(predictions[rows], labels[rows], inputs[rows])
        found |= {f"{metric}@{one_line(word)}": value for metric, value in part.items()}
    return found

"""What rows of sealed inputs tell when they are looked at one by one: look-alikes, gains by row, luck, memory.

Pure arithmetic on arrays. Rows are along the first axis.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pawl.evaluators.scorers import Floats
from pawl.slices import Array, Scorer

BLEND = 0.1
"""The share of another row in a look-alike: more than rounding undoes, less than changes what a row shows."""
TRIM = 0.05
"""The share of rows left out at either end of the sorted gains."""
MOVED = 1e-3
"""The largest difference of a prediction (of its size, where that is above one) that rounding explains: float32, in
batches of another size."""


def lookalikes(inputs: Array, draw: np.random.Generator) -> Array:
    """Rows that a model takes for those of `inputs` and a table of them does not: each has a little of another one.

    Fractions are blended (BLEND of the other row); of anything else the same share of places, one at least, is taken
    from the other row. Labels stay."""
    other = inputs[_others(len(inputs), draw)]
    if inputs.dtype.kind == "f":
        mixed: Floats = (1 - BLEND) * inputs.astype(np.float64) + BLEND * other.astype(np.float64)
        return mixed.astype(inputs.dtype)
    if inputs.ndim == 1:
        return inputs.copy()
    flat, theirs = inputs.reshape(len(inputs), -1).copy(), other.reshape(len(inputs), -1)
    share = max(1, round(BLEND / 3 * flat.shape[1]))
    for row, theirs_row in zip(flat, theirs, strict=True):
        places = draw.choice(len(row), size=min(share, len(row)), replace=False)
        row[places] = theirs_row[places]
    return flat.reshape(inputs.shape)


def _others(count: int, draw: np.random.Generator) -> NDArray[np.int64]:
    """For each row another one."""
    return (np.arange(count) + draw.integers(1, max(count, 2), size=count)) % count


def moved(before: Array, after: Array) -> float:
    """The share of rows whose predictions differ by more than rounding explains."""
    if before.shape != after.shape:
        return 1.0
    if before.dtype.kind not in "fiu":
        different = before != after
    else:
        first, second = before.astype(np.float64), after.astype(np.float64)
        different = ~(np.abs(first - second) <= MOVED * np.maximum(1.0, np.abs(first)))
    return float(different.reshape(len(before), -1).any(axis=1).mean())


def scores(scorer: Scorer, metric: str, predictions: Array, labels: Array, inputs: Array) -> Floats:
    """The metric of each row alone."""
    rows = [slice(n, n + 1) for n in range(len(labels))]
    return np.array([scorer(predictions[r], labels[r], inputs[r])[metric] for r in rows])


def trimmed(gains: Floats) -> float:
    """The mean gain without the TRIM largest and smallest: what is left when a few rows do not decide."""
    cut = int(np.ceil(TRIM * len(gains)))
    return float(np.sort(gains)[cut : len(gains) - cut].mean()) if len(gains) > 2 * cut else 0.0


def gains(by_row: Floats) -> dict[str, float]:
    """What there is to say of gains, row by row: the mean, without extremes, the shares of rows better and worse."""
    better, worse = float((by_row > 0).mean()), float((by_row < 0).mean())
    return {"gain": float(by_row.mean()), "trimmed_gain": trimmed(by_row), "rows_better": better, "rows_worse": worse}


def kept(original: Floats, similar: Floats) -> dict[str, float]:
    """The mean gain on some rows and on their look-alikes, and the standard error of the difference."""
    error = (similar - original).std(ddof=1) / np.sqrt(len(original)) if len(original) > 1 else 0.0
    return {
        "original_gain": float(original.mean()), "lookalike_gain": float(similar.mean()),
        "lookalike_error": float(error),
    }  # fmt: skip


def luck(scorer: Scorer, metric: str, sign: int, found: tuple[Array, Array, Array], draw: np.random.Generator) -> float:
    """How likely a score as good as this is when `labels` have nothing to do with the rest: (predictions, labels,
    inputs) against 9,999 permutations of the labels (an exact test: Phipson and Smyth 2010 on the added one)."""
    predictions, labels, inputs = found
    count = len(labels)
    table = np.empty((count, count))
    for n in range(count):
        row = slice(n, n + 1)
        table[n] = [scorer(predictions[row], labels[m : m + 1], inputs[row])[metric] for m in range(count)]
    here = np.arange(count)
    seen = sign * table[here, here].mean()
    orders = draw.permuted(np.tile(here, (9_999, 1)), axis=1)
    by_chance = sign * table[here, orders].mean(axis=1)
    return float((1 + (by_chance >= seen - 1e-12).sum()) / 10_000)


def found(rows: Array, arrays: Iterable[Array]) -> int:
    """How many of some sealed rows stand in arrays, number for number, in whatever plain type an array is of."""
    contents = [np.ascontiguousarray(array) for array in arrays if array.dtype.kind in "biuf"]
    several = rows.reshape(len(rows), -1)
    telling = several[[len(np.unique(row)) > 3 for row in several]]
    return sum(any(_within(row, array) for array in contents) for row in telling)


def _within(row: Array, array: Array) -> bool:
    with np.errstate(all="ignore"):
        return row.astype(array.dtype).tobytes() in array.tobytes() and row.size * array.itemsize >= 16

"""Training data in which there is nothing left to learn: every array's rows in an order of their own, and every list
of classes or letters drawn anew, all equally often.

Inputs no longer belong to labels, and a text is a heap of letters that does not even tell which ones are common: what
a model can still do after training on that, it did not learn from the study's data.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pawl import cache, hostile
from pawl.errors import ConfigError
from pawl.protocols import Mount

MOST = 2**33
"""Bytes that a training file may unpack to."""
CUT = 0.02
"""The share of the budget in the shorter control: hardly any."""


def scrambled(data: Sequence[Mount]) -> tuple[Mount, ...]:
    """Training files taken apart, at the same places inside. Raises ConfigError for a file that is not .npz or .npy:
    what in it belongs together is not known."""
    return tuple(Mount(_scrambled(mount), mount.target) for mount in data)


def _scrambled(mount: Mount) -> Path:
    name = Path(mount.target).name
    if not name.endswith((".npz", ".npy")):
        raise ConfigError(f"{mount.target} cannot be taken apart: only .npz and .npy can", "remove the gate `learning`")
    arrays = hostile.arrays(name, mount.source.read_bytes(), MOST)
    draw = np.random.default_rng(20)
    mixed = {key: _apart(array, draw) for key, array in arrays.items()}
    with tempfile.TemporaryDirectory(prefix="pawl-scrambled-") as folder:
        path = Path(folder) / name
        if name.endswith(".npy"):
            np.save(path, mixed["array"])
        else:
            np.savez(path, **mixed)  # type: ignore[arg-type]  # numpy's stub takes a keyword for an array
        return cache.stage(path)[0]


def _apart(array: NDArray[np.generic], draw: np.random.Generator) -> NDArray[np.generic]:
    if array.ndim == 0:
        return array
    if array.ndim == 1 and array.dtype.kind in "iubUS":
        return draw.choice(np.unique(array), size=len(array))
    return array[draw.permutation(len(array))]

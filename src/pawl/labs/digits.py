"""The lab `digits`: a small NumPy network reads handwritten digits; scored in log-loss on digits it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pawl.errors import ConfigError
from pawl.labs.arrays import write_sealed, write_train
from pawl.labs.lab import Lab, template

SEED = 20240601  # of the split; nothing else is random here
SHARES = (0.5, 0.25, 0.25)  # train, validation, holdout

Pixels = NDArray[np.float32]
Digits = NDArray[np.int64]


def prepare(study: Path) -> None:
    """Write the study's data: `inputs` float32 [N, 64] in 0..1 with `labels` int64 [N] to train on, and sealed sets.

    Raises ConfigError when scikit-learn, which ships the images, is not installed beside Pawl.
    """
    inputs, labels = load()
    train, validation, holdout = split(labels)
    write_train(study, inputs=inputs[train], labels=labels[train])
    write_sealed(study, "validation", inputs[validation], labels[validation])
    write_sealed(study, "holdout", inputs[holdout], labels[holdout])


def load() -> tuple[Pixels, Digits]:
    """The images as float32 [1797, 64] in 0..1 and their digits, int64 [1797]; repeated images stand once."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ConfigError(
            "the lab 'digits' takes its images from scikit-learn, which is not installed.",
            hint="pip install 'pawl-ai[labs]'",
        ) from error
    images: Any = load_digits()
    _, first = np.unique(images.data, axis=0, return_index=True)
    first.sort()
    return (images.data[first] / 16).astype(np.float32), images.target[first].astype(np.int64)


def split(labels: Digits) -> tuple[Digits, Digits, Digits]:
    """Sorted row numbers of train, validation and holdout; each digit is spread over them in the same shares."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    parts: tuple[list[Digits], list[Digits], list[Digits]] = ([], [], [])
    for digit in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == digit))
        cuts = np.round(np.cumsum(SHARES)[:-1] * len(rows)).astype(int)
        for part, chosen in zip(parts, np.split(rows, cuts), strict=True):
            part.append(chosen)
    train, validation, holdout = (np.sort(np.concatenate(part)) for part in parts)
    return train, validation, holdout


LAB = Lab(
    name="digits",
    summary="a small NumPy network on scikit-learn's handwritten digits; log-loss, half a second a run",
    folder=template("digits"),
    prepare=prepare,
)

"""Where a lab's arrays go: training data in the open, sealed sets for their owner's eyes only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def write_train(study: Path, **arrays: Array) -> Path:
    """Write `data/train.npz`, readable by the sandbox; returns its path."""
    folder = study / "data"
    folder.mkdir(exist_ok=True)
    return _write(folder / "train.npz", 0o644, arrays)


def write_sealed(study: Path, split: str, inputs: Array, labels: Array) -> Path:
    """Write `.pawl/sealed/<split>.npz` with `inputs` and `labels` [N, ...], mode 0600 in folders of mode 0700."""
    folder = study / ".pawl" / "sealed"
    folder.mkdir(parents=True, exist_ok=True)
    for private in (folder.parent, folder):
        private.chmod(0o700)
    return _write(folder / f"{split}.npz", 0o600, {"inputs": inputs, "labels": labels})


def _write(path: Path, mode: int, arrays: dict[str, Array]) -> Path:
    """Write an npz beside `path` and move it into place, so that nobody sees half a file or an open one."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        np.savez(out, **arrays)  # type: ignore[arg-type]  # numpy types the keyword allow_pickle, not the arrays
        os.fchmod(out.fileno(), mode)
    return part.replace(path)

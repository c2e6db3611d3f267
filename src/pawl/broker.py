"""The sealed broker: the one place that reads sealed sets, and the only one that ever holds their labels.

What leaves it: inputs, for a sandbox; of the validation set, scores; of the holdout, one bit for each opening. A set
is the bytes whose sha256 is known: those bytes are hashed, parsed and used, so that nothing can be exchanged between
looking and using. A link is refused, wherever it leads.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pawl import hostile
from pawl.envelope import sha256
from pawl.errors import ConfigError, IntegrityError
from pawl.sealing import Mode
from pawl.slices import Array, Scorer, by_slice

Rows = Callable[[Array, Array, Array], Mapping[str, Array]]
LARGEST = 2**33
"""Bytes that a sealed set may unpack to."""
LEAST_ROWS = 30
"""Rows below which a mean is too far from normal for thresholds in standard errors."""


def threshold(number: int, of: int, mode: Mode, z: float, delta: float) -> float:
    """Standard errors that opening `number` (from 1) of `of` must exceed.

    Standard: `z`. Adversarial: sqrt(2 (ln 2^(number - 1) + ln(of / delta))). Whoever has seen number - 1 bits chose
    among at most 2^(number - 1) questions; the tail of each, exp(-t^2 / 2) for a mean that is sub-Gaussian at its
    standard error, is summed over all of them and over all openings (Dwork et al., "The reusable holdout", 2015, count
    transcripts in this way)."""
    if mode == "standard":
        return z
    return math.sqrt(2 * ((number - 1) * math.log(2) + math.log(of / delta)))


def one_bit(gains: NDArray[np.float64], bar: float) -> bool:
    """Whether the mean of paired gains, one for each row, is above `bar` of its standard errors. Too few rows, rows
    that all gain the same, or anything that is not finite: no."""
    if gains.ndim != 1 or len(gains) < LEAST_ROWS or not np.isfinite(gains).all():
        return False
    error = float(gains.std(ddof=1)) / math.sqrt(len(gains))
    return error > 0 and float(gains.mean()) > bar * error


@dataclass(frozen=True, slots=True)
class SealedFile:
    """Where a sealed set lies, and the sha256 that it must have."""

    path: Path
    digest: str

    def read(self) -> tuple[dict[str, Array], Array, Array | None]:
        """Inputs by name, without labels and slices; the labels; the slices, if there are any.

        Raises IntegrityError, ConfigError."""
        content = contents(self.path)
        if sha256(content) != self.digest:
            raise IntegrityError(
                f"{self.path} is not the set that was sealed: its sha256 is no longer {self.digest[:12]}...",
                "pawl seal status   (put the file back, or begin anew: pawl run)",
            )
        return parsed(self.path.name, content)


def contents(path: Path) -> bytes:
    """The bytes of a regular file that is no link. Raises ConfigError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(0, "it is not a regular file")
            return file.read()
    except OSError as error:
        said = "it is a link" if path.is_symlink() else error.strerror
        raise ConfigError(f"the sealed set {path} cannot be read: {said}", f"ls -l {path.parent}") from error


def parsed(name: str, content: bytes) -> tuple[dict[str, Array], Array, Array | None]:
    """A sealed set's inputs by name, its labels, and its slices if it has any. Raises ConfigError."""
    try:
        found: dict[str, Array] = dict(hostile.arrays(name, content, LARGEST))
    except hostile.Refused as refusal:
        raise ConfigError(f"a sealed set must be an .npz file of plain arrays: {refusal}", "make it anew") from refusal
    if "labels" not in found or "inputs" not in found:
        raise ConfigError(f"{name} needs the arrays 'inputs' and 'labels'", "make it anew")
    labels, slices = found.pop("labels"), found.pop("slices", None)
    if labels.ndim == 0 or found["inputs"].shape[:1] != labels.shape[:1]:
        raise ConfigError(f"{name} has not one row of labels for each row of inputs", "make it anew")
    return found, labels, slices


def guarded(scorer: Scorer, predictions: Array, labels: Array, inputs: Array) -> dict[str, float]:
    """A scorer's answer. Raises Refused in place of what only the scorer can understand: what meets hostile numbers may
    raise anything."""
    try:
        return scorer(predictions, labels, inputs)
    except (hostile.Refused, ConfigError):
        raise
    except Exception as error:
        said = f"the scorer failed on these predictions: {type(error).__name__}: {error}"
        raise hostile.Refused(said) from error


class Validation:
    """The validation set, read once: inputs for predictions, and scores for whoever asks."""

    def __init__(self, file: SealedFile) -> None:
        self.inputs, self._labels, self._slices = file.read()
        self.digest = file.digest

    def score(self, scorer: Scorer, predictions: Array) -> dict[str, float]:
        """Metrics by name. Raises what the scorer raises, and Refused in place of what only it can understand."""

        def sliced(p: Array, labels: Array, inputs: Array) -> dict[str, float]:
            return by_slice(scorer, p, labels, inputs, self._slices)

        return guarded(sliced, predictions, self._labels, self.inputs["inputs"])


class HeldOut:
    """The holdout, read once: inputs for predictions, and one bit. It has no way to give a score."""

    def __init__(self, file: SealedFile) -> None:
        self.inputs, self._labels, _ = file.read()
        self.digest, self.rows = file.digest, len(self._labels)
        if self.rows < LEAST_ROWS:
            raise ConfigError(
                f"{file.path} has {self.rows} rows; a threshold in standard errors needs {LEAST_ROWS}",
                "pawl seal refresh --holdout FILE",
            )

    def beats(self, rows: Rows, metric: str, sign: int, head: Array, reference: Array, bar: float) -> bool:
        """Whether the predictions `head` beat `reference` by more than `bar` standard errors, row by row. Whatever goes
        wrong with predictions is a no, without a word: an error's text would say more than a bit."""
        try:
            with np.errstate(all="ignore"):  # a warning is a word too
                mine, theirs = (self._by_row(rows, metric, predictions) for predictions in (head, reference))
                return one_bit(sign * (mine - theirs), bar)
        except Exception:
            return False

    def _by_row(self, rows: Rows, metric: str, predictions: Array) -> NDArray[np.float64]:
        found = np.asarray(rows(predictions, self._labels, self.inputs["inputs"])[metric], dtype=np.float64)
        if found.shape != (self.rows,):
            raise ValueError("not one value for each row")
        return found


@dataclass(frozen=True, slots=True)
class Broker:
    """Serves a study's sealed sets. `held_out` is None where the study has no holdout, or its policy does not ask for
    one."""

    sealed: SealedFile
    held_out: SealedFile | None

    def validation(self) -> Validation:
        """Raises IntegrityError if the file is not what it was when the loop began, ConfigError if it is no set."""
        return Validation(self.sealed)

    def labelled(self) -> tuple[dict[str, Array], Array]:
        """The validation set with its labels, for an examiner in this process, who looks at single rows. Raises as
        `validation` does."""
        inputs, labels, _ = self.sealed.read()
        return inputs, labels

    def holdout(self) -> HeldOut:
        """Raises IntegrityError if the file is not the set in use, ConfigError if it is none, or there is none."""
        if self.held_out is None:
            raise ConfigError("this study has no holdout that may be opened", "pawl seal status")
        return HeldOut(self.held_out)

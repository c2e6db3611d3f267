"""From predictions and sealed labels to metrics. Each scorer refuses predictions that are not what they claim to be.

A scorer takes `predictions` (what the variant wrote), `labels` and `inputs` (sealed), and returns metrics by name.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pawl.errors import ConfigError, did_you_mean
from pawl.hostile import Refused, one_line

Array = NDArray[np.generic]
Floats = NDArray[np.float64]
Scorer = Callable[[Array, Array, Array], dict[str, float]]
MOST_SLICES = 64
TOLERANCE = 1e-3
"""How far a distribution's sum may be from one: float32 rounding over a few hundred classes."""


def bits_per_byte(predictions: Array, labels: Array, inputs: Array) -> dict[str, float]:
    """Mean -log2 p(next byte). Predictions: natural log-probabilities [N, T, 256]; labels: bytes [N, T]."""
    log_p = _floats(predictions, (*labels.shape, 256))
    total = _normalised(np.exp(np.minimum(log_p, 1.0)).sum(axis=-1))
    picked = np.take_along_axis(log_p, _classes(labels, 256)[..., None], axis=-1)[..., 0] - np.log(total)
    return {"bits_per_byte": float(-picked.mean() / np.log(2))}


def log_loss(predictions: Array, labels: Array, inputs: Array) -> dict[str, float]:
    """Mean -ln p(class), and the accuracy. Predictions: probabilities [N, C]; labels: classes [N].

    Probabilities are clipped at 1e-7, so that one confident error costs 16 nats and not infinity."""
    p, classes = _table(predictions, labels)
    if (p < 0).any():
        raise Refused("a predicted probability is negative")
    p = p / _normalised(p.sum(axis=-1))[:, None]
    picked = np.clip(p[np.arange(len(p)), classes], 1e-7, 1.0)
    return {"log_loss": float(-np.log(picked).mean()), "accuracy": float((p.argmax(axis=1) == classes).mean())}


def accuracy(predictions: Array, labels: Array, inputs: Array) -> dict[str, float]:
    """The share of right classes. Predictions: classes [N], or scores [N, C] of which the largest counts."""
    if predictions.ndim == 2:
        scores, classes = _table(predictions, labels)
        return {"accuracy": float((scores.argmax(axis=1) == classes).mean())}
    if predictions.dtype.kind != labels.dtype.kind and "f" not in (predictions.dtype.kind, labels.dtype.kind):
        _floats(predictions, labels.shape)
    if predictions.shape != labels.shape:
        raise Refused(f"predictions have shape {predictions.shape}; the labels' shape is {labels.shape}")
    if predictions.dtype.kind not in "biufUS":
        raise Refused(f"predictions are of type {predictions.dtype}, not classes")
    return {"accuracy": float((predictions == labels).mean())}


def rmse(predictions: Array, labels: Array, inputs: Array) -> dict[str, float]:
    """Root of the mean squared error, in the labels' unit. Predictions: numbers of the labels' shape."""
    error = _floats(predictions, labels.shape) - labels.astype(np.float64)
    return {"rmse": float(np.sqrt((error**2).mean()))}


SCORERS: dict[str, Scorer] = {
    "bits-per-byte": bits_per_byte, "log-loss": log_loss, "accuracy": accuracy, "rmse": rmse,
}  # fmt: skip
SEES_NO_FUTURE = frozenset({"bits-per-byte"})
"""Scorers of sequences, for which a prediction at t must not move when inputs after t do."""


def named(name: str, sealed: Path) -> Scorer:
    """A built-in scorer, or the function `score` of a study's own `.py` file in its sealed folder.

    The file is the study owner's and runs in the control process. Raises ConfigError if there is none."""
    if name in SCORERS:
        return SCORERS[name]
    path = sealed / name
    if not name.endswith(".py"):
        raise ConfigError(f"there is no scorer '{name}'.{did_you_mean(name, SCORERS)}", "correct evaluate.scorer")
    if path.resolve().parent != sealed.resolve():
        raise ConfigError(f"evaluate.scorer: {name} is not in the sealed folder {sealed}", "correct evaluate.scorer")
    module = types.ModuleType("pawl_study_scorer")
    try:
        exec(compile(path.read_text(), str(path), "exec"), module.__dict__)
    except Exception as error:  # the file is Python: it may raise anything
        raise ConfigError(f"evaluate.scorer: {path} cannot be used: {error}", "correct evaluate.scorer") from error
    if not callable(getattr(module, "score", None)):
        raise ConfigError(f"{path} has no function score(predictions, labels, inputs)", "define it")
    scorer: Scorer = module.score
    return scorer


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


def steady(before: Array, after: Array, cuts: NDArray[np.int64]) -> None:
    """Raise Refused if predictions [N, T, ...] at positions before each row's cut moved when later inputs did."""
    if before.shape != after.shape or before.ndim < 2 or before.size == 0:
        raise Refused(f"predictions change shape with the inputs: {before.shape}, {after.shape}")
    early = np.arange(before.shape[1])[None, :] < cuts[:, None]
    difference = np.abs(_floats(before, before.shape) - _floats(after, before.shape))
    rows = (difference.reshape(*before.shape[:2], -1).max(axis=-1) > TOLERANCE) & early
    if rows.any():
        raise Refused(f"predictions see their future: {int(rows.sum())} of them moved when only later inputs changed")


def _table(predictions: Array, labels: Array) -> tuple[Floats, NDArray[np.int64]]:
    """Predictions [N, C] as numbers and labels [N] as classes below C."""
    if labels.ndim != 1 or predictions.ndim != 2 or predictions.shape[1] == 0:
        raise Refused(f"predictions have shape {predictions.shape}, labels {labels.shape}; it must be [N, C] and [N]")
    return _floats(predictions, (len(labels), predictions.shape[1])), _classes(labels, predictions.shape[1])


def _floats(predictions: Array, shape: tuple[int, ...]) -> Floats:
    if predictions.shape != shape:
        raise Refused(f"predictions have shape {predictions.shape}; it must be {shape}")
    if predictions.dtype.kind not in "fiu":
        raise Refused(f"predictions are of type {predictions.dtype}, not numbers")
    values = predictions.astype(np.float64)
    if not np.isfinite(values).all():
        raise Refused("predictions hold NaN or infinity")
    return values


def _normalised(total: Floats) -> Floats:
    """The sums of distributions, which may differ from one by rounding; who uses them divides by them."""
    worst = float(np.abs(total - 1).max(initial=0.0))
    if not worst <= TOLERANCE:
        raise Refused(f"predicted probabilities do not sum to one (off by {worst:.3g})")
    return total


def _classes(labels: Array, count: int) -> NDArray[np.int64]:
    classes = labels.astype(np.int64)
    if classes.min(initial=0) < 0:
        raise ConfigError("the sealed labels hold a negative class", "make the sealed set anew")
    if classes.max(initial=0) >= count:
        raise Refused(f"predictions know {count} classes; the labels need {int(classes.max()) + 1}")
    return classes

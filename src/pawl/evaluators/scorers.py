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
from pawl.hostile import Refused

Array = NDArray[np.generic]
Floats = NDArray[np.float64]
Scorer = Callable[[Array, Array, Array], dict[str, float]]
TOLERANCE = 1e-3
"""How far a distribution's sum may be from one: float32 rounding over a few hundred classes."""


def bits_per_byte(predictions: Array, labels: Array, inputs: Array) -> dict[str, float]:
    """Mean -log2 p(next byte). Predictions: natural log-probabilities [N, T, 256]; labels: bytes [N, T]."""
    log_p = _floats(predictions, (*labels.shape, 256))
    _normalised(np.exp(np.minimum(log_p, 1.0)).sum(axis=-1))
    picked = np.take_along_axis(log_p, labels[..., None].astype(np.int64), axis=-1)[..., 0]
    return {"bits_per_byte": float(-picked.mean() / np.log(2))}


def log_loss(predictions: Array, labels: Array, inputs: Array) -> dict[str, float]:
    """Mean -ln p(class), and the accuracy. Predictions: probabilities [N, C]; labels: classes [N].

    Probabilities are clipped at 1e-7, so that one confident error costs 16 nats and not infinity."""
    p = _floats(predictions, (len(labels), predictions.shape[-1] if predictions.ndim == 2 else 0))
    if (p < 0).any():
        raise Refused("a predicted probability is negative")
    _normalised(p.sum(axis=-1))
    classes = _classes(labels, p.shape[1])
    picked = np.clip(p[np.arange(len(p)), classes], 1e-7, 1.0)
    return {"log_loss": float(-np.log(picked).mean()), "accuracy": float((p.argmax(axis=1) == classes).mean())}


def accuracy(predictions: Array, labels: Array, inputs: Array) -> dict[str, float]:
    """The share of right classes. Predictions: classes [N], or scores [N, C] of which the largest counts."""
    if predictions.ndim == 2:
        predictions = _floats(predictions, (len(labels), predictions.shape[1])).argmax(axis=1)
    if predictions.shape != labels.shape:
        raise Refused(f"predictions have shape {predictions.shape}; the labels' shape is {labels.shape}")
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
    if not name.endswith(".py"):
        raise ConfigError(f"there is no scorer '{name}'.{did_you_mean(name, SCORERS)}", "correct evaluate.scorer")
    path = sealed / name
    try:
        code = compile(path.read_text(), str(path), "exec")
    except (OSError, SyntaxError) as error:
        raise ConfigError(f"evaluate.scorer: {path} cannot be used: {error}", "correct evaluate.scorer") from error
    module = types.ModuleType("pawl_study_scorer")
    exec(code, module.__dict__)
    if not callable(getattr(module, "score", None)):
        raise ConfigError(f"{path} has no function score(predictions, labels, inputs)", "define it")
    scorer: Scorer = module.score
    return scorer


def steady(before: Array, after: Array, cuts: NDArray[np.int64]) -> None:
    """Raise Refused if predictions [N, T, ...] at positions before each row's cut moved when later inputs did."""
    if before.shape != after.shape:
        raise Refused(f"predictions change shape with the inputs: {before.shape}, {after.shape}")
    early = np.arange(before.shape[1])[None, :] < cuts[:, None]
    moved = np.abs(before.astype(np.float64) - after.astype(np.float64)).reshape(*before.shape[:2], -1).max(axis=-1)
    rows = (moved > TOLERANCE) & early
    if rows.any():
        raise Refused(f"predictions see their future: {int(rows.sum())} of them moved when only later inputs changed")


def _floats(predictions: Array, shape: tuple[int, ...]) -> Floats:
    if predictions.shape != shape:
        raise Refused(f"predictions have shape {predictions.shape}; it must be {shape}")
    if predictions.dtype.kind not in "fiu":
        raise Refused(f"predictions are of type {predictions.dtype}, not numbers")
    values = predictions.astype(np.float64)
    if not np.isfinite(values).all():
        raise Refused("predictions hold NaN or infinity")
    return values


def _normalised(total: Floats) -> None:
    worst = float(np.abs(total - 1).max())
    if not worst <= TOLERANCE:
        raise Refused(f"predicted probabilities do not sum to one (off by {worst:.3g})")


def _classes(labels: Array, count: int) -> NDArray[np.int64]:
    classes = labels.astype(np.int64)
    if classes.max(initial=0) >= count:
        raise Refused(f"predictions know {count} classes; the labels need {int(classes.max()) + 1}")
    return classes

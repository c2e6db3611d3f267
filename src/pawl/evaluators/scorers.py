"""From predictions and sealed labels to metrics. Each scorer refuses predictions that are not what they claim to be.

A scorer takes `predictions` (what the variant wrote), `labels` and `inputs` (sealed), and returns metrics by name. Its
row form returns, for each metric, one value for each row [N], whose mean orders models as the metric does.
"""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pawl.broker import Rows
from pawl.errors import ConfigError, did_you_mean
from pawl.hostile import Refused
from pawl.slices import Array, Scorer

Floats = NDArray[np.float64]
TOLERANCE = 1e-3
"""How far a distribution's sum may be from one: float32 rounding over a few hundred classes."""


def bits_per_byte(predictions: Array, labels: Array, inputs: Array) -> dict[str, float]:
    """Mean -log2 p(next byte). Predictions: natural log-probabilities [N, T, 256]; labels: bytes [N, T]."""
    return _means(bits_per_byte_rows(predictions, labels, inputs))


def bits_per_byte_rows(predictions: Array, labels: Array, inputs: Array) -> dict[str, Floats]:
    """Each sequence's mean: bytes of one sequence hang together, so that a sequence is one example."""
    log_p = _floats(predictions, (*labels.shape, 256))
    total = _normalised(np.exp(np.minimum(log_p, 1.0)).sum(axis=-1))
    picked = np.take_along_axis(log_p, _classes(labels, 256)[..., None], axis=-1)[..., 0] - np.log(total)
    return {"bits_per_byte": -picked.reshape(len(labels), -1).mean(axis=1) / np.log(2)}


def log_loss(predictions: Array, labels: Array, inputs: Array) -> dict[str, float]:
    """Mean -ln p(class), and the accuracy. Predictions: probabilities [N, C]; labels: classes [N].

    Probabilities are clipped at 1e-7, so that one confident error costs 16 nats and not infinity."""
    return _means(log_loss_rows(predictions, labels, inputs))


def log_loss_rows(predictions: Array, labels: Array, inputs: Array) -> dict[str, Floats]:
    """-ln p(class) of each row, and whether it was right."""
    p, classes = _table(predictions, labels)
    if (p < 0).any():
        raise Refused("a predicted probability is negative")
    p = p / _normalised(p.sum(axis=-1))[:, None]
    picked = np.clip(p[np.arange(len(p)), classes], 1e-7, 1.0)
    return {"log_loss": -np.log(picked), "accuracy": (p.argmax(axis=1) == classes).astype(np.float64)}


def accuracy(predictions: Array, labels: Array, inputs: Array) -> dict[str, float]:
    """The share of right classes. Predictions: classes [N], or scores [N, C] of which the largest counts."""
    return _means(accuracy_rows(predictions, labels, inputs))


def accuracy_rows(predictions: Array, labels: Array, inputs: Array) -> dict[str, Floats]:
    """Whether each row was right; where a row has several labels, the share of them."""
    if predictions.ndim == 2:
        scores, classes = _table(predictions, labels)
        return {"accuracy": (scores.argmax(axis=1) == classes).astype(np.float64)}
    if predictions.dtype.kind != labels.dtype.kind and "f" not in (predictions.dtype.kind, labels.dtype.kind):
        _floats(predictions, labels.shape)
    if predictions.shape != labels.shape:
        raise Refused(f"predictions have shape {predictions.shape}; the labels' shape is {labels.shape}")
    if predictions.dtype.kind not in "biufUS":
        raise Refused(f"predictions are of type {predictions.dtype}, not classes")
    return {"accuracy": (predictions == labels).reshape(len(labels), -1).mean(axis=1)}


def rmse(predictions: Array, labels: Array, inputs: Array) -> dict[str, float]:
    """Root of the mean squared error, in the labels' unit. Predictions: numbers of the labels' shape."""
    return {"rmse": float(np.sqrt(rmse_rows(predictions, labels, inputs)["rmse"].mean()))}


def rmse_rows(predictions: Array, labels: Array, inputs: Array) -> dict[str, Floats]:
    """Each row's mean squared error: its mean orders models as the root does."""
    error = _floats(predictions, labels.shape) - labels.astype(np.float64)
    return {"rmse": (error**2).reshape(len(labels), -1).mean(axis=1)}


def _means(rows: dict[str, Floats]) -> dict[str, float]:
    return {name: float(values.mean()) for name, values in rows.items()}


SCORERS: dict[str, Scorer] = {
    "bits-per-byte": bits_per_byte, "log-loss": log_loss, "accuracy": accuracy, "rmse": rmse,
}  # fmt: skip
ROWS: dict[str, Rows] = {
    "bits-per-byte": bits_per_byte_rows, "log-loss": log_loss_rows, "accuracy": accuracy_rows, "rmse": rmse_rows,
}  # fmt: skip
SEES_NO_FUTURE = frozenset({"bits-per-byte"})
"""Scorers of sequences, for which a prediction at t must not move when inputs after t do."""


def named(name: str, sealed: Path) -> Scorer:
    """A built-in scorer, or the function `score` of a study's own `.py` file in its sealed folder.

    The file is the study owner's and runs in the control process. Raises ConfigError if there is none."""
    if name in SCORERS:
        return SCORERS[name]
    module = _module(name, sealed)
    if not callable(getattr(module, "score", None)):
        raise ConfigError(f"{sealed / name} has no function score(predictions, labels, inputs)", "define it")
    scorer: Scorer = module.score
    return scorer


def by_row(name: str, sealed: Path) -> Rows:
    """The row form of a scorer: of a study's own one the function `rows`. Raises ConfigError if it has none: without a
    value for each row there is no standard error, and a holdout cannot answer."""
    if name in ROWS:
        return ROWS[name]
    module = _module(name, sealed)
    if not callable(getattr(module, "rows", None)):
        raise ConfigError(
            f"{sealed / name} has no function rows(predictions, labels, inputs), which the holdout needs",
            "define it beside score: metrics by name, one value for each row",
        )
    rows: Rows = module.rows
    return rows


def _module(name: str, sealed: Path) -> types.ModuleType:
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
    return module


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

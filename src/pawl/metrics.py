"""A metric by its name: what the sandbox measured, what the scorer gave, or what the program says of itself."""

from __future__ import annotations

from collections.abc import Callable

from pawl.records import Direction, Evaluation, Run

MEASURED: dict[str, Callable[[Run, Evaluation], float]] = {
    "cpu_seconds": lambda run, evaluation: run.usage.cpu_s,
    "wall_seconds": lambda run, evaluation: run.usage.wall_s,
    "memory_bytes": lambda run, evaluation: float(run.usage.peak_bytes),
    "artifact_bytes": lambda run, evaluation: float(sum(artifact.size for artifact in run.artifacts)),
    "predict_seconds": lambda run, evaluation: evaluation.usage.wall_s,
}
"""Costs of training and of prediction, measured from outside: less is better. No scorer can give these names another
meaning."""
RISING = frozenset({"accuracy"})
"""What built-in scorers give of which more is better."""
EVERY = "@*"
"""`log_loss@*` stands for the metric on every slice of the sealed set."""


def value(metric: str, run: Run, evaluation: Evaluation) -> float | None:
    """A run's value of a metric; None where it failed or has none."""
    if run.outcome != "ok" or evaluation.outcome != "ok":
        return None
    if metric in MEASURED:
        return MEASURED[metric](run, evaluation)
    return evaluation.metrics.get(metric, run.summary.get(metric))


def self_reported(metric: str, evaluation: Evaluation) -> bool:
    """Whether a metric that a run has is what its program printed of itself."""
    return metric not in MEASURED and (evaluation.self_reported or metric not in evaluation.metrics)


def direction(metric: str, objective: str, of_objective: Direction) -> Direction:
    """Which way a metric is better, by its name: that of the study's own, of costs, of built-in scorers."""
    if metric.partition("@")[0] == objective:
        return of_objective
    return "maximize" if metric.partition("@")[0] in RISING else "minimize"


def sign(direction: Direction) -> int:
    """+1 where a higher metric is better, -1 where a lower one is."""
    return 1 if direction == "maximize" else -1


def slices(metric: str, evaluations: tuple[Evaluation, ...]) -> list[str]:
    """The metrics that a name stands for: itself, or with `@*` the one of every slice that any evaluation has."""
    if not metric.endswith(EVERY):
        return [metric]
    begin = metric.removesuffix("*")
    return sorted({name for evaluation in evaluations for name in evaluation.metrics if name.startswith(begin)})

"""Two metrics against each other: every variant's means with what noise leaves open, and the front that none beats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from pawl import history, metrics
from pawl.errors import ConfigError, did_you_mean
from pawl.ledger import Ledger
from pawl.records import Direction, Evaluation, Run, Variant


@dataclass(frozen=True, slots=True)
class Axis:
    """A metric and which way it is better."""

    metric: str
    direction: Direction

    def better(self, first: float, second: float) -> bool:
        return first < second if self.direction == "minimize" else first > second


@dataclass(frozen=True, slots=True)
class Spot:
    """A variant's mean on both axes over `runs` runs, each with its standard error (None: no variant ran twice).
    `role` is champion, head, waiting or empty; `front`: no other variant is as good on both axes and better on one."""

    variant: int
    x: float
    y: float
    x_error: float | None
    y_error: float | None
    runs: int
    role: str
    front: bool


@dataclass(frozen=True, slots=True)
class Front:
    """All comparable variants on two axes, best on x first."""

    x: Axis
    y: Axis
    spots: tuple[Spot, ...]


def front(ledger: Ledger, x: str = "", y: str = "") -> Front:
    """Every variant that ran while runs were comparable. A name may say its direction: `recall:maximize`. Without
    names: the study's metric against CPU seconds. Raises ConfigError for a metric that no run has."""
    study = history.study(ledger).record
    first, second = (_axis(name, study.metric, study.direction) for name in (x or "cpu_seconds", y or study.metric))
    values, roles = _values(ledger, (first.metric, second.metric)), _roles(ledger)
    x_sd, y_sd = (_pooled([[pair[n] for pair in pairs] for pairs in values.values()]) for n in (0, 1))
    means = {variant: (fmean(a for a, _ in pairs), fmean(b for _, b in pairs)) for variant, pairs in values.items()}
    spots = []
    for variant, mean in means.items():
        runs, beaten = len(values[variant]), any(_beats((first, second), other, mean) for other in means.values())
        x_error, y_error = _error(x_sd, runs), _error(y_sd, runs)
        spots.append(Spot(variant, *mean, x_error, y_error, runs, roles.get(variant, ""), not beaten))
    way = 1 if first.direction == "minimize" else -1
    return Front(first, second, tuple(sorted(spots, key=lambda spot: (way * spot.x, spot.variant))))


def _error(sd: float | None, runs: int) -> float | None:
    return None if sd is None else sd / math.sqrt(runs)


def _axis(name: str, objective: str, of_objective: Direction) -> Axis:
    metric, colon, way = name.partition(":")
    if not colon:
        return Axis(metric, metrics.direction(metric, objective, of_objective))
    if way == "minimize":
        return Axis(metric, "minimize")
    if way == "maximize":
        return Axis(metric, "maximize")
    raise ConfigError(f"'{way}' is no direction", f"pawl pareto --x {metric}:minimize   (or :maximize)")


def _values(ledger: Ledger, names: Sequence[str]) -> dict[int, list[tuple[float, float]]]:
    """Both metrics of every good comparable run, by variant; null candidates are no variants to choose from."""
    standing, known = history.read(ledger), set(metrics.MEASURED)
    found: dict[int, list[tuple[float, float]]] = {}
    for entry in ledger.entries(Evaluation):
        run = ledger.get(entry.record.run, Run)
        if run.id < standing.since or ledger.get(run.record.variant, Variant).record.proposal in standing.nulls:
            continue
        known |= entry.record.metrics.keys() | run.record.summary.keys()
        first, second = (metrics.value(name, run.record, entry.record) for name in names)
        if first is not None and second is not None:
            found.setdefault(run.record.variant, []).append((first, second))
    for name in names:
        if name not in known:
            raise ConfigError(
                f"no comparable run has the metric '{name}'.{did_you_mean(name, known)}",
                f"pawl pareto --x NAME --y NAME   (one of {', '.join(sorted(known))})",
            )
    if not found:
        raise ConfigError(f"no run has both {' and '.join(names)}", "pawl run --budget 5m")
    return found


def _pooled(groups: Sequence[Sequence[float]]) -> float | None:
    """The sd of one run within a variant, pooled over all that ran twice or more; None if none did."""
    spread = [(len(group) - 1, variance(group)) for group in groups if len(group) > 1]
    if not spread:
        return None
    return math.sqrt(math.fsum(n * v for n, v in spread) / sum(n for n, _ in spread))


def _beats(axes: Sequence[Axis], first: tuple[float, float], second: tuple[float, float]) -> bool:
    """Whether the first is nowhere worse and somewhere better."""
    both = [*zip(axes, first, second, strict=True)]
    return any(axis.better(a, b) for axis, a, b in both) and not any(axis.better(b, a) for axis, a, b in both)


def _roles(ledger: Ledger) -> dict[int, str]:
    """What some variants are: the champion was released, or is the baseline; certified ones wait for a person."""
    standing = history.read(ledger)
    waiting = {dossier.record.variant: "waiting" for dossier in standing.standing}
    released = "released" if ledger.get(standing.champion, Variant).record.proposal else "baseline"
    return {standing.head: "head", **waiting, standing.champion: f"champion ({released})"}

"""Tracked runs of MLflow, from its files or through its client, as the trials of a log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pawl.errors import ConfigError
from pawl.readers import columns
from pawl.trials import Decision, Log, Trial

FINISHED = ("FINISHED", "RUNNING", "SCHEDULED")


@dataclass(frozen=True, slots=True)
class Tracked:
    """One run: its last metrics, parameters and tags, and when it started (milliseconds)."""

    name: str
    status: str
    started: int
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user said of an experiment's columns; empty: guess."""

    metric: str
    direction: str
    status: str
    seed: str
    variant: str


def log(source: str, reader: str, experiment: str, runs: Sequence[Tracked], choice: Choice) -> Log:
    """The runs of an experiment in the order in which they started. Raises ConfigError: no runs, no metric."""
    if not runs:
        raise ConfigError(f"{source}: experiment '{experiment}' has no runs", "--experiment NAME")
    told = [f"experiment '{experiment}', {len(runs)} runs in the order of their start"]
    metric = _metric(runs, choice.metric, told)
    names = sorted({name for run in runs for name in (*run.params, *run.tags)})
    seed = columns.named(choice.seed, names, "seed") if choice.seed else columns.first_of(columns.SEED, names)
    status = columns.named(choice.status, names, "status") if choice.status else columns.first_of(columns.STATUS, names)
    variant = columns.named(choice.variant, names, "variant") if choice.variant else ""
    if seed:
        told.append(f"the seed is '{seed}'")
    ordered = sorted(runs, key=lambda run: run.started)
    trials = tuple(_trial(run, metric, seed, status, variant) for run in ordered)
    direction = columns.a_direction(choice.direction) or columns.direction_of(metric)
    if direction is None:
        raise ConfigError(f"is lower or higher better for '{metric}'?", "--direction minimize   or   maximize")
    if not choice.direction:
        told.append(f"{'lower' if direction == 'minimize' else 'higher'} is taken to be better, by its name")
    return Log(source, reader, columns.shown(metric), direction, trials, tuple(told))


def _metric(runs: Sequence[Tracked], wanted: str, told: list[str]) -> str:
    counts = Counter(name for run in runs for name in run.metrics)
    names = [name for name, _ in counts.most_common()]
    if wanted:
        return columns.named(wanted, names, "metric")
    likely = columns.guess_metric(names) or (names if len(names) == 1 else [])
    if not likely:
        raise ConfigError(f"which metric? The runs have: {columns.shown(', '.join(names[:20])) or 'none'}.",
                          f"--metric {columns.shown(names[0]) if names else 'NAME'}")  # fmt: skip
    told.append(
        f"the metric is taken to be '{columns.shown(likely[0])}'" + (" (--metric for another)" if names[1:] else "")
    )
    return likely[0]


def _trial(run: Tracked, metric: str, seed: str, status: str, variant: str) -> Trial:
    given = {**run.tags, **run.params}
    settings = {name: value for name, value in run.params.items() if name not in (seed, status)}
    words = ", ".join(f"{name}={value}" for name, value in sorted(settings.items()))
    said: Decision = (columns.decision(given.get(status, "")) or "") if status else ""
    done = run.status in FINISHED and said != "crashed"
    key = given.get(variant, "") if variant else json.dumps(settings, sort_keys=True) if settings else ""
    return Trial(
        columns.shown(run.name, 40), run.metrics.get(metric) if done else None, said if done else "crashed", key,
        columns.shown(given.get(seed, "")), columns.shown(words),
    )  # fmt: skip

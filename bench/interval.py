"""What the dossier says of a gain, at the moment the test stops: does the interval hold the truth, is the estimate as
often too high as too low? Beside it the plain mean. Simulated scores, the product's own arithmetic. Three minutes.

Unit of gains: the sd of one run; of biases: the sd of a paired difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import common
import numpy as np
from scipy.stats import binomtest

from pawl.estimate import estimate
from pawl.evidence import paired_scale, threshold
from pawl.policy import CertificationTable

DRAWN = 800
RULES = {"sign-flip": CertificationTable(), "clipped-mean": CertificationTable(test="clipped-mean", pairs=40)}
SHAPES: dict[str, Callable[[np.random.Generator, tuple[int, ...]], object]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "t3": lambda rng, shape: rng.standard_t(3, shape) / np.sqrt(3),
    "log-normal": lambda rng, shape: rng.lognormal(0, 1, shape) / np.sqrt((np.e - 1) * np.e),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What one certificate would say: in sd of a paired difference, less the truth."""

    certified: bool
    estimate: float
    mean: float
    covered: bool
    inside: bool
    width: float | None


def certificate(row: list[float], truth: float, rules: CertificationTable) -> Shown:
    """One sequence of gains in units of the scale, looked at until the test stops."""
    test, stop = rules.betting(rules.test, 1.0), rules.stop(threshold(1, 0, rules.alpha))
    count, ending = stop.end(test, row)
    gains = row[:count]
    found, (low, high) = estimate(gains, test, stop), test.interval(gains, rules.level)
    assert found is not None
    return Shown(
        ending == "certified", found - truth, fmean(gains) - truth,
        (low is None or low <= truth) and (high is None or high >= truth),
        (low is None or low <= found) and (high is None or high >= found),
        None if low is None or high is None else high - low,
    )  # fmt: skip


def share(true: Sequence[bool]) -> list[float] | None:
    """A share with its exact 95 % interval; None where there is nothing to count."""
    if not true:
        return None
    found = binomtest(sum(true), len(true)).proportion_ci(0.95, "exact")
    return [round(sum(true) / len(true), 4), round(found.low, 4), round(found.high, 4)]


def biases(errors: Sequence[float]) -> dict[str, object]:
    return {
        "above_truth": share([error > 0 for error in errors]), "median_bias": round(median(errors), 3),
        "mean_bias": round(fmean(errors), 3), "rmse": round(fmean(error**2 for error in errors) ** 0.5, 3),
    }  # fmt: skip


def cell(shown: Sequence[Shown]) -> dict[str, object]:
    """Coverage and biases of all certificates, whatever came of them, and of those that were won."""
    found: dict[str, object] = {}
    for name, kept in (("all", list(shown)), ("certified", [one for one in shown if one.certified])):
        widths = [one.width for one in kept if one.width is not None]
        found[name] = {
            "count": len(kept), "coverage": share([one.covered for one in kept]),
            "estimate_inside_interval": share([one.inside for one in kept]),
            "width_median": round(median(widths), 2) if widths else None,
            "estimate": biases([one.estimate for one in kept]) if kept else None,
            "plain_mean": biases([one.mean for one in kept]) if kept else None,
        }  # fmt: skip
    return found


def simulated(name: str, shape: str, gain: float, rho: float) -> dict[str, object]:
    """Gains of two variants whose runs have this shape and correlation."""
    rules, scale = RULES[name], paired_scale(1.0, rho)
    rng = np.random.default_rng([3, int(100 * gain), int(10 * rho)])
    ours, theirs, seeds = (np.asarray(SHAPES[shape](rng, (DRAWN, rules.pairs))) for _ in range(3))
    runs = [np.sqrt(1 - rho) * own + np.sqrt(rho) * seeds for own in (ours, theirs)]
    gains = (gain + runs[0] - runs[1]) / scale
    return cell([certificate(row, gain / scale, rules) for row in gains.tolist()])


def main() -> None:
    before = common.machine()
    cells = [("sign-flip", "normal", gain, rho) for gain in (0.5, 1.0, 2.0) for rho in (0.0, 0.5, 0.8)]
    cells += [
        ("sign-flip", "normal", 0.0, 0.5)
    ]  # where nothing is better, the correlation changes nothing but the unit
    cells += [("sign-flip", shape, 1.0, 0.5) for shape in ("t3", "log-normal")]
    cells += [("clipped-mean", "normal", gain, 0.5) for gain in (0.0, 1.0, 2.0)]
    cells += [("clipped-mean", "t3", 1.0, 0.5)]
    figures = {
        f"{name}, {shape}, {gain:g} sd, correlation {rho:g}": simulated(name, shape, gain, rho)
        for name, shape, gain, rho in cells
    }
    everything = [found["all"] for found in figures.values()]
    worst = {
        "certificates": DRAWN * len(cells),
        "least_coverage": min(one["coverage"][0] for one in everything),  # type: ignore[index]
        "farthest_from_half": {
            who: max(abs(one[who]["above_truth"][0] - 0.5) for one in everything)  # type: ignore[index]
            for who in ("estimate", "plain_mean")
        },
    }
    common.write(
        "interval",
        {"worst": worst, "cells": figures},
        before,
        "Shares are [share, low, high] with exact 95 % intervals. `all` is every certificate at its stop, futile ones "
        "too: the promise is about these. `certified` is after the selection that a win is, which no unbiased estimate "
        "of all survives: where wins are rare both numbers are too high among them, the estimate less so.",
    )


if __name__ == "__main__":
    main()

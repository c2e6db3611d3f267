"""What the next certificate will likely take: pairs, wall clock, and the chance to win it. A guess, told beforehand and
written down, so that it can be held against what came; nothing is decided by it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, median

from pawl import beliefs, history
from pawl.evidence import Betting, Stop, threshold
from pawl.ledger import Ledger
from pawl.policy import CertificationTable
from pawl.records import Certificate, Evaluation, Forecast, Noise, Preregistration, Run

DRAWS = 400
"""Certificates that are simulated for one forecast."""

BLIND = 2.0
"""The gain, in sd of a paired difference, that is assumed while no head is there to speak of: room is kept for a
certificate of a clear gain."""


@dataclass(frozen=True, slots=True)
class Duration:
    """How many pairs a test takes: the median, what four of five stay within, and the share that is certified."""

    pairs: int
    late: int
    chance: float


def ahead(ledger: Ledger, rules: CertificationTable, workers: int) -> Forecast:
    """The certificate that would begin now, of the head as it is, with so many runs at once."""
    standing, noise = history.read(ledger), ledger.last(Noise)
    scale = noise.record.scale if noise else 0.0
    gain, sd = expected(ledger, scale)
    if noise and not scale:  # where a seed changes nothing, pairs prove nothing, and none are run
        return Forecast(gain=gain, gain_sd=sd, pairs=0, pairs_late=0, chance=0.0, wall_s=0.0)
    stop = rules.stop(threshold(standing.steps + 1, standing.wins, rules.alpha))
    shift, width = (_coarse(gain / scale), _coarse(sd / scale)) if scale else (BLIND, 0.0)
    found = duration(shift, width, rules.betting(rules.test, 1.0), stop)
    together = min(workers, 2 * max(1, workers // 2))  # both arms of as many pairs as there is room for
    return Forecast(
        gain=gain, gain_sd=sd, pairs=found.pairs, pairs_late=found.late, chance=found.chance,
        wall_s=round(2 * found.pairs * _each(ledger, standing.since) / together, 1),
    )  # fmt: skip


@lru_cache(maxsize=256)
def duration(gain: float, sd: float, test: Betting, stop: Stop) -> Duration:
    """Simulates certificates by the rule that ends real ones: normal gains around a true one that is normal too, with
    this mean and sd; all in units of the test. The same question has the same answer."""
    draw, done, won = random.Random(0), [], 0
    for _ in range(DRAWS):
        true = draw.gauss(gain, sd)
        pairs, ending = stop.end(test, [draw.gauss(true, test.scale) for _ in range(stop.pairs)])
        done.append(pairs)
        won += ending == "certified"
    return Duration(round(median(done)), sorted(done)[DRAWS * 4 // 5 - 1], won / DRAWS)


def expected(ledger: Ledger, scale: float) -> tuple[float, float]:
    """The head's gain over the reference as races make it expected, and its sd. A clear gain, to keep room for, where
    head and reference are the same."""
    course = beliefs.read(ledger)
    if course.belief is None or course.standing.head == course.standing.reference:
        return BLIND * scale, 0.0
    return course.belief.gain, course.belief.doubt**0.5


def kept(ledger: Ledger) -> tuple[int, int]:
    """How many certificates were forecast, and how many of them took no more pairs than four of five should."""
    plans = {entry.id: entry.record.forecast for entry in ledger.entries(Preregistration)}
    done = [(plans[e.record.preregistration], len(e.record.pairs)) for e in ledger.entries(Certificate)]
    within = [pairs <= forecast.pairs_late for forecast, pairs in done if forecast]
    return len(within), sum(within)


def _coarse(gain: float) -> float:
    """To a quarter: the forecast is asked for after each turn, and is not so good that finer steps would show."""
    return round(4 * min(gain, 20.0)) / 4


def _each(ledger: Ledger, since: int) -> float:
    """Mean seconds of wall clock of one comparable run with its evaluation; 0 where nothing ran."""
    runs = [entry.record.usage.wall_s for entry in ledger.entries(Run) if entry.id > since]
    measured = [entry.record.usage.wall_s for entry in ledger.entries(Evaluation) if entry.id > since]
    return sum(fmean(times) for times in (runs, measured) if times)


def words(forecast: Forecast) -> str:
    """`likely 16 runs, 4 minutes (at most 40 in four of five); chance to win 71%`."""
    late = f"at most {2 * forecast.pairs_late} in four of five"
    took = f"{2 * forecast.pairs} runs, {_minutes(forecast.wall_s)}"
    return f"likely {took} ({late}); chance to win {forecast.chance:.0%}"


def _minutes(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"

"""What the next certificate will likely take: pairs, wall clock, and the chance to win it. A guess, told beforehand and
written down, so that it can be held against what came; nothing is decided by it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, median, variance

from pawl import history
from pawl.evidence import Betting, Stop, threshold
from pawl.ledger import Entry, Ledger
from pawl.policy import CertificationTable
from pawl.records import Certificate, Evaluation, Forecast, Noise, Preregistration, Run, Screening

DRAWS = 400
"""Certificates that are simulated for one forecast."""

ENOUGH = 8
"""Measured gains from which on the study's own ideas say how large gains are."""

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
    shift, width = (round(gain / scale, 2), round(sd / scale, 2)) if scale else (BLIND, 0.0)
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
    """The head's gain over the reference as screening saw it, shrunk towards what ideas in this study usually bring,
    and its sd: the sums, over the accepted changes, of posterior means and variances under a normal prior whose mean
    and variance are those of all measured gains less their noise (method of moments; James and Stein, 1961).

    A clear gain where head and reference are the same."""
    standing = history.read(ledger)
    screened = {e.record.variant: e for e in ledger.entries(Screening) if e.id > standing.since}
    changes, at = list[Entry[Screening]](), standing.head
    while at != standing.reference and at in screened:
        changes.append(screened[at])
        at = screened[at].record.head
    if not changes:
        return BLIND * scale, 0.0
    centre, prior = _prior([entry.record for entry in screened.values()], scale)
    gain = spread = 0.0
    for entry in changes:
        noise = _noise(entry.record, scale)
        weight = prior / (prior + noise) if prior + noise else 1.0
        seen = centre if entry.record.gain is None else entry.record.gain
        gain += centre + weight * (seen - centre)
        spread += weight * noise
    return gain, spread**0.5


def kept(ledger: Ledger) -> tuple[int, int]:
    """How many certificates were forecast, and how many of them took no more pairs than four of five should."""
    plans = {entry.id: entry.record.forecast for entry in ledger.entries(Preregistration)}
    done = [(plans[e.record.preregistration], len(e.record.pairs)) for e in ledger.entries(Certificate)]
    within = [pairs <= forecast.pairs_late for forecast, pairs in done if forecast]
    return len(within), sum(within)


def _prior(screened: Sequence[Screening], scale: float) -> tuple[float, float]:
    """Mean and variance of true gains; around zero, and as wide as the noise, while few were measured."""
    known = [screening for screening in screened if screening.gain is not None]
    if len(known) < ENOUGH:
        return 0.0, scale**2
    gains = [screening.gain for screening in known if screening.gain is not None]
    excess = variance(gains) - fmean(_noise(screening, scale) for screening in known)
    return fmean(gains), max(excess, (scale / 4) ** 2)


def _noise(screening: Screening, scale: float) -> float:
    """The variance of a screened gain: the mean over its seeds of paired differences."""
    return scale**2 / max(len(screening.evaluations), 1)


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

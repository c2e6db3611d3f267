"""Which kept gains of a finished log survive? From a log's trials to a judgement of each step; no files, no words.

The promise: in a log whose noise is normal, the chance that one or more steps are wrongly said to survive is at most
`level`. A step is wrong if it is no better than what it was kept over, whatever else the loop tried and however it
chose. Each try's chance of luck is adjusted for all tries (Holm), kept or not: the loop kept the lucky ones of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pawl import luck, shrink
from pawl.betting import pairs_needed
from pawl.repeats import Configuration, Repeats, configurations, repeats
from pawl.trials import Log

Call = Literal["survives", "could be noise", "cannot tell"]
ENOUGH = 8
"""Degrees of freedom from which the measured sd itself is used (Student's t); with fewer, a limit of it, if the tries
set one."""
FOR_NOISE = 0.2
"""The share of `level` that is spent on not knowing the noise, where only a limit of it is used."""
LOW_SIDE = 0.025
"""The chance that the true sd is below `Noise.low`."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The sd of one run: a best guess, and the limits between which it lies for sure enough; all in the metric's unit.

    `freedom` is infinite where somebody stated the sd, 0 where nothing was measured twice. `sd` is None where the log
    holds no measure of noise at all, `high` where it sets no limit either. `measured`: gains are held against the sd
    itself (normal where it was stated, else Student's t), not against `high`."""

    sd: float | None
    low: float
    high: float | None
    freedom: float
    correlation: float
    source: Literal["stated", "repeats", "repeats and tries", "tries", "none"]
    repeats: Repeats
    measured: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One kept gain, in the metric's unit, above 0 for better.

    `over`: what it was kept over. `chance`: how often luck makes at least this gain somewhere among all tries (None:
    the noise has no limit).
    `left`: the gain that is likely left, knowing that it was picked; `idle`: the probability that nothing is.
    `bearable`: the largest sd of one run under which it would survive. `runs`: how many runs on fresh seeds, half of
    them of the step before, Pawl's own certificate would likely need for `left` (None: more than a few hundred)."""

    number: int
    name: str
    words: str
    over: str
    score: float
    gain: float
    in_sd: float | None
    call: Call
    chance: float | None
    left: float | None
    idle: float | None
    bearable: float
    runs: int | None
    seed_only: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """The whole way from the first baseline to what was kept last. `low` and `high`: where the true gain lies with
    probability 1 - level, knowing that the best of all tries was picked; `likely`: what is expected to be left of it.
    None where the noise has no limit."""

    gain: float
    call: Call
    chance: float | None
    likely: float | None
    low: float | None
    high: float | None
    runs: int | None


@dataclass(frozen=True, slots=True)
class Appraisal:
    """The judgement of a log.

    `idle`: how many of the kept steps are expected to do nothing or harm, at the best guess of the noise and at its
    limits (None: no measure of noise). `needs`: the gain that a step needs to survive, if the noise is as small as it
    may be, and as large (None: no such limit). `by_word`: the log says what was kept; else whatever was best so far."""

    log: Log
    level: float
    noise: Noise
    baseline: float
    tries: int
    failed: int
    steps: tuple[Step, ...]
    chain: Chain
    idle: tuple[float, float, float] | None
    needs: tuple[float | None, float | None]
    by_word: bool


@dataclass(frozen=True, slots=True)
class Try:
    """A configuration against what was kept before it, `over`.

    `units` is the standard error of its gain in sd of one run."""

    made: Configuration
    over: Configuration
    gain: float
    units: float
    kept: bool


def appraise(log: Log, stated: float | None = None, level: float = 0.05, guesses: bool = True) -> Appraisal:
    """Judge a log with at least two scores. `stated` is the sd of one run, if somebody knows it (above 0).

    Without `guesses` there are the verdicts alone: not what is likely left, nor what follows from that. Far quicker."""
    sign = 1.0 if log.direction == "minimize" else -1.0
    made = configurations(log)
    seen = repeats(made)
    by_word = any(one.kept for one in made)
    tries = _tries(made, sign, by_word, seen.correlation)
    fresh = [one for one in tries if not one.made.idle]
    noise = _noise(seen, [one.gain for one in fresh if len(one.made.scores) == 1], stated, level)
    left = _left(made[0], tries, noise.sd if guesses else None, noise.correlation)
    last = next((one.made for one in reversed(tries) if one.kept), made[0])
    likely = math.fsum(rest.gain for rest in left if rest) if noise.sd and guesses else None
    return Appraisal(
        log, level, noise, made[0].mean, len(fresh), sum(trial.score is None for trial in log.trials),
        _steps(tries, left, noise, level),
        _chain(sign * (made[0].mean - last.mean), likely, [made[0], last], fresh, noise, level),
        _idle(made[0], tries, left, noise) if guesses else None, _needs(tries, noise, level), by_word,
    )  # fmt: skip


def _tries(made: Sequence[Configuration], sign: float, by_word: bool, correlation: float) -> list[Try]:
    """Every configuration after the first against the one kept last: by the loop's word, else by being better."""
    head, found = made[0], list[Try]()
    for one in made[1:]:
        gain, units = _against(head, one, sign, correlation)
        kept = one.kept if by_word else gain > 0
        found.append(Try(one, head, gain, units, kept))
        head = one if kept else head
    return found


def _against(head: Configuration, one: Configuration, sign: float, correlation: float) -> tuple[float, float]:
    """The gain of one configuration over another, on their common seeds if they have any, and its standard error."""
    common = sorted(head.by_seed.keys() & one.by_seed.keys())
    if common and correlation:
        gain = math.fsum(head.by_seed[seed] - one.by_seed[seed] for seed in common) / len(common)
        return sign * gain, math.sqrt(2 * (1 - correlation) / len(common))
    return sign * (head.mean - one.mean), math.sqrt(1 / len(head.scores) + 1 / len(one.scores))


def _noise(seen: Repeats, gains: Sequence[float], stated: float | None, level: float) -> Noise:
    """The noise that the log offers: stated, repeated, bounded by the tries, or nothing."""
    if stated is not None:
        return Noise(stated, stated, stated, math.inf, seen.correlation, "stated", seen, True)
    few = 0 < seen.freedom < ENOUGH
    risk = level * FOR_NOISE / (2 if few else 1)
    measured = luck.sd_limit(seen.sd, seen.freedom, risk) if seen.freedom else math.inf
    low = luck.sd_limit(seen.sd, seen.freedom, 1 - LOW_SIDE) if seen.freedom else 0.0
    bound = luck.ceiling(gains, risk) if seen.freedom < ENOUGH else None
    if seen.freedom and bound is None:
        return Noise(seen.sd, low, measured, seen.freedom, seen.correlation, "repeats", seen, True)
    if not seen.freedom:
        if bound is None:
            return Noise(None, 0.0, None, 0, 0.0, "none", seen, False)
        return Noise(bound.sd, 0.0, bound.high, 0, 0.0, "tries", seen, False)
    high = min(measured, bound.high if bound else math.inf)
    source: Literal["repeats", "repeats and tries"] = "repeats and tries" if high < measured else "repeats"
    return Noise(min(seen.sd, high), min(low, high), high, seen.freedom, seen.correlation, source, seen, False)


def _luck(size: float, noise: Noise) -> float | None:
    """How often luck alone makes a gain of `size` standard errors of a try at sd 1, or more; None: it may always."""
    if noise.sd is None or noise.high is None:
        return None
    if noise.measured:
        return luck.t_beyond(size / noise.sd, noise.freedom)
    return luck.beyond(size / noise.high)


def _share(noise: Noise, level: float) -> float:
    """The part of `level` that is left for the tests themselves."""
    return level if noise.measured else level * (1 - FOR_NOISE)


def _steps(tries: Sequence[Try], left: Sequence[shrink.Left | None], noise: Noise, level: float) -> tuple[Step, ...]:
    """The judgement of each kept try. Luck has as many chances as there were tries that could have been better."""
    fresh = [one for one in tries if not one.made.idle]
    sizes = [one.gain / one.units for one in fresh]
    known = luck.holm([chance for size in sizes if (chance := _luck(size, noise)) is not None])
    worst: Sequence[float | None] = known or [None] * len(sizes)
    best = luck.holm([luck.beyond(size / noise.low) for size in sizes]) if noise.low else [0.0] * len(sizes)
    chances = {id(one): pair for one, pair in zip(fresh, zip(worst, best, strict=True), strict=True)}
    bar = _bar(len(fresh), noise, level)
    steps = list[Step]()
    for one, rest in zip((one for one in tries if one.kept), left, strict=True):
        chance, at_best = chances.get(id(one), (1.0, 1.0))  # a change of seed alone is luck for certain
        gain = rest.gain if rest else None
        steps.append(
            Step(
                number=one.made.place, name=one.made.trial.name, words=one.made.trial.words,
                over=one.over.trial.name, score=one.made.mean, gain=one.gain,
                in_sd=one.gain / noise.sd if noise.sd else None,
                call=_call(chance, at_best, noise, level), chance=chance,
                left=gain, idle=rest.idle if rest else None,
                bearable=0.0 if one.made.idle else max(one.gain / one.units / bar, 0.0),
                runs=_runs(gain, noise), seed_only=one.made.idle,
            )
        )  # fmt: skip
    return tuple(steps)


def _call(chance: float | None, at_best: float, noise: Noise, level: float) -> Call:
    """`survives` even if the noise is as large as it may be; `could be noise` even if it is as small as it may be."""
    if chance is not None and chance <= _share(noise, level):
        return "survives"
    return "could be noise" if at_best > level else "cannot tell"


def _left(
    first: Configuration, tries: Sequence[Try], sd: float | None, correlation: float
) -> Sequence[shrink.Left | None]:
    """What is likely left of the kept tries, if this is the sd of one run."""
    if not sd:
        return [None for one in tries if one.kept]
    own = sd * math.sqrt(1 - correlation)
    attempts = [
        shrink.Attempt(one.gain, own / math.sqrt(len(one.made.scores)), one.kept, one.made.idle) for one in tries
    ]
    return shrink.shrink(own / math.sqrt(len(first.scores)), attempts)


def _idle(
    first: Configuration, tries: Sequence[Try], left: Sequence[shrink.Left | None], noise: Noise
) -> tuple[float, float, float] | None:
    """How many kept steps likely do nothing or harm: at the best guess, and at the limits of the noise."""
    if not noise.sd:
        return None
    found = [math.fsum(rest.idle for rest in left if rest)]
    for sd in (noise.low, noise.high):
        again = left if not sd or sd == noise.sd else _left(first, tries, sd, noise.correlation)
        found.append(math.fsum(rest.idle for rest in again if rest))
    return found[0], min(found), max(found)


def _needs(tries: Sequence[Try], noise: Noise, level: float) -> tuple[float | None, float | None]:
    """The gain with which the first of the steps survives, at either limit of the noise, for a typical step."""
    fresh = [one for one in tries if not one.made.idle]
    units = sorted(one.units for one in fresh if one.kept) or sorted(one.units for one in fresh) or [math.sqrt(2)]
    typical, share = units[len(units) // 2], level / max(len(fresh), 1)
    low = typical * noise.low * _quantile(luck.beyond, share) if noise.low else None
    if noise.sd is None or noise.high is None:
        return low, None
    high, share = noise.high, _share(noise, level) / max(len(fresh), 1)
    return low, typical * high * _quantile(lambda size: _luck(size * high, noise) or 0.0, share)


def _bar(tries: int, noise: Noise, level: float) -> float:
    """How many standard errors the first step needs to survive among so many tries, were the noise known."""
    return _quantile(luck.beyond, _share(noise, level) / max(tries, 1))


def _quantile(chance: Callable[[float], float], wanted: float) -> float:
    """Where a falling chance reaches what is wanted."""
    low, high = 0.0, 1.0
    while chance(high) > wanted and high < 1e9:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if chance(middle) > wanted else (low, middle)
    return high


def _runs(gain: float | None, noise: Noise) -> int | None:
    """Runs of both arms that a certificate would likely need for a true gain, at the best guess of the noise."""
    if not gain or gain < 0 or not noise.sd:
        return None
    pairs = pairs_needed(gain / (noise.sd * math.sqrt(2 * (1 - noise.correlation))))
    return None if pairs is None else 2 * pairs


def _chain(
    gain: float, likely: float | None, ends: Sequence[Configuration], fresh: Sequence[Try], noise: Noise, level: float
) -> Chain:
    """The judgement of the whole way. The end is one of the tries: no luck of it beats that of the luckiest of all."""
    if noise.sd is None or noise.high is None or not fresh:
        return Chain(gain, "cannot tell", None, None, None, None, None)
    least = min(len(ends[0].scores), *(len(one.made.scores) for one in fresh))
    unit, best_unit = noise.high / math.sqrt(least), noise.low / math.sqrt(least)
    tries, share = len(fresh), level if noise.source == "stated" else level * (1 - FOR_NOISE)
    chance = luck.chain_beyond(gain / unit, tries)
    low = gain - luck.chain_limit(tries, share / 2) * unit
    high = gain + luck.chain_limit(1, share / 2) * unit
    at_best = luck.chain_beyond(gain / best_unit, tries) if best_unit else 0.0
    call: Call = "survives" if chance <= share else "could be noise" if at_best > level else "cannot tell"
    return Chain(gain, call, chance, likely, low, high, _runs(likely, noise))

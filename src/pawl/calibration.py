"""Standing calibration: how often what cannot be better gets through, step by step, measured in this very study.

Screening is measured on null candidates (nulls.py) that took their turn like any other. Certificates are measured by
the product's own `decide`, on streams of certificates whose gains are differences of two real scores of one variant on
two random fresh seeds: such scores are exchangeable, so that every gain is as likely negative as positive, and its
size is what this study really shows. The argument is that of randomisation tests (Fisher, "The Design of
Experiments", 1935; Hoeffding, "The large-sample power of tests based on permutations of observations", 1952). Dossiers
are looked through for null candidates, of which they must hold none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from statistics import fmean

from pawl import evidence, history
from pawl.certify import decide
from pawl.ledger import Entry, Ledger
from pawl.policy import CertificationTable, Policy
from pawl.rates import Calibration, Rate, Step, interval
from pawl.records import CALIBRATION, Dossier, Evaluation, Noise, PolicyInForce, Proposal, Run, Screening, Variant

LEVEL = 0.95
REPLAYS = 400
"""Streams of certificates that are replayed: enough to tell .10 from .14."""
LONGEST = 4
"""Certificates in a replayed stream, at most; the promise holds for streams of any length."""
LEAST = 3
"""Scores of one variant that differences are taken of, at least."""
Pools = tuple[tuple[float, ...], ...]
NAMES = {"aa": "A/A", "seed-only": "seed-only"}


@dataclass(frozen=True, slots=True)
class Null:
    """A null candidate that was screened: its kind, the bar that it raced against (head and first common seed; the
    head's run there is shared by all that race against it), on how many seeds it ran, how many of them it passed."""

    kind: str
    bar: tuple[int, int]
    raced: int
    passed: int
    accepted: bool


def measured(ledger: Ledger, rules: Policy) -> Calibration:
    """What calibration shows so far, over all comparable turns. The same ledger gives the same answer."""
    standing = history.read(ledger)
    found = nulls(ledger, standing)
    since = max(standing.since, _in_force(ledger))
    turns = [entry for entry in ledger.entries(Proposal) if entry.id > since and _made_by_the_loop(entry.record)]
    certified = replayed(ledger, standing, rules.certification)
    inside, of = _in_dossiers(ledger, standing.nulls), len(standing.nulls)
    whole = [1.0] * inside + [0.0] * (of - inside)
    return Calibration(
        share=rules.calibration.share, turns=len(turns),
        nulls=sum(entry.record.proposer == CALIBRATION for entry in turns),
        rates=(*screened(found, rules.calibration.screen), *([certified] if certified else ()),
               _rate("dossier", "in a dossier", whole, (inside, of), 0.0)),
    )  # fmt: skip


def nulls(ledger: Ledger, standing: history.Standing) -> list[Null]:
    """The null candidates that were screened while runs were comparable, oldest first. Where the head moved meanwhile,
    a candidate raced against other code than its own, so that it says nothing: it is left out."""
    return [
        _null(ledger, entry.record)
        for entry in ledger.entries(Screening)
        if entry.id > standing.since and entry.record.proposal in standing.nulls and entry.record.evaluations
        and ledger.get(entry.record.proposal, Proposal).record.parent == entry.record.head
    ]  # fmt: skip


def _null(ledger: Ledger, screening: Screening) -> Null:
    first = ledger.get(ledger.get(screening.evaluations[0], Evaluation).record.run, Run).record
    raced, accepted = len(screening.evaluations), screening.decision == "accepted"
    kind = str(ledger.get(screening.proposal, Proposal).record.settings.get("null"))
    return Null(kind, (screening.head, first.seed), raced, raced if accepted else raced - 1, accepted)


def _made_by_the_loop(proposal: Proposal) -> bool:
    """A proposer says with what settings it made a patch; a person's patch comes without."""
    return bool(proposal.settings)


def _in_force(ledger: Ledger) -> int:
    entry = ledger.last(PolicyInForce)
    return entry.id if entry else 0


def screened(found: Sequence[Null], promised: float) -> Iterable[Rate]:
    """How many passed each common seed, of those that came so far, and how many were accepted; by kind."""
    bound = promised if promised < 1 else None
    for kind, name in NAMES.items():
        mine = [null for null in found if null.kind == kind]
        for seed in range(1, max((null.raced for null in mine), default=0) + 1):
            came = [null for null in mine if null.raced >= seed]
            yield _grouped(f"{name}, passed on seed {seed}", came, [null.passed >= seed for null in came], None)
        if mine:
            yield _grouped(f"{name}, accepted", mine, [null.accepted for null in mine], bound)


def _grouped(what: str, came: Sequence[Null], passed: Sequence[bool], promised: float | None) -> Rate:
    """A rate over candidates of which those before one bar are not independent: the bar counts once."""
    bars: dict[tuple[int, int], list[bool]] = {}
    for null, through in zip(came, passed, strict=True):
        bars.setdefault(null.bar, []).append(through)
    shares = [fmean(bar) for bar in bars.values()]
    return _rate("screen", what, shares, (sum(passed), len(passed)), promised)


def _rate(step: Step, what: str, shares: Sequence[float], seen: tuple[int, int], promised: float | None) -> Rate:
    """The rate of independent observations, each the share of a group that passed; `seen` is the raw count, and of."""
    low, high = interval(math.fsum(shares), len(shares), LEVEL)
    return Rate(step, what, *seen, len(shares), low, high, LEVEL, promised)


def replayed(ledger: Ledger, standing: history.Standing, rules: CertificationTable) -> Rate | None:
    """How many streams of certificates on null gains had one that was certified; None while too little was measured,
    or where the seed changes nothing. The interval is of the replays: it does not know how few scores they draw on."""
    noise, scores = ledger.last(Noise), pools(ledger, standing)
    if noise is None or noise.id < standing.since or noise.record.scale == 0 or not scores:
        return None
    steps = min(standing.steps + 1, LONGEST)
    false = _false(noise.digest, tuple(map(tuple, scores)), noise.record.scale, steps, rules)
    low, high = interval(false, REPLAYS, LEVEL)
    what = f"any of {steps} certificate(s) won, replayed"
    return Rate("certify", what, false, REPLAYS, REPLAYS, low, high, LEVEL, rules.alpha)


@lru_cache(maxsize=32)
def _false(measured: str, pools: Pools, scale: float, steps: int, rules: CertificationTable) -> int:
    """How many streams had a false certificate; asked of the same scores at each judging, and costly."""
    random = Random(f"{measured}/{sum(map(len, pools))}")
    return sum(_any_certified(pools, scale, steps, rules, random) for _ in range(REPLAYS))


def _any_certified(pools: Pools, scale: float, steps: int, rules: CertificationTable, random: Random) -> bool:
    """Whether one stream of certificates, all of them null, has a false one."""
    test, weights = evidence.SignFlip(scale, rules.lambdas), [len(pool) for pool in pools]
    for step in range(1, steps + 1):
        gains: list[float] = []
        outcome, bar = "", evidence.threshold(step, 0, rules.alpha)
        while not outcome:
            first, second = random.sample(random.choices(pools, weights)[0], 2)  # in random order: a random sign
            gains.append(first - second)
            outcome = decide(gains, test, bar, rules).outcome
        if outcome == "certified":
            return True
    return False


def pools(ledger: Ledger, standing: history.Standing) -> list[list[float]]:
    """Comparable scores by the code that made them, on seeds that nobody chose by a result: A/A runs, certificates'
    runs, and seed-only candidates' as more seeds of their parent. A head's runs on common seeds are not among them: it
    became the head because it was lucky there."""
    metric = standing.study.record.metric if standing.study else ""
    found: dict[int, list[float]] = {}
    for entry in ledger.entries(Evaluation):
        run = ledger.get(entry.record.run, Run)
        code = _code(ledger, run, standing.nulls) if run.id > standing.since else None
        if code is not None and metric in entry.record.metrics:
            found.setdefault(code, []).append(entry.record.metrics[metric])
    return [scores for scores in found.values() if len(scores) >= LEAST]


def _code(ledger: Ledger, run: Entry[Run], nulls: set[int]) -> int | None:
    """The variant whose code a run on a fresh seed ran; None for a run on a seed that is not fresh."""
    proposal = ledger.get(run.record.variant, Variant).record.proposal
    if proposal in nulls and proposal is not None:
        record = ledger.get(proposal, Proposal).record
        return record.parent if record.settings.get("null") == "seed-only" else None
    return run.record.variant if run.record.purpose != "screen" else None


def _in_dossiers(ledger: Ledger, nulls: set[int]) -> int:
    """How many null candidates are among the changes of any dossier."""
    found: set[int] = set()
    for dossier in ledger.entries(Dossier):
        proposal = ledger.get(dossier.record.variant, Variant).record.proposal
        while proposal is not None:
            found |= {proposal} & nulls
            proposal = ledger.get(ledger.get(proposal, Proposal).record.parent, Variant).record.proposal
    return len(found)

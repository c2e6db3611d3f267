"""The words of questions about finished work: what carries a gain (ablations), since when it is gone (regressions)."""

from __future__ import annotations

from typing import Literal

from pawl.record import Part, Record

Claim = Literal["removable", "carries"]


class Piece(Part):
    """Lines of one file that a change exchanges: `removed`, from line `first` (from 1) of the reference's file on,
    for `added`."""

    path: str
    first: int
    removed: str
    added: str


class Change(Part):
    """One change of a certified bundle, which is taken out as a whole: the proposals that made it and its pieces.
    `note` says why it holds more than one proposal, or is empty."""

    name: str
    proposals: tuple[int, ...]
    pieces: tuple[Piece, ...]
    note: str


class AblationPlan(Record):
    """What an ablation is about, fixed before anything runs: the certified bundle as changes (numbered from 1), the
    most that the smaller patch may cost (`margin`, in the metric's unit), the seeds to look for passengers on, and
    the most pairs for each claim. `scale` is the sd of a paired difference, `alpha` the bound on false claims."""

    certificate: int
    reference: int
    head: int
    changes: tuple[Change, ...]
    margin: float
    pairs: int
    scale: float
    alpha: float
    seeds: tuple[int, ...]


class AblationClaims(Record):
    """What fresh seeds will test, fixed after looking for passengers and before these seeds run.

    `removed` are the changes that variant `smaller` is without: the claim is that they cost less than the margin.
    `suspects` are all others: each claim is that it carries, and variant `without` is `smaller` without it too.
    `alpha` is this attempt's share, `attempt` counts them for one certificate from 1."""

    plan: int
    attempt: int
    removed: tuple[int, ...]
    smaller: int
    suspects: tuple[int, ...]
    without: tuple[int, ...]
    alpha: float
    seeds: tuple[int, ...]


class Difference(Part):
    """One seed, two variants, by their evaluations. A score is None where that run failed."""

    seed: int
    base: int
    other: int
    base_score: float | None
    other_score: float | None


class Effect(Part):
    """What taking `changes` out of variant `base`, which makes `variant`, costs: mean and interval of the median (at
    the ablation's level) in the metric's unit, positive where it costs; None: not known, or open on that side."""

    claim: Claim
    changes: tuple[int, ...]
    base: int
    variant: int
    shown: bool
    reason: str
    e_value: float
    threshold: float
    cost: float | None
    low: float | None
    high: float | None
    pairs: tuple[Difference, ...]


class Ablation(Record):
    """What carries a certified gain, and what does not. `shown`: the changes in the first effect can go together for
    less than the margin. The smaller variant is new: it has no certificate."""

    claims: int
    shown: bool
    effects: tuple[Effect, ...]
    level: float
    runs: int
    cpu_s: float


class SuiteEvaluation(Record):
    """A run measured by an extra suite of pawl.toml for a plan. Like an Evaluation, but nothing in the search reads
    it."""

    plan: int
    suite: str
    run: int
    outcome: str
    reason: str
    metrics: dict[str, float]
    scorer: str
    sealed: str


class RegressionPlan(Record):
    """What will be compared, fixed before anything runs: releases (variants, oldest first, the baseline before them),
    suites, fresh seeds in order. `measures` are the digests of each suite's settings and sealed set; `alpha` bounds the
    share of false findings."""

    releases: tuple[int, ...]
    suites: tuple[str, ...]
    measures: tuple[str, ...]
    alpha: float
    seeds: tuple[int, ...]


class Drop(Part):
    """How much worse variant `after` is than `before` on a suite: mean and interval of the median (at the plan's
    level) in that metric's unit, positive where it is worse. `found`: said to be worse, at this threshold."""

    suite: str
    before: int
    after: int
    pairs: int
    found: bool
    e_value: float
    threshold: float
    loss: float | None
    low: float | None
    high: float | None


class Regression(Record):
    """Which releases are worse than an earlier one, on which suite; none where no drop is `found`. `notes` say what
    limits the comparison: other settings since then, releases that fail."""

    plan: int
    drops: tuple[Drop, ...]
    level: float
    notes: tuple[str, ...]
    runs: int


class Probe(Part):
    """One step of a bisection: a variant between, and which end it is unlike."""

    variant: int
    pairs: int
    answer: Literal["worse-than-good", "better-than-bad", "undecided"]
    e_worse: float
    e_better: float


class BisectionPlan(Record):
    """Which accepted change made it worse? The chain of variants between two releases, the fresh seeds in order, and
    the e-value that decides a step; fixed before anything runs."""

    regression: int
    suite: str
    variants: tuple[int, ...]
    threshold: float
    seeds: tuple[int, ...]


class Bisection(Record):
    """The change that made it worse came after variant `good` and by variant `bad`. `decided` where these are parent
    and child; else it is among those between them."""

    plan: int
    probes: tuple[Probe, ...]
    good: int
    bad: int
    decided: bool


INQUIRIES: tuple[type[Record], ...] = (
    AblationPlan, AblationClaims, Ablation, SuiteEvaluation, RegressionPlan, Regression, BisectionPlan,
    Bisection,
)  # fmt: skip

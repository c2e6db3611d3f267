"""The words of Pawl: every fact the ledger can hold. Those of people are in decisions.py, those of
sealed sets in sealing.py, and both are found here too.

A record is a finished fact: frozen, complete, no field filled in later. A field that may be None says
what None means, and it never means "not yet". Numbers are finite. Fields that name another record hold
its ledger id, an `int`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from pawl.decisions import Approval as Approval
from pawl.decisions import Halt as Halt
from pawl.decisions import PolicyChange as PolicyChange
from pawl.decisions import PolicyInForce as PolicyInForce
from pawl.decisions import Rejection as Rejection
from pawl.decisions import Release as Release
from pawl.decisions import Resume as Resume
from pawl.decisions import Revocation as Revocation
from pawl.decisions import Signature as Signature
from pawl.exchanges import Completion as Completion
from pawl.exchanges import Exchange as Exchange
from pawl.inquiries import INQUIRIES
from pawl.inquiries import Ablation as Ablation
from pawl.inquiries import AblationClaims as AblationClaims
from pawl.inquiries import AblationPlan as AblationPlan
from pawl.inquiries import Bisection as Bisection
from pawl.inquiries import BisectionPlan as BisectionPlan
from pawl.inquiries import Change as Change
from pawl.inquiries import Difference as Difference
from pawl.inquiries import Drop as Drop
from pawl.inquiries import Effect as Effect
from pawl.inquiries import Piece as Piece
from pawl.inquiries import Probe as Probe
from pawl.inquiries import Regression as Regression
from pawl.inquiries import RegressionPlan as RegressionPlan
from pawl.inquiries import SuiteEvaluation as SuiteEvaluation
from pawl.record import Part as Part
from pawl.record import Record as Record
from pawl.sealing import Holdout as Holdout
from pawl.sealing import Opening as Opening
from pawl.sealing import OpeningIntent as OpeningIntent
from pawl.sealing import Question as Question

Direction = Literal["minimize", "maximize"]
Purpose = Literal["noise", "screen", "certify", "ablate", "regress"]
BettingTest = Literal["sign-flip", "clipped-mean"]
Outcome = Literal["ok", "crashed", "timed-out", "out-of-memory", "disk-full", "output-flood", "not-built", "invalid"]
CALIBRATION = "calibration"
"""The proposer of null candidates, which no other may be called: what it proposes never moves the head."""


class Study(Record):
    """What was opened for improvement, under which rules. Runs are comparable while `comparable` and `hardware` are the
    same. `hardware` is what of the machine can change a result, by name; empty: written before it was recorded."""

    name: str
    metric: str
    direction: Direction
    commit: str
    comparable: str
    environment: str
    config: str
    policy: str
    self_reported: bool
    hardware: dict[str, str] = {}


class Proposal(Record):
    """A patch to a variant, a hypothesis, and who made it with what. `chosen` says why this proposer had the turn."""

    parent: int
    patch: str
    hypothesis: str
    proposer: str
    settings: dict[str, JsonValue]
    chosen: str = ""


class Variant(Record):
    """A proposal applied: a git commit. `proposal` is None for the baseline, which nobody proposed;
    `problem` is empty unless the patch could not be applied, and then `commit` is the parent's."""

    proposal: int | None
    commit: str
    parent: str
    problem: str


class Reduced(Variant):
    """A certified head without some changes of an ablation's plan, built to be measured and for nothing else: nobody
    proposed it, and it never becomes head or champion. Its kind is its own, so that who asks for variants never
    meets it by chance."""

    plan: int
    without: tuple[int, ...]


class Artifact(Part):
    """A file that a run wrote: its name inside the output folder, sha256 and size in bytes."""

    name: str
    digest: str
    size: int


class Usage(Part):
    """What an execution cost, measured from outside: seconds of wall clock and CPU, peak bytes resident."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


class Isolation(Part):
    """What stood between an execution and the host. `held` lists the walls that were really there."""

    sandbox: str
    version: str
    safe: bool
    held: tuple[str, ...]


class Run(Record):
    """One sandboxed execution of a variant with one seed. `summary` is self-reported: what the program printed
    after its last `---` line. `log` is the digest of all it printed, `tail` the printable end of it. `resumed` is the
    Partial whose files it went on from; 0: it began anew."""

    variant: int
    seed: int
    purpose: Purpose
    outcome: Outcome
    reason: str
    artifacts: tuple[Artifact, ...]
    usage: Usage
    isolation: Isolation
    environment: str
    summary: dict[str, float]
    log: str
    tail: str
    resumed: int = 0


class Partial(Run):
    """A training on a `share` of the budget, to see early who is worth the whole. It is no run: nothing that compares
    runs, measures noise or certifies ever meets it by chance."""

    share: float


class Evaluation(Record):
    """Measured metrics of one run's artifacts on one split. Metrics are empty unless the outcome is ok."""

    run: int
    split: Literal["validation"]
    outcome: Outcome
    reason: str
    metrics: dict[str, float]
    scorer: str
    sealed: str
    self_reported: bool
    usage: Usage


class PartialEvaluation(Evaluation):
    """What a partial training scored; `run` is that Partial."""


class Noise(Record):
    """What a change of seed alone does to the metric, from A/A runs of one variant.

    `sd` is that of one run, `low` and `high` its 95 % interval; `correlation` is that of two variants on one seed,
    from `pairs` paired runs (0 where there are none); `scale` is the sd of a paired difference."""

    variant: int
    evaluations: tuple[int, ...]
    sd: float
    low: float
    high: float
    correlation: float
    pairs: int
    scale: float


class CommonSeeds(Record):
    """The seeds that head and challengers race on, until they are drawn anew."""

    seeds: tuple[int, ...]
    reason: str


class Screening(Record):
    """The cheap decision: worth another look, or not. `gain` is in the metric's unit, positive is better;
    None means that it was never measured. `broken_guard` names the guard metric that it exceeds, or is empty.
    `same_as` is the earlier variant that is the same program, and whose runs answered for this one; 0: it ran."""

    proposal: int
    variant: int
    head: int
    evaluations: tuple[int, ...]
    decision: Literal["accepted", "refused", "crashed"]
    reason: str
    gain: float | None
    broken_guard: str
    same_as: int = 0

    @property
    def stopped_early(self) -> bool:
        """Whether it was refused by what it showed on a share of the budget. A crash there is a crash."""
        return self.decision == "refused" and not self.evaluations


class Forecast(Part):
    """What a certificate will likely take, from `gain` (expected, with its sd, in the metric's unit): pairs until it is
    decided (median, and what four of five stay within), the chance that it is won, seconds of wall clock."""

    gain: float
    gain_sd: float
    pairs: int
    pairs_late: int
    chance: float
    wall_s: float


class Preregistration(Record):
    """What a certificate will test, fixed before anything runs: arms, fresh seeds in order, threshold, scale, test.
    `forecast` is None where nobody made one (before Pawl did)."""

    reference: int
    head: int
    noise: int
    step: int
    wins: int
    threshold: float
    scale: float
    seeds: tuple[int, ...]
    test: BettingTest = "sign-flip"
    forecast: Forecast | None = None


class Pair(Part):
    """One seed, both arms. A score is None where that arm's run failed; `gain` is positive when head is better."""

    seed: int
    reference: int
    head: int
    reference_score: float | None
    head_score: float | None
    gain: float | None
    cpu_ratio: float | None


class Certificate(Record):
    """The costly decision: head against reference on fresh pairs.

    `estimate` is the median-unbiased estimate of the gain, which allows for the test having stopped when it did;
    [`low`, `high`] is its interval at `level`; all in the metric's unit (None: no pair has both scores, or the
    interval is open on that side)."""

    preregistration: int
    outcome: Literal["certified", "futile", "exhausted", "no-noise"]
    reason: str
    pairs: tuple[Pair, ...]
    e_value: float
    estimate: float | None
    low: float | None
    high: float | None
    level: float
    reference_failures: int
    head_failures: int
    cpu_ratio: float | None
    cpu_s: float


class Control(Record):
    """A control of a certificate that was won: something done only to see whether its gain is what it seems.

    `kind` is "pair" (one seed's runs of both arms looked at again; `variant` is the head) or "unlearned" (`variant`
    trained where there was nothing to learn, with `share` of the budget). `measures` are what gates read, by name;
    empty unless the outcome is ok. docs/explanation/reward-hacking.md says what each one is."""

    certificate: int
    kind: Literal["pair", "unlearned"]
    variant: int
    seed: int
    share: float
    outcome: Outcome
    reason: str
    measures: dict[str, float]
    usage: Usage


class Finding(Part):
    """One gate's answer with its reason."""

    gate: str
    passed: bool
    reason: str


class Verdict(Record):
    """All gates' answers together. It passes when there is at least one finding and every one passes."""

    certificate: int
    policy: str
    findings: tuple[Finding, ...]
    passed: bool


class Dossier(Record):
    """The case shown to a reviewer. `statement` is the text a person reads and signs; `attachments` are stored
    by digest: the patch, the chart, the page. `proposers` made the changes in it, and none of them may approve it;
    after `until` (ISO 8601 UTC) nobody may."""

    verdict: int
    variant: int
    reference: int
    policy: str
    statement: str
    attachments: tuple[Artifact, ...]
    proposers: tuple[str, ...]
    until: str


RECORDS: dict[str, type[Record]] = {
    kind.__name__: kind
    for kind in (
        Study, Proposal, Variant, Run, Evaluation, Noise, CommonSeeds, Screening, Preregistration, Certificate, Control,
        Verdict, Dossier, Approval, Rejection, Release, PolicyChange, PolicyInForce, Revocation, Halt, Resume, Exchange,
        Holdout, OpeningIntent, Opening,
        Reduced, Completion, Partial, PartialEvaluation,
    )
} | {kind.__name__: kind for kind in INQUIRIES}  # fmt: skip

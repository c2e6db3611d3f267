"""`policy.toml`: what is allowed. Its digest stands in every verdict and every dossier.

Deny on silence: a policy that has no gates, no keys, a past expiry or a threshold above its keys is refused. What
counts is the policy that the ledger says is in force; a file that differs from it is a wish (see amend.py).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from pawl.envelope import sha256
from pawl.errors import NotAuthorized
from pawl.evidence import Betting, ClippedMean, SignFlip, Stop
from pawl.metrics import MEASURED
from pawl.names import reserved
from pawl.protocols import Guard
from pawl.records import BettingTest, Direction
from pawl.sealing import Mode
from pawl.tables import PartTable, Seconds, Table, read

FILE = "policy.toml"


class ApprovalTable(Table):
    """`threshold` distinct people must sign, among them so many of each role; a dossier can be decided for `valid`
    seconds. `presence`: only keys in hardware, touched while signing, count."""

    threshold: int = Field(ge=1)
    roles: dict[str, Annotated[int, Field(ge=1)]] = {}
    valid: Seconds = 30 * 86400.0
    presence: bool = False


class Approver(Table):
    """A person who may sign: a name without spaces or commas (an e-mail address), an SSH public key, and roles.
    Who has several keys has several such tables, with one name."""

    name: str = Field(pattern=r"^[^\s,*?!]+$")
    key: str = Field(pattern=r"^(ssh|sk-ssh|ecdsa|sk-ecdsa)[A-Za-z0-9@.-]* [A-Za-z0-9+/=]+( .*)?$")
    roles: tuple[str, ...] = ()

    @field_validator("name")
    @classmethod
    def _is_a_persons(cls, name: str) -> str:
        if reserved(name):
            raise ValueError(f"no person is called {name!r}: so is what agents hand in")
        return name


class NoiseTable(Table):
    runs: int = Field(default=6, ge=3)


class ScreeningTable(Table):
    """Races on at most `seeds` common seeds each; they are drawn anew after `redraw_after` refusals in a row. `ladder`
    is the step, in sds of one run, of the Ladder between scores and proposers; 0: proposers see scores as they are."""

    seeds: int = Field(default=4, ge=1)
    redraw_after: int = Field(default=100, ge=1)
    ladder: float = Field(default=0.0, ge=0)


class CertificationTable(Table):
    """A certificate of at most `pairs` pairs starts when the head is expected to be `first` sd of a paired difference
    better than the reference, and `growth` times what was certified before; after `bundle` accepts in any case. The
    test `sign-flip` asks whether gains are more often positive; the strict one, `clipped-mean`, whether their mean
    is."""

    first: float = Field(default=10.0, gt=0)
    growth: float = Field(default=3.0, ge=0)
    bundle: int = Field(default=100, ge=1)
    pairs: int = Field(default=20, ge=5)
    alpha: float = Field(default=0.10, gt=0, le=0.5)
    futility: float = Field(default=0.15, ge=0, lt=1)
    lambdas: tuple[Annotated[float, Field(gt=0)], ...] = Field(default=(0.5, 1.0, 2.0, 8.0), min_length=1)
    level: float = Field(default=0.90, gt=0.5, lt=1)
    test: BettingTest = "sign-flip"
    stakes: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(default=(0.5, 0.98), min_length=1)
    clip: float = Field(default=3.0, gt=0)

    def betting(self, test: BettingTest, scale: float) -> Betting:
        """The test of that name at a noise scale, with this policy's bets."""
        strict = test == "clipped-mean"
        return ClippedMean(scale, self.stakes, self.clip) if strict else SignFlip(scale, self.lambdas)

    def stop(self, bar: float) -> Stop:
        """When a certificate with this threshold ends."""
        return Stop(bar, self.futility, self.pairs)


class GuardsTable(Table):
    """Non-inferiority: the most that a challenger may cost, as a ratio to the reference."""

    cpu_seconds: float = Field(default=1.25, gt=0)


class HoldoutTable(Table):
    """A holdout answers `openings` times in its life, each time whether a gain is above `z` standard errors; in the
    mode `adversarial` above what an attacker who chose his questions by earlier answers exceeds with probability
    `delta` at most, over all of its openings together."""

    z: float = Field(default=2.8, ge=1)
    openings: int = Field(default=20, ge=1)
    mode: Mode = "standard"
    delta: float = Field(default=0.05, gt=0, le=0.5)


class GuardTable(Table):
    """One more metric that must not get worse: by more than `margin` in its own unit, or by a `ratio` (1.1: ten per
    cent worse). A metric of the scorer, also `NAME@SLICE` or `NAME@*`, or a measured cost. `direction` is needed
    unless it is a cost. `proof`: it must be proven not to be worse."""

    metric: str = Field(min_length=1)
    direction: Direction = "minimize"
    margin: float | None = Field(default=None, ge=0)
    ratio: float | None = Field(default=None, ge=1)
    proof: bool = False

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.margin is None) == (self.ratio is None):
            raise ValueError("give either margin (in the metric's unit) or ratio (1.1: ten per cent worse)")
        if self.metric not in MEASURED and "direction" not in self.model_fields_set:
            raise ValueError(f'say which way {self.metric} is better: direction = "minimize" or "maximize"')
        if self.metric in MEASURED and self.direction != "minimize":
            raise ValueError(f"{self.metric} is a cost: less of it is better")
        return self

    @property
    def guard(self) -> Guard:
        """As gates see it."""
        bound = self.margin if self.margin is not None else self.ratio
        assert bound is not None
        return Guard(self.metric, self.direction, bound, self.ratio is not None, self.proof)


class CalibrationTable(Table):
    """`share` of the turns try null candidates, which cannot be better but for noise. `screen` is the largest share
    of them that screening may accept; 1 promises nothing. What certificates promise is `certification.alpha`."""

    share: float = Field(default=0.05, ge=0, le=0.5)
    screen: float = Field(default=1.0, gt=0, le=1)


class Policy(Table):
    """A whole `policy.toml`. `signer` stands here and not in `pawl.toml`: who may edit what is tried must not be able
    to name a program that says yes to every signature."""

    version: int = Field(ge=1)
    expires: date
    approval: ApprovalTable
    approver: tuple[Approver, ...] = ()
    gate: tuple[PartTable, ...] = ()
    noise: NoiseTable = NoiseTable()
    screening: ScreeningTable = ScreeningTable()
    certification: CertificationTable = CertificationTable()
    guards: GuardsTable = GuardsTable()
    holdout: HoldoutTable = HoldoutTable()
    guard: tuple[GuardTable, ...] = ()
    calibration: CalibrationTable = CalibrationTable()
    allow_unsafe: bool = False
    signer: PartTable = PartTable(use="ssh")
    isolation: tuple[str, ...] = ()

    def enforce(self, today: date) -> None:
        """Raises NotAuthorized, with the fix, if this policy cannot be relied on today."""
        people = {approver.name for approver in self.approver}
        if not self.gate:
            raise NotAuthorized(f"{FILE} names no gates: nothing could be refused", "add a [[gate]] table")
        if self.guard and "guards" not in {gate.use for gate in self.gate}:
            raise NotAuthorized(f"{FILE} has a [[guard]] and no gate that looks at it", 'add [[gate]] use = "guards"')
        if not people:
            raise NotAuthorized(f"{FILE} names no approvers: nobody could sign", "pawl init --signer")
        if today > self.expires:
            raise NotAuthorized(
                f"{FILE} expired on {self.expires}", f"have it reviewed, then renew `expires` in {FILE}"
            )
        if self.approval.threshold > len(people):
            raise NotAuthorized(
                f"{FILE} asks for {self.approval.threshold} signatures and names {len(people)} approver(s)",
                "lower approval.threshold or add an [[approver]]",
            )
        if len({approver.key.split()[1] for approver in self.approver}) < len(self.approver):
            raise NotAuthorized(f"{FILE} gives one key to two approvers", "give every approver a key of their own")
        for role, count in self.approval.roles.items():
            having = {approver.name for approver in self.approver if role in approver.roles}
            if count > len(having):
                raise NotAuthorized(
                    f"{FILE} asks for {count} signature(s) by role '{role}' and gives it to {len(having)} approver(s)",
                    f'add roles = ["{role}"] to an [[approver]]',
                )
        if self.approval.presence and not any(approver.key.startswith("sk-") for approver in self.approver):
            raise NotAuthorized(
                f"{FILE} demands presence, and no approver has a hardware key", "ssh-keygen -t ed25519-sk"
            )


def load(study: Path) -> tuple[Policy, str]:
    """The policy in the study's folder, enforced for today (UTC), and the digest of its bytes."""
    policy, digest, _ = wished(study)
    policy.enforce(datetime.now(UTC).date())
    return policy, digest


def wished(study: Path) -> tuple[Policy, str, str]:
    """The policy in the study's folder, whether or not it can be relied on; the digest of its bytes; its text."""
    policy, content = read(study / FILE, Policy, "pawl init")
    return policy, sha256(content), content.decode()

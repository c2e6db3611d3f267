"""`policy.toml`: what is allowed. Its digest stands in every verdict and every dossier.

Deny on silence: a policy that has no gates, no keys, a past expiry or a threshold above its keys is refused. What
counts is the policy that the ledger says is in force; a file that differs from it is a wish (see amend.py).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pawl.envelope import sha256
from pawl.errors import NotAuthorized
from pawl.evidence import Betting, ClippedMean, SignFlip, Stop
from pawl.records import BettingTest
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


class NoiseTable(Table):
    runs: int = Field(default=6, ge=3)


class ScreeningTable(Table):
    """Races on `seeds` common seeds; they are drawn anew after `redraw_after` refusals in a row."""

    seeds: int = Field(default=2, ge=1)
    redraw_after: int = Field(default=25, ge=1)


class CertificationTable(Table):
    """See DESIGN section 8: `bundle` accepts start a certificate of at most `pairs` pairs. The test `sign-flip` asks
    whether gains are more often positive; the strict one, `clipped-mean`, whether their mean is."""

    bundle: int = Field(default=16, ge=1)
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
    allow_unsafe: bool = False
    signer: PartTable = PartTable(use="ssh")
    isolation: tuple[str, ...] = ()

    def enforce(self, today: date) -> None:
        """Raises NotAuthorized, with the fix, if this policy cannot be relied on today."""
        people = {approver.name for approver in self.approver}
        if not self.gate:
            raise NotAuthorized(f"{FILE} names no gates: nothing could be refused", "add a [[gate]] table")
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

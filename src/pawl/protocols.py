"""What a part must be able to do. One method each, two at most; every protocol has a contract suite in pawl.testing."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pawl.ledger import Entry, Ledger, Row, Store
from pawl.records import (
    Certificate,
    Evaluation,
    Finding,
    Isolation,
    Outcome,
    Proposal,
    Purpose,
    Run,
    Usage,
    Variant,
)

__all__ = [
    "Case", "Environment", "Evaluator", "Execution", "Executor", "Gate", "Limits", "Mount", "Proposer", "Row",
    "Sandbox", "Seal", "Signer", "Sources", "Store", "Task",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mount:
    """A host file or folder shown read-only at an absolute path inside a sandbox."""

    source: Path
    target: str


@dataclass(frozen=True, slots=True)
class Environment:
    """A variant's own interpreter and packages: where `python` is inside, what to mount, which paths to cover with
    emptiness, and the digest of all that is installed."""

    python: str
    mounts: tuple[Mount, ...]
    masks: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of wall clock and CPU; bytes of memory, of output files and of printed log; processes; CPUs."""

    wall: float
    cpu: float
    memory: int
    disk: int
    log: int
    processes: int
    cpus: int


@dataclass(frozen=True, slots=True)
class Task:
    """A program to run in a sandbox: it sees `mounts` only, writes to /out only, and is told `environ` only. The
    machine's graphics processors are there for it only if it asks with `gpu`."""

    argv: tuple[str, ...]
    environment: Environment
    mounts: tuple[Mount, ...]
    environ: Mapping[str, str]
    limits: Limits
    gpu: bool = False


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of a task. `outputs` are the regular files under /out, by relative path; all of it is hostile."""

    outcome: Outcome
    reason: str
    usage: Usage
    isolation: Isolation
    log: bytes
    outputs: Mapping[str, bytes]


class Sandbox(Protocol):
    def execute(self, task: Task, stop: threading.Event) -> Execution:
        """Run a task to its end, its limits or `stop`. Raises SandboxError if it cannot be isolated as promised,
        Interrupted if `stop` was set."""
        ...


class Executor(Protocol):
    def run(self, variant: Entry[Variant], seed: int, purpose: Purpose) -> Run:
        """Train a variant once. Blocks; called from as many threads as the study has workers. Raises Interrupted."""
        ...


class Evaluator(Protocol):
    def evaluate(self, run: Entry[Run]) -> Evaluation:
        """Measure a run on the validation split. A failed run gives an evaluation without metrics."""
        ...


class Sources(Protocol):
    """The editable files of a variant, for proposers."""

    def read(self, variant: Variant) -> Mapping[str, str]:
        """Editable files by path."""
        ...

    def patch(self, variant: Variant, changed: Mapping[str, str]) -> str:
        """The unified diff that turns a variant's files into `changed`."""
        ...


class Proposer(Protocol):
    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal:
        """The next patch to try on the head, given all that the ledger remembers."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """All that a gate may look at. Runs are those of the certificate; sizes in bytes, seconds of CPU and wall.
    Evaluations come in pairs, the reference's first.

    `reference_files` and `head_files` are the editable files by path; `changes` the proposals that lead from the one to
    the other; `tried` all that their proposers put forward before the certificate, oldest first; `exposed`
    where sealed rows lie in what a sandbox shows (None: nobody looked)."""

    certificate: Certificate
    reference_runs: tuple[Run, ...]
    head_runs: tuple[Run, ...]
    evaluations: tuple[Evaluation, ...]
    patch: str
    changed: tuple[tuple[str, str], ...]
    editable: tuple[str, ...]
    cpu_ratio_limit: float
    allow_unsafe: bool
    isolation: tuple[str, ...] = ()
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    reference_files: Mapping[str, str] = field(default_factory=dict)
    head_files: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[Proposal, ...] = ()
    tried: tuple[Proposal, ...] = ()
    exposed: tuple[str, ...] | None = None


class Gate(Protocol):
    def judge(self, case: Case) -> Finding:
        """Pass or refuse, with the reason. A gate that cannot tell refuses."""
        ...


@dataclass(frozen=True, slots=True)
class Seal:
    """What a verified signature tells: the key's fingerprint and kind, and whether its holder touched the hardware."""

    key: str
    kind: str
    present: bool


class Signer(Protocol):
    def sign(self, message: bytes, key: Path) -> str:
        """An armored signature by the person who holds the key. Raises NotAuthorized."""
        ...

    def verify(
        self, message: bytes, armored: str, approver: str, public_key: str, revoked: Sequence[bytes] = ()
    ) -> Seal:
        """What the signature tells, if this approver's key signed these bytes and is in none of the `revoked` lists.
        Raises NotAuthorized otherwise."""
        ...

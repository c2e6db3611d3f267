"""What a part must be able to do. One method each, two at most; every protocol has a contract suite in pawl.testing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from pydantic import JsonValue

from pawl.ledger import Entry, Ledger, Row, Store
from pawl.past import Past as Past
from pawl.rates import Calibration
from pawl.records import (
    Artifact,
    Certificate,
    Control,
    Direction,
    Evaluation,
    Finding,
    Isolation,
    Opening,
    Outcome,
    Proposal,
    Purpose,
    Run,
    Usage,
    Variant,
)
from pawl.trials import Log as Log
from pawl.trials import Trial as Trial

__all__ = [
    "Adviser", "AgentWalls", "Answer", "Brief", "Case", "Comparing", "Environment", "Evaluator", "Examiner",
    "Execution", "Executor", "Gate", "Guard", "Limits", "Log", "Look", "Model", "Mount", "Past", "Prompt", "Proposer",
    "Reader", "Row", "Sandbox", "Seal", "Signer", "Sources", "Store", "Suggestion", "Task", "Trial",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mount:
    """A host file or folder shown read-only at an absolute path inside a sandbox."""

    source: Path
    target: str


@dataclass(frozen=True, slots=True)
class Environment:
    """A variant's own interpreter and packages: where `python` is inside, what to mount, which paths to cover with
    emptiness, the digest of all that is installed, and the names of the top-level `modules` that can be imported there
    (none: nobody looked)."""

    python: str
    mounts: tuple[Mount, ...]
    masks: tuple[str, ...]
    digest: str
    modules: frozenset[str] = frozenset()


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


AgentWalls = Callable[[Sequence[Mapping[str, JsonValue]]], Sandbox]
"""The sandbox for an agent whose one way out has these rules. Raises PartError where none is safe."""


class Executor(Protocol):
    def run(self, variant: Entry[Variant], seed: int, purpose: Purpose) -> Run:
        """Train a variant once. Blocks; called from as many threads as the study has workers. Raises Interrupted."""
        ...


@runtime_checkable
class Resuming(Executor, Protocol):
    """An executor that can also go on from what an earlier training of the same variant and seed left."""

    def resume(self, variant: Entry[Variant], seed: int, purpose: Purpose, left: Sequence[Artifact]) -> Run:
        """Train with these files in PAWL_RESUME. Raises Interrupted."""
        ...


class Evaluator(Protocol):
    def evaluate(self, run: Entry[Run]) -> Evaluation:
        """Measure a run on the validation split. A failed run gives an evaluation without metrics."""
        ...


@runtime_checkable
class Comparing(Evaluator, Protocol):
    """An evaluator that can also ask a sealed holdout."""

    def beats(self, head: Entry[Run], reference: Entry[Run], bar: float) -> bool:
        """Whether a run beats another on the holdout by more than `bar` standard errors. That bit is all that comes
        of it: no log, no reason, no error that depends on what is in the set."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """What came of looking: measures by name, none unless the outcome is ok."""

    outcome: Outcome
    reason: str
    measures: Mapping[str, float]
    usage: Usage


class Examiner(Protocol):
    def compare(self, reference: Run, head: Run) -> Look:
        """Predict again with both arms' artifacts, in other dress, and compare row by row. Never raises for what a
        variant did; Interrupted, SandboxError as an evaluator."""
        ...

    def score(self, run: Run) -> Look:
        """The study's metrics for a run that is in no ledger: that of a control."""
        ...


class Sources(Protocol):
    """The editable files of a variant, for proposers."""

    def read(self, variant: Variant) -> Mapping[str, str]:
        """Editable files by path."""
        ...

    def patch(self, variant: Variant, changed: Mapping[str, str]) -> str:
        """The unified diff that turns a variant's files into `changed`."""
        ...


@dataclass(frozen=True, slots=True)
class Brief:
    """What a study wants, as proposers may know it. `folder` is where people edit it; what in it is not committed is
    not in the head. Sealed sets lie in its .pawl, which is not to be read."""

    name: str
    metric: str
    direction: Direction
    command: tuple[str, ...]
    editable: tuple[str, ...]
    budget: str
    folder: Path


class Proposer(Protocol):
    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal | None:
        """The next patch to try on the head, given all that the ledger remembers; None: nothing to put forward now.
        It may take minutes, and appends nothing but Completions."""
        ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a language model is asked. `system` sets the task; `turns` are the user's and the model's in turn, the
    user's first and last. At most `max_tokens` tokens are wanted; no temperature: the endpoint's own."""

    system: str
    turns: tuple[str, ...]
    max_tokens: int
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request. `outcome` is one of a Completion's, never `invalid` for what the text says: that is for
    the proposer to judge. `text` is hostile; it may be there where the outcome is not ok, too. Tokens are the
    endpoint's own count, 0 for an error, None where it does not say; `cached` of those in came from its cache.
    `again`: after so many seconds the same request may do better; None: it would not. `sent`: whether the prompt went
    out, so that it may have cost. `local`: whether the answer was worked out on this machine's cores."""

    outcome: Literal["ok", "limited", "timed-out", "cut", "refused", "unreachable", "invalid", "stopped"]
    reason: str = ""
    text: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    cached: int = 0
    again: float | None = None
    sent: bool = True
    local: bool = False


class Model(Protocol):
    def complete(self, prompt: Prompt, stop: threading.Event) -> Answer:
        """Ask once: no retries. Never raises for what the endpoint does, a key that is not there among it; ends within
        a time of its own, and as `stopped` within a fraction of a second once `stop` is set; no key is ever in the
        answer."""
        ...


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something to try, in words, with its reason. `key` is what makes it the same one another time; `patch` is on the
    head, and empty where it is for people to do."""

    key: str
    what: str
    reason: str
    patch: str = ""


@runtime_checkable
class Adviser(Proposer, Protocol):
    """A proposer that can say all that it would suggest, at once."""

    def suggest(self, head: Entry[Variant], ledger: Ledger) -> Sequence[Suggestion]:
        """What the ledger suggests for this head, the most urgent first. It writes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Guard:
    """A metric that must not get worse by more than `margin`: in its own unit or, where `relative`, as a ratio (1.1:
    ten per cent worse). `proof`: and this must be proven, not only look so."""

    metric: str
    direction: Direction
    margin: float
    relative: bool
    proof: bool


@dataclass(frozen=True, slots=True)
class Case:
    """All that a gate may look at. Runs are those of the certificate; sizes in bytes, seconds of CPU and wall.
    Evaluations come in pairs, the reference's first.

    `opening` is the holdout's answer about the certificate (None: it gave none); `holdout` the digest of the holdout in
    use (empty: the study never had one), which has `openings_left`.
    `calibration` is what null candidates showed up to now, `guards` are the policy's.
    `metric` is the study's, `sign` +1 where a higher one is better; artifacts are by "RUN:NAME"; `earlier` has the
    digests of what runs of other variants wrote on other seeds, and by which variant. `life` has the paired changes
    (head minus reference) of every metric, for each certificate that passed before and for this one, which is last.
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
    opening: Opening | None = None
    holdout: str = ""
    openings_left: int = 0
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)
    guards: tuple[Guard, ...] = ()
    metric: str = ""
    sign: int = 0
    controls: tuple[Control, ...] = ()
    reference_artifacts: Mapping[str, bytes] = field(default_factory=dict)
    earlier: Mapping[str, int] = field(default_factory=dict)
    life: tuple[Mapping[str, tuple[float, ...]], ...] = ()
    reference_files: Mapping[str, str] = field(default_factory=dict)
    head_files: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[Proposal, ...] = ()
    tried: tuple[Proposal, ...] = ()
    exposed: tuple[str, ...] | None = None


class Gate(Protocol):
    """A gate that needs controls says so in a class variable: `needs: ClassVar = ("pair",)`, kinds of `Control`."""

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


class Reader(Protocol):
    def knows(self, source: str) -> bool:
        """Is this path or address a log of the kind that this part reads? Looks at no more than it needs; never
        raises."""
        ...

    def read(self, source: str) -> Log:
        """The trials in it, in the order in which they were made. Text in it is made printable. Raises ConfigError
        with what is wrong, where, and what to type next."""
        ...

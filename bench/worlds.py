"""A study whose trainer is simulated, for figures that need a hundred thousand runs: the product's own ledger, search,
certify, judge and loop, and in place of a training run a number that is drawn.

Unit: the sd of one run; a gain is a drop of the true mean. `rho` is the correlation of two variants' runs on one seed.
The rules that Pawl is compared with run on streams of the same law.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pawl import certify, history, measure, search
from pawl.artifacts import ArtifactStore
from pawl.gates.improvement import Improvement
from pawl.judge import Judge
from pawl.ledger import GENESIS, Entry, Ledger, Row
from pawl.loop import Budget, Loop
from pawl.measure import Measure
from pawl.opening import Open
from pawl.policy import ApprovalTable, CalibrationTable, HoldoutTable, Policy
from pawl.records import Artifact, Certificate, Evaluation, Isolation, Proposal, Purpose, Run, Study, Usage, Variant

KINDS = ("mixed", "sparse", "dim")
CORRELATIONS = (0.0, 0.5, 0.8)
FREE = Usage(wall_s=0.0, cpu_s=1.0, peak_bytes=0)
NOWHERE = Isolation(sandbox="simulated", version="1", safe=True, held=())
UNTIL = date.today() + timedelta(days=30)
Draw = np.random.Generator


def idea(draw: Draw, kind: str, gained: float) -> float:
    """The true effect of a random idea. `mixed`: half do nothing, 40 % harm by up to 2, 10 % help by .5, 1 or 2;
    `sparse`: 60, 37 and 3 %; `dim`: as mixed, but what helps helps less the more was gained; `null`: nothing works."""
    if kind == "null":
        return 0.0
    null, harm = (0.6, 0.97) if kind == "sparse" else (0.5, 0.9)
    luck = draw.random()
    if luck < null:
        return 0.0
    if luck < harm:
        return -draw.uniform(0, 2)
    good = float(draw.choice([0.5, 1.0, 2.0]))
    return good * math.exp(-max(gained, 0.0) / 6) if kind == "dim" else good


@dataclass(slots=True)
class Memory:
    """Rows in a list: a store for a process that may lose them."""

    kept: list[Row] = field(default_factory=list)

    def append(self, body: bytes, link: Callable[[str, int, bytes], str]) -> Row:
        position = len(self.kept) + 1
        row = Row(position, body, link(self.kept[-1].digest if self.kept else GENESIS, position, body))
        self.kept.append(row)
        return row

    def rows(self, after: int) -> Iterable[Row]:
        return self.kept[after:]


@dataclass(slots=True)
class World:
    """What is true: each variant's level (higher is better), what each seed is worth, and how a run is drawn."""

    draw: Draw
    kind: str
    rho: float
    level: dict[str, float] = field(default_factory=lambda: {"base": 0.0})
    luck: dict[int, float] = field(default_factory=dict)
    runs: int = 0

    def score(self, commit: str, seed: int) -> float:
        """A run's score, to be minimised."""
        self.runs += 1
        luck = self.luck.setdefault(seed, math.sqrt(self.rho) * self.draw.standard_normal())
        return -(self.level[commit] + luck + math.sqrt(1 - self.rho) * self.draw.standard_normal())

    def seed(self) -> int:
        return int(self.draw.integers(2**31))


@dataclass(slots=True)
class Trainer:
    """Proposer, lineage, executor and evaluator of a world."""

    world: World
    ledger: Ledger
    editable: tuple[str, ...] = ("train.py",)

    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal:
        return Proposal(parent=head.id, patch="an idea", hypothesis="an idea", proposer="simulated", settings={})

    def build(self, proposal: Entry[Proposal], parent: Variant) -> Variant:
        commit, world = f"variant-{proposal.id}", self.world
        world.level[commit] = world.level[parent.commit] + idea(world.draw, world.kind, world.level[parent.commit])
        return Variant(proposal=proposal.id, commit=commit, parent=parent.commit, problem="")

    def read(self, variant: Variant) -> dict[str, str]:
        return {"train.py": variant.commit}

    def diff(self, old: str, new: str) -> str:
        return f"{old} to {new}"

    def changed(self, old: str, new: str) -> tuple[tuple[str, str], ...]:
        return (("100644", "train.py"),)

    def run(self, variant: Entry[Variant], seed: int, purpose: Purpose) -> Run:
        return Run(
            variant=variant.id, seed=seed, purpose=purpose, outcome="ok", reason="", artifacts=(), usage=FREE,
            isolation=NOWHERE, environment="", summary={}, log="", tail="",
        )  # fmt: skip

    def evaluate(self, run: Entry[Run]) -> Evaluation:
        score = self.world.score(self.ledger.get(run.record.variant, Variant).record.commit, run.record.seed)
        return Evaluation(
            run=run.id, split="validation", outcome="ok", reason="", metrics={"loss": score}, scorer="simulated",
            sealed="", self_reported=False, usage=FREE,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """True and claimed gain of what was certified, how many certificates were asked and won, how many won ones were of
    something not better, and the runs used."""

    gain: float
    claimed: float
    tests: int
    wins: int
    false: int
    runs: int
    ideas: int


def pawl(seed: int, kind: str, rho: float, runs: int | None = None, ideas: int = 0) -> Outcome:
    """The product on a stream, with one worker: its loop until the budget of `runs` ends, or its turns until so many
    `ideas` were tried and the head, if it is worth a try, was certified."""
    world = World(np.random.default_rng(seed), kind, rho)
    measure.fresh_seed = search.fresh_seed = certify.fresh_seed = world.seed  # type: ignore[attr-defined]
    ledger = Ledger(Memory())
    trainer = Trainer(world, ledger)
    policy = Policy(
        version=1, expires=UNTIL, approval=ApprovalTable(threshold=1), calibration=CalibrationTable(share=0)
    )
    ledger.append(Variant(proposal=None, commit="base", parent="base", problem=""))
    ledger.append(
        Study(name="simulated", metric="loss", direction="minimize", commit="base", comparable="", environment="",
              config="", policy="", self_reported=False)
    )  # fmt: skip
    with TemporaryDirectory() as folder:
        measured = Measure(ledger, trainer, trainer)
        searching = search.Search(ledger, {"simulated": trainer}, trainer, measured, policy, "loss", -1)  # type: ignore[arg-type]
        certifying = certify.Certify(ledger, measured, policy, "loss", -1, 1)
        store = ArtifactStore(Path(folder))
        judge = Judge(ledger, trainer, store, [Improvement()], policy, "", _no_picture)  # type: ignore[arg-type]
        opening = Open(ledger, trainer, None, HoldoutTable())
        loop = Loop(
            ledger, searching, certifying, judge, policy, 1, threading.Event(), lambda: None, lambda: None, opening
        )
        if runs:
            loop.run(Budget(runs=runs))
        else:
            _try_all(loop, ideas)
    return _outcome(ledger, world)


def _try_all(loop: Loop, ideas: int) -> None:
    with ThreadPoolExecutor(1) as pool:
        loop.search.settle_noise(pool)
        for left in reversed(range(ideas)):
            loop.search.turn()
            if loop.search.ripe() or (left == 0 and loop.search.worth_a_try()):
                certificate = loop.certify.certify(loop.certify.preregister(loop.search.settle_noise(pool)), pool)
                loop.judge.settle(certificate)
                loop.search.settle_noise(pool)


def _no_picture(*_: object) -> Sequence[Artifact]:
    return ()


def _outcome(ledger: Ledger, world: World) -> Outcome:
    gain = claimed = 0.0
    false = wins = 0
    for entry in ledger.entries(Certificate):
        if entry.record.outcome == "certified":
            plan = history.plan_of(ledger, entry.record)
            arms = [world.level[ledger.get(arm, Variant).record.commit] for arm in (plan.reference, plan.head)]
            wins, false = wins + 1, false + (arms[1] <= arms[0])
            gain, claimed = gain + arms[1] - arms[0], claimed + (entry.record.estimate or 0.0)
    return Outcome(
        gain, claimed, len(ledger.entries(Certificate)), wins, false, world.runs, len(ledger.entries(Proposal))
    )

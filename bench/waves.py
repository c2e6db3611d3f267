"""Do planned factorial waves pay? The product's own search, portfolio and proposer `waves`, with 1, 4 and 16 workers.

Training is simulated, and so is the clock: a run takes about one unit of it, as many runs at once as there are workers.
Every idea gives one line of a file another value. Levels are sums of effects, but for `clashing`, where one pair of
changes in ten gets in each other's way. Unit: the sd of one run.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from random import Random
from statistics import fmean, stdev

import numpy as np
from common import RESULTS, machine, write
from worlds import FREE, NOWHERE, UNTIL, Memory, idea

from pawl import measure, search
from pawl.ledger import Entry, Ledger
from pawl.measure import Measure
from pawl.policy import ApprovalTable, CalibrationTable, Policy
from pawl.proposers.waves import WavesProposer
from pawl.records import Evaluation, Proposal, Purpose, Run, Screening, Study, Variant

KINDS = ("mixed", "clashing", "sparse", "dim")
ARMS = ("without", "with", "at_once")
"""No waves; waves by a factorial design; waves whose changes all go into one run."""
WORKERS = (16, 1, 4)
LINES = 192
CLASHES, HARM = 0.1, 1.0


@dataclass(slots=True)
class Clock:
    """Virtual time. One thread goes on at a time; who sleeps is woken in the order of waking times."""

    now: float = 0.0
    sleeping: list[tuple[float, int, threading.Event]] = field(default_factory=list)
    count: int = 0
    idle: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def sleep(self, time: float) -> None:
        woken = threading.Event()
        self.count += 1
        heapq.heappush(self.sleeping, (self.now + time, self.count, woken))
        self.idle.release()
        woken.wait()

    def work(self, workers: int, turn: Callable[[], None], until: float) -> None:
        """Take turns with so many workers until the time is over; turns that were begun are finished."""

        def go_on() -> None:
            self.sleep(0.0)
            while self.now < until:
                turn()
            self.idle.release()

        threads = [threading.Thread(target=go_on, daemon=True) for _ in range(workers)]
        for thread in threads:
            thread.start()
            self.idle.acquire()
        while self.sleeping:
            self.now, _, woken = heapq.heappop(self.sleeping)
            woken.set()
            self.idle.acquire()


@dataclass(slots=True)
class World:
    """Sources, lineage, proposer, executor and evaluator. A variant's text is its patch; its level is what its lines
    are worth."""

    draw: np.random.Generator
    kind: str
    rho: float
    clock: Clock
    ledger: Ledger
    texts: dict[str, str] = field(default_factory=lambda: {"base": "".join(f"X{n} = 0\n" for n in range(LINES))})
    worth: list[float] = field(default_factory=list)
    luck: dict[int, float] = field(default_factory=dict)
    runs: int = 0
    levels: dict[str, float] = field(default_factory=dict)
    clashes: dict[tuple[int, int], float] = field(default_factory=dict)
    searching: bool = False

    def read(self, variant: Variant) -> dict[str, str]:
        return {"lines.txt": self.texts[variant.commit]}

    def patch(self, variant: Variant, changed: dict[str, str]) -> str:
        return changed["lines.txt"]

    def diff(self, old: str, new: str) -> str:
        return f"{old} to {new}"

    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal:
        lines, n = self.texts[head.record.commit].splitlines(keepends=True), len(self.worth) % LINES
        kind = "mixed" if self.kind == "clashing" else self.kind
        self.worth.append(idea(self.draw, kind, self.level(head.record.commit)))
        lines[n] = f"X{n} = {len(self.worth)}\n"
        return Proposal(parent=head.id, patch="".join(lines), hypothesis="an idea", proposer="ideas", settings={})

    def build(self, proposal: Entry[Proposal], parent: Variant) -> Variant:
        commit = f"variant-{proposal.id}"
        self.texts[commit] = proposal.record.patch
        return Variant(proposal=proposal.id, commit=commit, parent=parent.commit, problem="")

    def level(self, commit: str) -> float:
        """The true mean of a variant."""
        if commit not in self.levels:
            self.levels[commit] = self._level(commit)
        return self.levels[commit]

    def _level(self, commit: str) -> float:
        on = [int(line.split()[2]) - 1 for line in self.texts[commit].splitlines() if not line.endswith(" 0")]
        clash = 0.0
        if self.kind == "clashing":
            clash = sum(self._clash(a, b) for a in on for b in on if a < b and min(self.worth[a], self.worth[b]) > 0)
        return sum(self.worth[n] for n in on) - clash

    def _clash(self, a: int, b: int) -> float:
        """What two that help lose beside one another: the smaller of both, for one pair in ten."""
        if (a, b) not in self.clashes:
            meet = Random(f"{a}/{b}").random() < CLASHES
            self.clashes[a, b] = HARM * min(self.worth[a], self.worth[b]) if meet else 0.0
        return self.clashes[a, b]

    def run(self, variant: Entry[Variant], seed: int, purpose: Purpose) -> Run:
        self.runs += 1
        if self.searching and variant.record.proposal and self.ledger.find(Screening, variant=variant.id) is None:
            self.clock.sleep(self.draw.uniform(0.8, 1.2))  # the head's own run on a new seed holds others up: no time
        return Run(
            variant=variant.id, seed=seed, purpose=purpose, outcome="ok", reason="", artifacts=(), usage=FREE,
            isolation=NOWHERE, environment="", summary={}, log="", tail="",
        )  # fmt: skip

    def evaluate(self, run: Entry[Run]) -> Evaluation:
        level = self.level(self.ledger.get(run.record.variant, Variant).record.commit)
        luck = self.luck.setdefault(run.record.seed, math.sqrt(self.rho) * self.draw.standard_normal())
        score = -(level + luck + math.sqrt(1 - self.rho) * self.draw.standard_normal())
        return Evaluation(
            run=run.id, split="validation", outcome="ok", reason="", metrics={"loss": score}, scorer="simulated",
            sealed="", self_reported=False, usage=FREE,
        )  # fmt: skip


def searched(seed: int, kind: str, rho: float, workers: int, arm: str, runs: int) -> tuple[float, int, float]:
    """The head's true gain, the runs spent, and the time, when the time for about so many runs is over."""
    ledger, clock = Ledger(Memory()), Clock()
    world = World(np.random.default_rng(seed), kind, rho, clock, ledger)
    measure.fresh_seed = search.fresh_seed = lambda: int(world.draw.integers(2**31))  # type: ignore[attr-defined]
    rules = Policy(version=1, expires=UNTIL, approval=ApprovalTable(threshold=1), calibration=CalibrationTable(share=0))
    ledger.append(Variant(proposal=None, commit="base", parent="base", problem=""))
    ledger.append(
        Study(name="simulated", metric="loss", direction="minimize", commit="base", comparable="", environment="",
              config="", policy="", self_reported=False)
    )  # fmt: skip
    part = WavesProposer(world, 0.0, workers, factorial=arm == "with")  # type: ignore[arg-type]
    planned = {"waves": part} if arm != "without" else {}
    measured = Measure(ledger, world, world)
    searching = search.Search(
        ledger, {"ideas": world, **planned}, world, measured, rules, "loss", -1, first=tuple(planned)  # type: ignore[arg-type]
    )  # fmt: skip
    searching.settle_noise(_Now())  # type: ignore[arg-type]
    world.runs, world.searching = 0, True
    clock.work(workers, lambda: searching.turn() and None, runs / workers)
    head = ledger.get(search.history.read(ledger).head, Variant).record.commit
    return world.level(head), world.runs, clock.now


class _Now:
    """A pool that does it at once."""

    @staticmethod
    def map(what: Callable[[int], object], some: Sequence[int]) -> list[object]:
        return [what(one) for one in some]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=160)
    parser.add_argument("--repetitions", type=int, default=50)
    parser.add_argument("--correlation", type=float, default=0.5)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--workers", type=int, nargs="+", default=list(WORKERS))
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=ARMS)
    options = parser.parse_args()
    before = machine()
    known = RESULTS / "waves.json"
    rows = json.loads(known.read_text())["figures"]["regimes"] if known.exists() else []
    for workers, kind in product(options.workers, options.kinds):
        rows = [one for one in rows if (one["kind"], one["workers"]) != (kind, workers)]
        rows.append(row(kind, workers, options))
        note = "equal runs; unit: the sd of one run; gain: the true one of the head; +- is one standard error"
        shown = {"runs": options.runs, "repetitions": options.repetitions, "correlation": options.correlation}
        write("waves", {**shown, "regimes": rows}, before, note)


def row(kind: str, workers: int, options: argparse.Namespace) -> dict[str, object]:
    """One regime with so many workers, each arm on the same worlds. Rows measured before, of other regimes, stay."""
    arms: dict[str, list[tuple[float, int, float]]] = {}
    for name in options.arms if workers > 1 else ARMS[:1]:
        arms[name] = [
            searched(seed, kind, options.correlation, workers, name, options.runs)
            for seed in range(options.repetitions)
        ]
    found: dict[str, object] = {"kind": kind, "workers": workers}
    for name, outcomes in arms.items():
        gains = [gain for gain, _, _ in outcomes]
        found |= {
            f"{name}_gain": f"{fmean(gains):.2f} +- {stdev(gains) / math.sqrt(len(gains)):.2f}",
            f"{name}_per_run": round(fmean(gains) / fmean(runs for _, runs, _ in outcomes), 4),
            f"{name}_per_time": round(fmean(gains) / fmean(time for _, _, time in outcomes), 4),
            f"{name}_runs": round(fmean(runs for _, runs, _ in outcomes), 1),
        }  # fmt: skip
    for one, other in combinations(arms, 2):
        more = [ours[0] - theirs[0] for ours, theirs in zip(arms[other], arms[one], strict=True)]
        found[f"{other}_beside_{one}"] = f"{fmean(more):.2f} +- {stdev(more) / math.sqrt(len(more)):.2f}"
    print(found, flush=True)
    return found


if __name__ == "__main__":
    main()

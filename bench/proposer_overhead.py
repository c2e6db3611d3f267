"""What does a suggestion cost? CPU seconds of each proposer that needs no network, and of the portfolio's ranking, on
ledgers with 10, 100 and 1,000 attempts of `tiny-gpt`: its sources, its grammar, its log, its real git history; the
scores are drawn. A minute or two.

One attempt in eight is accepted, a certificate of ten pairs follows every tenth accept, and every second one is won.
"""

from __future__ import annotations

import argparse
import math
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import ClassVar

import warm
from common import machine, scratch, write
from worlds import Memory

from pawl import portfolio
from pawl.ledger import Entry, Ledger
from pawl.lineage import _unified
from pawl.proposers.architecture import ArchitectureProposer
from pawl.proposers.constants import exchange
from pawl.proposers.evolution import mutated
from pawl.proposers.programs import Program
from pawl.protocols import Proposer
from pawl.records import (
    Certificate,
    CommonSeeds,
    Dossier,
    Evaluation,
    Finding,
    Noise,
    Pair,
    PolicyInForce,
    Preregistration,
    Proposal,
    Purpose,
    Run,
    Screening,
    Study,
    Usage,
    Variant,
    Verdict,
)

SIZES = (10, 100, 1000)
NAMES = ("space", "architecture", "log-analyst", "revert", "ablation")
TABLES = [*(f'use = "{name}"' for name in NAMES), 'use = "space"\nname = "space-tpe"\nsampler = "tpe"']
REPEATS = 5
SD = 0.03
LOG = "".join(
    f"step {n}: train loss {2.6 + 2.9 * math.exp(-n / 200) + 0.03 * math.sin(7 * n):.4f}\n" for n in range(254)
)


def seconds() -> float:
    """CPU of this process and of the programs that it ran, such as git: what a busy machine leaves alone."""
    ran = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ran.ru_utime + ran.ru_stime


@dataclass
class Past:
    """A ledger that grows as the loop's does. `level` is the head's true score; `grammar` knows its program."""

    study: warm.WarmStudy
    ledger: Ledger
    architecture: ArchitectureProposer
    draw: Random = field(default_factory=lambda: Random(11))
    level: float = 5.0
    accepted: int = 0
    attempts: int = 0
    FREE: ClassVar = Usage(wall_s=1.2, cpu_s=1.0, peak_bytes=10**8)

    def begin(self) -> None:
        """What stands before the first attempt: study, baseline, noise, common seeds."""
        for kind in (PolicyInForce, Study, Variant):
            for entry in self.study.entries(kind):  # type: ignore[type-var]
                last = self.ledger.append(entry.record)
        self.head = self.reference = last
        self.log = self.study.artifacts.put("log", LOG.encode()).digest
        found = tuple(self.measured(self.head.id, self.level, seed, "noise").id for seed in range(6))
        told = {"sd": SD, "low": SD, "high": SD, "correlation": 0.5, "pairs": 0, "scale": SD}
        self.noise = self.ledger.append(Noise(variant=self.head.id, evaluations=found, **told))
        self.ledger.append(CommonSeeds(seeds=(2, 3, 4, 5), reason="those of the noise measurement"))

    def measured(self, variant: int, level: float, seed: int, purpose: Purpose) -> Entry[Evaluation]:
        """A run and its evaluation."""
        run = self.ledger.append(
            Run(
                variant=variant, seed=seed, purpose=purpose, outcome="ok", reason="", artifacts=(), usage=self.FREE,
                isolation=warm.NOWHERE, environment="", summary={"parameters": 1e5}, log=self.log, tail=LOG[-2000:],
            )
        )  # fmt: skip
        return self.ledger.append(
            Evaluation(
                run=run.id, split="validation", outcome="ok", reason="",
                metrics={"bits_per_byte": level + SD * self.draw.gauss(0, 1)}, scorer="drawn", sealed="",
                self_reported=False, usage=self.FREE,
            )
        )  # fmt: skip

    def attempt(self) -> None:
        """The next idea, by turns of the space and of the grammar, and what came of it."""
        self.attempts += 1
        good, by_space = self.draw.random() < 1 / 8, self.attempts % 2
        before = self.study.lineage.read(self.head.record)["train.py"]
        after, settings = self.of_space(before) if by_space else self.of_grammar(before)
        entry = self.ledger.append(
            Proposal(
                parent=self.head.id, patch=_unified("train.py", before, after), hypothesis="one of a thousand ideas",
                proposer="space" if by_space else "architecture", settings=settings,
            )
        )  # fmt: skip
        commit = self.head.record.commit
        made = Variant(proposal=entry.id, commit=commit, parent=commit, problem="")
        variant = self.ledger.append(self.study.lineage.build(entry, self.head.record) if good else made)
        level = self.level - (SD * self.draw.random() if good else -6 * SD * self.draw.random())
        runs = 2 if good else 1
        done = tuple(self.measured(variant.id, level, 2 + n, "screen").id for n in range(runs))
        self.ledger.append(
            Screening(
                proposal=entry.id, variant=variant.id, head=self.head.id, evaluations=done,
                decision="accepted" if good else "refused", reason="expected to be so", gain=self.level - level,
                broken_guard="",
            )
        )  # fmt: skip
        if good and not variant.record.problem:
            self.head, self.level, self.accepted = variant, level, self.accepted + 1
            if self.accepted % 10 == 0:
                self.certify(self.accepted % 20 == 0)

    def of_space(self, text: str) -> tuple[str, dict[str, object]]:
        """Other values of the declared constants."""
        values: dict[str, object] = {}
        for key, table in self.study.config.space.items():
            if table.choices:
                values[key] = self.draw.choice(table.choices)
            else:
                low, high = float(table.low or 0), float(table.high or 0)
                at = self.draw.random()
                drawn = low * (high / low) ** at if table.log else low + (high - low) * at
                values[key] = min(max(float(f"{drawn:.4g}"), low), high)
        named = {key.partition(":")[2]: value for key, value in values.items()}
        return exchange(text, named, "train.py"), {"parameters": values, "sampler": "bayes"}  # type: ignore[arg-type]

    def of_grammar(self, text: str) -> tuple[str, dict[str, object]]:
        """A mutation of the head's program."""
        programs = self.architecture.programs
        program: Program = programs.read({"train.py": text})
        while True:
            genotype = mutated(programs.grammar, program.genotype, self.draw)
            if programs.grammar.valid(genotype) and genotype != program.genotype:
                break
        told = {"genotype": dict(genotype), "grammar": programs.grammar.digest, "parents": [self.head.id], "cost": 1.0}
        return programs.render(genotype, program.kept)["train.py"], told

    def certify(self, won: bool) -> None:
        """A certificate of the head; where it is won, a dossier that waits."""
        arms, keep, seeds = (self.reference.id, self.head.id), self.ledger.append, range(100, 110)
        told = {"step": 1, "wins": 0, "threshold": 20.0, "scale": SD}
        plan = keep(Preregistration(reference=arms[0], head=arms[1], noise=self.noise.id, seeds=tuple(seeds), **told))
        found = [[self.measured(arm, self.level, seed, "certify").id for arm in arms] for seed in seeds]
        pairs = tuple(
            Pair(seed=seed, reference=one, head=two, reference_score=5.0, head_score=4.9, gain=0.1, cpu_ratio=1.0)
            for seed, (one, two) in zip(seeds, found, strict=True)
        )
        certificate = keep(
            Certificate(
                preregistration=plan.id, outcome="certified" if won else "futile", reason="as drawn", pairs=pairs,
                e_value=25.0 if won else 0.1, estimate=0.1, low=0.05, high=None, level=0.9, reference_failures=0,
                head_failures=0, cpu_ratio=1.0, cpu_s=20.0,
            )
        )  # fmt: skip
        finding = Finding(gate="improvement", passed=won, reason="as drawn")
        verdict = keep(Verdict(certificate=certificate.id, policy="", findings=(finding,), passed=won))
        if not won:
            self.head = self.reference
            return
        keep(
            Dossier(
                verdict=verdict.id, variant=self.head.id, reference=self.reference.id, policy="", statement="",
                attachments=(), proposers=("space", "architecture"), until="2999-12-31T00:00:00+00:00",
            )
        )  # fmt: skip
        self.reference = self.head


def timed(do: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds of a call, and what it gave."""
    start = seconds()
    found = do()
    return seconds() - start, found


def costs(past: Past, rows: Memory, proposers: dict[str, Proposer]) -> dict[str, object]:
    """Of each proposer: the first suggestion after a restart, the ones after it, each of which is written down first,
    and the commit of one; and of the ranking."""
    figures: dict[str, object] = {"entries": len(rows.kept), "accepted": past.accepted}
    names = list(proposers)
    for name in [*names, "ranking of six"]:
        ledger = Ledger(Memory(list(rows.kept)))
        read, _ = timed(ledger.all)
        figures["reading_the_ledger"] = round(read, 3)
        head = ledger.get(past.head.id, Variant)
        taken: list[float] = []
        shown = 0
        for _ in range(REPEATS + 1):
            if name not in proposers:
                took, found = timed(lambda: portfolio.ranked(ledger, names, 0.0))  # noqa: B023
                ledger.append(past.ledger.last(Proposal).record)  # type: ignore[union-attr]  # something new to rank by
            else:
                took, found = timed(lambda: proposers[name].propose(head, ledger))  # noqa: B023
            taken, shown = [*taken, took], shown + bool(found)
            if isinstance(found, Proposal):
                ledger.append(found.model_copy(update={"proposer": name}))
        each = median(taken[1:])
        figures[name] = {
            "first_s": round(taken[0], 4), "next_s": round(each, 4), "patches_per_s": round(1 / max(each, 1e-4), 1),
            "had_something_to_say": f"{shown} of {REPEATS + 1}",
        }  # fmt: skip
    return figures


def commits(past: Past) -> Iterator[float]:
    """CPU seconds of making a variant of the last proposals: git, with the loop's care for power cuts."""
    for entry in past.ledger.entries(Proposal)[-REPEATS:]:
        parent = past.ledger.get(entry.record.parent, Variant).record
        yield timed(lambda: past.study.lineage.build(entry, parent))[0]  # noqa: B023


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    options = parser.parse_args()
    before, figures = machine(), dict[str, object]()
    with scratch() as home:
        study = warm.opened("tiny-gpt", home / "study", "", "", TABLES, None)  # type: ignore[arg-type]  # nothing trains
        with study.loop() as loop:
            proposers = dict(loop.search.proposers)
        rows = Memory()
        past = Past(study, Ledger(rows), proposers["architecture"])  # type: ignore[arg-type]
        past.begin()
        for size in options.sizes:
            while past.attempts < size:
                past.attempt()
            figures[f"{size} attempts"] = costs(past, rows, proposers) | {"a_commit": round(median(commits(past)), 4)}
            print(size, figures[f"{size} attempts"], flush=True)
    write("proposer-overhead", figures, before, NOTE)


NOTE = (
    "Seconds of CPU, git's among them, not of wall clock: the machine was busy. `first_s`: the first suggestion after "
    "a restart, with the ledger read; `next_s`: the median of five later ones, each written down before the next; a "
    "proposer without anything to say is timed too, and says so. `ranking of six`: what the portfolio takes to choose."
)


if __name__ == "__main__":
    main()

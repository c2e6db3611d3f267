"""A small study's ledger, made of real records in a real store: what charts and pages are tried on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from pawl.ledger import Entry, Ledger, Store
from pawl.records import (
    Artifact,
    Certificate,
    CommonSeeds,
    Direction,
    Dossier,
    Evaluation,
    Finding,
    Isolation,
    Noise,
    Pair,
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
from pawl.statement import Subject, render

Decision = Literal["accepted", "refused", "crashed"]
UNTIL = "2999-12-31T00:00:00+00:00"
METRIC = "bits_per_byte"
HOSTILE = "<script>alert(1)</script> \x1b[2J\x1b]0;owned\x07 \u202egnp.exe <img src=x onerror=alert(2)> {{ 7*7 }}"
PATCH = f"""diff --git a/train.py b/train.py
--- a/train.py
+++ b/train.py
@@ -1,4 +1,4 @@
 import numpy
-DEPTH = 2
+DEPTH = 3  # </pre>{HOSTILE}
 WIDTH = 64
"""
IDEAS: tuple[tuple[float | None, Decision], ...] = (
    (2.02, "refused"), (1.94, "accepted"), (None, "crashed"), (9.0, "refused"), (2.0, "refused"), (1.88, "accepted"),
    (1.9, "refused"),
)  # fmt: skip
"""Where the scores of each idea of `small_case` lie, and what screening makes of it."""


@dataclass(slots=True)
class Writer:
    """Appends records as the loop does. `score` draws a run's score about a variant's `level`, or None: it failed."""

    ledger: Ledger
    random: Random = field(default_factory=lambda: Random(7))
    levels: dict[int, float | None] = field(default_factory=dict)
    safe: bool = True

    def study(
        self, direction: Direction = "minimize", comparable: str = "c1", self_reported: bool = False
    ) -> Entry[Study]:
        return self.ledger.append(
            Study(
                name="tiny-gpt", metric=METRIC, direction=direction, commit="c0" * 20, comparable=comparable,
                environment="e0" * 32, config="f0" * 32, policy="a0" * 32, self_reported=self_reported,
            )
        )  # fmt: skip

    def baseline(self, level: float | None = 2.0) -> Entry[Variant]:
        variant = self.ledger.append(Variant(proposal=None, commit="b0" * 20, parent="", problem=""))
        self.levels[variant.id] = level
        return variant

    def challenger(self, parent: int, hypothesis: str, level: float | None, patch: str = PATCH) -> Entry[Variant]:
        proposal = self.ledger.append(
            Proposal(parent=parent, patch=patch, hypothesis=hypothesis, proposer="space", settings={"seed": 1})
        )
        variant = self.ledger.append(
            Variant(proposal=proposal.id, commit=f"{proposal.id:040x}", parent="b0" * 20, problem="")
        )
        self.levels[variant.id] = level
        return variant

    def run(self, variant: int, seed: int, purpose: Purpose) -> Entry[Run]:
        outcome: Literal["ok", "crashed"] = "crashed" if self.levels[variant] is None else "ok"
        return self.ledger.append(
            Run(
                variant=variant, seed=seed, purpose=purpose, outcome=outcome,
                reason="" if outcome == "ok" else "exit 1",
                artifacts=(Artifact(name="weights.npz", digest="d1" * 32, size=123_456),),
                usage=Usage(wall_s=2.0, cpu_s=1.9 + 0.2 * self.random.random(), peak_bytes=50_000_000),
                isolation=Isolation(
                    sandbox="bubblewrap", version="0.11", safe=self.safe, held=("net", "pid") if self.safe else ()
                ),
                environment="e0" * 32, summary={}, log="10" * 32, tail="",
            )
        )  # fmt: skip

    def measure(self, variant: int, seed: int, purpose: Purpose) -> Entry[Evaluation]:
        run, level = self.run(variant, seed, purpose), self.levels[variant]
        shared = Random(seed).gauss(0, 0.012)
        score = {} if level is None else {METRIC: level + shared + self.random.gauss(0, 0.012)}
        return self.ledger.append(
            Evaluation(
                run=run.id, split="validation", outcome=run.record.outcome, reason=run.record.reason, metrics=score,
                scorer="bits-per-byte", sealed="5e" * 32, self_reported=False,
                usage=Usage(wall_s=0.2, cpu_s=0.2, peak_bytes=9_000_000),
            )
        )  # fmt: skip

    def noise(self, variant: int, seeds: Sequence[int]) -> Entry[Noise]:
        found = [self.measure(variant, seed, "noise").id for seed in seeds]
        return self.ledger.append(
            Noise(
                variant=variant, evaluations=tuple(found), sd=0.017, low=0.012, high=0.03, correlation=0.5, pairs=0,
                scale=0.017,
            )
        )  # fmt: skip

    def screen(
        self,
        variant: Entry[Variant],
        head: int,
        decision: Decision,
        seeds: Sequence[int],
        gain: float | None = None,
    ) -> Entry[Screening]:
        done = tuple(self.measure(variant.id, seed, "screen").id for seed in seeds)
        assert variant.record.proposal is not None
        return self.ledger.append(
            Screening(
                proposal=variant.record.proposal, variant=variant.id, head=head, evaluations=done, decision=decision,
                reason="as told", gain=gain, broken_guard="",
            )
        )  # fmt: skip

    def certify(self, reference: int, head: int, noise: int, seeds: Sequence[int]) -> Entry[Certificate]:
        plan = self.ledger.append(
            Preregistration(
                reference=reference, head=head, noise=noise, step=1, wins=0, threshold=20.27, scale=0.017,
                seeds=(*seeds, 998, 999),
            )
        )  # fmt: skip
        pairs = tuple(self._pair(reference, head, seed) for seed in seeds)
        return self.ledger.append(
            Certificate(
                preregistration=plan.id, outcome="certified", reason="E = 27.4 after 5 pairs", pairs=pairs,
                e_value=27.43, estimate=0.1234, low=0.0871, high=None, level=0.9, reference_failures=0, head_failures=0,
                cpu_ratio=1.04, cpu_s=20.5,
            )
        )  # fmt: skip

    def _pair(self, reference: int, head: int, seed: int) -> Pair:
        arms = [self.measure(arm, seed, "certify") for arm in (reference, head)]
        first, second = (arm.record.metrics[METRIC] for arm in arms)
        return Pair(
            seed=seed, reference=arms[0].id, head=arms[1].id, reference_score=first, head_score=second,
            gain=first - second, cpu_ratio=1.04,
        )  # fmt: skip

    def verdict(self, certificate: int) -> Entry[Verdict]:
        findings = (
            Finding(gate="improvement", passed=True, reason="certified, E = 27.4 over 20.3"),
            Finding(gate="integrity", passed=True, reason=f"only train.py changed {HOSTILE}"),
        )
        return self.ledger.append(Verdict(certificate=certificate, policy="a0" * 32, findings=findings, passed=True))


def small_ledger(store: Store) -> Ledger:
    """Baseline, noise, screenings of all kinds (a crash, a wild outlier), a certificate with 5 pairs, a dossier."""
    return small_case(store)[0]


def small_case(store: Store, safe: bool = True, self_reported: bool = False) -> tuple[Ledger, Subject]:
    """`small_ledger`, and what its dossier is about."""
    ledger = Ledger(store)
    write = Writer(ledger, safe=safe)
    study, champion = write.study(self_reported=self_reported), write.baseline()
    noise = write.noise(champion.id, range(11, 17))
    ledger.append(CommonSeeds(seeds=(11, 12), reason="those of the noise measurement"))
    head = champion
    changes: list[int] = []
    for level, decision in IDEAS:
        idea = write.challenger(head.id, HOSTILE if level == 1.88 else f"level {level} is the right one", level)
        write.screen(idea, head.id, decision, (11, 12) if decision == "accepted" else (11,))
        if decision == "accepted":
            head = idea
            changes.append(idea.record.proposal or 0)
    write.measure(head.id, 31, "screen")
    certificate = write.certify(champion.id, head.id, noise.id, range(101, 106))
    verdict = write.verdict(certificate.id)
    released = ledger.get(ledger.get(certificate.record.pairs[2].head, Evaluation).record.run, Run)
    subject = Subject(
        study=study, champion=champion, reference=champion, variant=head, certificate=certificate, verdict=verdict,
        plan=ledger.get(certificate.record.preregistration, Preregistration), released=released,
        changes=[ledger.get(id, Proposal) for id in changes], patch=PATCH, sealed="5e" * 32,
        until=UNTIL,
    )  # fmt: skip
    ledger.append(
        Dossier(
            verdict=verdict.id, variant=head.id, reference=champion.id, policy="a0" * 32, statement=render(subject),
            proposers=("space",), until=UNTIL,
            attachments=(Artifact(name="patch.diff", digest="d2" * 32, size=len(PATCH)),),
        )
    )  # fmt: skip
    return ledger, subject

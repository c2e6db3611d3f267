"""What came of each proposal so far, as proposers may know it: the loop's memory of its own ideas."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

from pawl import history
from pawl.ladder import seen
from pawl.ledger import Entry, Ledger
from pawl.records import CALIBRATION, Certificate, Noise, Preregistration, Proposal, Run, Screening, Variant

Outcome = Literal["waiting", "accepted", "refused", "crashed"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A comparable proposal and what came of it. `gain` is the expected gain over the head of then, oriented so that
    higher is better, in the metric's unit; `score` the mean of its runs, in the metric's own orientation. Both are None
    where the Ladder or a failure hides them. `certified` is True or False once a certificate on it ended, None before.
    `runs` are all of its training runs, the certificates' too; `cpu_s` their CPU seconds. `repeats`: an earlier variant
    is the same program, and what that one ran answered for it."""

    id: int
    proposal: Proposal
    variant: int | None
    outcome: Outcome
    reason: str
    gain: float | None
    score: float | None
    certified: bool | None
    runs: tuple[Entry[Run], ...]
    repeats: bool = False

    @property
    def cpu_s(self) -> float:
        return sum(run.record.usage.cpu_s for run in self.runs)


def read(ledger: Ledger, ladder: float) -> list[Attempt]:
    """All comparable attempts, oldest first; without those of calibration, which nobody shall learn from. `ladder` is
    the policy's step."""
    since, scores, certified = history.read(ledger).since, seen(ledger, ladder), _certified(ledger)
    first = next((entry.record for entry in ledger.entries(Noise) if entry.id > since), None)
    step = ladder * first.sd if first else 0.0
    runs = defaultdict[int, list[Entry[Run]]](list)
    for run in ledger.entries(Run):
        runs[run.record.variant].append(run)
    found = []
    for entry in ledger.entries(Proposal):
        screening = ledger.find(Screening, proposal=entry.id)
        if (screening and screening.id < since) or entry.record.proposer == CALIBRATION:
            continue
        variant = ledger.find(Variant, proposal=entry.id)
        shown = scores.get(entry.id)
        told = screening is not None and shown is not None and shown.better
        found.append(
            Attempt(
                id=entry.id, proposal=entry.record, variant=variant.id if variant else None,
                outcome=screening.record.decision if screening else "waiting",
                reason=screening.record.reason if screening else "",
                gain=_rounded(screening.record.gain, step) if screening and told else None,
                score=shown.score if shown else None,
                certified=certified.get(variant.id) if variant else None,
                runs=tuple(runs[variant.id]) if variant else (),
                repeats=screening is not None and screening.record.same_as > 0,
            )
        )  # fmt: skip
    return found


def _rounded(gain: float | None, step: float) -> float | None:
    """As the Ladder rounds scores."""
    return gain if gain is None or step == 0 else round(gain / step) * step


def _certified(ledger: Ledger) -> dict[int, bool]:
    """Of each variant between a certificate's reference and its head: whether the last one that ended was won."""
    found: dict[int, bool] = {}
    for entry in ledger.entries(Certificate):
        plan = ledger.get(entry.record.preregistration, Preregistration).record
        variant = plan.head
        while variant != plan.reference:
            found[variant] = entry.record.outcome == "certified"
            proposal = ledger.get(variant, Variant).record.proposal
            if proposal is None:
                break
            variant = ledger.get(proposal, Proposal).record.parent
    return found


def tail(ledger: Ledger, attempt: Attempt) -> str:
    """The end of the log of its last run, or why it never ran. It is hostile text: a variant wrote it."""
    if attempt.runs:
        return attempt.runs[-1].record.tail
    return ledger.get(attempt.variant, Variant).record.problem if attempt.variant else ""

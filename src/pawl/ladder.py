"""The Ladder (Blum and Hardt, "The Ladder: a reliable leaderboard for machine learning competitions", 2015).

Scores on one validation set, read again and again by whoever chooses the next try by them, end up describing that set
and nothing else. The Ladder says a score only when it beats the best so far by a step, and then only rounded to the
step; of everything else it says: no better. So a search learns where it made progress, and not how the noise of the set
lies.

Proposers read scores through `seen`, and in no other way. The race itself, certificates, gates, and people who read the
ledger afterwards use the scores as they were measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from pawl import history
from pawl.ledger import Ledger
from pawl.records import Evaluation, Noise, Screening


def climb(best: float, loss: float, step: float) -> float:
    """The lowest loss released so far, once a loss was submitted: `best` as it was, unless the loss is more than a step
    below it; then the loss, rounded to the step. With a step of 0: the loss as it is.

    The paper's variant without a parameter is this with a step of its own in each turn: the standard error of the
    difference between a submission and the best one so far."""
    if not loss < best - step:
        return best
    return round(loss / step) * step if step > 0 else loss


@dataclass(frozen=True, slots=True)
class Seen:
    """What a proposer may know of a screened proposal. `score` is in the metric's unit; None where its runs failed,
    and where it was stopped early and no Ladder says that it is no better. Where it is not `better` than the best so
    far, the score is the one that the search began with."""

    score: float | None
    better: bool


def seen(ledger: Ledger, step: float) -> dict[int, Seen]:
    """What proposers may know of each comparable screening, by the proposal's id. `step` is in sds of one run, as they
    were first measured; with 0 scores are given as they are."""
    standing, study = history.read(ledger), history.study(ledger).record
    noise = next((entry.record for entry in ledger.entries(Noise) if entry.id > standing.since), None)
    if noise is None:
        return {}  # nothing was screened yet, and nothing is said before there is a step
    sign = -1 if study.direction == "maximize" else 1
    start = fmean(_scores(ledger, noise.evaluations, study.metric))
    best, found = sign * start, dict[int, Seen]()
    for entry in ledger.entries(Screening):
        scores = _scores(ledger, entry.record.evaluations, study.metric)
        told = scores or (step > 0 and entry.record.stopped_early)  # who was stopped is no better
        if entry.id < standing.since or not told:
            found[entry.record.proposal] = Seen(None, better=False)
        elif step == 0:
            found[entry.record.proposal] = Seen(fmean(scores), better=True)
        else:
            before, best = best, climb(best, sign * fmean(scores), step * noise.sd) if scores else best
            found[entry.record.proposal] = Seen(sign * best if best < before else start, better=best < before)
    return found


def _scores(ledger: Ledger, evaluations: Sequence[int], metric: str) -> list[float]:
    records = [ledger.get(id, Evaluation).record for id in evaluations]
    return [record.metrics[metric] for record in records if metric in record.metrics]

"""What cheap looks told so far: the ledger's memory of challengers that trained on a share of the budget first."""

from __future__ import annotations

from collections.abc import Iterator

from pawl import history
from pawl.ledger import Entry, Ledger
from pawl.records import Evaluation, Noise, Partial, PartialEvaluation, Run, Screening
from pawl.rungs import Look, slope

TINY = 1e-12
"""Where nothing is known of the noise, or there is none, lines are still lines."""


def read(ledger: Ledger, share: float, before: int) -> list[Look]:
    """What was seen on a rung before entry `before`, of challengers beside the head of their time."""
    return [look for _, look in _looks(ledger, share, before)]


def difference(ledger: Ledger, mine: Evaluation, theirs: Evaluation) -> float | None:
    """By how much one score is better, in the metric's unit; None where either failed."""
    study = history.study(ledger).record
    scores = [record.metrics.get(study.metric) for record in (mine, theirs)]
    sign = -1 if study.direction == "minimize" else 1
    return None if None in scores else sign * (scores[0] - scores[1])  # type: ignore[operator]


def expected(ledger: Ledger) -> dict[int, float]:
    """What the whole runs of challengers that were stopped early would likely have scored, by the proposal's id: the
    head's score on that seed, and the difference that the last look foretells by all whole runs so far."""
    shares = sorted({entry.record.share for entry in ledger.entries(Partial)})
    scale = max([TINY, *(entry.record.scale for entry in ledger.entries(Noise)[-1:])])
    sign = -1 if history.study(ledger).record.direction == "minimize" else 1
    found: dict[int, float] = {}
    for share in shares:
        looks = list(_looks(ledger, share, len(ledger.all()) + 1))
        pairs = [(look.partial, look.whole) for _, look in looks if look.whole is not None]
        line = slope(pairs, scale)
        for screening, look in looks:
            head = _whole_of_head(ledger, screening, share) if screening.stopped_early else None
            if head is not None:
                found[screening.proposal] = head + sign * line * look.partial
    return found


def _looks(ledger: Ledger, share: float, before: int) -> Iterator[tuple[Screening, Look]]:
    since = history.read(ledger).since
    for entry in ledger.entries(Screening):
        partial = _partial(ledger, entry.record, share) if since < entry.id < before else None
        if partial is not None:
            yield entry.record, Look(partial, _whole(ledger, entry.record))


def _partial(ledger: Ledger, screening: Screening, share: float) -> float | None:
    """The difference on the rung, where challenger and head trained on it with the same seed."""
    ran = ledger.find(Partial, variant=screening.variant, share=share)
    beside = ran and ledger.find(Partial, variant=screening.head, seed=ran.record.seed, share=share)
    scores = [ledger.find(PartialEvaluation, run=run.id) for run in (ran, beside) if run]
    mine, theirs = [*scores, None, None][:2]
    return difference(ledger, mine.record, theirs.record) if mine and theirs else None


def _whole(ledger: Ledger, screening: Screening) -> float | None:
    """The difference of whole runs on the first common seed, where both ran there."""
    if not screening.evaluations:
        return None
    mine = ledger.get(screening.evaluations[0], Evaluation).record
    theirs = _score(ledger, screening.head, ledger.get(mine.run, Run).record.seed)
    return difference(ledger, mine, theirs.record) if theirs else None


def _whole_of_head(ledger: Ledger, screening: Screening, share: float) -> float | None:
    """The score of the head of then on the whole budget, on the seed of the look."""
    ran = ledger.find(Partial, variant=screening.variant, share=share)
    theirs = _score(ledger, screening.head, ran.record.seed) if ran else None
    return theirs.record.metrics.get(history.study(ledger).record.metric) if theirs else None


def _score(ledger: Ledger, variant: int, seed: int) -> Entry[Evaluation] | None:
    run = ledger.find(Run, variant=variant, seed=seed)
    return ledger.find(Evaluation, run=run.id) if run else None

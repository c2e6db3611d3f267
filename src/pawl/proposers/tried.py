"""What samplers are told: a space, and what came of its proposals so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from pawl import history, looks
from pawl.ladder import seen
from pawl.ledger import Ledger
from pawl.proposers.spaces import Params, Space
from pawl.records import Proposal, Screening


@dataclass(frozen=True, slots=True)
class Tried:
    """A proposal that fits the space. `id` and `ended` are the ledger's ids of the proposal and of its screening
    (`ended` 0: it is still running). `loss` is what the Ladder tells of its score, in the metric's unit and turned so
    that lower is better; None: it has no score. `sampler` proposed it."""

    id: int
    ended: int
    params: Params
    loss: float | None
    sampler: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier study found: the constants that it shares with this space, configurations of them, and their
    losses in whatever unit, lower is better."""

    names: tuple[str, ...]
    params: tuple[Params, ...]
    losses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """The space, what was tried in it, oldest first, how many finished runs a search begins with that look around, and
    a seed that belongs to this moment of the ledger. `earlier` is what other studies found."""

    space: Space
    tried: Sequence[Tried]
    startup: int
    seed: int
    earlier: Sequence[Earlier] = ()

    @property
    def finished(self) -> int:
        """How many have a score."""
        return sum(one.loss is not None and one.ended > 0 for one in self.tried)


def read(ledger: Ledger, space: Space, ladder: float) -> list[Tried]:
    """The ledger's comparable proposals of this space, oldest first; one that broke a guard counts as the worst seen,
    so that samplers stay away from it, and one that was stopped early as its looks foretell. `ladder` is the policy's
    step."""
    since, scores = history.read(ledger).since, seen(ledger, ladder)
    stopped = looks.expected(ledger) if ladder == 0 else {}
    sign = -1 if history.study(ledger).record.direction == "maximize" else 1
    screened = {entry.record.proposal: entry for entry in ledger.entries(Screening)}
    found: list[Tried] = []
    guarded: set[int] = set()
    for entry in ledger.entries(Proposal):
        params = entry.record.settings.get("parameters")
        if entry.id < since or not isinstance(params, dict) or not space.fits(params):
            continue
        screening = screened.get(entry.id)
        score = scores[entry.id].score if entry.id in scores else None
        score = stopped.get(entry.id) if score is None else score
        if screening and screening.record.broken_guard:
            guarded.add(entry.id)
        sampler, loss = str(entry.record.settings.get("sampler", "")), None if score is None else sign * score
        found.append(Tried(entry.id, screening.id if screening else 0, cast(Params, params), loss, sampler))
    worst = max((one.loss for one in found if one.loss is not None), default=0.0)
    return [
        Tried(one.id, one.ended, one.params, worst, one.sampler) if one.id in guarded and one.loss is not None else one
        for one in found
    ]

"""Tries promising changes together, in planned waves.

Where many challengers run at once, all are made from one head, and the first that is accepted leaves the others behind.
A wave takes what looked promising and is not in the head, and puts it forward together: at once, or by a fractional
factorial design (factorial.py), each run of which has about half of the changes on, so that all of the runs tell about
each change. Then what is expected to help goes together. Every run of a wave is a challenger like any other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from pawl import attempts, history
from pawl.attempts import Attempt
from pawl.changes import put_together
from pawl.errors import ConfigError
from pawl.hostile import one_line
from pawl.ledger import Entry, Ledger
from pawl.proposers.factorial import Effect, Scored, design, effects, resolution, size
from pawl.proposers.taking_back import parses
from pawl.proposers.transplant import apart, transplanted
from pawl.protocols import Sources
from pawl.records import Change, Evaluation, Noise, Proposal, Run, Screening, Variant

REMEMBERED = 200
"""Attempts, the newest, that effects are estimated from."""
LONGEST = 60
"""Letters of each change's hypothesis that the whole one quotes."""
BUNDLE = 0
"""The row of a wave in which all that helps is put forward together; design rows count from 1."""


@dataclass(frozen=True)
class Wave:
    """A wave as the settings of each of its proposals tell it: `number` from 1, on the variant `base`, over these
    `changes` (by proposal), in a design of `runs`. This proposal is its `row`, with the changes `on`."""

    number: int
    base: int
    changes: tuple[int, ...]
    runs: int
    row: int
    on: tuple[int, ...]


WAVE = TypeAdapter(Wave)


@dataclass(frozen=True)
class WavesProposer:
    """Waves over fewer changes than `workers` (`runs`, if that is set), and at least `least` (0: half as many). First
    all of them in one run; if `factorial`, about half of them in each run of a design of at most so many. It needs
    the scores as they are: with a `ladder` it puts nothing forward."""

    sources: Sources
    ladder: float
    workers: int
    name: str = "waves"
    runs: int = 0
    least: int = 0
    factorial: bool = False

    def __post_init__(self) -> None:
        if self.runs not in (0, *range(4, 1025)) or self.least < 0:
            raise ConfigError("the proposer 'waves' needs runs from 4 to 1024 and least >= 0; 0: as told", "correct it")

    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal | None:
        if self.ladder > 0:
            return None
        mine = list(self._waves(ledger))
        last = mine[-1] if mine else None
        if last and last.row != BUNDLE:
            found = self._next(head, ledger, last) if self._on_its_way(ledger, head, last) else None
            if found:
                return found
            if self._waiting(ledger, last):
                return None
            base = last.base if self._on_its_way(ledger, head, last) else head.id
            helps = self._helping(ledger, last)
            bundle = replace(last, base=base, row=BUNDLE, on=helps)
            found = self._proposal(head, ledger, bundle) if helps else None
            if found:
                return found
        return self._planned(head, ledger, mine)

    # -- a wave -------------------------------------------------------------------------------------------------

    def _planned(self, head: Entry[Variant], ledger: Ledger, earlier: Sequence[Wave]) -> Proposal | None:
        """The first run of a new wave, if there is enough to put together that was in none before."""
        tried = {id for wave in earlier for id in wave.changes}
        most = self.runs or max(self.workers, 4)
        chosen = self._chosen(head, ledger, tried, (1 << (most.bit_length() - 1)) - 1)
        runs = size(len(chosen), most) if self.factorial else 1
        if len(chosen) < max(self.least or most // 2, 2) or not runs:
            return None
        number = earlier[-1].number + 1 if earlier else 1
        return self._next(head, ledger, Wave(number, head.id, chosen, runs, BUNDLE, ()))

    def _next(self, head: Entry[Variant], ledger: Ledger, wave: Wave) -> Proposal | None:
        """The next run of a wave after this one, if there is one that makes another program."""
        for n, on in enumerate(self._rows(wave)[wave.row :], wave.row + 1):
            found = self._proposal(head, ledger, replace(wave, row=n, on=on))
            if found:
                return found
        return None

    def _rows(self, wave: Wave) -> list[tuple[int, ...]]:
        """The changes that are on in each run of a wave."""
        rows = design(len(wave.changes), wave.runs) if wave.runs > 1 else [tuple(range(len(wave.changes)))]
        return [tuple(wave.changes[n] for n in row) for row in rows]

    def _proposal(self, head: Entry[Variant], ledger: Ledger, wave: Wave) -> Proposal | None:
        """These changes together as a patch on the head; None where it makes no other file or no program of them. A
        run stands on the wave's base."""
        onto = ledger.get(wave.base, Variant)
        files, now = self.sources.read(onto.record), self.sources.read(head.record)
        made = self._made_of(ledger, onto)
        changes = [self._change(ledger, id, onto) for id in wave.on if id not in made]
        together = put_together(files, [change for change in changes if change])
        touched = {path: text for path, text in together.items() if text != now[path]}
        if not touched or not all(parses(path, text) for path, text in touched.items()):
            return None
        words = [one_line(ledger.get(id, Proposal).record.hypothesis)[:LONGEST] for id in wave.on]
        what = "what helped" if wave.row == BUNDLE else f"run {wave.row} of {len(self._rows(wave))}"
        return Proposal(
            parent=head.id, patch=self.sources.patch(head.record, touched), hypothesis=f"together: {'; '.join(words)}",
            proposer=self.name, settings={"wave": WAVE.dump_python(wave, mode="json")},
            chosen=f"wave {wave.number} over {len(wave.changes)} changes ({_kind(wave)}): {what}",
        )  # fmt: skip

    def _waves(self, ledger: Ledger) -> Iterator[Wave]:
        """Its own comparable proposals so far."""
        since = history.read(ledger).since
        for entry in ledger.entries(Proposal):
            if entry.id > since and entry.record.proposer == self.name:
                wave = told(entry.record)
                if wave:
                    yield wave

    def _on_its_way(self, ledger: Ledger, head: Entry[Variant], wave: Wave) -> bool:
        """Whether the head is the wave's base or one of the wave's own: else its other rows would race in vain."""
        if head.id == wave.base or head.record.proposal is None:
            return head.id == wave.base
        made = told(ledger.get(head.record.proposal, Proposal).record)
        return made is not None and (made.number, made.base) == (wave.number, wave.base)

    def _waiting(self, ledger: Ledger, wave: Wave) -> bool:
        mine = [entry.record for entry in history.unscreened(ledger) if entry.record.proposer == self.name]
        return any((made := told(one)) is not None and made.number == wave.number for one in mine)

    # -- what changes are worth -----------------------------------------------------------------------------------

    def _chosen(self, head: Entry[Variant], ledger: Ledger, tried: Collection[int], most: int) -> tuple[int, ...]:
        """Changes that are not in the head, are expected to help, and touch separate lines; the best first. Only what
        the loop itself put forward: who hands in a change must not approve it, and a wave names nobody else."""
        known, made = self._effects(ledger), self._made_of(ledger, head)
        pool = [one.id for one in self._attempts(ledger) if one.proposal.chosen and one.proposal.proposer != self.name]
        wanted = [id for id in pool if id in known and known[id].mean > 0 and id not in made and id not in tried]
        chosen: list[Change] = []
        for id in sorted(wanted, key=lambda id: -known[id].mean):
            change = self._change(ledger, id, head) if len(chosen) < most else None
            if change and all(apart(change.pieces, other.pieces) for other in chosen):
                chosen.append(change)
        return tuple(change.proposals[0] for change in chosen)

    def _helping(self, ledger: Ledger, wave: Wave) -> tuple[int, ...]:
        known = self._effects(ledger)
        return tuple(id for id in wave.changes if id in known and known[id].mean > 0)

    def _effects(self, ledger: Ledger) -> dict[int, Effect]:
        """What each change of the newest attempts is expected to do, in sd of one run."""
        noise = ledger.last(Noise)
        if noise is None or not noise.record.sd > 0:
            return {}
        study = history.study(ledger).record
        scale = noise.record.sd if study.direction == "maximize" else -noise.record.sd
        scored = list[Scored]()
        for id in noise.record.evaluations:  # the level that all else stands on
            done = ledger.get(id, Evaluation).record
            run = ledger.get(done.run, Run).record
            made = self._made_of(ledger, ledger.get(run.variant, Variant))
            scored.append(Scored(done.metrics[study.metric] / scale, made, (run.seed,)))
        for one in self._attempts(ledger):
            if one.score is not None and one.variant and (seeds := _seeds(ledger, one)):
                made = self._made_of(ledger, ledger.get(one.variant, Variant))
                scored.append(Scored(one.score / scale, made, seeds))
        return effects(scored, noise.record.correlation)

    def _attempts(self, ledger: Ledger) -> list[Attempt]:
        """The newest comparable ones that ran to their end."""
        found = attempts.read(ledger, self.ladder)
        return [one for one in found if one.outcome in ("accepted", "refused") and one.score is not None][-REMEMBERED:]

    def _made_of(self, ledger: Ledger, variant: Entry[Variant]) -> frozenset[int]:
        """The proposals whose changes a variant has, those that waves put together by their own names."""
        found: set[int] = set()
        while variant.record.proposal is not None:
            proposal = ledger.get(variant.record.proposal, Proposal)
            wave = told(proposal.record) if proposal.record.proposer == self.name else None
            found |= set(wave.on) if wave else {proposal.id}
            variant = ledger.get(wave.base if wave else proposal.record.parent, Variant)
        return frozenset(found)

    def _change(self, ledger: Ledger, proposal: int, onto: Entry[Variant]) -> Change | None:
        """What a proposal changed, on another variant's lines; None where they are not there."""
        variant = ledger.find(Variant, proposal=proposal)
        if variant is None or variant.record.problem:
            return None
        parent = ledger.get(ledger.get(proposal, Proposal).record.parent, Variant)
        before, after, files = (self.sources.read(one.record) for one in (parent, variant, onto))
        pieces = transplanted(before, after, files)
        return Change(name="", proposals=(proposal,), pieces=pieces, note="") if pieces else None


def told(proposal: Proposal) -> Wave | None:
    """The wave that a proposal says it belongs to."""
    try:
        return WAVE.validate_python(proposal.settings.get("wave"))
    except ValidationError:
        return None


def _kind(wave: Wave) -> str:
    """Its design, in the notation that is the custom."""
    factors, basis = len(wave.changes), wave.runs.bit_length() - 1
    if wave.runs == 1:
        return "all at once"
    fraction = f"2^({factors}-{factors - basis})" if factors > basis else f"2^{factors}"
    return f"{fraction} on {wave.runs} runs, resolution {resolution(factors, wave.runs)}"


def _seeds(ledger: Ledger, attempt: Attempt) -> tuple[int, ...]:
    """The seeds that it was screened on."""
    screening = ledger.find(Screening, proposal=attempt.id)
    done = [ledger.get(id, Evaluation).record.run for id in (screening.record.evaluations if screening else ())]
    return tuple(ledger.get(run, Run).record.seed for run in done)

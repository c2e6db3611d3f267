"""What the races so far say: a fold of the ledger into a belief about head, common seeds and ideas (racing.py).

Nothing is kept elsewhere: a resumed loop, or another machine, believes what this one does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary, proxy

from pawl import history
from pawl.history import Standing
from pawl.ledger import Entry, Ledger
from pawl.metrics import sign
from pawl.racing import Belief, Race
from pawl.records import Certificate, CommonSeeds, Evaluation, Noise, Proposal, Record, Run, Screening, Study, Verdict


@dataclass(slots=True)
class Course:
    """Where the race stands. `belief` is None before there are common seeds; `claimed` is the gain that certificates
    of comparable runs have shown, and `unproven` the largest that the holdout would not confirm since the head last
    started over; `level` tells what accepted variants were expected to gain over the reference."""

    ledger: Ledger
    standing: Standing = field(default_factory=Standing)
    belief: Belief | None = None
    noise: Noise | None = None
    claimed: float = 0.0
    unproven: float = 0.0
    level: dict[int, float] = field(default_factory=dict)

    def meet(self, proposal: Proposal) -> Race:
        """A race against the head as it is now, by a change of an earlier or the same head."""
        assert self.belief is not None, "common seeds come before races"
        return self.belief.meet(self.belief.gain - self.level.get(proposal.parent, 0.0))

    def score(self, evaluation: int) -> float | None:
        """A score, oriented so that higher is better; None for a run that failed."""
        study = self.standing.study
        assert study is not None, "a study comes before its evaluations"
        found = self.ledger.get(evaluation, Evaluation).record.metrics.get(study.record.metric)
        return None if found is None else sign(study.record.direction) * found

    def scores(self, evaluations: Iterable[int]) -> list[float]:
        """The scores of those that have one."""
        return [score for score in map(self.score, evaluations) if score is not None]

    def seed(self, evaluation: int) -> int:
        return self.ledger.get(self.ledger.get(evaluation, Evaluation).record.run, Run).record.seed

    def own(self, seed: int) -> Entry[Evaluation] | None:
        """The head's own evaluation on a seed, if it ran there, or one that is the same program ran for it."""
        run = self.ledger.find(Run, variant=self.standing.head, seed=seed)
        if run and run.id > self.standing.since:
            return self.ledger.find(Evaluation, run=run.id)
        screened = self.ledger.find(Screening, variant=self.standing.head)
        told = [id for id in (screened.record.evaluations if screened else ()) if id > self.standing.since]
        return next((self.ledger.get(id, Evaluation) for id in told if self.seed(id) == seed), None)

    def same(self, evaluation: int) -> bool:
        """Whether a run scored exactly as the head did on its seed: then the change changes nothing, and the run's
        noise is the head's own."""
        theirs = self.own(self.seed(evaluation))
        return theirs is not None and self.score(theirs.id) == self.score(evaluation)

    def apply(self, entry: Entry[Record]) -> None:
        head = self.standing.head
        self.standing.apply(entry)
        match entry.record:
            case Study():
                if self.standing.since == entry.id:
                    self.belief, self.claimed = None, 0.0
            case Noise() as noise:
                self.noise = noise
                if self.belief and noise.sd > 0:
                    self.belief.spread.total = noise.sd**2
            case CommonSeeds() as seeds:
                self._drawn(seeds, entry.id)
            case Screening() as screening:
                self._raced(screening)
            case Certificate() as certificate:
                self._certified(certificate)
            case Verdict(passed=False) as verdict:
                self._refused(verdict)
        if self.standing.head != head and self.standing.head == self.standing.reference:
            self.level, self.unproven = {}, 0.0

    def _drawn(self, seeds: CommonSeeds, id: int) -> None:
        """New common seeds: the head's scores on them are known where it ran on them before."""
        runs = {self.seed(n): n for n in (self.noise.evaluations if self.noise else ())}
        if set(seeds.seeds) <= runs.keys():
            common = self.scores([runs[seed] for seed in seeds.seeds])
            others = self.scores([n for seed, n in runs.items() if seed not in seeds.seeds])
            if self.belief is None:
                self.belief = Belief.start(common, others)
            else:
                self.belief.begin(common, others)
        elif self.belief:
            self.belief.redraw(len(seeds.seeds))
            for place, seed in enumerate(seeds.seeds):
                self._seen(place, seed, id)

    def _seen(self, place: int, seed: int, before: int) -> None:
        done = self.own(seed)
        score = self.score(done.id) if done and done.id < before else None
        if self.belief and score is not None:
            self.belief.observe(place, score)

    def _raced(self, screening: Screening) -> None:
        if self.belief is None or self.standing.common is None or screening.decision == "crashed":
            return
        if screening.gain == 0.0 and self.standing.head == screening.variant:
            self.level[screening.variant] = self.belief.gain  # the same program, written shorter
        seeds = self.standing.common.record.seeds
        ran, scores = [self.seed(n) for n in screening.evaluations], self.scores(screening.evaluations)
        if tuple(ran) != seeds[: len(ran)] or len(scores) < len(ran) or screening.gain in (0.0, None):
            return  # on seeds of before, without a score, or not run for a comparison
        moved = self.standing.head == screening.variant  # a null candidate may be accepted, and does not move it
        if screening.same_as and not moved:
            return  # what its runs say was learned when they were made
        race = self.meet(self.ledger.get(screening.proposal, Proposal).record)
        for score in scores:
            race.see(score)
        race.settle(moved)
        if moved:
            self.level[screening.variant] = self.belief.gain

    def _certified(self, certificate: Certificate) -> None:
        if self.belief:
            self.belief.spread.new_seeds()
            self.belief.spread.differences([pair.gain for pair in certificate.pairs if pair.gain is not None])
        if certificate.outcome == "certified":
            self.claimed += certificate.estimate or 0.0

    def _refused(self, verdict: Verdict) -> None:
        won = self.ledger.get(verdict.certificate, Certificate).record
        gain = (won.estimate or 0.0) if won.outcome == "certified" else 0.0
        self.claimed -= gain
        if history.unproven(verdict):
            self.unproven = max(self.unproven, gain)


_FOLDED: WeakKeyDictionary[Ledger, tuple[Course, int]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def read(ledger: Ledger) -> Course:
    """The course now; what was folded before is kept, so that only what is new is read again."""
    with _LOCK:
        course, seen = _FOLDED.get(ledger, (Course(proxy(ledger)), 0))
        for entry in ledger.after(seen):
            course.apply(entry)
            seen = entry.id
        _FOLDED[ledger] = (course, seen)
        belief = course.belief and course.belief.copy()
        return replace(course, ledger=ledger, belief=belief, level=dict(course.level))

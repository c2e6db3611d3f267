"""The cheap half: propose, build, race on common seeds, screen. Screening promises nothing."""

from __future__ import annotations

import functools
import math
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor as Pool
from dataclasses import dataclass, field
from statistics import fmean, stdev

from pawl import beliefs, evidence, history, nulls, portfolio
from pawl.beliefs import Course
from pawl.duplicates import Duplicates
from pawl.errors import PawlError
from pawl.fidelity import Answer, Fidelity
from pawl.ledger import Entry, Ledger
from pawl.lineage import Lineage
from pawl.measure import Measure, fresh_seed
from pawl.policy import Policy
from pawl.portfolio import Choice
from pawl.protocols import Proposer
from pawl.records import (
    CommonSeeds,
    Evaluation,
    Noise,
    Partial,
    Proposal,
    Run,
    Screening,
    Variant,
)

CLEAR = 3.0
"""The expected gain, in sd of a paired difference, that hardly a certificate fails to show."""
MORE = 1.5
"""How many times a gain that the holdout would not confirm the head must be expected to gain before it is asked again:
a no was within a standard error or two of a yes, and each question is one of few."""
TICK = 0.01
"""CPU seconds below which nothing is told apart."""
REPEATS = 100
"""Answers from earlier runs, less so many new ones, after which nobody seems to have anything new to try."""
LEAST = 0.5
"""The expected gain, in sd of a paired difference, below which hardly a certificate of twenty pairs is won."""


@dataclass(slots=True)
class Search:
    """Turns of the loop. `sign` is +1 where a higher metric is better, -1 where a lower one is. Proposers in `first`
    have the turn whenever they put something forward: what they plan, many workers do at once."""

    ledger: Ledger
    proposers: Mapping[str, Proposer]
    lineage: Lineage
    measure: Measure
    policy: Policy
    metric: str
    sign: int
    fidelity: Fidelity | None = None
    first: Sequence[str] = ()
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _busy: defaultdict[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))
    _claimed: set[int] = field(default_factory=set)
    _repeats: int = 0
    _duplicates: Duplicates = field(init=False)

    def __post_init__(self) -> None:
        self._duplicates = Duplicates(self.ledger, self.lineage)

    def turn(self) -> Entry[Screening] | None:
        """Propose, build, race, screen. Each step is written down before the next. None: there is nothing to try."""
        proposal = self.claim()
        if proposal is None:
            return None
        variant = self.build(proposal)
        return self.race(proposal, variant)

    def claim(self) -> Entry[Proposal] | None:
        """The oldest proposal that nobody works on (a person's, or one that a crash left behind), else a new one; None
        if no proposer has anything to put forward, or for long nothing that is new."""
        with self._lock:
            waiting = [entry for entry in history.unscreened(self.ledger) if entry.id not in self._claimed]
            if not waiting and self._repeats >= REPEATS:
                return None
            head = history.head(self.ledger)
            null = None if waiting else nulls.due(self.ledger, self.policy.calibration.share, head, self.lineage)
            proposal = waiting[0] if waiting else self.ledger.append(null) if null else None
            if proposal:
                self._claimed.add(proposal.id)
                return proposal
            choices = portfolio.ranked(self.ledger, list(self.proposers), self.policy.screening.ladder, self.first)
        return next(filter(None, (self._ask(choice) for choice in choices)), None)

    def _ask(self, choice: Choice) -> Entry[Proposal] | None:
        """A new proposal by this proposer. Asked without the race's lock, since a language model takes its time; one
        request at a time, so that each sees what it put forward before."""
        with self._busy[choice.name]:
            found = self.proposers[choice.name].propose(history.head(self.ledger), self.ledger)
            if found is None:
                return None
            with self._lock:
                why = f"{choice.why}; {found.chosen}" if found.chosen else choice.why
                told = {"proposer": choice.name, "chosen": why}
                proposal = self.ledger.append(found.model_copy(update=told))
                self._claimed.add(proposal.id)
                return proposal

    def build(self, proposal: Entry[Proposal]) -> Entry[Variant]:
        """The proposal's commit."""
        built = self.ledger.find(Variant, proposal=proposal.id)
        parent = self.ledger.get(proposal.record.parent, Variant).record
        return built or self.ledger.append(self.lineage.build(proposal, parent))

    def race(self, proposal: Entry[Proposal], variant: Entry[Variant]) -> Entry[Screening]:
        """Run on one common seed after the other while one more run is worth it; anew if the seeds were drawn anew."""
        seeds: tuple[int, ...] = ()
        done: list[Entry[Evaluation]] = []
        look = self._look_first(proposal, variant)
        if look.stops:
            decision = "crashed" if look.crashed else "refused"
            with self._lock:
                return self.ledger.append(self._answer(proposal, variant, (), decision, look.stops))
        while True:
            with self._lock:
                if self.common_seeds() != seeds:
                    seeds, done = self.common_seeds(), []
                screening = self._screen(proposal, variant, done) if done else None
                if screening:
                    self._repeats = max(self._repeats + (1 if screening.same_as else -1), 0)
                    return self.ledger.append(screening)
            left = look.left if not done and look.left and look.left.record.seed == seeds[0] else None
            done.append(self._run(variant, seeds[len(done)], proposal.record.hypothesis, left))

    def _run(self, variant: Entry[Variant], seed: int, why: str, left: Entry[Partial] | None) -> Entry[Evaluation]:
        """A challenger's evaluation on a common seed: that of a variant which is the same program, if one ran there."""
        with self.measure.once("program", self._duplicates.of(variant) or variant.id, seed):
            earlier = self._duplicates.answer(variant, seed)
            return earlier or self.measure.evaluate(variant, seed, "screen", why, left)

    def _look_first(self, proposal: Entry[Proposal], variant: Entry[Variant]) -> Answer:
        """Cheap looks on the first common seed, where the study has rungs."""
        if self.fidelity is None or variant.record.problem:
            return Answer()
        with self._lock:
            seed = self.common_seeds()[0]
        if self._duplicates.answer(variant, seed):
            return Answer()
        return self.fidelity.climb(variant, seed, proposal.record.hypothesis)

    def _screen(
        self, proposal: Entry[Proposal], variant: Entry[Variant], done: Sequence[Entry[Evaluation]]
    ) -> Screening | None:
        """The answer after some runs; None if one more run is worth it."""
        answer, last = functools.partial(self._answer, proposal, variant, done), done[-1]
        before = self._refused_before(done)
        if before:
            said = f"refused against this head on these seeds before (screening {before.id})"
            return answer("refused", said, before.record.gain, before.record.broken_guard)
        if last.record.outcome != "ok":
            return answer("crashed", f"{last.record.outcome}: {last.record.reason}")
        costly = self._too_costly(last)
        if costly:
            return answer("refused", costly, guard="cpu_seconds")
        course = beliefs.read(self.ledger)
        if course.same(last.id):
            said = "the same score as the head's on a common seed: it changes nothing"
            simpler = self._simpler(course, variant.record, last)
            return (
                answer("accepted", f"{said}, and leaves less to review", 0.0)
                if simpler
                else answer("refused", said, 0.0)
            )
        race = course.meet(proposal.record)
        for evaluation in done:
            race.see(self.sign * evaluation.record.metrics[self.metric])
        if race.another():
            return None
        said = f"expected to be {'better' if race.gain > 0 else 'no better'} than the head after {len(done)} run(s)"
        return answer("accepted" if race.gain > 0 else "refused", said, race.gain)

    def _refused_before(self, done: Sequence[Entry[Evaluation]]) -> Entry[Screening] | None:
        """The screening in which these very runs were refused against this very head. It stands: a belief that moves
        with every race would else let through, some day, what is handed in again and again. What changed nothing is
        apart: it may be written shorter now."""
        told = tuple(entry.id for entry in done)
        found = self.ledger.find(Screening, head=history.read(self.ledger).head, evaluations=told)
        return found if found and found.record.decision == "refused" and found.record.gain != 0.0 else None

    def _simpler(self, course: Course, variant: Variant, mine: Entry[Evaluation]) -> bool:
        """Whether a run wrote the very bytes that the head's did on its seed, and its code differs from the champion's
        in fewer lines than the head's does (docs/decisions/0022). It asks nobody's name."""
        theirs = course.own(course.seed(mine.id))
        runs = [self.ledger.get(done.record.run, Run).record for done in (mine, theirs) if done]
        if runs[0].artifacts != runs[-1].artifacts:
            return False
        standing = course.standing
        head, champion = (self.ledger.get(id, Variant).record.commit for id in (standing.head, standing.champion))
        before, after = (_changed_lines(self.lineage.diff(champion, commit)) for commit in (head, variant.commit))
        return after < before

    def _answer(
        self, proposal: Entry[Proposal], variant: Entry[Variant], done: Sequence[Entry[Evaluation]],
        decision: str, reason: str, gain: float | None = None, guard: str = "",
    ) -> Screening:  # fmt: skip
        ran = (self.ledger.get(entry.record.run, Run).record.variant for entry in done)
        same_as = next((other for other in ran if other != variant.id), 0)
        reason += f"; as told by runs of variant {same_as}, which is the same program" if same_as else ""
        return Screening(
            proposal=proposal.id, variant=variant.id, head=history.read(self.ledger).head,
            evaluations=tuple(entry.id for entry in done),
            decision=decision, reason=reason, gain=gain, broken_guard=guard, same_as=same_as,  # type: ignore[arg-type]
        )  # fmt: skip

    def _too_costly(self, mine: Entry[Evaluation]) -> str:
        """Why a run breaks the CPU guard, or nothing. One run says little on a busy machine, so that it is refused
        only if it is above the guard by two sd of the reference's own CPU; the certificate looks more closely."""
        standing, guard = history.read(self.ledger), self.policy.guards.cpu_seconds
        spent = [
            run.record.usage.cpu_s
            for run in self.ledger.entries(Run)
            if run.record.variant == standing.reference and run.id > standing.since and run.record.outcome == "ok"
        ]
        mean, slack = max(fmean(spent), TICK), 2 * stdev(spent)
        cpu = self.measure.cpu(mine)
        return f"{cpu / mean:.2f} times the reference's CPU, more than {guard:g}" if cpu > guard * mean + slack else ""

    def common_seeds(self) -> tuple[int, ...]:
        """The seeds to race on: those on which the reference ran last, for which its noise was measured; drawn anew
        after too many refusals, since a lucky run must not stay the bar."""
        standing, wanted = history.read(self.ledger), self.policy.screening.seeds
        common, noise = standing.common, self.noise_now()
        if common is None or (noise.id > common.id and standing.head == standing.reference == noise.record.variant):
            runs = [self.ledger.get(self.ledger.get(id, Evaluation).record.run, Run) for id in noise.record.evaluations]
            seeds, reason = tuple(run.record.seed for run in runs)[-wanted:], "those of the noise measurement"
        elif standing.dry >= self.policy.screening.redraw_after:
            seeds, reason = tuple(fresh_seed() for _ in range(wanted)), f"{standing.dry} refusals in a row"
            self.measure.evaluate(history.head(self.ledger), seeds[0], "screen", "the head on a new common seed")
        else:
            return common.record.seeds
        return self.ledger.append(CommonSeeds(seeds=seeds, reason=reason)).record.seeds

    def ripe(self, soon: bool = False) -> bool:
        """Whether the head is expected to be so much better than the reference that a certificate is due: early at
        first, then when it would add a good deal to what was certified before, since each one costs runs. And when
        nothing better was found for a long time. `soon`: the first clear gain is wanted, and not the most for a run."""
        course, rules = beliefs.read(self.ledger), self.policy.certification
        standing, belief = course.standing, course.belief
        if belief is None or standing.accepted == 0:
            return standing.accepted >= rules.bundle
        first = min(rules.first, CLEAR) if soon else rules.first
        wanted = max(first * belief.scale, rules.growth * course.claimed, 2 * math.sqrt(belief.doubt))
        wanted = max(wanted, MORE * course.unproven)
        dry = standing.dry >= self.policy.screening.redraw_after and self.worth_a_try()
        return belief.gain >= wanted or standing.accepted >= rules.bundle or dry

    def worth_a_try(self) -> bool:
        """Whether a certificate of the head has any chance, now that the budget ends."""
        course = beliefs.read(self.ledger)
        least = max(LEAST * course.belief.scale, MORE * course.unproven) if course.belief else 0.0
        expected = course.belief is None or course.belief.gain > least
        return course.standing.accepted > 0 and expected

    def noise_now(self) -> Entry[Noise]:
        """The last noise measurement. `settle_noise` comes first."""
        found = self.ledger.last(Noise)
        if found is None:
            raise PawlError("the noise of this study was never measured", "pawl run")
        return found

    def settle_noise(self, pool: Pool) -> Entry[Noise]:
        """A/A runs of the reference on fresh seeds until there are enough; recorded when anything is new."""
        standing = history.read(self.ledger)
        reference = self.ledger.get(standing.reference, Variant)
        missing = self.policy.noise.runs - len(self._measured(reference.id, standing.since))
        list(
            pool.map(
                lambda seed: self.measure.evaluate(reference, seed, "noise", "what a change of seed alone does"),
                [fresh_seed() for _ in range(max(missing, 0))],
            )
        )
        noise = self._noise(reference.id, standing.since)
        last = self.ledger.last(Noise)
        known = last is not None and last.id > standing.since and last.record == noise
        return last if known and last else self.ledger.append(noise)

    def _measured(self, variant: int, since: int) -> list[Entry[Evaluation]]:
        runs = {run.id for run in self.ledger.entries(Run) if run.record.variant == variant and run.id > since}
        return [entry for entry in self.ledger.entries(Evaluation) if entry.record.run in runs]

    def _noise(self, variant: int, since: int) -> Noise:
        found = self._measured(variant, since)
        good = [entry for entry in found if entry.record.outcome == "ok"]
        if len(good) < 3:
            worst = next(entry for entry in found if entry.record.outcome != "ok")
            raise PawlError(
                f"the champion itself fails ({worst.record.outcome}: {worst.record.reason})",
                f"pawl show {worst.record.run}",
            )
        spread = evidence.spread([entry.record.metrics[self.metric] for entry in good])
        belief = beliefs.read(self.ledger).belief
        pairs = belief.spread.seen if belief else 0
        rho = belief.spread.correlation(spread.sd) if belief and pairs else 0.0
        return Noise(
            variant=variant, evaluations=tuple(entry.id for entry in good), sd=spread.sd, low=spread.low,
            high=spread.high, correlation=rho, pairs=pairs, scale=evidence.paired_scale(spread.sd, rho),
        )  # fmt: skip


def _changed_lines(diff: str) -> int:
    """How many lines a unified diff takes away or adds."""
    return sum(line[:1] in "+-" and line[:3] not in ("+++", "---") for line in diff.splitlines() if line)

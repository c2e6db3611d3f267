"""The cheap half: propose, build, race on common seeds, screen. Screening promises nothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Executor as Pool
from dataclasses import dataclass, field
from statistics import fmean, stdev

from pawl import evidence, history, nulls
from pawl.errors import PawlError
from pawl.ledger import Entry, Ledger
from pawl.lineage import Lineage
from pawl.measure import Measure, fresh_seed
from pawl.policy import Policy
from pawl.protocols import Proposer
from pawl.records import (
    Certificate,
    CommonSeeds,
    Evaluation,
    Noise,
    Preregistration,
    Proposal,
    Run,
    Screening,
    Variant,
)

TICK = 0.01
"""CPU seconds below which nothing is told apart."""


@dataclass(slots=True)
class Search:
    """Turns of the loop. `sign` is +1 where a higher metric is better, -1 where a lower one is."""

    ledger: Ledger
    proposers: Sequence[Proposer]
    lineage: Lineage
    measure: Measure
    policy: Policy
    metric: str
    sign: int
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _claimed: set[int] = field(default_factory=set)

    def turn(self) -> Entry[Screening]:
        """Propose, build, race, screen. Each step is written down before the next."""
        proposal = self.claim()
        variant = self.build(proposal)
        return self.race(proposal, variant)

    def claim(self) -> Entry[Proposal]:
        """The oldest proposal that nobody works on (a person's, or one that a crash left behind), else a new one."""
        with self._lock:
            waiting = [entry for entry in history.unscreened(self.ledger) if entry.id not in self._claimed]
            proposal = waiting[0] if waiting else self._propose()
            self._claimed.add(proposal.id)
            return proposal

    def _propose(self) -> Entry[Proposal]:
        head = history.head(self.ledger)
        null = nulls.due(self.ledger, self.policy.calibration.share, head, self.lineage)
        if null:
            return self.ledger.append(null)
        proposer = self.proposers[len(self.ledger.entries(Proposal)) % len(self.proposers)]
        return self.ledger.append(proposer.propose(head, self.ledger))

    def build(self, proposal: Entry[Proposal]) -> Entry[Variant]:
        """The proposal's commit."""
        built = self.ledger.find(Variant, proposal=proposal.id)
        parent = self.ledger.get(proposal.record.parent, Variant).record
        return built or self.ledger.append(self.lineage.build(proposal, parent))

    def race(self, proposal: Entry[Proposal], variant: Entry[Variant]) -> Entry[Screening]:
        """Run against the head on the common seeds; again on what is new if the head moved meanwhile."""
        while True:
            head, seeds = self._opponent()
            screening = self._screen(proposal, variant, head, seeds)
            with self._lock:
                if self._opponent() == (head, seeds):
                    return self.ledger.append(screening)

    def _opponent(self) -> tuple[Entry[Variant], tuple[int, ...]]:
        with self._lock:
            return history.head(self.ledger), self._common_seeds()

    def _screen(
        self, proposal: Entry[Proposal], variant: Entry[Variant], head: Entry[Variant], seeds: Sequence[int]
    ) -> Screening:
        why, done, gains = proposal.record.hypothesis, [], []
        for seed in seeds:
            mine = self.measure.evaluate(variant, seed, "screen", why)
            done.append(mine.id)
            if mine.record.outcome != "ok":
                return self._answer(
                    proposal, variant, head, done, "crashed", f"{mine.record.outcome}: {mine.record.reason}"
                )
            costly = self._too_costly(mine)
            if costly:
                return self._answer(proposal, variant, head, done, "refused", costly, guard="cpu_seconds")
            theirs = self.measure.evaluate(head, seed, "screen", "the head on a common seed")
            if theirs.record.outcome != "ok":
                continue
            gains.append(self.sign * (mine.record.metrics[self.metric] - theirs.record.metrics[self.metric]))
            if fmean(gains) <= 0:
                said = f"no better than the head on {len(gains)} common seed(s)"
                return self._answer(proposal, variant, head, done, "refused", said, fmean(gains))
        if not gains:
            return self._answer(proposal, variant, head, done, "accepted", "the head fails on every common seed", 0.0)
        said = f"better than the head on {len(gains)} common seed(s), on average"
        return self._answer(proposal, variant, head, done, "accepted", said, fmean(gains))

    def _answer(
        self, proposal: Entry[Proposal], variant: Entry[Variant], head: Entry[Variant], done: Sequence[int],
        decision: str, reason: str, gain: float | None = None, guard: str = "",
    ) -> Screening:  # fmt: skip
        return Screening(
            proposal=proposal.id, variant=variant.id, head=head.id, evaluations=tuple(done),
            decision=decision, reason=reason, gain=gain, broken_guard=guard,  # type: ignore[arg-type]
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

    def _common_seeds(self) -> tuple[int, ...]:
        """The seeds to race on; drawn anew after too many refusals, since a lucky run must not stay the bar."""
        standing, wanted = history.read(self.ledger), self.policy.screening.seeds
        common, certificate = standing.common, self.ledger.last(Certificate)
        if common is None:
            noise = self.noise_now()
            runs = [self.ledger.get(self.ledger.get(id, Evaluation).record.run, Run) for id in noise.record.evaluations]
            seeds, reason = tuple(run.record.seed for run in runs)[:wanted], "those of the noise measurement"
        elif certificate and certificate.id > common.id and len(certificate.record.pairs) >= wanted:
            seeds, reason = tuple(p.seed for p in certificate.record.pairs[-wanted:]), "those of the last certificate"
        elif standing.dry >= self.policy.screening.redraw_after:
            seeds, reason = tuple(fresh_seed() for _ in range(wanted)), f"{standing.dry} refusals in a row"
        else:
            return common.record.seeds
        return self.ledger.append(CommonSeeds(seeds=seeds, reason=reason)).record.seeds

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
        pairs = self._pairs(since)
        rho = evidence.correlation(pairs)
        return Noise(
            variant=variant, evaluations=tuple(entry.id for entry in good), sd=spread.sd, low=spread.low,
            high=spread.high, correlation=rho, pairs=len(pairs), scale=evidence.paired_scale(spread.sd, rho),
        )  # fmt: skip

    def _pairs(self, since: int) -> list[tuple[float, float]]:
        """Paired scores of all comparable certificates, each arm centred, so that only seeds make them move."""
        found = []
        for certificate in self.ledger.entries(Certificate):
            if self.ledger.get(certificate.record.preregistration, Preregistration).id < since:
                continue
            both = [(p.reference_score, p.head_score) for p in certificate.record.pairs]
            known = [(a, b) for a, b in both if a is not None and b is not None]
            if len(known) > 1:
                first, second = fmean(a for a, _ in known), fmean(b for _, b in known)
                found += [(a - first, b - second) for a, b in known]
        return found

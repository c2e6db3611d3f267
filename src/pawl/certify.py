"""The costly half: head against reference on fresh seeds, by a test that may be looked at after every pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor as Pool
from dataclasses import dataclass
from statistics import fmean, median

from pawl import forecast, history
from pawl.estimate import estimate
from pawl.evidence import Betting, threshold
from pawl.ledger import Entry, Ledger
from pawl.measure import Measure, fresh_seed
from pawl.policy import CertificationTable, Policy
from pawl.records import Certificate, Evaluation, Forecast, Noise, Pair, Preregistration, Run, Variant


@dataclass(frozen=True, slots=True)
class Decision:
    """What the pairs so far say, or that they say nothing yet (`outcome` is empty)."""

    outcome: str
    reason: str
    e_value: float


def decide(gains: Sequence[float], test: Betting, bar: float, rules: CertificationTable) -> Decision:
    """Certified at the threshold; futile when wealth is spent or the threshold out of reach; else go on. Needs at
    least one gain."""
    held = list(test.wealth(gains))[-1]
    e, ending = fmean(held), rules.stop(bar).ending(test, held, len(gains))
    said = f"E = {e:.3g} after {len(gains)} pairs, threshold {bar:.3g}"
    return Decision(ending, f"{said}, no pairs left" if ending == "exhausted" else said, e)


def signed(pair: Pair) -> float:
    """A pair's gain for betting: where one arm failed alone, the other won by infinity; NaN where both did."""
    if pair.gain is not None:
        return pair.gain
    if pair.reference_score is None and pair.head_score is None:
        return math.nan
    return -math.inf if pair.head_score is None else math.inf


@dataclass(slots=True)
class Certify:
    """Certificates of the head. `sign` is +1 where a higher metric is better; `workers` runs go on at once."""

    ledger: Ledger
    measure: Measure
    policy: Policy
    metric: str
    sign: int
    workers: int

    def preregister(self, noise: Entry[Noise]) -> Entry[Preregistration]:
        """Fix arms, seeds and threshold before anything runs; the unfinished one, if a crash left it."""
        begun = history.uncertified(self.ledger)
        if begun:
            return begun
        standing, rules = history.read(self.ledger), self.policy.certification
        step = standing.steps + 1
        return self.ledger.append(
            Preregistration(
                reference=standing.reference, head=standing.head, noise=noise.id, step=step, wins=standing.wins,
                threshold=threshold(step, standing.wins, rules.alpha), scale=noise.record.scale,
                seeds=tuple(fresh_seed() for _ in range(rules.pairs)), test=rules.test, forecast=self.forecast(),
            )
        )  # fmt: skip

    def forecast(self) -> Forecast:
        """What a certificate that began now would likely take."""
        return forecast.ahead(self.ledger, self.policy.certification, self.workers)

    def certify(self, plan: Entry[Preregistration], pool: Pool) -> Entry[Certificate]:
        """Run pair after pair until the evidence decides."""
        rules = self.policy.certification
        test = rules.betting(plan.record.test, plan.record.scale)
        pairs: list[Pair] = []
        decision = Decision("", "", 1.0)
        if self.ledger.get(plan.record.noise, Noise).record.sd == 0:
            said = (
                "every run of the reference gave the same number: the seed changes nothing, so that pairs prove nothing"
            )
            decision = Decision("no-noise", said, 1.0)
        while not decision.outcome:
            batch = plan.record.seeds[len(pairs) : len(pairs) + max(1, self.workers // 2)]
            for pair in self._run(plan.record, batch, pool):
                pairs.append(pair)
                decision = decide([signed(pair) for pair in pairs], test, plan.record.threshold, rules)
                if decision.outcome:
                    break  # runs beyond the stopping time are in the ledger, and not in the evidence
        return self.ledger.append(self._certificate(plan, pairs, decision, test))

    def _run(self, plan: Preregistration, seeds: Sequence[int], pool: Pool) -> list[Pair]:
        """Both arms of some pairs, side by side, so that they share whatever else the machine does."""
        arms = [self.ledger.get(id, Variant) for id in (plan.reference, plan.head)]
        why = "head against reference on fresh seeds"
        jobs = [pool.submit(self.measure.evaluate, arm, seed, "certify", why) for seed in seeds for arm in arms]
        done = [job.result() for job in jobs]
        return [self._pair(seed, *done[2 * n : 2 * n + 2]) for n, seed in enumerate(seeds)]

    def _pair(self, seed: int, reference: Entry[Evaluation], head: Entry[Evaluation]) -> Pair:
        theirs, mine = (entry.record.metrics.get(self.metric) for entry in (reference, head))
        both = theirs is not None and mine is not None
        ratio = self.measure.cpu(head) / max(self.measure.cpu(reference), 0.01) if both else None
        return Pair(
            seed=seed, reference=reference.id, head=head.id, reference_score=theirs, head_score=mine,
            gain=self.sign * (mine - theirs) if mine is not None and theirs is not None else None, cpu_ratio=ratio,
        )  # fmt: skip

    def _certificate(
        self, plan: Entry[Preregistration], pairs: Sequence[Pair], decision: Decision, test: Betting
    ) -> Certificate:
        rules, gains = self.policy.certification, [signed(pair) for pair in pairs]
        low, high = test.interval(gains, rules.level)
        ratios = [pair.cpu_ratio for pair in pairs if pair.cpu_ratio is not None]
        runs = [self.ledger.get(id, Evaluation).record.run for pair in pairs for id in (pair.reference, pair.head)]
        return Certificate(
            preregistration=plan.id, outcome=decision.outcome, reason=decision.reason, pairs=tuple(pairs),  # type: ignore[arg-type]
            e_value=decision.e_value, estimate=estimate(gains, test, rules.stop(plan.record.threshold)),
            low=low, high=high, level=rules.level,
            reference_failures=sum(pair.reference_score is None for pair in pairs),
            head_failures=sum(pair.head_score is None for pair in pairs),
            cpu_ratio=median(ratios) if ratios else None,
            cpu_s=sum(self.ledger.get(run, Run).record.usage.cpu_s for run in runs),
        )  # fmt: skip

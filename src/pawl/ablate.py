"""What carries a certified gain? Its bundle is taken apart, and fresh seeds say what may go and what may not.

Plan, look, claim, test: each step is written down before the next, so that a killed ablation goes on where it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from pawl import changes as bundles
from pawl import history
from pawl.changes import By
from pawl.claims import Claim, Rules, Score, mean
from pawl.errors import ConfigError
from pawl.evidence import STAKE, SignFlip, gamma
from pawl.ledger import Entry, Ledger
from pawl.lineage import Lineage
from pawl.measure import fresh_seed
from pawl.passengers import Question, Removed, look, settle
from pawl.policy import Policy
from pawl.purse import Bench
from pawl.records import (
    Ablation,
    AblationClaims,
    AblationPlan,
    Certificate,
    Change,
    Difference,
    Dossier,
    Effect,
    Preregistration,
    Proposal,
    Reduced,
    Release,
    Run,
    Screening,
    Variant,
    Verdict,
)

LOOKS = 12
"""Seeds on which passengers are looked for; no claim rests on them."""


def certificate_of(ledger: Ledger, id: int) -> Entry[Certificate]:
    """The certificate behind a release, dossier, verdict or certificate. Raises ConfigError for anything else."""
    record = ledger.any(id).record
    match record:
        case Release(dossier=behind) | Dossier(verdict=behind) | Verdict(certificate=behind):
            return certificate_of(ledger, behind)
        case Ablation(claims=claims):
            plan = ledger.get(claims, AblationClaims).record.plan
            return ledger.get(ledger.get(plan, AblationPlan).record.certificate, Certificate)
    return ledger.get(id, Certificate)


@dataclass(slots=True)
class _Arms:
    """The bundle's variants: an arm is the set of changes that the head is without."""

    ablate: Ablate
    plan: Entry[AblationPlan]
    built: dict[Removed, Entry[Variant]] = field(default_factory=dict)

    def variant(self, removed: Removed) -> Entry[Variant]:
        if removed not in self.built:
            self.built[removed] = self.ablate.build(self.plan, removed)
        return self.built[removed]

    def scores(self, arms: Sequence[Removed], seeds: Sequence[int]) -> list[list[Score]]:
        bench = self.ablate.bench
        rows = bench.evaluations([self.variant(arm) for arm in arms], seeds)
        return [[bench.score(one) for one in row] for row in rows]


@dataclass(slots=True)
class Ablate:
    """Ablations by the policy's alpha, bets, futility and level."""

    ledger: Ledger
    lineage: Lineage
    policy: Policy
    bench: Bench
    workers: int

    def plan(
        self, certificate: Entry[Certificate], by: By, share: float, pairs: int, again: bool = False
    ) -> Entry[AblationPlan]:
        """The bundle as changes, and a margin of `share` of the certified gain; the same plan of before, if there is
        one, unless it is asked `again` after that one's end. Raises ConfigError where there is nothing to take
        apart."""
        record, since = certificate.record, history.read(self.ledger).since
        gain, number = record.estimate, certificate.id
        if record.outcome != "certified" or gain is None or gain <= 0:
            raise ConfigError(f"certificate {number} shows no gain that could be taken apart", f"pawl why {number}")
        registered = history.plan_of(self.ledger, record)
        found = tuple(self.changes(registered, by))
        if len(found) < 2:
            raise ConfigError(
                f"the bundle of certificate {number} is one change: it carries the whole gain",
                f"pawl diff {number}" if by == "piece" else f"pawl ablate {number} --by piece",
            )
        settings = {"certificate": number, "changes": found, "margin": share * gain, "pairs": pairs}
        begun = self.ledger.find(AblationPlan, **settings)
        if begun and begun.id > since and not (again and self.result(begun)):
            return begun
        self._must_suffice(pairs, self._attempts(number) + 1)
        return self.ledger.append(
            AblationPlan(
                certificate=number, reference=registered.reference, head=registered.head, changes=found,
                margin=share * gain, pairs=pairs, scale=registered.scale, alpha=self.policy.certification.alpha,
                seeds=tuple(fresh_seed() for _ in range(LOOKS)),
            )
        )  # fmt: skip

    def changes(self, registered: Preregistration, by: By) -> list[Change]:
        """What differs between the certificate's reference and its head, taken apart."""
        chain = self.chain(registered)
        reference = self.ledger.get(registered.reference, Variant).record
        versions = [(0, self.lineage.read(reference))]
        versions += [(proposal.id, self.lineage.read(variant.record)) for proposal, variant in chain]
        return bundles.take_apart(versions, {p.id: p.record.hypothesis for p, _ in chain}, by)

    def chain(self, registered: Preregistration) -> list[tuple[Entry[Proposal], Entry[Variant]]]:
        """The proposals from the reference to the head, oldest first, with what they made."""
        variant, found = self.ledger.get(registered.head, Variant), []
        while variant.id != registered.reference and variant.record.proposal is not None:
            proposal = self.ledger.get(variant.record.proposal, Proposal)
            found.append((proposal, variant))
            variant = self.ledger.get(proposal.record.parent, Variant)
        return found[::-1]

    def result(self, plan: Entry[AblationPlan]) -> Entry[Ablation] | None:
        """How a plan ended, or None."""
        claims = self.ledger.find(AblationClaims, plan=plan.id)
        return self.ledger.find(Ablation, claims=claims.id) if claims else None

    def run(self, plan: Entry[AblationPlan]) -> Entry[Ablation]:
        """Look for passengers, write down what is claimed, test it. Raises Spent; asked again, it goes on, and ends
        at once where it ended before."""
        if done := self.result(plan):
            return done
        arms = _Arms(self, plan)
        claims = self.ledger.find(AblationClaims, plan=plan.id) or self._claims(plan, arms)
        smaller = frozenset(claims.record.removed)
        self.bench.said(f"without {len(smaller)} of {len(plan.record.changes)} changes: testing on fresh seeds")
        tested = settle(self._question(plan, arms, claims.record.alpha), smaller, claims.record.seeds)
        return self.ledger.append(self._ablation(plan, claims, arms, tested))

    def build(self, plan: Entry[AblationPlan], removed: Removed) -> Entry[Variant]:
        """The head without these changes."""
        head, numbers = self.ledger.get(plan.record.head, Variant), tuple(sorted(removed))
        if not numbers:
            return head
        if known := self.ledger.find(Reduced, plan=plan.id, without=numbers):
            return known
        reference = self.lineage.read(self.ledger.get(plan.record.reference, Variant).record)
        files = bundles.put_together(reference, bundles.without(plan.record.changes, numbers))
        return self.ledger.append(self.lineage.reduce(head.record, files, plan.id, numbers))

    def _question(self, plan: Entry[AblationPlan], arms: _Arms, alpha: float) -> Question:
        rules = self.policy.certification
        return Question(
            len(plan.record.changes), plan.record.margin, SignFlip(plan.record.scale, rules.lambdas),
            Rules(plan.record.pairs, alpha, rules.futility, self.workers), arms,
        )  # fmt: skip

    def _claims(self, plan: Entry[AblationPlan], arms: _Arms) -> Entry[AblationClaims]:
        changes = plan.record.changes
        self.bench.said(f"looking for passengers among {len(changes)} changes")
        order = sorted(range(1, len(changes) + 1), key=lambda n: self._promise(changes[n - 1]))
        removed = look(self._question(plan, arms, plan.record.alpha), order, plan.record.seeds)
        suspects = tuple(n for n in range(1, len(changes) + 1) if n not in removed)
        built = [arms.variant(removed | {n}).id for n in suspects]
        attempt = 1 + self._attempts(plan.record.certificate)
        return self.ledger.append(
            AblationClaims(
                plan=plan.id, attempt=attempt, removed=tuple(sorted(removed)), smaller=arms.variant(removed).id,
                suspects=suspects, without=tuple(built), alpha=plan.record.alpha * gamma(attempt),
                seeds=tuple(fresh_seed() for _ in range(plan.record.pairs)),
            )
        )  # fmt: skip

    def _attempts(self, certificate: int) -> int:
        """How often claims about a certificate were tested before."""
        plans = {entry.id for entry in self.ledger.entries(AblationPlan) if entry.record.certificate == certificate}
        return sum(entry.record.plan in plans for entry in self.ledger.entries(AblationClaims))

    def _must_suffice(self, pairs: int, attempt: int) -> None:
        bar = 1 / (self.policy.certification.alpha * gamma(attempt))
        least = math.ceil(math.log(bar) / math.log(1 + STAKE))
        if pairs < least:
            raise ConfigError(f"{pairs} pairs can prove nothing here: it takes at least {least}", f"--pairs {least}")

    def _promise(self, change: Change) -> float:
        """The best gain that any of a change's proposals was accepted for."""
        screened = [self.ledger.find(Screening, proposal=proposal) for proposal in change.proposals]
        return max((one.record.gain for one in screened if one and one.record.gain is not None), default=0.0)

    def _ablation(
        self, plan: Entry[AblationPlan], claims: Entry[AblationClaims], arms: _Arms, tested: Sequence[Claim[Removed]]
    ) -> Ablation:
        effects = tuple(self._effect(plan, claims, arms, claim) for claim in tested)
        built = {entry.id for entry in self.ledger.entries(Reduced) if entry.record.plan == plan.id}
        runs = [
            entry.record for entry in self.ledger.entries(Run)
            if entry.id > plan.id and entry.record.purpose == "ablate"
            and entry.record.variant in {plan.record.head, *built}
        ]  # fmt: skip
        return Ablation(
            claims=claims.id, shown=any(effect.shown for effect in effects if effect.claim == "removable"),
            effects=effects, level=self.policy.certification.level, runs=len(runs),
            cpu_s=sum(run.usage.cpu_s for run in runs),
        )  # fmt: skip

    def _effect(
        self, plan: Entry[AblationPlan], claims: Entry[AblationClaims], arms: _Arms, claim: Claim[Removed]
    ) -> Effect:
        question = self._question(plan, arms, claims.record.alpha)
        variants, seeds = [arms.variant(claim.base), arms.variant(claim.other)], claims.record.seeds[: len(claim.costs)]
        base, other = self.bench.evaluations(variants, seeds)
        low, high = question.test.interval(claim.costs, self.policy.certification.level)
        reason = claim.words(question.rules)
        if math.inf in claim.costs:
            reason += f"; {claim.costs.count(math.inf)} runs without it failed"
        return Effect(
            claim=claim.family, changes=tuple(sorted(claim.other - claim.base)), base=variants[0].id,  # type: ignore[arg-type]
            variant=variants[1].id, shown=claim.made, reason=reason, e_value=claim.e_value, threshold=claim.threshold,
            cost=mean(claim.costs), low=low, high=high,
            pairs=tuple(
                Difference(
                    seed=seed, base=x.id, other=y.id, base_score=x.record.metrics.get(self.bench.metric),
                    other_score=y.record.metrics.get(self.bench.metric),
                )
                for seed, x, y in zip(seeds, base, other, strict=True)
            ),
        )  # fmt: skip

"""Since when is something worse? All releases on the same fresh seeds, suite by suite; then the change that did it.

Plans are written down before anything runs, so that a killed comparison goes on where it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pawl import history
from pawl.answers import name
from pawl.claims import Claim, Rules, Score, bounds, mean
from pawl.config import OWN
from pawl.errors import ConfigError
from pawl.evidence import STAKE, SignFlip
from pawl.ledger import Entry, Ledger
from pawl.measure import fresh_seed
from pawl.policy import Policy
from pawl.protocols import Evaluator
from pawl.purse import Bench
from pawl.records import (
    Bisection,
    BisectionPlan,
    Drop,
    Evaluation,
    Probe,
    Proposal,
    Regression,
    RegressionPlan,
    Release,
    Run,
    SuiteEvaluation,
    Variant,
)
from pawl.releases import Release as Arm
from pawl.releases import bar, bisect, compare

PATIENCE = 2
"""Times as many pairs for a step of a bisection as for a comparison: more has to be shown, and on fewer variants."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A measure of releases: `sign` is +1 where a higher `metric` is better, -1 where a lower one is. `evaluator` is
    None for the study's own evaluation, which the bench does. `digest` is that of its settings and sealed set."""

    name: str
    metric: str
    sign: int
    digest: str
    evaluator: Evaluator | None = None


@dataclass(slots=True)
class _Measured:
    """Scores of variants by suite: arms are (suite, place), or a place alone on `only`."""

    regress: Regress
    plan: int
    variants: Sequence[Entry[Variant]]
    only: str = OWN

    def scores(self, arms: Sequence[Arm | int], seeds: Sequence[int]) -> list[list[Score]]:
        pairs = [(self.only, arm) if isinstance(arm, int) else arm for arm in arms]
        places = list(dict.fromkeys(place for _, place in pairs))
        rows = self.regress.bench.evaluations([self.variants[place] for place in places], seeds)
        known = dict(zip(places, rows, strict=True))
        return [self.regress.measured(self.plan, suite, known[place]) for suite, place in pairs]


@dataclass(slots=True)
class Regress:
    """Comparisons of releases by the policy's alpha, bets, futility and level."""

    ledger: Ledger
    policy: Policy
    bench: Bench
    suites: Sequence[Suite]
    workers: int

    def plan(self, since: int | None, pairs: int, again: bool = False) -> Entry[RegressionPlan]:
        """The baseline and all releases, or those from release `since` on; the same plan of
        before, if there is one, unless it is asked `again` after that one's end. Raises ConfigError for too few."""
        releases, names = tuple(self.releases(since)), tuple(suite.name for suite in self.suites)
        measures = tuple(suite.digest for suite in self.suites)
        begun = self.ledger.find(RegressionPlan, releases=releases, suites=names, measures=measures)
        same = begun and begun.id > history.read(self.ledger).since and len(begun.record.seeds) == pairs
        if begun and same and not (again and self.ledger.find(Regression, plan=begun.id)):
            return begun
        least = math.ceil(math.log(1 / self.policy.certification.alpha) / math.log(1 + STAKE))
        if pairs < least:
            raise ConfigError(f"{pairs} pairs can prove nothing here: it takes at least {least}", f"--pairs {least}")
        seeds = tuple(fresh_seed() for _ in range(pairs))
        alpha = self.policy.certification.alpha
        return self.ledger.append(
            RegressionPlan(releases=releases, suites=names, measures=measures, alpha=alpha, seeds=seeds)
        )

    def releases(self, since: int | None) -> list[int]:
        """The variants to compare, oldest first."""
        released = self.ledger.entries(Release)
        if since is not None:
            self.ledger.get(since, Release)
        variants = [self.ledger.entries(Variant)[0].id] if self.ledger.entries(Variant) else []
        variants += [entry.record.variant for entry in released]
        first = 0 if since is None else 1 + [entry.id for entry in released].index(since)
        found = list(dict.fromkeys(variants[first:]))
        if len(found) < 2:
            raise ConfigError("nothing was released yet, so that there is nothing to compare", "pawl status")
        return found

    def run(self, plan: Entry[RegressionPlan]) -> Entry[Regression]:
        """Run all releases on the plan's seeds until each claim is decided. Raises Spent; asked again, it goes on."""
        if done := self.ledger.find(Regression, plan=plan.id):
            return done
        variants = [self.ledger.get(id, Variant) for id in plan.record.releases]
        self.bench.said(f"{len(variants)} releases on {', '.join(plan.record.suites)}")
        claims = compare(
            len(variants), plan.record.suites, plan.record.seeds, _Measured(self, plan.id, variants),
            self._rules(len(plan.record.seeds)), self._test(),
        )  # fmt: skip
        ran = {
            (run.record.variant, run.record.seed): run for run in self.ledger.entries(Run)
            if run.id > plan.id and run.record.seed in plan.record.seeds
        }  # fmt: skip
        notes, drops = self._notes(variants, list(ran.values())), [self._drop(plan.record, claim) for claim in claims]
        level = self.policy.certification.level
        return self.ledger.append(
            Regression(plan=plan.id, drops=tuple(drops), level=level, notes=tuple(notes), runs=len(ran))
        )

    def bisect(self, regression: Entry[Regression], drop: Drop) -> Entry[Bisection]:
        """The accepted change, of those between the two releases of a drop, that made it worse. Raises Spent, and
        ConfigError where no chain of changes leads from one to the other."""
        fields = {"regression": regression.id, "suite": drop.suite}
        chain = tuple(self.chain(drop.before, drop.after))
        seeds = len(self.ledger.get(regression.record.plan, RegressionPlan).record.seeds)
        plan = self.ledger.find(BisectionPlan, **fields, variants=chain) or self.ledger.append(
            BisectionPlan(
                regression=regression.id, suite=drop.suite, variants=chain,
                threshold=bar(len(chain), self.policy.certification.alpha),
                seeds=tuple(fresh_seed() for _ in range(PATIENCE * seeds)),
            )
        )  # fmt: skip
        if done := self.ledger.find(Bisection, plan=plan.id):
            return done
        self.bench.said(f"{drop.suite}: bisecting {len(chain)} variants")
        arms = _Measured(self, regression.record.plan, [self.ledger.get(id, Variant) for id in chain], drop.suite)
        rules = self._rules(len(plan.record.seeds))
        steps, good, bad = bisect(len(chain), plan.record.seeds, arms, rules, plan.record.threshold, self._test())
        probes = tuple(
            Probe(
                variant=chain[step.place], pairs=step.pairs, answer=step.answer, e_worse=step.e_worse,
                e_better=step.e_better,
            )
            for step in steps
        )  # fmt: skip
        return self.ledger.append(
            Bisection(plan=plan.id, probes=probes, good=chain[good], bad=chain[bad], decided=bad - good == 1)
        )

    def chain(self, before: int, after: int) -> list[int]:
        """The variants from one to a later one, by parents. Raises ConfigError if there is no such chain."""
        found, variant = [after], self.ledger.get(after, Variant)
        while variant.id != before and variant.record.proposal is not None:
            variant = self.ledger.get(self.ledger.get(variant.record.proposal, Proposal).record.parent, Variant)
            found.append(variant.id)
        if variant.id != before:
            raise ConfigError(f"variant {after} does not descend from variant {before}", f"pawl diff {after}")
        return found[::-1]

    def measured(self, plan: int, name: str, evaluations: Sequence[Entry[Evaluation]]) -> list[Score]:
        """The scores of some runs on a suite, higher is better; None where a run failed."""
        suite = next(suite for suite in self.suites if suite.name == name)
        if suite.evaluator is None:
            return [self.bench.score(entry) for entry in evaluations]
        done = [self._suite_evaluation(plan, suite, entry.record.run) for entry in evaluations]
        found = [entry.record.metrics.get(suite.metric) for entry in done]
        return [None if value is None else suite.sign * value for value in found]

    def _suite_evaluation(self, plan: int, suite: Suite, run: int) -> Entry[SuiteEvaluation]:
        assert suite.evaluator is not None
        if known := self.ledger.find(SuiteEvaluation, plan=plan, suite=suite.name, run=run):
            return known
        done = suite.evaluator.evaluate(self.ledger.get(run, Run))
        return self.ledger.append(
            SuiteEvaluation(
                plan=plan, suite=suite.name, run=run, outcome=done.outcome, reason=done.reason, metrics=done.metrics,
                scorer=done.scorer, sealed=done.sealed,
            )
        )  # fmt: skip

    def _drop(self, plan: RegressionPlan, claim: Claim[Arm]) -> Drop:
        low, high = bounds(claim.costs, self.policy.certification.lambdas, self.policy.certification.level)
        return Drop(
            suite=claim.base[0], before=plan.releases[claim.base[1]], after=plan.releases[claim.other[1]],
            pairs=len(claim.costs), found=claim.made, e_value=claim.e_value, threshold=claim.threshold,
            loss=mean(claim.costs), low=low, high=high,
        )  # fmt: skip

    def _notes(self, variants: Sequence[Entry[Variant]], runs: Sequence[Entry[Run]]) -> list[str]:
        """What limits the comparison."""
        since, notes = history.read(self.ledger).since, []
        for variant in variants:
            release = self.ledger.find(Release, variant=variant.id)
            if release and release.id < since:
                notes.append(
                    f"{name(self.ledger, variant.id)} was certified under other settings (before entry {since}): its "
                    "numbers of then cannot be compared with these; all runs here are new"
                )
            of = [run.record for run in runs if run.record.variant == variant.id]
            failed = sum(run.outcome != "ok" for run in of)
            if failed:
                notes.append(f"{name(self.ledger, variant.id)}: {failed} of {len(of)} runs failed")
        return notes

    def _test(self) -> SignFlip:
        return SignFlip(1.0, self.policy.certification.lambdas)

    def _rules(self, pairs: int) -> Rules:
        rules = self.policy.certification
        return Rules(pairs, rules.alpha, rules.futility, self.workers)

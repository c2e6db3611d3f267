"""Ablations and regressions in words, for people."""

from __future__ import annotations

from collections.abc import Sequence

from pawl import history
from pawl.hostile import one_line
from pawl.ledger import Ledger
from pawl.records import (
    Ablation,
    AblationClaims,
    AblationPlan,
    Bisection,
    BisectionPlan,
    Certificate,
    Change,
    Drop,
    Effect,
    Probe,
    Proposal,
    Record,
    Reduced,
    Regression,
    RegressionPlan,
    Release,
    SuiteEvaluation,
    Variant,
)
from pawl.statement import number


def summary(ledger: Ledger, record: Record) -> str:
    """One line about a record of a question, or nothing for one of another kind."""
    match record:
        case Reduced() as reduced:
            numbers = ", ".join(map(str, reduced.without))
            return (
                reduced.problem or f"commit {reduced.commit[:10]}: without change(s) {numbers} of plan {reduced.plan}"
            )
        case AblationPlan() as plan:
            said = f"certificate {plan.certificate} in {len(plan.changes)} changes"
            return f"{said}; what is left out may cost {number(plan.margin)}"
        case AblationClaims() as claims:
            return (
                f"plan {claims.plan}: {len(claims.removed)} changes can go, {len(claims.suspects)} carry; to be tested"
            )
        case Ablation() as ablation:
            return _ablation_line(ledger, ablation)
        case SuiteEvaluation() as measured:
            metrics = ", ".join(f"{name} {value:.5g}" for name, value in measured.metrics.items())
            return f"run {measured.run} on {measured.suite}: {metrics or measured.outcome + ' ' + measured.reason}"
        case RegressionPlan() as plan:
            return f"{len(plan.releases)} releases on {', '.join(plan.suites)}"
        case Regression() as regression:
            found = [drop for drop in regression.drops if drop.found]
            said = "; ".join(
                f"{drop.suite}: {name(ledger, drop.after)} is worse than {name(ledger, drop.before)}" for drop in found
            )
            return said or f"no release is shown to be worse than one before it ({len(regression.drops)} comparisons)"
        case Bisection() as bisection:
            return _bisection_line(ledger, bisection)
        case BisectionPlan() as plan:
            return f"{len(plan.variants)} variants from {plan.variants[0]} to {plan.variants[-1]} on {plan.suite}"
    return ""


def why(ledger: Ledger, record: Record) -> list[str]:
    """The lines below the summary; none for a record of another kind."""
    match record:
        case Ablation() as ablation:
            return _ablation(ledger, ablation)
        case Regression() as regression:
            return [
                *(f"  {drop_line(ledger, drop)}" for drop in regression.drops),
                *(f"  note: {note}" for note in regression.notes),
            ]
        case Bisection() as bisection:
            return [*(f"  {_probe(probe)}" for probe in bisection.probes), *_suspects(ledger, bisection)]
        case AblationPlan() as plan:
            return [f"  {n:3d}  {_named(change)}" for n, change in enumerate(plan.changes, 1)]
    return []


def name(ledger: Ledger, variant: int) -> str:
    """A released variant, as people speak of it."""
    release = ledger.find(Release, variant=variant)
    if release:
        return f"release {release.id} ({release.at[:10]})"
    first = ledger.entries(Variant)[0].id
    return f"the baseline (variant {variant})" if variant == first else f"variant {variant}"


def plan_of(ledger: Ledger, ablation: Ablation) -> tuple[AblationClaims, AblationPlan]:
    """What an ablation tested, and what of."""
    claims = ledger.get(ablation.claims, AblationClaims).record
    return claims, ledger.get(claims.plan, AblationPlan).record


def passengers(ablation: Ablation) -> Effect | None:
    """The claim about all passengers together; None where none was found."""
    return next((effect for effect in ablation.effects if effect.claim == "removable"), None)


def _ablation_line(ledger: Ledger, ablation: Ablation) -> str:
    claims, plan = plan_of(ledger, ablation)
    carry = sum(effect.shown for effect in ablation.effects if effect.claim == "carries")
    said = f"{carry} of {len(plan.changes)} changes are shown to carry the gain"
    if not claims.removed:
        return f"{said}; no passenger was found"
    shown = "are shown to cost" if ablation.shown else "are NOT shown to cost"
    return f"{said}; {len(claims.removed)} passengers together {shown} less than {number(plan.margin)}"


def _ablation(ledger: Ledger, ablation: Ablation) -> list[str]:
    claims, plan = plan_of(ledger, ablation)
    gain = ledger.get(plan.certificate, Certificate).record.estimate
    metric = history.study(ledger).record.metric
    lines = [
        f"  certificate {plan.certificate}: variant {plan.head} against {plan.reference}, gain {number(gain)} {metric}",
        f"  what taking a change out costs, in {metric} (mean, {ablation.level:.0%} interval of the median):",
    ]
    effects = {effect.changes[0]: effect for effect in ablation.effects if effect.claim == "carries"}
    together = passengers(ablation)
    for n, change in enumerate(plan.changes, 1):
        effect = effects.get(n)
        said = _effect(effect) if effect else "can go" if ablation.shown else "looks like a passenger"
        lines.append(f"  {n:3d}  {_named(change)}")
        lines.append(f"       {said}")
    if together:
        what = "can go together" if together.shown else "together NOT shown to cost less than the margin"
        numbers = ", ".join(map(str, together.changes))
        lines.append(f"  changes {numbers}: {what}; margin {number(plan.margin)}, {_cost(together)}; {together.reason}")
    lines.append(f"  {ablation.runs} runs, {ablation.cpu_s:.0f} CPU-s; attempt {claims.attempt} on this certificate")
    return lines


def _effect(effect: Effect) -> str:
    said = "carries" if effect.shown else "not shown to carry"
    return f"{said}: {_cost(effect)}; {effect.reason}"


def _cost(effect: Effect) -> str:
    return f"cost {number(effect.cost)} ({number(effect.low)} to {number(effect.high)})"


def _named(change: Change) -> str:
    of = ", ".join(map(str, change.proposals))
    return one_line(f"{change.name} (proposal {of})" + (f"; {change.note}" if change.note else ""))


def drop_line(ledger: Ledger, drop: Drop) -> str:
    """One comparison of two releases."""
    said = "WORSE" if drop.found else "not shown to be worse"
    return (
        f"{drop.suite}: {name(ledger, drop.after)} beside {name(ledger, drop.before)}: {said}; "
        f"loss {number(drop.loss)} ({number(drop.low)} to {number(drop.high)}), "
        f"E = {drop.e_value:.3g} after {drop.pairs} pairs, threshold {drop.threshold:.3g}"
    )


def _bisection_line(ledger: Ledger, bisection: Bisection) -> str:
    suite = ledger.get(bisection.plan, BisectionPlan).record.suite
    if bisection.decided:
        return f"{suite}: variant {bisection.bad} made it worse, {bisection.good} before it had not"
    between = f"after variant {bisection.good} and by variant {bisection.bad}"
    return f"{suite}: the change came {between}; undecided between"


def _probe(probe: Probe) -> str:
    said = {"worse-than-good": "worse than the good end", "better-than-bad": "better than the bad end"}
    evidence = f"E(worse) = {probe.e_worse:.3g}, E(better) = {probe.e_better:.3g} after {probe.pairs} pairs"
    return f"variant {probe.variant}: {said.get(probe.answer, 'undecided')}; {evidence}"


def _suspects(ledger: Ledger, bisection: Bisection) -> Sequence[str]:
    """The proposals among which the change is."""
    variants = ledger.get(bisection.plan, BisectionPlan).record.variants
    first, last = (variants.index(id) for id in (bisection.good, bisection.bad))
    lines = []
    for id in variants[first + 1 : last + 1]:
        proposal = ledger.get(id, Variant).record.proposal
        words = ledger.get(proposal, Proposal).record.hypothesis if proposal else "the baseline"
        lines.append(f"  suspect: variant {id}, proposal {proposal}: {one_line(words)}")
    return lines

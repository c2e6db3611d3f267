"""Is nothing else worse? Every guard metric is looked at on the certificate's own pairs, by the same bet on signs.

Let d be by how much the head is better in a pair (a difference, or the logarithm of a ratio) and m the margin. Wealth
that is bet on -(d + m) > 0 grows where the head is worse than the margin allows: at 1 / level harm is shown. Wealth bet
on d + m > 0 grows where it is not: at 1 / level non-inferiority is proven. Both are valid wherever the certificate
stopped, because the margin, which sets the size of the bets, stands in the policy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median

from pawl import metrics
from pawl.evidence import SignFlip
from pawl.hostile import one_line
from pawl.protocols import Case, Guard
from pawl.records import Finding

TICK = 0.01
"""Seconds below which nothing is told apart."""


@dataclass(frozen=True)
class Guards:
    """Refuses where a guard metric is worse than its margin by estimate, or shown to be by evidence; with `proof`,
    unless it is proven to be within. `level` bounds the chance of each wrong proof."""

    level: float = 0.05
    allow_self_reported: bool = False

    def judge(self, case: Case) -> Finding:
        if not case.guards:
            return Finding(gate="guards", passed=False, reason="the policy has no [[guard]]: nothing is guarded")
        answers = [
            answer
            for guard in case.guards
            for metric in metrics.slices(guard.metric, case.evaluations) or [guard.metric]
            for answer in [self._one(case, guard, metric)]
        ]
        problems = [one_line(said) for passed, said in answers if not passed]
        reason = "; ".join(problems or (one_line(said) for _, said in answers))
        return Finding(gate="guards", passed=not problems, reason=reason)

    def _one(self, case: Case, guard: Guard, metric: str) -> tuple[bool, str]:
        """Whether one metric passes, and what is to be said about it."""
        runs = [run for pair in zip(case.reference_runs, case.head_runs, strict=False) for run in pair]
        if len(runs) != len(case.evaluations):
            return False, f"{metric}: runs and evaluations do not belong together"
        found = [metrics.value(metric, *both) for both in zip(runs, case.evaluations, strict=True)]
        ok = [run.outcome == one.outcome == "ok" for run, one in zip(runs, case.evaluations, strict=True)]
        if any(fine and value is None for fine, value in zip(ok, found, strict=True)):
            return False, f"{metric}: not every run has it"
        reported = [metrics.self_reported(metric, one) for one, fine in zip(case.evaluations, ok, strict=True) if fine]
        if any(reported) and not self.allow_self_reported:
            return False, f"{metric}: self-reported by the script under test"
        pairs = [(a, b) for a, b in zip(found[0::2], found[1::2], strict=True) if a is not None and b is not None]
        if not pairs:
            return False, f"{metric}: no pair has it on both sides"
        return self._compared(guard, metric, pairs)

    def _compared(self, guard: Guard, metric: str, pairs: list[tuple[float, float]]) -> tuple[bool, str]:
        sign = metrics.sign(guard.direction)
        if guard.relative:
            floor = TICK if metric.endswith("_seconds") else 0.0
            pairs = [(max(a, floor), max(b, floor)) for a, b in pairs]
            if min(min(pair) for pair in pairs) <= 0:
                return False, f"{metric}: a value that is not positive has no ratio"
            better, margin = [sign * (math.log(b) - math.log(a)) for a, b in pairs], math.log(guard.margin)
        else:
            better, margin = [sign * (b - a) for a, b in pairs], guard.margin
        typical = (median if metric in metrics.MEASURED else fmean)(better)
        test, bar = SignFlip(margin), 1 / self.level
        harm, proof = (test.e_value([way * (one + margin) for one in better]) for way in (-1, 1))
        within = harm < bar and typical >= -margin - 1e-12 * (1 + abs(margin))
        said = f"{metric} {_said(guard, typical)}"
        if not within:
            return False, f"{said}; shown to be worse (e-value {harm:.3g})" if harm >= bar else said
        if guard.proof and proof < bar:
            return False, f"{said}; not proven by {len(pairs)} pairs (e-value {proof:.3g}, {bar:.3g} is needed)"
        return True, f"{said}{f' (proven, e-value {proof:.3g})' if proof >= bar else ''}"


def _said(guard: Guard, better: float) -> str:
    """`worse by 0.004 (at most 0.01)`, or `1.04 times (at most 1.1)`."""
    if guard.relative:
        return f"{math.exp(min(-better, 700.0)):.3g} times worse (at most {guard.margin:g})"
    return f"{'worse' if better < 0 else 'better'} by {abs(better):.3g} (worse by at most {guard.margin:g})"

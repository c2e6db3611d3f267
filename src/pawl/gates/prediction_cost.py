"""Is the better score bought with slower predictions or a larger model? Each beside the reference's, pair by pair."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from pawl.protocols import Case
from pawl.records import Evaluation, Finding, Run, Usage

MIB = 2**20


@dataclass(frozen=True)
class PredictionCost:
    """Non-inferiority: CPU, wall clock and memory of predictions, and the size of artifacts, as ratios to the
    reference's. The geometric mean over pairs plus two standard errors must stay within each margin: where pairs
    scatter too much to tell, it refuses. Wall clock has the widest margin, since it also measures the neighbours.
    What stays below `least_s` seconds, `least_mib` MiB of memory and `least_artifact_mib` MiB of artifacts is cheap, so
    it counts as so much: twice of nearly nothing is nearly nothing."""

    cpu: float = 1.5
    wall: float = 2.0
    memory: float = 1.5
    size: float = 1.5
    least_s: float = 0.5
    least_mib: float = 256.0
    least_artifact_mib: float = 1.0

    def judge(self, case: Case) -> Finding:
        pairs = [
            pair for pair in zip(case.evaluations[0::2], case.evaluations[1::2], strict=False)
            if all(evaluation.outcome == "ok" for evaluation in pair)
        ]  # fmt: skip
        if not pairs or not case.head_runs or not case.reference_runs:
            return Finding(gate="prediction-cost", passed=False, reason="there is no pair of predictions to compare")
        if all(evaluation.self_reported for pair in pairs for evaluation in pair):
            said = "nothing predicts apart from training: the gate limits bounds that"
            return Finding(gate="prediction-cost", passed=True, reason=said)
        found = [*self._usages(pairs), ("artifacts", self._sizes(case.reference_runs, case.head_runs), 0.0, self.size)]
        over = [
            f"{name} {ratio:.2f} times the reference's (up to {ratio * math.exp(slack):.2f}), more than {margin:g}"
            for name, ratio, slack, margin in found
            if not ratio * math.exp(slack) <= margin
        ]
        fine = ", ".join(f"{name} {ratio:.2f}" for name, ratio, _, _ in found)
        reason = "; ".join(over) or f"times the reference's: {fine}"
        return Finding(gate="prediction-cost", passed=not over, reason=reason)

    def _usages(self, pairs: Sequence[tuple[Evaluation, Evaluation]]) -> Iterator[tuple[str, float, float, float]]:
        """Name, geometric mean of the ratios, two standard errors of its logarithm, margin."""
        kinds: tuple[tuple[str, Callable[[Usage], float], float, float], ...] = (
            ("CPU", lambda usage: usage.cpu_s, self.least_s, self.cpu),
            ("wall clock", lambda usage: usage.wall_s, self.least_s, self.wall),
            ("memory", lambda usage: float(usage.peak_bytes), self.least_mib * MIB, self.memory),
        )
        for name, of, least, margin in kinds:
            logs = [math.log(max(of(mine.usage), least) / max(of(theirs.usage), least)) for theirs, mine in pairs]
            slack = 2 * stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else 0.0
            yield f"prediction's {name}", math.exp(fmean(logs)), slack, margin

    def _sizes(self, reference: Sequence[Run], head: Sequence[Run]) -> float:
        """The largest run's bytes of artifacts beside the reference's largest."""
        mine, theirs = (
            max((sum(artifact.size for artifact in run.artifacts) for run in runs), default=0)
            for runs in (head, reference)
        )
        return max(mine, self.least_artifact_mib * MIB) / max(theirs, self.least_artifact_mib * MIB)

"""Does it tell the truth about itself? What a run prints under the metric's name, beside what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from pawl.hostile import one_line
from pawl.protocols import Case
from pawl.records import Evaluation, Finding, Run

SPLITS = ("", "val_", "valid_", "validation_", "test_", "eval_", "holdout_", "sealed_")
"""Before a metric's name: what a script prints of data that it did not train on."""


@dataclass(frozen=True)
class SelfReport:
    """Refuses when what the head's runs print under a sealed metric's name (`log_loss`, `val_log_loss`) is off from
    the sealed score, on average, by more than `share` of it plus `sds` standard errors of that difference over runs;
    where the reference prints that too, by more than that beyond the reference. Training metrics are no claims."""

    sds: float = 4.0
    share: float = 0.25

    def judge(self, case: Case) -> Finding:
        head = list(zip(case.head_runs, case.evaluations[1::2], strict=False))
        if not head:
            return Finding(gate="self-report", passed=False, reason="there are no runs to look at")
        if all(evaluation.self_reported for _, evaluation in head):
            said = "nothing was measured apart from the self-report: whether that is enough, the gate improvement says"
            return Finding(gate="self-report", passed=True, reason=said)
        reference = list(zip(case.reference_runs, case.evaluations[0::2], strict=False))
        claims = list(self._claims(head, reference))
        if not any(evaluation.metrics for _, evaluation in head):
            return Finding(gate="self-report", passed=False, reason="there is no measured score to compare with")
        wrong = [said for off, said in claims if off]
        fine = "; ".join(said for _, said in claims[:3]) or "the runs claim nothing of data unseen in training"
        return Finding(gate="self-report", passed=not wrong, reason=one_line("; ".join(wrong[:3]) or fine)[:800])

    def _claims(
        self, head: Sequence[tuple[Run, Evaluation]], reference: Sequence[tuple[Run, Evaluation]]
    ) -> Iterator[tuple[bool, str]]:
        for metric in sorted({name for _, evaluation in head for name in evaluation.metrics}):
            for name in (split + metric for split in SPLITS):
                mine, theirs = _gaps(head, name, metric), _gaps(reference, name, metric)
                if not mine:
                    continue
                scores = [evaluation.metrics[metric] for _, evaluation in head if metric in evaluation.metrics]
                error = stdev(mine) / math.sqrt(len(mine)) if len(mine) > 1 else 0.0
                allowed = self.sds * error + self.share * abs(fmean(scores))
                gap = fmean(mine) - (fmean(theirs) if theirs else 0.0)
                beyond = " beyond the reference's" if theirs else ""
                said = f"{name} is off from the sealed {metric} by {gap:+.4g}{beyond}, on average"
                yield abs(gap) > allowed, f"{said} (at most {allowed:.3g})"


def _gaps(runs: Sequence[tuple[Run, Evaluation]], name: str, metric: str) -> list[float]:
    """Claim minus measurement, for each run that has both."""
    return [
        run.summary[name] - evaluation.metrics[metric]
        for run, evaluation in runs
        if name in run.summary and metric in evaluation.metrics
    ]

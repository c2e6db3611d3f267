"""Is it what it says it is? Only editable files touched, artifacts parse, metrics finite, walls held."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from pawl import hostile
from pawl.protocols import Case
from pawl.records import Finding


@dataclass(frozen=True)
class Integrity:
    """Looks again at everything, trusting no earlier look. `unpacked_mib` bounds what one artifact unpacks to."""

    unpacked_mib: int = 1024

    def judge(self, case: Case) -> Finding:
        problems = list(self._problems(case))
        fine = f"{len(case.changed)} editable file(s) changed, {len(case.artifacts)} artifacts parse, all walls held"
        return Finding(gate="integrity", passed=not problems, reason="; ".join(problems[:5]) or fine)

    def _problems(self, case: Case) -> Iterator[str]:
        if not case.changed:
            yield "nothing differs from the reference"
        for mode, path in case.changed:
            if path not in case.editable:
                yield f"{hostile.one_line(path)} changed and is not editable"
            elif mode not in ("100644", "100755"):
                yield f"{hostile.one_line(path)} is no longer a regular file (mode {mode})"
        if not case.head_runs or not case.reference_runs:
            yield "there are no runs to look at"
        if not case.artifacts:
            yield "no run of the head left an artifact"
        for name, content in case.artifacts.items():
            try:
                hostile.check(name.rpartition(":")[2], content, self.unpacked_mib * 2**20)
            except hostile.Refused as refusal:
                yield str(refusal)
        for evaluation in case.evaluations:
            if not all(math.isfinite(value) for value in evaluation.metrics.values()):
                yield f"the evaluation of run {evaluation.run} is not finite"
        if not case.allow_unsafe and not all(run.isolation.safe for run in (*case.head_runs, *case.reference_runs)):
            yield "runs were not isolated (unsafe sandbox)"
        for run in (*case.head_runs, *case.reference_runs):
            missing = [wall for wall in case.isolation if wall not in run.isolation.held]
            if missing and not (case.allow_unsafe and not run.isolation.safe):
                yield f"a run of variant {run.variant} lacked what the policy demands: {', '.join(missing)}"
        if len({run.environment for run in (*case.head_runs, *case.reference_runs)}) > 1:
            yield "the runs did not share one environment"

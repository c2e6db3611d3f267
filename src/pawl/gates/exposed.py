"""Can what is sealed be found in what a sandbox shows? Then a gain may be nothing but a look at it."""

from __future__ import annotations

from dataclasses import dataclass

from pawl.hostile import one_line
from pawl.protocols import Case
from pawl.records import Finding


@dataclass(frozen=True)
class Exposed:
    """Refuses while rows of the sealed sets lie in the environment or in the training data. `allowed` names places
    whose copies the owner knows of: what the finding says before the colon."""

    allowed: tuple[str, ...] = ()

    def judge(self, case: Case) -> Finding:
        if case.exposed is None:
            return Finding(gate="exposed", passed=False, reason="nobody looked whether sealed rows can be found inside")
        if not case.evaluations:
            return Finding(gate="exposed", passed=False, reason="there is no evaluation to look at")
        found = [place for place in case.exposed if place.partition(":")[0] not in self.allowed]
        fine = "no sealed row was found in the environment or in the training data"
        return Finding(gate="exposed", passed=not found, reason=one_line("; ".join(found[:5]))[:1000] or fine)

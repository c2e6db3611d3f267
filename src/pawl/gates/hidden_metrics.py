"""Is the number all that got better? Metrics that the search is not steered by must not pay for the one that it is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from pawl.hostile import printable
from pawl.protocols import Case
from pawl.records import Finding


@dataclass(frozen=True)
class HiddenMetrics:
    """Refuses a head that is worse by more than `errors` standard errors in a metric named in `higher` (where more is
    better) or `lower`, in this certificate or over all that passed so far and this one."""

    higher: Sequence[str] = ()
    lower: Sequence[str] = ()
    errors: float = 3.0

    def judge(self, case: Case) -> Finding:
        named = [*((name, 1) for name in self.higher), *((name, -1) for name in self.lower)]
        now = case.life[-1] if case.life else {}
        lacking = [name for name, _ in named if not now.get(name)]
        if not named or lacking:
            which = f"was not measured in both arms: {', '.join(lacking)}" if lacking else "is named in the policy"
            said = f"a hidden metric {which}" if lacking else f"no hidden metric {which}"
            return Finding(gate="hidden-metrics", passed=False, reason=printable(said))
        problems = [problem for name, sign in named for problem in self._problems(case, name, sign)]
        fine = ", ".join(f"{name} {fmean(now[name]):+.4g}" for name, _ in named)
        return Finding(gate="hidden-metrics", passed=not problems, reason=printable("; ".join(problems) or fine))

    def _problems(self, case: Case, name: str, sign: int) -> Iterator[str]:
        parts = [_mean(found[name], sign) for found in case.life if found.get(name)]
        gain, error = parts[-1]
        if gain < -self.errors * error:
            yield f"{name} got worse: {sign * gain:+.4g} (standard error {error:.2g})"
        total, spread = sum(part[0] for part in parts), math.sqrt(sum(part[1] ** 2 for part in parts))
        if len(parts) > 1 and total < -self.errors * spread:
            yield f"{name} got worse over {len(parts)} certificates: {sign * total:+.4g} (standard error {spread:.2g})"


def _mean(values: Sequence[float], sign: int) -> tuple[float, float]:
    """The mean gain and its standard error, which is infinite for a single pair that gained nothing to compare."""
    error = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.inf
    return sign * fmean(values), error

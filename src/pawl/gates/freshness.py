"""Were these files made by this training? Not the reference's, not an earlier run's, and not the same for any seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pawl import hostile
from pawl.protocols import Case
from pawl.records import Finding, Run

Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Freshness:
    """Refuses artifacts that other variants wrote already, and weights that differ between seeds by less than `share`
    of what the reference's do. `unpacked_mib` bounds what one artifact unpacks to."""

    share: float = 0.02
    unpacked_mib: int = 1024

    def judge(self, case: Case) -> Finding:
        try:
            reason = self._problem(case)
        except hostile.Refused as refusal:
            reason = str(refusal)
        fine = f"the artifacts of {len(case.head_runs)} runs are new, and differ as the seeds do"
        return Finding(gate="freshness", passed=not reason, reason=reason or fine)

    def _problem(self, case: Case) -> str:
        if not case.head_runs or not case.reference_runs or not case.artifacts:
            return "there are no artifacts of runs to look at"
        if len(case.head_runs) < 2:
            return "a single run does not say what a change of seed does"
        for run in case.head_runs:
            known = {case.earlier.get(artifact.digest, 0) for artifact in run.artifacts}
            if run.artifacts and 0 not in known:
                return f"seed {run.seed} left nothing but files that variant {min(known)} wrote on another seed"
        if _repeated(case.head_runs) and not _repeated(case.reference_runs):
            return "different seeds left the same files, and the reference's seeds do not"
        mine, theirs = (self._apart(files) for files in (case.artifacts, case.reference_artifacts))
        if theirs is None:
            return "" if mine is None else "the reference left no weights to compare with"
        if mine is None:
            return "the head left no weights that could be compared between seeds"
        if not mine >= self.share * theirs:
            return f"weights hardly depend on the seed: they differ by {mine:.2g}, the reference's by {theirs:.2g}"
        return ""

    def _apart(self, artifacts: Mapping[str, bytes]) -> float | None:
        """The median relative distance of one run's weights from the next one's; None with fewer than two runs."""
        runs = list(self._weights(artifacts))
        if len(runs) < 2:
            return None
        return float(np.median([_distance(first, second) for first, second in pairwise(runs)]))

    def _weights(self, artifacts: Mapping[str, bytes]) -> Iterator[dict[str, Weights]]:
        """The numbers that each run left, by file and array."""
        by_run: dict[str, dict[str, Weights]] = {}
        for name, content in artifacts.items():
            run, _, file = name.partition(":")
            if file.endswith(hostile.ARRAYS):
                found = hostile.arrays(file, content, self.unpacked_mib * 2**20)
                numbers = {key: array.astype(np.float64) for key, array in found.items() if array.dtype.kind in "iuf"}
                by_run.setdefault(run, {}).update({f"{file}:{key}": array for key, array in numbers.items()})
        return iter(by_run.values())


def _repeated(runs: Sequence[Run]) -> bool:
    """Whether two runs of different seeds left the same files."""
    left = {run.seed: tuple(sorted(artifact.digest for artifact in run.artifacts)) for run in runs if run.artifacts}
    return len(set(left.values())) < len(left)


def _distance(first: Mapping[str, Weights], second: Mapping[str, Weights]) -> float:
    """How far apart two runs' weights are beside their size, array by array, so that none drowns the others: the mean
    over all numbers. 1 where they are not of one shape."""
    if {key: value.shape for key, value in first.items()} != {key: value.shape for key, value in second.items()}:
        return 1.0
    parts = [(value.size, _relative(value, second[key])) for key, value in first.items()]
    return sum(size * apart for size, apart in parts) / max(sum(size for size, _ in parts), 1)


def _relative(first: Weights, second: Weights) -> float:
    """|a - b| / sqrt(|a|^2 + |b|^2): 0 for equal arrays, 1 for independent ones around zero."""
    with np.errstate(all="ignore"):
        size = float(np.square(first).sum() + np.square(second).sum())
        apart = float(np.square(first - second).sum())
    return float(np.sqrt(apart / size)) if size > 0 and np.isfinite(apart / size) else 0.0

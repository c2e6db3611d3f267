"""Is it affordable? Time, memory, CPU beside the reference, sizes of artifacts and of the patch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from pawl.protocols import Case
from pawl.records import Finding


@dataclass(frozen=True)
class Limits:
    """The most that any of the head's runs may take: seconds of wall clock, MiB of memory, MiB of artifacts; and
    lines in the patch. CPU is bounded by the policy's guard, as a ratio to the reference's."""

    wall_s: float = 3600.0
    memory_mib: float = 16384.0
    artifact_mib: float = 1024.0
    patch_lines: int = 1000

    def judge(self, case: Case) -> Finding:
        if not case.head_runs:
            return Finding(gate="limits", passed=False, reason="there is no run to look at")
        wall = max(run.usage.wall_s for run in case.head_runs)
        memory = max(run.usage.peak_bytes for run in case.head_runs) / 2**20
        size = max(sum(artifact.size for artifact in run.artifacts) for run in case.head_runs) / 2**20
        try:
            lines = sum(file.added + file.removed for file in PatchSet.from_string(case.patch))
        except UnidiffParseError as error:
            return Finding(gate="limits", passed=False, reason=f"the patch cannot be read: {error}")
        ratio = case.certificate.cpu_ratio
        over = list(self._over(wall, memory, size, lines))
        if ratio is None:
            over.append("CPU beside the reference is not known")
        elif ratio > case.cpu_ratio_limit:
            over.append(f"{ratio:.2f} times the reference's CPU, more than {case.cpu_ratio_limit:g}")
        fine = f"{wall:.1f} s, {memory:.0f} MiB, artifacts {size:.2f} MiB, {lines} lines changed"
        if over:
            return Finding(gate="limits", passed=False, reason="; ".join(over))
        return Finding(gate="limits", passed=True, reason=f"{fine}, {ratio:.2f} times the reference's CPU")

    def _over(self, wall: float, memory: float, size: float, lines: int) -> Iterator[str]:
        for name, value, most, unit in (
            ("wall time", wall, self.wall_s, "s"),
            ("memory", memory, self.memory_mib, "MiB"),
            ("artifacts", size, self.artifact_mib, "MiB"),
            ("patch", lines, self.patch_lines, "lines"),
        ):
            if value > most:
                yield f"{name} {value:.4g} {unit}, more than {most:g}"

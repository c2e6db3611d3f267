"""What of this machine can change a result: two runs are comparable only where all of it is the same.

In it: the processor's model and the instruction sets by which numeric libraries choose their code, how many processors
there are (thread pools are as wide), the C library (its mathematical functions), and, for a study that asks for them,
the graphics processors with their driver. Not in it: the kernel, the clock speed and the memory, which change how long
a run takes and not what it computes. Python and packages stand in the environment's digest.
"""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
CHOSEN_BY = ("sse4_2", "avx", "avx2", "fma", "avx512", "avx_vnni", "amx", "asimd", "sve", "bf16")
"""Beginnings of the instruction sets by which BLAS and its like choose their kernels."""


def described(gpu: bool) -> dict[str, str]:
    """This machine by what can change a result, in words; its graphics processors only if `gpu`."""
    found = dict(_processor())
    return {**found, "gpu": _graphics()} if gpu else found


@functools.lru_cache(maxsize=1)
def _processor() -> tuple[tuple[str, str], ...]:
    facts = _first_processor()
    model = facts.get("model name") or " ".join(
        f"{key} {facts[key]}" for key in ("CPU implementer", "CPU part") if key in facts
    )
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    chosen = sorted(flag for flag in flags if flag.startswith(CHOSEN_BY))
    return (
        ("machine", platform.machine() or "unknown"),
        ("cpu", model or platform.processor() or "unknown"),
        ("instructions", " ".join(chosen) or "unknown"),
        ("processors", str(os.cpu_count() or 0)),
        ("libc", " ".join(platform.libc_ver()).strip() or "unknown"),
    )


def _first_processor() -> dict[str, str]:
    """What the kernel says of the first processor."""
    try:
        first = CPUINFO.read_text().split("\n\n", 1)[0]
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}


def _graphics() -> str:
    """The graphics processors and their driver, as NVIDIA's own program tells; other makers' are not told apart."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return "none that nvidia-smi knows"
    asked = [program, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "nvidia-smi does not answer"
    return "; ".join(sorted(line.strip() for line in done.stdout.splitlines() if line.strip())) or "none"


def one_line(found: dict[str, str]) -> str:
    """For people: model, processors, C library, graphics; the rest is in `pawl show`."""
    if not found:
        return "not recorded"
    words = [found.get("cpu", "unknown"), f"{found.get('processors', '?')} processor(s)", found.get("libc", "")]
    return ", ".join([*filter(None, words), *([found["gpu"]] if "gpu" in found else [])])

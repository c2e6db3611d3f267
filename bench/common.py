"""What all benches share: where they ran, and how a result is written down."""

from __future__ import annotations

import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, object]:
    """The machine, in the words that matter for a timing."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "",
    )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return {
        "cpu": cpu, "cores": os.cpu_count(), "memory_gib": round(memory, 1), "system": platform.platform(),
        "python": platform.python_version(), "load_before": [round(load, 2) for load in os.getloadavg()],
    }  # fmt: skip


def spread(values: Sequence[float], digits: int = 4) -> dict[str, object]:
    """Median, quartiles, least and largest of some repetitions, and how many."""
    quartiles = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    rounded = [round(value, digits) for value in (*quartiles, min(values), max(values))]
    return dict(zip(("q1", "median", "q3", "min", "max"), rounded, strict=True)) | {"n": len(values)}


def write(name: str, figures: dict[str, object], before: dict[str, object], note: str = "") -> None:
    """`bench/results/NAME.json`: figures, command, machine, date, the commit that was measured."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    found = {
        "name": name, "figures": figures, "command": shlex.join(["python", *sys.argv]), "machine": before,
        "date": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit, "note": note,
    }  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder with a home of its own, gone afterwards; git knows who commits."""
    with tempfile.TemporaryDirectory(prefix="pawl-bench-") as name:
        os.environ["HOME"] = name
        os.environ.pop("XDG_CONFIG_HOME", None)
        (Path(name) / ".gitconfig").write_text("[user]\n\tname = Bench\n\temail = bench@localhost\n")
        yield Path(name)

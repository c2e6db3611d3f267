"""What does the sandbox cost? Starting `python -c pass` in it, beside a bare subprocess, turn by turn."""

from __future__ import annotations

import argparse
import subprocess
import threading
import time

from common import machine, scratch, spread, write

from pawl import environment
from pawl.config import EnvironmentTable
from pawl.protocols import Limits, Mount, Task
from pawl.sandboxes.bubblewrap import Bubblewrap, version

LIMITS = Limits(wall=30.0, cpu=30.0, memory=2**29, disk=2**22, log=2**20, processes=32, cpus=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=200)
    options = parser.parse_args()
    before = machine()
    with scratch() as folder:
        place = environment.build(folder, EnvironmentTable())
        study = environment.cache.folder("scratch") / "bench"
        study.mkdir(exist_ok=True)
        study.chmod(0o755)
        task = Task((place.python, "-c", "pass"), place, (Mount(study, "/study"),), {}, LIMITS)
        bare, sandboxed, sandbox = [], [], Bubblewrap()
        for _ in range(options.repetitions):
            start = time.perf_counter()
            subprocess.run([place.python, "-c", "pass"], capture_output=True, check=True)
            middle = time.perf_counter()
            done = sandbox.execute(task, threading.Event())
            assert done.outcome == "ok", done
            bare.append(1000 * (middle - start))
            sandboxed.append(1000 * (time.perf_counter() - middle))
    more = [b - a for a, b in zip(bare, sandboxed, strict=True)]
    figures = {
        "bare_ms": spread(bare, 1), "sandboxed_ms": spread(sandboxed, 1), "more_ms": spread(more, 1),
        "aim": "median of more_ms below 30", "bubblewrap": version(),
    }  # fmt: skip
    write("sandbox", figures, before, "paired: each repetition starts both, bare first")


if __name__ == "__main__":
    main()

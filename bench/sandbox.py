"""What does the sandbox cost? Starting `python -c pass` bare, in plain bubblewrap, and in Pawl's with everything on.

Turn by turn, so that each meets the same neighbours. Plain bubblewrap is every namespace and the same mounts, without
supervisor, limits, filter, control group and watcher.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from common import machine, scratch, spread, write

from pawl import environment
from pawl.config import EnvironmentTable
from pawl.protocols import Limits, Mount, Task
from pawl.sandboxes.bubblewrap import Bubblewrap, version

LIMITS = Limits(wall=30.0, cpu=30.0, memory=2**29, disk=2**22, log=2**20, processes=32, cpus=1)


def timed(action: Callable[[], None]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - start)


def plain(task: Task) -> list[str]:
    """bubblewrap with namespaces and mounts only."""
    mounts = [word for m in (*task.environment.mounts, *task.mounts) for word in ("--ro-bind", str(m.source), m.target)]
    flags = ["--unshare-all", "--die-with-parent", "--clearenv", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    return ["bwrap", *flags, *mounts, "--chdir", "/study", *task.argv]


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
        sandbox = Bubblewrap()

        def run(command: list[str]) -> None:
            subprocess.run(command, capture_output=True, check=True)

        def pawl() -> None:
            done = sandbox.execute(task, threading.Event())
            if done.outcome != "ok":
                sys.exit(f"the sandbox did not work: {done}")

        held = sandbox.execute(task, threading.Event()).isolation.held
        ways = {"bare": lambda: run(list(task.argv)), "plain": lambda: run(plain(task)), "pawl": pawl}
        times = [{name: timed(way) for name, way in ways.items()} for _ in range(options.repetitions)]
    figures = {
        **{f"{name}_ms": spread([turn[name] for turn in times], 1) for name in ways},
        "plain_more_ms": spread([turn["plain"] - turn["bare"] for turn in times], 1),
        "pawl_more_ms": spread([turn["pawl"] - turn["bare"] for turn in times], 1),
        "aim": "median of pawl_more_ms below 30", "bubblewrap": version(), "held": held,
    }  # fmt: skip
    write("sandbox", figures, before, "paired: each repetition starts all three, bare first")


if __name__ == "__main__":
    main()

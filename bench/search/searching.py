"""One search of one peer on one task."""

from __future__ import annotations

import json
import subprocess
import time
import zlib
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tasks

HERE = Path(__file__).resolve().parent
ROWS = HERE.parent / "rows"
ENVIRONMENTS = {"optuna": "optuna", "random": "optuna", "hebo": "hebo", "smac": "smac", "ax": "ax", "pawl": "pawl"}


class Peer:
    """A peer's process, in its own environment."""

    def __init__(self, name: str, environments: Path) -> None:
        python = environments / ENVIRONMENTS[name.partition("-")[0]] / "bin" / "python"
        self.process = subprocess.Popen(
            [python, HERE / "peers", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env={"OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin", "HOME": "/tmp"},
        )  # fmt: skip

    def ask(self, **request: object) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer ended with {self.process.wait()}: {request}")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def search(
    peer: Peer, task: tasks.Task, repeat: int, evaluations: int, told: Mapping[str, object] | None = None,
    seen: Any = None, given: bool = True,
) -> dict[str, object]:  # fmt: skip
    """One search. `regrets`: [evaluation, the incumbent's true regret from there on], where it changes. The peer is
    `told` more, if it can use that; what was run is added to `seen`. Without `given` it begins as it likes."""
    space = [[one.name, one.ordered, one.size] for one in task.dimensions]
    peer.ask(begin={"space": space, "seed": zlib.crc32(f"{task.name}/{repeat}".encode()), **(told or {})})
    used, seconds, regrets = defaultdict[tuple[int, ...], set[int]](set), [], list[tuple[int, float]]()
    initial, first = task.initial(repeat) if given else [], time.perf_counter()
    for evaluation, wanted in enumerate(task.seeds(repeat, evaluations), start=1):
        point = {"point": initial[evaluation - 1], "seconds": None} if evaluation <= len(initial) else None
        asked = point or peer.ask(ask=True)
        where = tuple(asked["point"])
        loss, seed = task.measure(where, wanted, used[where])
        used[where].add(seed)
        if seen is not None:
            seen.append([where, loss])
        heard = peer.ask(tell=[where, loss, seed])
        if asked["seconds"] is not None:
            seconds.append(asked["seconds"] + heard["seconds"])
        regret = float(f"{task.regrets[tuple(heard['best'])]:.4g}")
        if not regrets or regrets[-1][1] != regret:
            regrets.append((evaluation, regret))
    seconds.sort()
    return {
        "task": task.name, "repeat": repeat, "evaluations": evaluations, "regrets": regrets,
        "again": sum(len(seen) - 1 for seen in used.values()), "wall_s": round(time.perf_counter() - first, 1),
        "suggestion_s": float(f"{seconds[len(seconds) // 2]:.3g}"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip

"""What a process tree costs, sampled from /proc: the account where no cgroup can be had.

CPU is the larger of two: what was sampled of every process, and what living processes were charged for children that
they reaped. Children shorter than a sample whom nobody reaps, and memory that no process maps, are missed here.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Meter:
    """CPU seconds and resident bytes of all processes below `root`."""

    root: int
    own: dict[tuple[int, str], float] = field(default_factory=dict)
    cpu: float = 0.0
    high: int = 0

    def sample(self) -> tuple[float, int]:
        """(CPU seconds so far, bytes resident now)."""
        resident, reaped = 0, 0.0
        for pid in descendants(self.root):
            try:
                text = Path(f"/proc/{pid}/stat").read_text()
            except OSError:
                continue
            fields = text.rpartition(")")[2].split()
            spent = (int(fields[11]) + int(fields[12])) / TICK
            self.own[pid, fields[19]] = spent
            reaped += spent + (int(fields[13]) + int(fields[14])) / TICK
            resident += int(fields[21]) * PAGE
        self.high = max(self.high, resident)
        self.cpu = max(self.cpu, reaped, sum(self.own.values()))
        return self.cpu, resident

    def peak(self) -> int:
        """The most resident bytes of any sample."""
        return self.high

    def starved(self) -> bool:
        """Whether the kernel ended something for want of memory: it cannot be told from here."""
        return False

    def end(self) -> None:
        """Kill whatever was seen and still lives, known by its pid and the time it started."""
        for pid, started in self.own:
            try:
                if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19] == started:
                    os.kill(pid, signal.SIGKILL)
            except OSError:
                continue


def descendants(root: int) -> list[int]:
    """All living processes below `root`, itself included."""
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                queue += [int(child) for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split()]
        except OSError:
            continue
    return found

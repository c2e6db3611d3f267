"""A control group for one task: its memory and processes limited by the kernel, its CPU time counted exactly.

Version 2 where a folder of it is ours to use (root, or delegated), else version 1 (root), else none. What the task
writes to /tmp, /dev/shm and /out is memory too and counts. Version 1 has one folder per controller, version 2 one for
all; both are called `pawl-PID-STARTED-NUMBER` after the Pawl process that owns them, so that those of the dead can be
swept.
"""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pawl.protocols import Limits
from pawl.sandboxes import hierarchy

OWN_PROCESSES = 2
"""The supervisor and its thread, beside the task's."""
NEEDED = hierarchy.NEEDED
PERIOD = 100_000
"""Microseconds over which a share of CPUs is counted."""
PATIENCE = 2.0
"""Seconds for the processes of a group to end and for its folder to go: for a moment after a kill it is busy."""
numbers = itertools.count()


@dataclass(slots=True)
class Group:
    """The folders of a task, by controller. `high` is the most bytes seen, `capped` whether its CPUs are limited."""

    folders: Mapping[str, Path]
    unified: bool
    high: int = 0
    capped: bool = False

    @property
    def held(self) -> tuple[str, ...]:
        """The walls that it is."""
        words = {"memory": "memory cgroup", "pids": "process cgroup", "cpu": "cpu cgroup"}
        return tuple(
            word for controller, word in words.items()
            if controller in self.folders and (controller != "cpu" or self.capped)
        )  # fmt: skip

    def admit(self, pid: int) -> None:
        """Move a process in. Its children to be are born inside. Raises OSError."""
        for folder in dict.fromkeys(self.folders.values()):
            _write(folder / "cgroup.procs", pid)

    def limit(self, limits: Limits) -> None:
        """Set the limits. Raises OSError."""
        memory, share = self.folders.get("memory"), self.folders.get("cpu")
        if memory and self.unified:
            _write(memory / "memory.max", limits.memory)
            _try_to_write(memory / "memory.swap.max", 0)
            _try_to_write(memory / "memory.oom.group", 1)
        elif memory:
            _write(memory / "memory.limit_in_bytes", limits.memory)
            _try_to_write(memory / "memory.memsw.limit_in_bytes", limits.memory)
        if "pids" in self.folders:
            _write(self.folders["pids"] / "pids.max", limits.processes + OWN_PROCESSES)
        if share:  # refused where a group above has less; that one then holds
            quota = f"{limits.cpus * PERIOD} {PERIOD}" if self.unified else limits.cpus * PERIOD
            self.capped = _try_to_write(share / ("cpu.max" if self.unified else "cpu.cfs_quota_us"), quota)

    def sample(self) -> tuple[float, int]:
        """(CPU seconds so far, exactly; bytes held now that could not be had back without ending something)."""
        counted = self.folders.get("cpuacct")
        if counted and self.unified:
            cpu = hierarchy.table(counted / "cpu.stat").get("usage_usec", 0) / 1e6
        else:
            cpu = hierarchy.number(counted / "cpuacct.usage") / 1e9 if counted else 0.0
        held = 0
        if "memory" in self.folders:
            stat = hierarchy.table(self.folders["memory"] / "memory.stat")
            held = stat.get("shmem", 0) + stat.get("anon" if self.unified else "rss", 0)
            self.high = max(self.high, held)
        return cpu, held

    def peak(self) -> int:
        """The most bytes it held: the largest sample, or the kernel's own high mark less the file cache in it."""
        if "memory" not in self.folders:
            return self.high
        folder = self.folders["memory"]
        mark = hierarchy.number(folder / ("memory.peak" if self.unified else "memory.max_usage_in_bytes"))
        stat = hierarchy.table(folder / "memory.stat")
        return max(self.high, mark - stat.get("file" if self.unified else "cache", 0))

    def starved(self) -> bool:
        """Whether the kernel ended something in it for want of memory."""
        if "memory" not in self.folders:
            return False
        events = hierarchy.table(self.folders["memory"] / ("memory.events" if self.unified else "memory.oom_control"))
        return events.get("oom_kill", 0) > 0

    def end(self) -> None:
        """Kill all of it. New processes are forbidden first, so that nothing can outrun this."""
        if self.unified:
            folder = next(iter(self.folders.values()))
            _try_to_write(folder / "cgroup.kill", 1)
        if "pids" in self.folders:
            _try_to_write(self.folders["pids"] / "pids.max", 0)
        until = time.monotonic() + PATIENCE
        while (members := set(self._members())) and time.monotonic() < until:
            for pid in members:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.001)

    def remove(self) -> None:
        """Take the folders away, once nothing is left in them; what stays busy is left to a later sweep."""
        until = time.monotonic() + PATIENCE
        for folder in dict.fromkeys(self.folders.values()):
            while folder.exists():
                try:
                    folder.rmdir()
                except OSError:
                    if time.monotonic() > until:
                        break
                    time.sleep(0.001)

    def _members(self) -> Iterator[int]:
        """Processes in it, zombies aside. 0 is one that cannot be seen from here, and is not ours to end."""
        for folder in dict.fromkeys(self.folders.values()):
            try:
                yield from (pid for pid in map(int, (folder / "cgroup.procs").read_text().split()) if pid > 0)
            except OSError:
                continue


def make(limits: Limits) -> Group | None:
    """A new group with these limits; None where no hierarchy is ours to use."""
    found = hierarchy.parents()
    if not found.folders:
        return None
    name = f"{hierarchy.mine_name()}-{next(numbers)}"
    group = Group({controller: parent / name for controller, parent in found.folders.items()}, found.unified)
    try:
        for folder in dict.fromkeys(group.folders.values()):
            folder.mkdir()
        group.limit(limits)
    except OSError:
        group.remove()
        return None
    return group


def of(pid: int, limits: Limits) -> Group | None:
    """The group that somebody else put a process into, if all these limits are really set on it."""
    found = hierarchy.at(pid)
    if not NEEDED <= found.folders.keys():
        return None
    memory, processes = found.folders["memory"], found.folders["pids"]
    name = "memory.max" if found.unified else "memory.limit_in_bytes"
    if not 0 < hierarchy.number(memory / name) <= limits.memory or not hierarchy.number(processes / "pids.max"):
        return None
    return Group(found.folders, found.unified, capped=hierarchy.quota(found) == limits.cpus)


def _write(path: Path, value: int | str) -> None:
    path.write_text(str(value))


def _try_to_write(path: Path, value: int | str) -> bool:
    try:
        _write(path, value)
    except OSError:
        return False
    return True

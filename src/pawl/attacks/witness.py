"""What the host sees of an attack's processes while it runs: rights, tracing, open files, mounts, and who stays.

A process belongs to the attack if its command line holds the mark. Sandboxes that hide their processes from the host
(a virtual machine) show nothing here; then the canaries and the attack's own claims have to tell.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

POLL = 0.04
GONE_WITHIN = 3.0
"""Seconds for the kernel to clear away what was killed."""
FORBIDDEN = re.compile(
    r"userfaultfd|io_uring|perf_event|bpf-|^/proc/(sys|kcore|kmsg|sysrq)|^/sys/|^/dev/(?!null|zero|full|u?random|shm|pts|tty$)"
)
REAL_TIME = (os.SCHED_FIFO, os.SCHED_RR)


@dataclass(slots=True)
class Witness:
    """`seen` is what should not have been there; `most` the largest number of the attack's processes at once;
    `spaces` their user namespaces, of which each of `runs` has one."""

    mark: str
    victim: int
    seen: set[str] = field(default_factory=set)
    most: int = 0
    runs: int = 1
    spaces: set[str] = field(default_factory=set)

    def look(self) -> None:
        found = [pid for pid in marked(self.mark) if _is_attack(pid)]
        self.most = max(self.most, len(found))
        if _tracer(self.victim):
            self.seen.add("it traced a process of the host")
        for pid in found:
            try:
                self.seen.update(_oddities(pid, self.mark))
                self.spaces.add(os.readlink(f"/proc/{pid}/ns/user"))
            except OSError:
                continue  # it has ended

    def signs(self) -> Iterator[str]:
        """What was seen, and who is left. Ends whatever is left."""
        yield from sorted(self.seen)
        if len(self.spaces) > self.runs:
            yield "it made a user namespace"
        if left := _left(self.mark):
            yield f"{len(left)} processes outlived the run"
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    continue


@contextmanager
def witness(mark: str, victim: int, runs: int) -> Iterator[Witness]:
    """Watch the processes that carry a mark, and the one that they should leave alone, until the block ends."""
    found, ended = Witness(mark, victim, runs=runs), threading.Event()

    def watch() -> None:
        while not ended.wait(POLL):
            found.look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def marked(mark: str) -> list[int]:
    """The living processes of this machine whose command line holds a mark."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in line and int(pid) != os.getpid():
            found.append(int(pid))
    return found


def _is_attack(pid: int) -> bool:
    """Whether it is the attack itself or its offspring, and not a launcher, which carries the mark as well."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return len(words) > 1 and words[1] == b"train.py"


def _left(mark: str) -> list[int]:
    end = time.monotonic() + GONE_WITHIN
    while (found := marked(mark)) and time.monotonic() < end:
        time.sleep(POLL)
    return found


def _oddities(pid: int, mark: str) -> Iterator[str]:
    """What an attack's process has that it should not have."""
    status = _status(pid)
    if "0" in status["Uid"].split()[:2]:
        yield "it ran as root of the host"
    if int(status["CapEff"], 16):
        yield "it held capabilities"
    if _tracer(pid):
        yield "it traced a process"
    if int(Path(f"/proc/{pid}/oom_score_adj").read_text()) < 0:
        yield "it is spared when memory runs out"
    own = os.getpriority(os.PRIO_PROCESS, 0)
    if os.getpriority(os.PRIO_PROCESS, pid) < own or os.sched_getscheduler(pid) in REAL_TIME:
        yield "it raised its own priority"
    if mark in Path(f"/proc/{pid}/mountinfo").read_text():
        yield "it mounted something"
    yield from _open_files(pid)


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def _tracer(pid: int) -> int:
    try:
        return int(_status(pid)["TracerPid"])
    except OSError:
        return 0  # it has ended


def _open_files(pid: int) -> Iterator[str]:
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{number}")
        except OSError:
            continue
        if FORBIDDEN.search(target):
            yield f"it held {target} open"

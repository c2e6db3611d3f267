"""Watching an untrusted process tree from outside: its output, its clock, its memory; and ending it.

CPU is the largest of three accounts: what was sampled of every process, what living processes were charged for
children that they reaped, and what the supervisor inside reports. Only the last is exact for short runs, and it could
be tampered with; but it can only raise the bill.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from pawl.errors import Interrupted
from pawl.protocols import Limits
from pawl.records import Outcome, Usage

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
POLL = 0.1
Caps = dict[int, tuple[bytearray, int]]
"""What was read from a descriptor, and the most that is kept of it."""
LINGER = 1.0
"""Seconds that a pipe may stay open after the first process ended: in a sandbox all the others end with it."""
STREAM_SLACK = 2**20
"""What the stream of outputs may add to the bytes of the files in it: names and headers."""


@dataclass(slots=True)
class Watched:
    """What came of the tree: bytes it printed and handed out, its exit code, why it was ended, what it cost."""

    log: bytearray = field(default_factory=bytearray)
    channel: bytearray = field(default_factory=bytearray)
    ended: tuple[Outcome, str] | None = None
    code: int = 0
    usage: Usage = field(default_factory=lambda: Usage(wall_s=0.0, cpu_s=0.0, peak_bytes=0))


@dataclass(slots=True)
class Meter:
    """CPU seconds and resident bytes of a tree, sampled."""

    root: int
    own: dict[tuple[int, str], float] = field(default_factory=dict)
    cpu: float = 0.0
    peak: int = 0

    def sample(self) -> tuple[float, int]:
        """(CPU seconds so far, bytes resident now) of all processes below `root`."""
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
        self.peak = max(self.peak, resident)
        self.cpu = max(self.cpu, reaped, sum(self.own.values()))
        return self.cpu, resident

    def end_all(self) -> None:
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


def watch(process: subprocess.Popen[bytes], channel: int, limits: Limits, stop: threading.Event) -> Watched:
    """Read both pipes and the meter until the tree is gone; kill it at its limits. Raises Interrupted on `stop`."""
    result, meter, started = Watched(), Meter(process.pid), time.monotonic()
    assert process.stdout is not None
    log = process.stdout.fileno()
    caps = {log: (result.log, limits.log), channel: (result.channel, limits.disk + STREAM_SLACK)}
    for descriptor in caps:
        os.set_blocking(descriptor, False)  # a task may read its own output back, and leave nothing for us
    pidfd, last = os.pidfd_open(process.pid), float("inf")
    try:
        with selectors.DefaultSelector() as selector:
            for descriptor in (log, channel, pidfd):
                selector.register(descriptor, selectors.EVENT_READ)
            alive, next_sample = True, started
            while (alive or len(selector.get_map()) > 0) and time.monotonic() < last:
                for key, _ in selector.select(POLL):
                    if key.fd == pidfd:
                        alive, last = False, time.monotonic() + LINGER
                        selector.unregister(pidfd)
                    elif not _drain(key.fd, *caps[key.fd]):
                        selector.unregister(key.fd)
                now = time.monotonic()
                if alive and now >= next_sample:
                    next_sample = now + POLL
                    result.ended = result.ended or _over(meter, caps, log, limits, now - started)
                    if result.ended or stop.is_set():
                        os.kill(process.pid, signal.SIGKILL)  # Popen.kill would reap it, and the bill with it
    finally:
        os.close(pidfd)
        os.kill(process.pid, signal.SIGKILL)
        meter.end_all()
    result.ended = result.ended or _flooded(caps, log, limits)
    _, status, spent = os.wait4(process.pid, 0)
    process.returncode = result.code = os.waitstatus_to_exitcode(status)
    if stop.is_set():
        raise Interrupted("stopped by Ctrl-C; all finished work is kept", "pawl run   (goes on where it stopped)")
    cpu = max(meter.cpu, spent.ru_utime + spent.ru_stime)
    result.usage = Usage(wall_s=time.monotonic() - started, cpu_s=cpu, peak_bytes=meter.peak)
    return result


def _drain(descriptor: int, kept: bytearray, cap: int) -> bool:
    """Read what is there, keep no more than the cap and one byte; False at the end."""
    try:
        chunk = os.read(descriptor, 2**16)
    except BlockingIOError:
        return True
    if len(kept) <= cap:
        kept += chunk[: cap + 1 - len(kept)]
    return bool(chunk)


def _over(meter: Meter, caps: Caps, log: int, limits: Limits, wall: float) -> tuple[Outcome, str] | None:
    """Which limit the tree has crossed, if any."""
    cpu, resident = meter.sample()
    if wall > limits.wall:
        return "timed-out", f"it ran longer than {limits.wall:g} s"
    if cpu > limits.cpu:
        return "timed-out", f"it used more than {limits.cpu:g} s of CPU"
    if resident > limits.memory:
        return "out-of-memory", f"it held {resident / 2**20:.0f} MiB, more than {limits.memory / 2**20:.0f} MiB"
    return _flooded(caps, log, limits)


def _flooded(caps: Caps, log: int, limits: Limits) -> tuple[Outcome, str] | None:
    """Which pipe carried more than it may, if any."""
    for descriptor, (kept, cap) in caps.items():
        if len(kept) > cap:
            if descriptor == log:
                return "output-flood", f"it printed more than {cap / 2**20:g} MiB"
            return "disk-full", f"it wrote more than {limits.disk / 2**20:g} MiB"
    return None


def classify(code: int, log: bytes) -> tuple[Outcome, str]:
    """The outcome that an exit code and the end of the log tell of."""
    if code == 0:
        return "ok", ""
    end = log[-4096:]
    if b"MemoryError" in end or b"not enough memory" in end or b"Cannot allocate memory" in end:
        return "out-of-memory", "it asked for more memory than it may have"
    if b"No space left on device" in end or b"File too large" in end or code == 128 + signal.SIGXFSZ:
        return "disk-full", "it wrote more than it may"
    if code == 128 + signal.SIGXCPU:
        return "timed-out", "it used more CPU than it may"
    named = f"signal {signal.Signals(code - 128).name}" if code - 128 in list(signal.Signals) else f"exit code {code}"
    lines = [line for line in end.decode(errors="replace").splitlines() if line.strip()]
    return "crashed", f"{named}: {lines[-1].strip()[:200]}" if lines else named

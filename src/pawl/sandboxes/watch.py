"""Watching an untrusted process tree from outside: its output, its clock, its memory; and ending it."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from pawl.errors import Interrupted
from pawl.protocols import Limits
from pawl.records import Outcome, Usage

POLL = 0.1
Caps = dict[int, tuple[bytearray, int]]
"""What was read from a descriptor, and the most that is kept of it."""
LINGER = 1.0
"""Seconds that a pipe may stay open after the first process ended: in a sandbox all the others end with it."""
STREAM_SLACK = 2**20
"""What the stream of outputs may add to the bytes of the files in it: names and headers."""
STARVED: tuple[Outcome, str] = ("out-of-memory", "it needed more memory than it may have")


class Tree(Protocol):
    """The account of a process tree: a cgroup's, or a sampled one."""

    def sample(self) -> tuple[float, int]:
        """(CPU seconds so far, bytes held now)."""
        ...

    def peak(self) -> int:
        """The most bytes that it held at once, as far as it is known."""
        ...

    def starved(self) -> bool:
        """Whether the kernel ended something in it for want of memory."""
        ...

    def end(self) -> None:
        """Kill all of it."""
        ...


@dataclass(slots=True)
class Watched:
    """What came of the tree: bytes it printed and handed out, its exit code, why it was ended, what it cost."""

    log: bytearray = field(default_factory=bytearray)
    channel: bytearray = field(default_factory=bytearray)
    ended: tuple[Outcome, str] | None = None
    code: int = 0
    usage: Usage = field(default_factory=lambda: Usage(wall_s=0.0, cpu_s=0.0, peak_bytes=0))


def watch(process: subprocess.Popen[bytes], channel: int, limits: Limits, stop: threading.Event, tree: Tree) -> Watched:
    """Read both pipes and the account until the tree is gone; kill it at its limits. Raises Interrupted on `stop`."""
    result, started = Watched(), time.monotonic()
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
                    if key.fd != log and tree.starved():  # asked before an engine clears the account away
                        result.ended = result.ended or STARVED
                now = time.monotonic()
                if alive and now >= next_sample:
                    next_sample = now + POLL
                    result.ended = result.ended or _over(tree, caps, log, limits, now - started)
                    if result.ended or stop.is_set():
                        _end(process, tree)
    finally:
        os.close(pidfd)
        _end(process, tree)
    result.ended = result.ended or (STARVED if tree.starved() else _flooded(caps, log, limits))
    _bill(result, process, tree, time.monotonic() - started)
    if stop.is_set():
        raise Interrupted("stopped by Ctrl-C; all finished work is kept", "pawl run   (goes on where it stopped)")
    return result


def _end(process: subprocess.Popen[bytes], tree: Tree) -> None:
    os.kill(process.pid, signal.SIGKILL)  # Popen.kill would reap it, and the bill with it
    tree.end()


def _bill(result: Watched, process: subprocess.Popen[bytes], tree: Tree, wall: float) -> None:
    """Reap the first process, and write down its exit code and what the whole tree cost."""
    _, status, spent = os.wait4(process.pid, 0)
    process.returncode = result.code = os.waitstatus_to_exitcode(status)
    cpu = max(tree.sample()[0], spent.ru_utime + spent.ru_stime)
    result.usage = Usage(wall_s=wall, cpu_s=cpu, peak_bytes=tree.peak())


def _drain(descriptor: int, kept: bytearray, cap: int) -> bool:
    """Read what is there, keep no more than the cap and one byte; False at the end."""
    try:
        chunk = os.read(descriptor, 2**16)
    except BlockingIOError:
        return True
    if len(kept) <= cap:
        kept += chunk[: cap + 1 - len(kept)]
    return bool(chunk)


def _over(tree: Tree, caps: Caps, log: int, limits: Limits, wall: float) -> tuple[Outcome, str] | None:
    """Which limit the tree has crossed, if any."""
    cpu, held = tree.sample()
    if tree.starved():
        return STARVED
    if held > limits.memory:
        return "out-of-memory", f"it held {held / 2**20:.0f} MiB, more than {limits.memory / 2**20:.0f} MiB"
    if wall > limits.wall:
        return "timed-out", f"it ran longer than {limits.wall:g} s"
    if cpu > limits.cpu:
        return "timed-out", f"it used more than {limits.cpu:g} s of CPU"
    return _flooded(caps, log, limits)


def _flooded(caps: Caps, log: int, limits: Limits) -> tuple[Outcome, str] | None:
    """Which pipe carried more than it may, if any."""
    for descriptor, (kept, cap) in caps.items():
        if len(kept) > cap:
            if descriptor == log:
                return "output-flood", f"it printed more than {cap / 2**20:g} MiB"
            return "disk-full", f"it wrote more than {limits.disk / 2**20:g} MiB"
    return None

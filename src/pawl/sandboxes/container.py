"""A container as the sandbox: podman or docker, with gVisor or another runtime if one is named.

The same supervisor runs in it as the first process, with the study's own environment mounted read-only into an image
that holds nothing at all (made here, from an empty archive: no registry is asked). Its errors are the channel for
outputs, so the task's own go where it prints. Whoever started it holds its standard input; it ends with that.
"""

from __future__ import annotations

import csv
import io
import itertools
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Literal

from pawl import cache
from pawl.errors import SandboxError
from pawl.protocols import Execution, Mount, Task
from pawl.records import Isolation
from pawl.sandboxes import cgroups, devices, hierarchy, inside, walls
from pawl.sandboxes.engine import IMAGE, Engine, Running, find, place
from pawl.sandboxes.meter import Meter
from pawl.sandboxes.outcome import conclude
from pawl.sandboxes.outputs import OutputsRefused, unpack
from pawl.sandboxes.supervised import INSIDE, supervised, supervisor
from pawl.sandboxes.watch import STARVED, Watched, watch

CHANNEL = 2
BY_ENGINE = ("read-only minimal root", "sized tmpfs", "empty environment", "resource limits")
"""What the engine and the supervisor do or else do not start the task at all."""
BEAT = 0.1
numbers = itertools.count()


@dataclass(frozen=True)
class Container:
    """`engine`: "podman", "docker", or "" for the first that answers. `runtime` is another OCI runtime, such as "runsc"
    (gVisor); `runtime_flags` are words for it (podman only). `tmp` is the size in bytes of /tmp and of /dev/shm.
    `cgroup`: whether a task is refused where the limits on memory and processes cannot be seen to be set."""

    engine: Literal["", "podman", "docker"] = ""
    runtime: str = ""
    runtime_flags: str = ""
    tmp: int = 256 * 2**20
    cgroup: Literal["required", "if-available"] = "required"

    def execute(self, task: Task, stop: threading.Event) -> Execution:
        engine = find(self.engine)
        running = Running(engine, f"{hierarchy.mine_name()}-{next(numbers)}")
        with ExitStack() as stack:
            stack.callback(running.remove)
            process = stack.enter_context(_start(self.command(engine, task, running.name)))
            assert process.stderr is not None
            if pid := _first_process(process, running, task.limits.wall, stop):
                running.account = cgroups.of(pid, task.limits) or Meter(pid)
                if not running.held and self.cgroup == "required":
                    process.kill()
                    raise SandboxError(
                        f"{engine.name} runs a container, but its limits are not to be seen from here",
                        'cgroup = "if-available"   (in [sandbox]; the record then does not claim them)',
                    )
                _go(process)
            watched = watch(process, process.stderr.fileno(), task.limits, stop, running)
            if watched.ended is None and (engine.starved(running.name) or self._killed_from_outside(task, watched)):
                watched.ended = STARVED
        return self._conclude(task, watched, running)

    def command(self, engine: Engine, task: Task, name: str) -> list[str]:
        """The whole command line."""
        podman, runtime = engine.name == "podman", ["--runtime", self.runtime] if self.runtime else []
        flags = [word for flag in self.runtime_flags.split() for word in ("--runtime-flag", flag)]
        before = [*runtime, *flags] if podman else []
        after = ["--read-only-tmpfs=false", "--http-proxy=false"] if podman else runtime
        line = [engine.path, *before, "run", *after, "--name", name, "--label", place(), *self._walls(task), IMAGE]
        kept = task.limits.processes if self.cgroup == "if-available" else 0  # else it counts neighbours' too
        return [*line, *supervised(replace(task, limits=replace(task.limits, processes=kept)), CHANNEL)]

    def _walls(self, task: Task) -> Iterator[str]:
        limits = task.limits
        yield from ("--interactive", "--pull", "never", "--log-driver", "none", "--network", "none", "--read-only")
        yield from ("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--security-opt", "label=disable")
        yield from ("--user", f"{cache.SANDBOX_USER}:{cache.SANDBOX_USER}", "--hostname", "pawl", "--ipc", "private")
        yield from ("--memory", str(limits.memory), "--memory-swap", str(limits.memory), "--cpus", str(limits.cpus))
        yield from ("--pids-limit", str(limits.processes + cgroups.OWN_PROCESSES), "--shm-size", str(self.tmp))
        for kind, most in (("nofile", 1024), ("core", 0), ("nproc", 4096)):  # else an engine tries to raise its own
            yield from ("--ulimit", f"{kind}={most}:{most}")
        for device in devices.graphics() if task.gpu else ():
            yield from ("--device", str(device))
        for mount in (*task.environment.mounts, *task.mounts, Mount(supervisor(), INSIDE)):
            yield from ("--mount", _mounted(mount))
        for path in task.environment.masks:
            yield from ("--tmpfs", f"{path}:ro,size=4096,mode=755")
        for path, size in (("/tmp", self.tmp), ("/out", limits.disk)):
            yield from ("--tmpfs", f"{path}:rw,nosuid,nodev,exec,size={size},mode=1777")
        yield from ("--workdir", "/study")

    def _killed_from_outside(self, task: Task, watched: Watched) -> bool:
        """Whether the first process was killed before it had handed everything out. Nothing in the container can do
        that; the kernel does for want of memory, and engines do not always pass on that it did."""
        if watched.code != 128 + signal.SIGKILL:
            return False
        _, stream = _parts(watched)
        try:
            unpack(stream, task.limits.disk)
        except OutputsRefused:
            return True
        return False

    def _conclude(self, task: Task, watched: Watched, running: Running) -> Execution:
        """What is recorded. Raises SandboxError if the container was not set up."""
        engine, (status, stream) = running.engine, _parts(watched)
        if watched.ended is None and not status:
            words = bytes(watched.channel).decode(errors="replace").strip()[-300:]
            raise SandboxError(f"{engine.name} starts no container: {words}", f"{engine.name} info")
        held = walls.seen(status) + running.held + (BY_ENGINE if status else ())
        version = " ".join([engine.name, engine.version, *([self.runtime] if self.runtime else [])])
        isolation = Isolation(sandbox="container", version=version, safe=True, held=held)
        return conclude(task, watched, stream, isolation, exact=False)


def _parts(watched: Watched) -> tuple[dict[str, str], bytes]:
    """What the supervisor said of the walls, and the stream of outputs; an engine's own words may come before."""
    said = bytes(watched.channel)
    return walls.split(said[max(0, said.find(b"walls ")) :])


def _mounted(mount: Mount) -> str:
    """A read-only mount in an engine's words, which are a line of comma-separated values."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(
        ["type=bind", f"source={mount.source}", f"target={mount.target}", "readonly"]
    )
    return line.getvalue()


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        cwd=cache.private("scratch"),  # engines leave files where they are started
    )  # fmt: skip


def _first_process(process: subprocess.Popen[bytes], running: Running, wall: float, stop: threading.Event) -> int:
    """Wait until the supervisor speaks; its number on this machine. 0 if that will not be: what came instead is read
    by whoever watches."""
    assert process.stderr is not None
    until = time.monotonic() + wall
    while time.monotonic() < until and not stop.is_set():
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return 0
        ready, _, _ = select.select([process.stderr], [], [], BEAT)
        if ready and (pid := running.engine.first_process(running.name)):
            return pid
    return 0


def _go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(inside.GO)
        process.stdin.flush()
    except BrokenPipeError:
        pass  # it has ended, and whoever watches sees why

"""The default sandbox: bubblewrap, always started from an unprivileged user.

Started by root it would map the inner user to the host's root, and /proc/sys stays writable; so when Pawl runs as
root it becomes `nobody` first. Namespaces for users, mounts, processes, network, IPC, host name; no further user
namespaces; a root folder of tmpfs, read-only, with the study's environment in it and nothing else of the host; a
filter on system calls; and, where the machine lets us, a control group.
"""

from __future__ import annotations

import functools
import io
import os
import re
import select
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

from pawl import cache
from pawl.errors import SandboxError
from pawl.protocols import Execution, Task
from pawl.records import Isolation
from pawl.sandboxes import cgroups, devices, inside, seccomp, walls
from pawl.sandboxes.meter import Meter
from pawl.sandboxes.outcome import conclude
from pawl.sandboxes.supervised import INSIDE, supervised, supervisor
from pawl.sandboxes.watch import Watched, watch

FIX = "pawl doctor"
BY_BUBBLEWRAP = ("no nested user namespaces", "read-only minimal root", "sized tmpfs", "empty environment")
"""What bubblewrap does or else does not start the supervisor at all."""
BY_SUPERVISOR = ("resource limits",)
"""What the supervisor does or else does not start the task at all."""
FIRST_PROCESS = re.compile(rb'"child-pid": (\d+)')
PATIENCE = 10.0
"""Seconds for bubblewrap to name its first process."""


@dataclass(frozen=True)
class Bubblewrap:
    """`tmp` is the size in bytes of /tmp and of /dev/shm inside. `seccomp` and `cgroup` say whether a task is refused
    where system calls cannot be filtered, and where no control group can be had; what did not hold is not recorded."""

    tmp: int = 256 * 2**20
    seccomp: Literal["required", "if-available"] = "required"
    cgroup: Literal["required", "if-available"] = "if-available"

    def execute(self, task: Task, stop: threading.Event) -> Execution:
        with ExitStack() as stack:
            group = self._group(task)
            if group:
                stack.callback(group.remove)
            (channel, channel_in), (status, status_in) = _pipe(stack), _pipe(stack)
            filtered = self._filter(task, stack)
            command = self.command(task, channel_in.fileno(), status_in.fileno(), filtered)
            passed = [channel_in.fileno(), status_in.fileno(), *([] if filtered is None else [filtered])]
            process = stack.enter_context(_start(command, passed))
            channel_in.close()
            status_in.close()
            told = _begin(process, status, group)
            watched = watch(process, channel.fileno(), task.limits, stop, group or Meter(process.pid))
            os.set_blocking(status.fileno(), False)
            set_up = b'"exit-code"' in told + (status.read(2**16) or b"")
        return self._conclude(task, watched, set_up, group)

    def command(self, task: Task, channel: int, status: int, filtered: int | None) -> list[str]:
        """The whole command line. The numbers are descriptors: outputs, bubblewrap's status, the filter."""
        flags = ["--json-status-fd", str(status), *([] if filtered is None else ["--seccomp", str(filtered)])]
        return [*_unprivileged(), _bwrap(), *flags, *self._walls(task), "--", *supervised(task, channel)]

    def _walls(self, task: Task) -> Iterator[str]:
        yield from ["--unshare-user", "--unshare-all", "--disable-userns", "--die-with-parent", "--new-session"]
        yield from ("--as-pid-1", "--uid", str(cache.SANDBOX_USER), "--gid", str(cache.SANDBOX_USER))
        yield from ("--cap-drop", "ALL", "--hostname", "pawl", "--clearenv", "--proc", "/proc", "--dev", "/dev")
        for device in devices.graphics() if task.gpu else ():
            yield from ("--dev-bind", str(device), str(device))
        for mount in (*task.environment.mounts, *task.mounts):
            yield from ("--ro-bind", str(mount.source), mount.target)
        yield from ("--ro-bind", str(supervisor()), INSIDE)
        for path in task.environment.masks:
            yield from ("--size", "4096", "--tmpfs", path, "--remount-ro", path)
        for path, size in (("/tmp", self.tmp), ("/dev/shm", self.tmp), ("/out", task.limits.disk)):
            yield from ("--perms", "1777", "--size", str(size), "--tmpfs", path)
        yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/study")

    def _group(self, task: Task) -> cgroups.Group | None:
        group = cgroups.make(task.limits)
        if group is None and self.cgroup == "required":
            raise SandboxError(
                "no control group can be made here, and this study's sandbox requires one",
                "systemd-run --user --scope -p Delegate=yes pawl run   (or: run as root)",
            )
        return group

    def _filter(self, task: Task, stack: ExitStack) -> int | None:
        """A descriptor that the filter can be read from; None where there is none and none is required."""
        try:
            program = seccomp.program(task.gpu)
        except SandboxError:
            if self.seccomp == "required":
                raise
            return None
        read, write = _pipe(stack)
        write.write(program)
        write.close()
        return read.fileno()

    def _conclude(self, task: Task, watched: Watched, set_up: bool, group: cgroups.Group | None) -> Execution:
        """What is recorded. Raises SandboxError if the sandbox was not set up, or without its filter."""
        status, stream = walls.split(bytes(watched.channel))
        if watched.ended is None and not (set_up and status):
            words = bytes(watched.log).decode(errors="replace").strip()[-300:]
            raise SandboxError(f"the sandbox cannot be set up: {words}", FIX)
        held = walls.seen(status) + (group.held if group else ())
        if status and self.seccomp == "required" and "seccomp filter" not in held:
            raise SandboxError("the kernel took no filter of system calls", 'seccomp = "if-available"   (in [sandbox])')
        if status:
            held += BY_BUBBLEWRAP + BY_SUPERVISOR
        isolation = Isolation(sandbox="bubblewrap", version=version(), safe=True, held=held)
        return conclude(task, watched, stream, isolation, exact=group is not None)


def _pipe(stack: ExitStack) -> tuple[io.FileIO, io.FileIO]:
    """Both ends of a pipe, closed at the end at the latest."""
    read, write = os.pipe()
    return stack.enter_context(io.FileIO(read, "r")), stack.enter_context(io.FileIO(write, "w"))


def _start(command: list[str], passed: list[int]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", env={},
            pass_fds=passed, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise SandboxError(f"bubblewrap cannot be started: {error}", FIX) from error


def _begin(process: subprocess.Popen[bytes], status: io.FileIO, group: cgroups.Group | None) -> bytes:
    """Put the first process inside into its group while it starts, then let it start the task; what bubblewrap told
    so far. Nothing more, if it has ended by now. Raises SandboxError."""
    assert process.stdin is not None
    told = b""
    while not (found := FIRST_PROCESS.search(told)):
        ready, _, _ = select.select([status], [], [], PATIENCE)
        if not ready or not (more := status.read(2**16)):
            return told
        told += more
    try:
        if group:
            group.admit(int(found[1]))
        process.stdin.write(inside.GO)
        process.stdin.flush()
    except (ProcessLookupError, BrokenPipeError):
        return told
    except OSError as error:
        process.kill()
        raise SandboxError(f"the sandbox cannot be put into its control group: {error}", FIX) from error
    return told


@functools.cache
def _unprivileged() -> tuple[str, ...]:
    """How root becomes `nobody` first. By another program, because Popen's own `user` makes it copy this process."""
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin:/usr/sbin:/sbin")
    if setpriv is None:
        raise SandboxError(
            "setpriv is not installed, and bubblewrap is never started as root", "apt install util-linux"
        )
    return (setpriv, f"--reuid={cache.SANDBOX_USER}", f"--regid={cache.SANDBOX_USER}", "--clear-groups", "--")


def _bwrap() -> str:
    found = shutil.which("bwrap", path=os.environ.get("PATH", "") + ":/usr/bin:/usr/local/bin")
    if found is None:
        raise SandboxError("bubblewrap is not installed, and without it no code is run", "apt install bubblewrap")
    return found


@functools.cache
def version() -> str:
    done = subprocess.run([_bwrap(), "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip().removeprefix("bubblewrap ")

"""The default sandbox: bubblewrap, always started from an unprivileged user.

Started by root it would map the inner user to the host's root, and /proc/sys stays writable; so when Pawl runs as
root it becomes `nobody` first. Namespaces for users, mounts, processes, network, IPC, host name; no further user
namespaces; a root folder of tmpfs, read-only, with the study's environment in it and nothing else of the host.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pawl import cache
from pawl.errors import SandboxError
from pawl.protocols import Execution, Task
from pawl.records import Isolation
from pawl.sandboxes import inside
from pawl.sandboxes.outputs import OutputsRefused, unpack
from pawl.sandboxes.watch import Watched, classify, watch

FIX = "pawl doctor"
INSIDE = "/pawl/inside.py"
HELD = (
    "unprivileged user", "user namespace", "no nested user namespaces", "mount namespace", "read-only minimal root",
    "process namespace", "no network", "ipc namespace", "sized tmpfs", "resource limits", "empty environment",
)  # fmt: skip


@dataclass(frozen=True)
class Bubblewrap:
    """`tmp` is the size in bytes of /tmp and of /dev/shm inside."""

    tmp: int = 256 * 2**20

    def execute(self, task: Task, stop: threading.Event) -> Execution:
        channel, status = os.pipe(), os.pipe()
        try:
            process = self._start(task, channel[1], status[1])
        except OSError as error:
            os.close(channel[0])
            os.close(status[0])
            raise SandboxError(f"bubblewrap cannot be started: {error}", FIX) from error
        finally:
            os.close(channel[1])
            os.close(status[1])
        try:
            watched = watch(process, channel[0], task.limits, stop)
            os.set_blocking(status[0], False)
            set_up = b'"exit-code"' in os.read(status[0], 2**16)
        finally:
            os.close(channel[0])
            os.close(status[0])
        if watched.ended is None and not set_up:
            words = bytes(watched.log).decode(errors="replace").strip()[-300:]
            raise SandboxError(f"the sandbox cannot be set up: {words}", FIX)
        isolation = Isolation(sandbox="bubblewrap", version=version(), safe=True, held=HELD)
        return _execution(task, watched, isolation)

    def _start(self, task: Task, channel: int, status: int) -> subprocess.Popen[bytes]:
        limits = task.limits
        numbers = (channel, limits.memory, limits.disk, int(limits.cpu) + 1, limits.processes)
        command = [_bwrap(), "--json-status-fd", str(status), *self._walls(task), "--", task.environment.python]
        command += ["-I", "-S", INSIDE, *map(str, numbers), *task.argv]
        return subprocess.Popen(
            [*_unprivileged(), *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd="/", env={}, pass_fds=(channel, status), start_new_session=True,
        )  # fmt: skip

    def _walls(self, task: Task) -> Iterator[str]:
        yield from ["--unshare-user", "--unshare-all", "--disable-userns", "--die-with-parent", "--new-session"]
        yield from ("--uid", str(cache.SANDBOX_USER), "--gid", str(cache.SANDBOX_USER), "--cap-drop", "ALL")
        yield from ("--hostname", "pawl", "--clearenv", "--proc", "/proc", "--dev", "/dev")
        for mount in (*task.environment.mounts, *task.mounts):
            yield from ("--ro-bind", str(mount.source), mount.target)
        yield from ("--ro-bind", str(_supervisor()), INSIDE)
        for path in task.environment.masks:
            yield from ("--size", "4096", "--tmpfs", path, "--remount-ro", path)
        for path, size in (("/tmp", self.tmp), ("/dev/shm", self.tmp), ("/out", task.limits.disk)):
            yield from ("--perms", "1777", "--size", str(size), "--tmpfs", path)
        for name, value in task.environ.items():
            yield from ("--setenv", name, value)
        yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/study")


@functools.cache
def _supervisor() -> Path:
    """`inside.py` where the unprivileged user can read it."""
    return cache.stage(Path(inside.__file__))[0]


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


def _execution(task: Task, watched: Watched, isolation: Isolation) -> Execution:
    log = bytes(watched.log[: task.limits.log])
    outcome, reason = watched.ended or classify(watched.code, log)
    outputs: dict[str, bytes] = {}
    usage = watched.usage
    if outcome == "ok":
        try:
            outputs, reported = unpack(bytes(watched.channel), task.limits.disk)
            usage = usage.model_copy(update={"cpu_s": max(usage.cpu_s, reported)})
        except OutputsRefused as refusal:
            outcome, reason = "invalid", str(refusal)
    return Execution(outcome, reason, usage, isolation, log, outputs)

"""Does the sandbox hold? Not by what it claims: a hostile program is run in it, and what it managed is reported."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from pawl import cache, environment, hardware, probe
from pawl.config import EnvironmentTable
from pawl.errors import PawlError
from pawl.protocols import Limits, Mount, Sandbox, Task
from pawl.records import Isolation

SMALL = Limits(wall=30.0, cpu=20.0, memory=2**29, disk=2**22, log=2**20, processes=32, cpus=1)
HOARD = "import os, time\nfor n in range(3):\n  if os.fork() == 0: break\nx = b'x' * (48 * 2**20)\ntime.sleep(9)"
FORK = "import os, time\nfor n in range(40):\n  if os.fork() == 0: time.sleep(9)"
DAEMONS = """
import os, signal, sys, time
for n in range(3):
    if os.fork() == 0:
        os.setsid()
        signal.signal(15, signal.SIG_IGN)
        if os.fork() == 0: os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(30)", "{mark}"])
        time.sleep(30)
{then}
"""
TRIALS: dict[str, tuple[str, dict[str, float], str]] = {
    "take more memory than allowed, in several processes": (HOARD, {"memory": 2**27}, "out-of-memory"),
    "start more processes than allowed": (FORK, {"processes": 16}, "crashed"),
    "write more than allowed": ("open('/out/x', 'wb').write(bytes(2**23))", {}, "disk-full"),
    "print without end": ("while True: print('x' * 1000)", {"log": 2**16}, "output-flood"),
    "outlast the clock, with daemons": (DAEMONS.replace("{then}", "time.sleep(30)"), {"wall": 1.0}, "timed-out"),
    "outlast its CPU time, with daemons": (DAEMONS.replace("{then}", "while True: pass"), {"cpu": 0.5}, "timed-out"),
}
"""What is tried against the limits: its name, the program, the limits for it, and how it must end."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried: whether it is as it must be, what was seen, and the command that mends it."""

    name: str
    passed: bool
    needed: bool
    seen: str
    fix: str = ""


def examine(sandbox: Callable[[], Sandbox]) -> list[Check]:
    """Everything that Pawl needs on this machine."""
    checks = [*_programs(), Check("hardware", True, False, hardware.one_line(hardware.described(gpu=False)))]
    try:
        under_test = sandbox()
        attempts, isolation = probed(under_test)
        ended = overrun(under_test)
    except PawlError as error:
        return [*checks, Check("sandbox", False, True, str(error), _sandbox_fix(error))]
    for name, succeeded in {**attempts, **ended}.items():
        seen = "succeeded" if succeeded else "stopped"
        checks.append(Check(f"sandbox: {name}", not succeeded, True, seen, "report it: see SECURITY.md"))
    return [*checks, *_accounts(isolation)]


def escapes(sandbox: Sandbox) -> dict[str, bool]:
    """What the probe managed inside a sandbox: attempt -> whether it succeeded. Raises SandboxError."""
    return probed(sandbox)[0]


def probed(sandbox: Sandbox) -> tuple[dict[str, bool], Isolation]:
    """What the probe managed, and which walls the sandbox says it had around it. Raises SandboxError."""
    os.environ.setdefault("PAWL_SECRET_CANARY", "canary")
    with tempfile.TemporaryDirectory(prefix="probe-", dir=cache.private("scratch")) as name, socket.socket() as server:
        folder = Path(name)
        folder.chmod(0o755)
        canary = folder / "canary"
        canary.write_text("canary")
        canary.chmod(0o666)
        server.bind(("127.0.0.1", 0))
        server.listen()
        script = cache.stage(Path(probe.__file__))[0]
        place = environment.build(folder, EnvironmentTable())
        told = (str(os.getpid()), str(server.getsockname()[1]), str(canary))
        argv = (place.python, "-I", "/study/probe.py", *told)
        (folder / "study").mkdir()
        (folder / "study" / "probe.py").touch()
        mounts = (Mount(folder / "study", "/study"), Mount(script, "/study/probe.py"))
        done = sandbox.execute(Task(argv, place, mounts, {}, SMALL), threading.Event())
    attempts: dict[str, bool] = {}
    for line in done.log.decode(errors="replace").splitlines():
        if line.startswith("{"):
            attempts |= json.loads(line)
    if done.outcome != "ok" or not attempts:
        raise PawlError(f"the probe did not finish: {done.outcome} {done.reason}", "pawl doctor --json")
    return attempts, done.isolation


def overrun(sandbox: Sandbox) -> dict[str, bool]:
    """What was tried against the limits, side by side: trial -> whether it got away with it. Raises SandboxError."""
    with tempfile.TemporaryDirectory(prefix="probe-", dir=cache.private("scratch")) as name:
        folder = Path(name)
        folder.chmod(0o755)
        place = environment.build(folder, EnvironmentTable())

        def attempt(trial: tuple[str, dict[str, float], str]) -> bool:
            program, limits, expected = trial
            mark = f"pawl-trial-{uuid4().hex}"
            argv = (place.python, "-I", "-S", "-c", program.replace("{mark}", mark))
            task = Task(argv, place, (Mount(folder, "/study"),), {}, Limits(**{**asdict(SMALL), **limits}))
            done = sandbox.execute(task, threading.Event())
            return done.outcome != expected or _lives(mark)

        with ThreadPoolExecutor(len(TRIALS)) as pool:
            return dict(zip(TRIALS, pool.map(attempt, TRIALS.values()), strict=True))


def _lives(mark: str) -> bool:
    """Whether a process of this machine has a mark on its command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                return True
        except OSError:
            continue
    return False


def _accounts(isolation: Isolation) -> Iterator[Check]:
    """The walls that Pawl can do without, and says so when it has to."""
    counted = "memory cgroup" in isolation.held
    seen = "kept by the kernel" if counted else "not to be had here: memory and CPU are sampled"
    yield Check("control groups", counted, False, seen, "systemd-run --user --scope -p Delegate=yes pawl run")
    yield Check("walls that held", True, True, ", ".join(isolation.held))


def _programs() -> Iterator[Check]:
    for name, package in (("bwrap", "bubblewrap"), ("git", "git"), ("ssh-keygen", "openssh-client")):
        found = shutil.which(name)
        yield Check(name, found is not None, True, found or "not found", f"apt install {package}")


def _sandbox_fix(error: PawlError) -> str:
    """The most likely fix for a sandbox that does not start, from what the kernel's switches say."""
    switches = {
        "/proc/sys/user/max_user_namespaces": ("0", "sysctl -w user.max_user_namespaces=10000"),
        "/proc/sys/kernel/unprivileged_userns_clone": ("0", "sysctl -w kernel.unprivileged_userns_clone=1"),
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": (
            "1", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0   (or an AppArmor profile for bwrap)",
        ),
    }  # fmt: skip
    for path, (bad, fix) in switches.items():
        if Path(path).exists() and Path(path).read_text().strip() == bad:
            return fix
    return error.hint if error.hint != "pawl doctor" else "apt install bubblewrap"

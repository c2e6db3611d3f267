"""Does the sandbox hold? Not by what it claims: a hostile program is run in it, and what it managed is reported."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pawl import cache, environment, probe
from pawl.config import EnvironmentTable
from pawl.errors import PawlError
from pawl.protocols import Limits, Mount, Sandbox, Task

NEEDS_A_KERNEL_FILTER = frozenset({"open a vsock socket", "userfaultfd", "keyctl", "ptrace"})
"""System calls that namespaces do not stop. A later version filters them; until then the doctor says so."""
SMALL = Limits(wall=30.0, cpu=20.0, memory=2**29, disk=2**22, log=2**20, processes=32, cpus=1)


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
    checks = list(_programs())
    try:
        attempts = escapes(sandbox())
    except PawlError as error:
        return [*checks, Check("sandbox", False, True, str(error), _sandbox_fix(error))]
    for name, succeeded in attempts.items():
        needed = name not in NEEDS_A_KERNEL_FILTER
        seen = "succeeded" if succeeded else "stopped"
        if succeeded and not needed:
            seen = "possible: needs a kernel filter, which this version does not have"
        checks.append(Check(f"sandbox: {name}", not succeeded, needed, seen, "report it: see SECURITY.md"))
    return checks


def escapes(sandbox: Sandbox) -> dict[str, bool]:
    """What the probe managed inside a sandbox: attempt -> whether it succeeded. Raises SandboxError."""
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
    return attempts


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

"""podman and docker: which one is here, what it is asked beside `run`, and the container as a tree to be watched."""

from __future__ import annotations

import functools
import io
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from pawl.errors import SandboxError
from pawl.sandboxes import hierarchy
from pawl.sandboxes.cgroups import Group
from pawl.sandboxes.meter import Meter

ENGINES = ("podman", "docker")
IMAGE = "pawl-empty:1"
"""An image with nothing in it: all that a task sees is mounted."""
PATIENCE = 60.0
"""Seconds for an engine to answer anything."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An installed engine that answers; `version` is what it says of itself."""

    name: str
    path: str
    version: str

    def ask(self, *words: str, told: bytes = b"") -> str:
        """Its answer; empty if it refuses."""
        done = subprocess.run([self.path, *words], input=told, capture_output=True, check=False, timeout=PATIENCE)
        return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""

    def first_process(self, container: str) -> int:
        """The number, on this machine, of a container's first process; 0 if there is none, or none to be seen."""
        answer = self.ask("inspect", "--format", "{{.State.Pid}}", container)
        return int(answer) if answer.isdigit() else 0

    def starved(self, container: str) -> bool:
        """Whether it says that the kernel ended a container for want of memory."""
        return self.ask("inspect", "--format", "{{.State.OOMKilled}}", container) == "true"

    def kill(self, container: str) -> None:
        self.ask("kill", "--signal", "KILL", container)

    def remove(self, container: str) -> None:
        """End a container and forget it."""
        self.ask("rm", "--force", container)


@dataclass(slots=True)
class Running:
    """One container: the account of it, if there is one on this machine, what it cost so far, and whether it ended."""

    engine: Engine
    name: str
    account: Group | Meter | None = None
    cpu: float = 0.0
    high: int = 0
    ended: bool = False

    @property
    def held(self) -> tuple[str, ...]:
        """The walls that its control group is, if that can be seen."""
        return self.account.held if isinstance(self.account, Group) else ()

    def sample(self) -> tuple[float, int]:
        """(CPU seconds so far, bytes held now). When it has ended its group is gone: what was seen before counts."""
        if self.account is None:
            return 0.0, 0
        cpu, held = self.account.sample()
        self.cpu, self.high = max(self.cpu, cpu), max(self.high, self.account.peak())
        return self.cpu, held

    def peak(self) -> int:
        """The most bytes that were seen."""
        return self.high

    def starved(self) -> bool:
        """Whether its group says that the kernel ended something in it for want of memory."""
        return self.account is not None and self.account.starved()

    def end(self) -> None:
        """Kill it: by its group, which takes no time, or else by its engine, once."""
        if isinstance(self.account, Group):
            self.account.end()
        elif not self.ended:
            self.engine.kill(self.name)
        self.ended = True

    def remove(self) -> None:
        """End it, whatever state it is in, and forget it."""
        self.engine.remove(self.name)


@functools.cache
def find(wanted: str) -> Engine:
    """The engine of that name, or the first that answers, with the empty image made. Raises SandboxError."""
    silent = []
    for name in [wanted] if wanted else ENGINES:
        path = shutil.which(name)
        if path is None:
            continue
        engine = Engine(name, path, "")
        version = engine.ask("version", "--format", "{{.Client.Version}}") if engine.ask("info") else ""
        if version:
            engine = Engine(name, path, version)
            _make_image(engine)
            _sweep(engine)
            return engine
        silent.append(name)
    if silent:
        raise SandboxError(f"{' and '.join(silent)} is installed but does not answer", f"{silent[0]} info")
    raise SandboxError(f"{wanted or 'neither podman nor docker'} is not installed", f"apt install {wanted or 'podman'}")


def _make_image(engine: Engine) -> None:
    """The image out of an empty archive. Raises SandboxError."""
    if engine.ask("image", "inspect", "--format", "{{.Id}}", IMAGE):
        return
    nothing = io.BytesIO()
    tarfile.open(fileobj=nothing, mode="w").close()
    if not engine.ask("import", "-", IMAGE, told=nothing.getvalue()):
        raise SandboxError(f"{engine.name} makes no image out of an empty archive", f"{engine.name} import - {IMAGE}")


@functools.cache
def place() -> str:
    """A label for where process numbers mean the same: this boot of this machine, this namespace of processes. Engines
    may be shared between places."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"pawl.place={boot}.{os.stat('/proc/self/ns/pid').st_ino}"


def _sweep(engine: Engine) -> None:
    """Remove the containers of Pawl processes of this place that are no more."""
    for name in engine.ask("ps", "--all", "--filter", f"label={place()}", "--format", "{{.Names}}").split():
        if hierarchy.NAME.fullmatch(name) and not hierarchy.owned(name):
            engine.remove(name)

"""Where an attack is run: a small study whose training it is, by the executor that studies use."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import cast

from pawl import cache as places
from pawl import environment, plugins
from pawl.artifacts import ArtifactStore
from pawl.attacks.canaries import Canaries
from pawl.attacks.catalogue import SHARED, Attack, shared
from pawl.attacks.reviewed import FORGERY, PLEA
from pawl.config import EnvironmentTable
from pawl.errors import SandboxError
from pawl.ledger import Ledger
from pawl.protocols import Environment, Executor, Limits, Sandbox, Store
from pawl.records import Run, Variant
from pawl.workplace import Workplace

MIB = 2**20
LIMITS = Limits(wall=20.0, cpu=3.0, memory=256 * MIB, disk=4 * MIB, log=MIB, processes=32, cpus=1)
"""Small, so that a bomb that goes off harms nobody: none is more than twice a limit."""
SCRIPT = "train.py"
NOBODY = "0" * 40


@dataclass(frozen=True, slots=True)
class Bench:
    """A sandbox under test, and a folder for what the study of one attack writes."""

    sandbox: Sandbox
    folder: Path

    @property
    def artifacts(self) -> ArtifactStore:
        return ArtifactStore(self.folder / "artifacts")

    def ledger(self) -> Ledger:
        return Ledger(cast(Store, plugins.build("store", "sqlite", {}, path=self.folder / "ledger.sqlite")))

    def run(self, attack: Attack, canaries: Canaries, roots: tuple[str, ...]) -> list[Run]:
        """The attack's runs, under `roots` of which it may look around. Raises SandboxError."""
        ledger, limits = self.ledger(), replace(LIMITS, wall=attack.wall)
        variant = ledger.append(Variant(proposal=None, commit=NOBODY, parent=NOBODY, problem=""))
        work = Workplace(the_environment(), (), limits, limits, _writer(attack, canaries, roots))
        wiring = {"sandbox": self.sandbox, "artifacts": self.artifacts, "workplace": work, "stop": threading.Event()}
        command = ("python", SCRIPT, canaries.mark)
        executor = cast(Executor, plugins.build("executor", "local", {}, **wiring, command=command, budget="1"))
        seeds = (1,) if attack.runs == "1" else (1, 2)
        with ThreadPoolExecutor(2 if attack.runs == "2 together" else 1) as pool:
            return list(pool.map(lambda seed: executor.run(variant, seed, "noise"), seeds))


@contextmanager
def bench(sandbox: Sandbox) -> Iterator[Bench]:
    """A bench whose folder is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="redteam-bench-", dir=places.private("scratch")) as name:
        Path(name).chmod(0o711)
        yield Bench(sandbox, Path(name))


@cache
def the_environment() -> Environment:
    """The interpreter that attacks run with: that of a study which names none."""
    return environment.build(Path(), EnvironmentTable())


def must_isolate(sandbox: Sandbox) -> None:
    """Raise SandboxError unless a harmless program runs in a sandbox, which says that it isolates."""
    with bench(sandbox) as place:
        work = Workplace(the_environment(), (), LIMITS, LIMITS, lambda variant, folder: None)
        task = work.task(("python", "-c", "pass"), work.export(1, place.folder / "study"), {})
        done = sandbox.execute(task, threading.Event())
    if not done.isolation.safe:
        name = done.isolation.sandbox
        raise SandboxError(f"the sandbox '{name}' isolates nothing, and no attack is started in it", "pawl doctor")
    if done.outcome != "ok":
        raise SandboxError(f"the sandbox does not run an empty program: {done.reason}", "pawl doctor")


def _writer(attack: Attack, canaries: Canaries, roots: tuple[str, ...]) -> Callable[[int, Path], None]:
    """How the attack's files get into a run's folder; with them, where the canaries are."""
    limits = {"memory": LIMITS.memory, "disk": LIMITS.disk, "processes": LIMITS.processes, "log": LIMITS.log}
    told = canaries.told() | {"roots": roots, "forgery": FORGERY, "plea": PLEA, "limits": limits}

    def write(variant: int, folder: Path) -> None:
        (folder / SCRIPT).write_text(attack.source, encoding="utf-8")
        (folder / SHARED).write_text(shared(), encoding="utf-8")
        (folder / "told.json").write_text(json.dumps(told))

    return write

"""No sandbox at all: for machines where none works, by a flag that says `unsafe`. Every record of it says so too."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from pawl.errors import SandboxError
from pawl.protocols import Execution, Task
from pawl.records import Isolation
from pawl.sandboxes.meter import Meter
from pawl.sandboxes.outcome import classify
from pawl.sandboxes.watch import watch


@dataclass(frozen=True)
class Unsafe:
    """Runs the task as this user with this network. Only time, memory and log are bounded, and a daemon outlives it."""

    accepted: bool = False

    def execute(self, task: Task, stop: threading.Event) -> Execution:
        if not self.accepted:
            raise SandboxError(
                "the unsafe sandbox isolates nothing", "pawl run --unsafe-no-sandbox   (or: pawl doctor)"
            )
        with tempfile.TemporaryDirectory(prefix="pawl-unsafe-") as name:
            root = Path(name)
            out = root / "out"
            out.mkdir()
            places = self._lay_out(task, root)
            read, write = os.pipe()
            os.close(write)
            told = {key: places.get(value, value) for key, value in {**task.environ, "PAWL_OUT": str(out)}.items()}
            if "PAWL_INPUTS" in task.environ:
                told["PAWL_INPUTS"] = str(root / task.environ["PAWL_INPUTS"].lstrip("/"))
            process = subprocess.Popen(
                task.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                cwd=root / "study", env=told, start_new_session=True,
            )  # fmt: skip
            try:
                watched = watch(process, read, task.limits, stop, Meter(process.pid))
            finally:
                os.close(read)
            log = bytes(watched.log[: task.limits.log])
            outcome, reason = watched.ended or classify(watched.code if watched.code >= 0 else 128 - watched.code, log)
            files = {
                str(path.relative_to(out)): path.read_bytes()
                for path in out.rglob("*")
                if path.is_file() and not path.is_symlink()
            }
        isolation = Isolation(sandbox="unsafe", version="", safe=False, held=())
        return Execution(outcome, reason, watched.usage, isolation, log, files if outcome == "ok" else {})

    def _lay_out(self, task: Task, root: Path) -> dict[str, str]:
        """Copies of the mounts under a scratch folder, shorter paths first; where each of them lies."""
        places = {}
        for mount in sorted(task.mounts, key=lambda mount: len(mount.target)):
            place = root / mount.target.lstrip("/")
            places[mount.target] = str(place)
            if mount.source.is_dir():
                shutil.copytree(mount.source, place, dirs_exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(mount.source, place)
        return places

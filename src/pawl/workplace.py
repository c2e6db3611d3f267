"""What every sandboxed task of a study shares: its environment, its training data, a place for scratch files.

Scratch lies where the unprivileged user that sandboxes start from can read it, and nowhere near the study.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pawl import cache
from pawl.protocols import Environment, Limits, Mount, Task

PYTHONS = ("python", "python3")


@dataclass(frozen=True, slots=True)
class Workplace:
    """`write` puts the files of a variant (by ledger id) into an empty folder; `data` is mounted over them;
    `gpu`: tasks may use the machine's graphics processors."""

    environment: Environment
    data: tuple[Mount, ...]
    train_limits: Limits
    predict_limits: Limits
    write: Callable[[int, Path], None]
    gpu: bool = False

    def scratch(self) -> Path:
        """This process's folder for what lives as long as one run; those of dead processes are swept away."""
        path = cache.private("scratch") / str(os.getpid())
        if not path.exists():
            for left in path.parent.iterdir():
                if left.name.isdigit() and not Path(f"/proc/{left.name}").exists():
                    shutil.rmtree(left, ignore_errors=True)
            path.mkdir(exist_ok=True, mode=0o755)
        return path

    def export(self, variant: int, folder: Path) -> tuple[Mount, ...]:
        """A variant's files and the training data, as mounts under /study."""
        folder.mkdir()
        self.write(variant, folder)
        for mount in self.data:  # bind targets must exist in a read-only folder
            place = folder / Path(mount.target).relative_to("/study")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        return (Mount(folder, "/study"), *self.data)

    def task(self, command: tuple[str, ...], mounts: tuple[Mount, ...], told: Mapping[str, str]) -> Task:
        """A task with the study's environment: `python` means the environment's own."""
        python = self.environment.python
        argv = (python, *command[1:]) if command[0] in PYTHONS else command
        threads = str(self.train_limits.cpus)
        environ = {
            "PATH": str(Path(python).parent), "HOME": "/tmp", "USER": "pawl", "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1",
            **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads),
            **told,
        }  # fmt: skip
        return Task(argv, self.environment, mounts, environ, self.train_limits, self.gpu)

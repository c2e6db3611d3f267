"""How a task is started under its supervisor (inside.py), whatever the walls around both are made of."""

from __future__ import annotations

import functools
from pathlib import Path

from pawl import cache
from pawl.protocols import Task
from pawl.sandboxes import inside

INSIDE = "/pawl/inside.py"
"""Where the supervisor lies inside."""


@functools.cache
def supervisor() -> Path:
    """`inside.py` where the unprivileged user can read it."""
    return cache.stage(Path(inside.__file__))[0]


def supervised(task: Task, channel: int) -> list[str]:
    """The command that runs inside: the supervisor, what it has to keep, and the task."""
    limits = task.limits
    numbers = (channel, limits.memory, limits.disk, int(limits.cpu) + 1, limits.processes)
    told = [f"{name}={value}" for name, value in task.environ.items()]
    return [task.environment.python, "-I", "-S", INSIDE, *map(str, numbers), *told, "--", *task.argv]

"""What the attacks share: toy studies whose training script is hostile, and a look around afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pydantic
import pytest

from pawl import app, cache
from pawl.attacks.witness import marked as processes
from pawl.records import Run, Variant

Make = Callable[..., app.OpenStudy]
HONEST = 'print("---")\nprint("val_loss: 1.0")\n'
"""The end of a script that wants to be believed."""
WALL = {'wall = "20s"': 'wall = "2s"'}
WRITE = """\
import io, os, sys
OUT = os.environ["PAWL_OUT"]
def write(name, content):
    with open(os.path.join(OUT, name), "wb") as file:
        file.write(content)
"""
REACH = """\
import ctypes, os
def reach():
    \"\"\"Every way to what the supervisor holds and remembers: its descriptors, its memory, its end.\"\"\"
    libc, boss, got = ctypes.CDLL(None, use_errno=True), os.getppid(), []
    def attempt(name, action):
        try:
            got.extend([name] if action() is not False else [])
        except OSError:
            pass
    attempt("list", lambda: os.listdir(f"/proc/{boss}/fd"))
    for number in range(64):
        attempt(f"open {number}", lambda: os.open(f"/proc/{boss}/fd/{number}", os.O_WRONLY))
        attempt(f"get {number}", lambda: libc.syscall(438, os.pidfd_open(boss), number, 0) >= 0)
    attempt("memory", lambda: os.open(f"/proc/{boss}/mem", os.O_RDWR))
    attempt("attach", lambda: libc.ptrace(16, boss, None, None) == 0)
    return got
"""


def train(study: app.OpenStudy, seed: int = 1) -> Run:
    """One training run of the baseline, as the loop would do it."""
    with study.loop() as loop:
        return loop.search.measure.executor.run(study.entries(Variant)[0], seed, "noise")


def gone(marker: str, within: float = 3.0) -> bool:
    """Whether no process with a marker is left, after a moment for the kernel to clean up."""
    end = time.monotonic() + within
    while processes(marker):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def host_places(study: app.OpenStudy) -> Iterator[Path]:
    """Folders of the host that a training script would love to write into."""
    yield from (study.folder, study.folder.parent, study.state, Path.home(), Path("/tmp"), Path("/var/tmp"))
    yield from (Path("/dev/shm"), *(cache.folder(name) for name in ("data", "environments", "scratch")))


def controls(text: str) -> list[str]:
    """The characters in a text that no reader should be sent (line ends and tabs aside)."""
    return [char for char in text if (ord(char) < 32 and char not in "\n\t") or 0x7F <= ord(char) < 0xA0]


STRANGER = 1234


@contextmanager
def stranger() -> Iterator[Callable[[str, float], subprocess.CompletedProcess[str]]]:
    """Runs Python code with Pawl as an ordinary user, who has a home and a cache of his own. Skips if it cannot."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else; the other tests ran as an ordinary user already")
    python = next((p for p in ("/usr/bin/python3.11", "/usr/bin/python3", sys.executable) if _usable(Path(p))), None)
    if python is None:
        pytest.skip("no interpreter of this version that others may read")
    home, source = Path("/var/tmp") / f"pawl-stranger-{os.getpid()}", Path(app.__file__).parent
    site = Path(pydantic.__file__).parents[1]
    try:
        home.mkdir()
        shutil.copytree(source, home / "lib" / "pawl", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pydantic", "pydantic_core", "annotated_types", "typing_inspection"):
            shutil.copytree(site / name, home / "lib" / name)
        for name in ("typing_extensions.py", "pyseccomp.py"):
            shutil.copy(site / name, home / "lib")
        for path in (home, *home.rglob("*")):
            os.chown(path, STRANGER, STRANGER)
        told = {"HOME": str(home), "PAWL_CACHE": str(home / "cache"), "PYTHONPATH": str(home / "lib")}

        def run(code: str, within: float) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [python, "-B", "-c", code], user=STRANGER, group=STRANGER, extra_groups=[], cwd=home, text=True,
                capture_output=True, check=False, env={**told, "PATH": "/usr/bin:/bin"}, timeout=within,
            )  # fmt: skip

        yield run
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _usable(python: Path) -> bool:
    """Whether others may read an interpreter, and it has the version of this one (the packages are compiled)."""
    if not python.exists() or not cache.readable(python):
        return False
    ask = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
    found = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.split()
    return found == [str(number) for number in sys.version_info[:2]]

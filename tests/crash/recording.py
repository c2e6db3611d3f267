"""A real study's life with what it did to the disk: run, killed, run to a certificate, approved twice, run again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from disk import Disk
from journal import STRACE, Call, read
from same_disk import outside

from pawl import app, keys
from studies import toy

STORY = Path(__file__).with_name("story.py")
UNKEPT = ("-shm", "-loop.lock", "-decision.lock")
"""Files whose bytes nobody needs after a power cut: an index that SQLite makes anew, and notes of who holds a lease."""
RULES = {"threshold = 1": "threshold = 2"}


def story(people: Sequence[keys.Signer]) -> list[list[str]]:
    """A whole life: begun, killed, run to a certificate, approved by everybody, run again from the new champion."""
    approvals = [["approve", person.name, str(person.key)] for person in people]
    return [["killed-after", "9"], ["until-certified"], *approvals, ["run", "12"]]


@dataclass(frozen=True, slots=True)
class Promise:
    """An entry that was acknowledged: its place in the ledger, the tree's root, which kind of record it is."""

    id: int
    digest: str
    kind: str


@dataclass(frozen=True, slots=True)
class Recording:
    """`start` is the folder before the first call; `entries` the digests of the ledger at the end."""

    start: Path
    calls: Sequence[Call]
    entries: Sequence[str]
    phases: Sequence[str] = field(default=())
    """Of every call: run, certify or approve."""

    def promised(self, point: int) -> list[Promise]:
        """What was acknowledged when the first `point` calls had ended."""
        return [promise for promise in marks(self.calls[:point]) if promise.id]


def marks(calls: Sequence[Call]) -> list[Promise]:
    """Every mark in some calls; those with id 0 say where a command of the story began."""
    return _marks(b"".join(call.content for call in calls if call.name == "mark"))


def marks_in(noted: Path) -> list[Promise]:
    """Every mark in the file of marks, where there is one."""
    return _marks(noted.read_bytes()) if noted.exists() else []


def _marks(text: bytes) -> list[Promise]:
    lines = (line.split() for line in text.decode().splitlines(keepends=True) if line.endswith("\n"))
    return [Promise(int(id), digest, kind) for id, digest, kind in lines]


def can_record() -> str:
    """Why this machine can not record system calls, or nothing."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run([*STRACE, "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"strace does not work here: {done.stderr.strip()}"


def record(place: Path, people: Sequence[keys.Signer], steps: Sequence[Sequence[str]]) -> Recording:
    """Make a toy study in the empty folder `place` and record the steps. Raises if the simulated disk, with all
    power, is not byte for byte what really stands there in the end: then the journal has a hole."""
    study, start = toy(place / "study", people, rules=RULES), place / "start"
    shutil.copytree(study, start)
    with outside(study):
        calls: list[Call] = []
        for number, step in enumerate(steps):
            calls += _step(place, study, step, number, len(calls))
        disk = Disk(start)
        for call in calls:
            disk.take(call)
        _must_match(disk, study)
        entries = [entry.digest for entry in app.open(study).ledger.all()]
        return Recording(start, calls, entries, _phases(calls))


def _step(place: Path, study: Path, step: Sequence[str], number: int, before: int) -> list[Call]:
    log, noted = place / f"calls.{number}", place / "marks"
    process = subprocess.Popen(
        [*STRACE, "-o", str(log), sys.executable, str(STORY), str(study), str(noted), *step],
        cwd=study, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    if step[0] == "killed-after":
        _sweep(process, log)
    _, errors = process.communicate()
    expected = (-9, 137) if step[0] == "killed-after" else (0,)
    if process.returncode not in expected:
        raise RuntimeError(f"step {step} ended with {process.returncode}: {errors[-2000:]}")
    return read(log, study, noted, before)


def _sweep(strace: subprocess.Popen[str], log: Path) -> None:
    """Once the program is dead, end sandboxes that were just being started. bubblewrap's second process waits for
    the first one's word before it asks to die with it; where a kill comes in between it waits forever, and strace
    for it."""
    while strace.poll() is None:
        time.sleep(0.1)
        first = _first(log)
        if first and not Path("/proc", first).exists():
            for pid in _traced(strace.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _first(log: Path) -> str:
    """The id of the process that a log begins with, or nothing."""
    if not log.exists():
        return ""
    with log.open(errors="replace") as lines:
        return lines.readline().split(" ", 1)[0]


def _traced(tracer: int) -> list[int]:
    """The bubblewrap processes that strace follows."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            text = status.read_text()
            if f"TracerPid:\t{tracer}\n" in text and text.startswith("Name:\tbwrap\n"):
                found.append(int(status.parent.name))
    return found


def _must_match(disk: Disk, study: Path) -> None:
    simulated = {path: content for path, content in disk.now().items() if not path.endswith(("/", *UNKEPT))}
    real = {
        str(path.relative_to(study)): path.read_bytes()
        for path in study.rglob("*")
        if path.is_file() and not path.name.endswith(UNKEPT)
    }
    different = [path for path in simulated.keys() | real.keys() if simulated.get(path) != real.get(path)]
    if different:
        raise RuntimeError(f"the journal does not explain {sorted(different)[:5]}")


def _phases(calls: Sequence[Call]) -> list[str]:
    phase, found = "run", []
    for call in calls:
        for mark in marks([call]):
            if mark.kind == "step":
                phase = "approve" if mark.digest == "approve" else "run"
            elif mark.kind in ("Preregistration", "Dossier"):
                phase = "certify" if mark.kind == "Preregistration" else "run"
        found.append(phase)
    return found

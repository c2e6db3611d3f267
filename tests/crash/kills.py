"""kill -9 at random instants, over and over, on one and the same study."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from recording import STORY, marks_in
from survival import nothing_was_repeated, survives

from pawl import app, history, keys
from pawl.records import Approval, Dossier, Release

PATIENCE_S = 60.0


def begin(study: Path, noted: Path, *step: str) -> subprocess.Popen[bytes]:
    """One command of the story in a process of its own; it has begun to work when this returns."""
    before = len(marks_in(noted))
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", str(STORY), str(study), str(noted), *step],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    until(process, lambda: len(marks_in(noted)) > before)
    return process


def until(process: subprocess.Popen[bytes], there: Callable[[], object]) -> None:
    """Wait for something, for as long as the process lives and patience lasts."""
    deadline = time.monotonic() + PATIENCE_S
    while not there() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)


def ended(process: subprocess.Popen[bytes], patience_s: float = 120.0) -> str:
    """What a process that has to fail by itself said. One that hangs shows where each of its threads stands."""
    try:
        _, errors = process.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        _, errors = process.communicate()
        raise AssertionError(f"still there after {patience_s} s:\n{errors.decode()}") from None
    assert process.returncode != 0
    return errors.decode()


def kill(process: subprocess.Popen[bytes]) -> bool:
    """kill -9; whether the process was still alive to be killed. Any other end than success is an error."""
    process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), errors.decode()
    return process.returncode != 0


def kept(folder: Path, noted: Path, written: Sequence[str]) -> list[str]:
    """What the ledger holds after an accident, all checks done; `written` is what it held the last time."""
    digests = [entry.digest for entry in app.open(folder).ledger.all()]
    assert digests[: len(written)] == list(written), "an acknowledged entry is gone"
    promised = [promise for promise in marks_in(noted) if promise.id]
    nothing_was_repeated(survives(folder, promised, digests))
    return digests


def over_run(folder: Path, times: int, chance: random.Random) -> int:
    """Kill a loop that has just written something; how often it was hit."""
    noted, written, hit = folder.with_name("marks"), [], 0
    for _ in range(times):
        process = begin(folder, noted, "run", "100000")
        seen = len(marks_in(noted))
        until(process, lambda seen=seen: len(marks_in(noted)) > seen)
        time.sleep(chance.uniform(0.0, 0.6))
        hit += kill(process)
        written = kept(folder, noted, written)
    return hit


def over_certify(folder: Path, times: int, chance: random.Random) -> int:
    """Kill a loop in a certificate, or in the verdict and the dossier after it; how often it was in the former."""
    noted, written, hit = folder.with_name("marks"), [], 0
    for _ in range(times):
        process, reader = begin(folder, noted, "run", "100000"), app.open(folder)
        until(process, lambda reader=reader: history.uncertified(reader.ledger))
        time.sleep(chance.uniform(0.0, 0.8))
        begun = history.uncertified(reader.ledger) is not None
        hit += kill(process) and begun
        written = kept(folder, noted, written)
    return hit


def over_approve(folder: Path, people: Sequence[keys.Signer], times: int, chance: random.Random) -> int:
    """Kill people's approvals of a dossier that waits; type the same commands again until it is released. Each time
    on a fresh copy of the study. How often a command was hit."""
    hit, longest = 0, _unhurried(folder, people[0])
    for number in range(times):
        copy = folder.with_name(f"copy-{number}")
        app.adopt(shutil.copytree(folder, copy))
        noted = folder.with_name(f"marks-{number}")
        for person in people:
            process = begin(copy, noted, "approve", person.name, str(person.key))
            time.sleep(chance.uniform(0.0, longest))
            hit += kill(process)
            kept(copy, noted, ())
        for person in people:
            _again(copy, person)
        released_once(copy, people)
        shutil.rmtree(copy)
    return hit


def _unhurried(folder: Path, person: keys.Signer) -> float:
    """Seconds that an approval takes which nobody kills."""
    copy, noted = folder.with_name("unhurried"), folder.with_name("unhurried-marks")
    app.adopt(shutil.copytree(folder, copy))
    process, began = begin(copy, noted, "approve", person.name, str(person.key)), time.monotonic()
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    return time.monotonic() - began


def _again(folder: Path, person: keys.Signer) -> None:
    """What a person does after a power cut: type the command again, unless it is done."""
    study = app.open(folder)
    signed = {entry.record.signature.approver for entry in study.entries(Approval)}
    if not study.entries(Release) and (person.name not in signed or len(signed) == 2):
        study.decide(study.entries(Dossier)[-1].id, "approve", person.key, person.name)


def released_once(folder: Path, people: Sequence[keys.Signer]) -> None:
    """One release, on one approval by each person."""
    study = app.open(folder)
    (release,) = study.entries(Release)
    signed = [entry.record.signature.approver for entry in study.entries(Approval)]
    assert sorted(signed) == sorted(person.name for person in people)
    assert len(release.record.approvals) == len(people)
    survives(folder, [], [entry.digest for entry in study.ledger.all()])

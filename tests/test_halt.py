"""The kill switch: real loops, real sandboxes, a loop that does not listen, a database that is down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pawl import app, consent, keys
from pawl.errors import Halted, NotAuthorized
from pawl.halt import Switch
from pawl.records import Halt, Release, Resume, Run
from pawl.sandboxes.meter import descendants
from studies import toy

People = dict[str, keys.Signer]
PAWL = [sys.executable, "-m", "pawl"]
SLEEP = "import time\nSHIFT = 0.0\nprint('started', flush=True)\ntime.sleep(300)\n"


@pytest.fixture
def sleeping(tmp_path: Path, people: People) -> Path:
    """A study whose training does nothing for five minutes."""
    return toy(
        tmp_path / "toy", [people["ada"], people["bob"]], train=SLEEP,
        config={'wall = "20s", cpu = "20s"': 'wall = "400s", cpu = "20s"', "workers = 1": "workers = 2"},
    )  # fmt: skip


def started(folder: Path, sandboxes: int = 2) -> subprocess.Popen[str]:
    """`pawl run` in a process of its own, with its sandboxes running."""
    process = subprocess.Popen(
        [*PAWL, "run", "--runs", "50", "-C", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.monotonic() + 60
    while len(inside(process.pid)) < sandboxes:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def inside(pid: int) -> list[int]:
    """The trainings below a process."""
    found = []
    for child in descendants(pid):
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if command.endswith(b"train.py\0") and b"inside.py" not in command:
            found.append(child)
    return found


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def halt(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PAWL, "halt", "--reason", "it looks odd", "-C", str(folder)], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_halt_stops_every_sandbox_and_only_a_signature_resumes(sleeping: Path, people: People) -> None:
    process = started(sleeping)
    trainings = inside(process.pid)
    done = halt(sleeping)
    assert done.returncode == 0, done.stderr
    output = process.communicate(timeout=20)[0]
    assert process.returncode == 8
    assert "halted by" in output
    assert "Traceback" not in output
    assert not alive(trainings)
    study = app.open(sleeping)
    assert study.entries(Halt)[-1].record.reason == "it looks odd"
    for _ in range(2):
        with pytest.raises(Halted, match="it looks odd"):
            study.run(runs=5)
    (sleeping / ".pawl" / "halt").unlink()  # whoever deletes the file has not resumed anything
    with pytest.raises(Halted):
        app.open(sleeping).run(runs=5)
    with pytest.raises(NotAuthorized):
        study.resume(people["eve"].key, people["ada"].name)
    resumed = study.resume(people["ada"].key, people["ada"].name, "looked at it")
    assert resumed.record.halt == study.entries(Halt)[-1].id
    study.switch.check(study.ledger)


@pytest.mark.slow
def test_a_loop_that_does_not_listen_is_killed_with_its_sandboxes(sleeping: Path) -> None:
    process = started(sleeping)
    trainings = inside(process.pid)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        assert halt(sleeping).returncode == 0
        process.communicate(timeout=10)
        assert process.returncode == -signal.SIGKILL
        deadline = time.monotonic() + 5
        while alive(trainings) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not alive(trainings)
    finally:
        if process.poll() is None:
            process.kill()


def test_a_halt_works_when_the_database_is_down(toy_study: app.OpenStudy) -> None:
    toy_study.run(runs=5)
    runs = len(toy_study.entries(Run))
    ledger = toy_study.state / "ledger.sqlite"
    toy_study.ledger._store._engine.dispose()  # type: ignore[attr-defined]
    hidden = {file: file.with_name("hidden-" + file.name) for file in toy_study.state.glob("ledger.sqlite*")}
    for file, place in hidden.items():
        file.rename(place)
    ledger.mkdir()
    done = halt(toy_study.folder)
    assert done.returncode == 0
    assert "halted on this machine" in done.stdout
    ledger.rmdir()
    for file, place in hidden.items():
        place.rename(file)
    study = app.open(toy_study.folder)
    with pytest.raises(Halted, match="it looks odd"):
        study.run(runs=5)
    assert len(study.entries(Halt)) == 1
    assert len(study.entries(Run)) == runs


def test_a_halt_in_the_ledger_reaches_a_loop_that_cannot_see_the_file(make_toy, people: People) -> None:  # type: ignore[no-untyped-def]
    """As from another machine, which shares the ledger and no folder."""
    study = make_toy("shared", train=SLEEP, config={'wall = "20s", cpu = "20s"': 'wall = "400s", cpu = "20s"'})
    other = app.open(study.folder)
    stopper = threading.Timer(1.0, lambda: other.ledger.append(Halt(reason="from afar", by="bob", token="t")))
    stopper.start()
    with pytest.raises(Halted, match="from afar"):
        study.run(runs=50)
    stopper.join()


def test_a_loop_that_loses_its_lease_stops(toy_study: app.OpenStudy) -> None:
    stop = threading.Event()
    with toy_study.switch.watched(toy_study.ledger, stop, lambda: False) as why:
        assert stop.wait(5)
    assert "lost its lease" in why()


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"reason": 1}', b"stop!"])
def test_a_file_that_cannot_be_read_is_a_halt_too(toy_study: app.OpenStudy, content: bytes) -> None:
    toy_study.switch.file.write_bytes(content)
    with pytest.raises(Halted):
        toy_study.run(runs=5)
    assert not toy_study.entries(Run)


def test_a_study_that_never_ran_can_be_halted_and_resumed(toy_study: app.OpenStudy, people: People) -> None:
    assert halt(toy_study.folder).returncode == 0
    study = app.open(toy_study.folder)
    with pytest.raises(Halted):
        study.run(runs=5)
    study.resume(people["bob"].key, people["bob"].name)
    study.run(runs=5)
    assert study.entries(Run)
    assert len(study.entries(Resume)) == 1


def test_a_resume_cannot_be_replayed_for_the_next_halt(toy_study: app.OpenStudy, people: People) -> None:
    ada = people["ada"]
    Switch(toy_study.state).throw("first", "eve")
    with pytest.raises(Halted):
        toy_study.run(runs=5)
    armored = toy_study.decisions().consent.signer.sign(toy_study.resume_request(ada.name).encode(), ada.key)
    toy_study.record_resume(armored, ada.name)
    Switch(toy_study.state).throw("second", "eve")
    with pytest.raises(Halted, match="second"):
        toy_study.run(runs=5)
    with pytest.raises(NotAuthorized):
        toy_study.record_resume(armored, ada.name)
    toy_study.resume(ada.key, ada.name)
    assert len(toy_study.entries(Resume)) == 2


def test_a_resume_that_nobody_signed_ends_no_halt(toy_study: app.OpenStudy, people: People) -> None:
    """Planted by somebody who can write in the ledger and has no key: with no signature, or with that of another."""
    Switch(toy_study.state).throw("first", "eve")
    with pytest.raises(Halted):
        toy_study.run(runs=5)
    real = toy_study.resume(people["ada"].key, people["ada"].name).record
    toy_study.run(runs=5)
    Switch(toy_study.state).throw("second", "eve")
    with pytest.raises(Halted):
        toy_study.run(runs=5)
    halted = toy_study.entries(Halt)[-1]
    text = consent.text(halted, "resume", people["ada"].name, "")
    for request in (real.request, text):
        toy_study.ledger.append(real.model_copy(update={"halt": halted.id, "request": request}))
        with pytest.raises(Halted, match="second"):
            app.open(toy_study.folder).run(runs=5)
    toy_study.resume(people["bob"].key, people["bob"].name)
    toy_study.switch.check(toy_study.ledger)


def test_an_old_halt_that_lies_there_does_not_swallow_a_new_one(toy_study: app.OpenStudy, people: People) -> None:
    switch = Switch(toy_study.state)
    switch.throw("first", "eve")
    old = switch.file.read_bytes()
    toy_study.resume(people["ada"].key, people["ada"].name)
    switch.file.write_bytes(old)  # put back, or never taken away: the process that resumed was killed
    assert halt(toy_study.folder).returncode == 0
    with pytest.raises(Halted, match="it looks odd"):
        toy_study.run(runs=5)


def test_a_file_that_cannot_be_read_halts_each_time_anew(toy_study: app.OpenStudy, people: People) -> None:
    for _ in range(2):
        toy_study.switch.file.touch()
        with pytest.raises(Halted):
            toy_study.run(runs=5)
        toy_study.resume(people["ada"].key, people["ada"].name)
        toy_study.switch.check(toy_study.ledger)
    assert len(toy_study.entries(Halt)) == 2


def test_two_halts_need_two_resumes(toy_study: app.OpenStudy, people: People) -> None:
    assert halt(toy_study.folder).returncode == halt(toy_study.folder).returncode == 0
    study = app.open(toy_study.folder)
    study.resume(people["ada"].key, people["ada"].name)
    with pytest.raises(Halted):
        study.run(runs=5)
    study.resume(people["ada"].key, people["ada"].name)
    study.switch.check(study.ledger)


def test_a_halted_study_says_so_in_json(toy_study: app.OpenStudy) -> None:
    command = [*PAWL, "halt", "--reason", "r", "--json", "-C", str(toy_study.folder)]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert said["kind"] == "halt"
    assert said["record"]["reason"] == "r"


def test_a_halt_kills_nothing_that_is_not_a_loop(toy_study: app.OpenStudy) -> None:
    """Whoever writes in `.pawl/` can make a file with any pid for a name."""
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        folder = toy_study.state / "loops"
        folder.mkdir(exist_ok=True)
        for name in (str(bystander.pid), "1", "not-a-pid"):
            (folder / name).write_text(json.dumps({"pid": bystander.pid}))
        Switch(toy_study.state).throw("a trick", "eve")
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_nothing_is_released_while_halted(toy_study: app.OpenStudy, people: People) -> None:
    (dossier,) = toy_study.run(runs=200, until_certified=True)
    ada = people["ada"]
    Switch(toy_study.state).throw("wait", "eve")
    with pytest.raises(Halted, match="wait"):
        toy_study.decide(dossier.id, "approve", ada.key, ada.name)
    assert not toy_study.entries(Release)
    toy_study.resume(ada.key, ada.name)
    assert isinstance(toy_study.decide(dossier.id, "approve", ada.key, ada.name).record, Release)

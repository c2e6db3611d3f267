"""kill -9 at any instant loses no finished work, repeats no finished run, and leaves a ledger that verifies."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable

import pytest

from pawl import app, history
from pawl.records import Certificate, Dossier, Evaluation, Preregistration, Proposal, Run, Screening, Variant, Verdict
from studies import TOY

Make = Callable[..., app.OpenStudy]
LOOP = "import sys; from pawl import app; app.open(sys.argv[1]).run(runs=10_000)"


def start(study: app.OpenStudy) -> subprocess.Popen[bytes]:
    """The loop in a process of its own, as `pawl run` has it."""
    return subprocess.Popen(
        [sys.executable, "-c", LOOP, str(study.folder)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def nothing_was_repeated(study: app.OpenStudy) -> None:
    """Each step stands once for what it answers."""
    for kind, key in (
        (Run, lambda record: (record.variant, record.seed)),
        (Evaluation, lambda record: record.run),
        (Variant, lambda record: record.proposal),
        (Screening, lambda record: record.proposal),
        (Certificate, lambda record: record.preregistration),
        (Verdict, lambda record: record.certificate),
        (Dossier, lambda record: record.verdict),
    ):
        counts = Counter(key(entry.record) for entry in study.entries(kind))
        assert all(count == 1 for count in counts.values()), (kind, counts.most_common(2))


def sandboxes_of(study: app.OpenStudy) -> list[str]:
    """Processes that still train for this study."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                line = file.read()
        except OSError:
            continue
        if b"bwrap" in line and str(study.folder).encode() in line:
            found.append(pid)
    return found


def moved(study: app.OpenStudy, process: subprocess.Popen[bytes]) -> None:
    """Wait until a loop has written something: before that there is nothing to lose."""
    seen, deadline = len(study.ledger.all()), time.monotonic() + 60
    while len(study.ledger.all()) == seen and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.slow
def test_fifty_kills_lose_nothing_and_repeat_nothing(make_toy: Make) -> None:
    study = make_toy(rules={"redraw_after = 25": "redraw_after = 6"})
    chance, written = random.Random(7), []
    for _ in range(50):
        process = start(study)
        moved(study, process)
        time.sleep(chance.uniform(0.0, 0.6))
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors.decode()
        now = app.open(study.folder)
        digests = [entry.digest for entry in now.ledger.all()]
        assert digests[: len(written)] == written, "an acknowledged entry is gone"
        written = digests
        assert now.ledger.verify() == len(digests)
        nothing_was_repeated(now)
    assert len(app.open(study.folder).entries(Run)) > 50
    study = app.open(study.folder)
    study.run(runs=30)
    nothing_was_repeated(study)
    assert history.unscreened(study.ledger) == []
    assert history.uncertified(study.ledger) is None
    assert history.unjudged(study.ledger) == []
    assert study.verify()


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_certificate_keeps_its_seeds_and_its_runs(make_toy: Make) -> None:
    study = make_toy(train=TOY.replace("SLOWNESS = 1", "SLOWNESS = 3000"))
    process, deadline = start(study), time.monotonic() + 60
    while time.monotonic() < deadline:
        plan = study.ledger.last(Preregistration)
        done = [e for e in study.entries(Run) if plan and e.record.purpose == "certify" and e.id > plan.id]
        if len(done) >= 3:
            break
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert plan is not None
    assert len(done) >= 3
    again = app.open(study.folder)
    before = {entry.id for entry in again.entries(Run)}
    again.run(runs=1)
    certificate = again.ledger.find(Certificate, preregistration=plan.id)
    assert certificate is not None
    seeds = [pair.seed for pair in certificate.record.pairs]
    assert seeds == list(plan.record.seeds[: len(seeds)])
    used = {again.ledger.get(pair.head, Evaluation).record.run for pair in certificate.record.pairs}
    assert used & before, "the killed process's runs were not used"
    nothing_was_repeated(again)


@pytest.mark.slow
def test_an_interruption_from_the_keyboard_is_clean(toy_study: app.OpenStudy) -> None:
    command = [sys.executable, "-m", "pawl", "run", "--runs", "10000", "-C", str(toy_study.folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(toy_study.entries(Proposal)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "all finished work is kept" in errors
    assert "Traceback" not in errors
    assert toy_study.ledger.verify() == len(toy_study.ledger.all())
    toy_study.run(runs=10)
    nothing_was_repeated(toy_study)


def test_a_clock_that_jumps_back_harms_nothing(toy_study: app.OpenStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    from pawl import ledger

    toy_study.run(runs=6)

    class Earlier(ledger.datetime):  # type: ignore[misc,name-defined]
        @classmethod
        def now(cls, tz: object = None) -> Earlier:
            return cls(1999, 1, 1, tzinfo=ledger.UTC)

    monkeypatch.setattr(ledger, "datetime", Earlier)
    toy_study.run(runs=10)
    times = [entry.at for entry in toy_study.ledger.all()]
    assert times != sorted(times)
    assert toy_study.ledger.verify() == len(times)
    nothing_was_repeated(toy_study)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk to fill")
def test_a_full_disk_is_a_clear_error_and_loses_nothing(toy_study: app.OpenStudy) -> None:
    state = toy_study.state
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(state)], check=True)
    try:
        study = app.open(toy_study.folder)
        with pytest.raises(Exception, match=r"disk|space|full") as caught:
            study.run(runs=10_000)
        assert getattr(caught.value, "hint", ""), repr(caught.value)
        seen = len(study.ledger.all())
        subprocess.run(["mount", "-o", "remount,size=64m", str(state)], check=True)
        again = app.open(toy_study.folder)
        assert again.ledger.verify() >= seen
        again.run(runs=10)
        nothing_was_repeated(again)
    finally:
        subprocess.run(["umount", "-l", str(state)], check=True)

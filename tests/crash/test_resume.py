"""kill -9 at any instant loses no finished work, repeats no finished run, and leaves a ledger that verifies."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from survival import nothing_was_repeated

from pawl import app
from pawl.records import Certificate, Evaluation, Preregistration, Proposal, Run
from studies import TOY

Make = Callable[..., app.OpenStudy]
LOOP = "import sys; from pawl import app; app.open(sys.argv[1]).run(runs=10_000)"


def start(study: app.OpenStudy) -> subprocess.Popen[bytes]:
    """The loop in a process of its own, as `pawl run` has it."""
    return subprocess.Popen(
        [sys.executable, "-c", LOOP, str(study.folder)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


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

"""Runs on two machines are not compared: what can change a result is in the ledger; a change starts noise anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pawl import app, hardware, history, reading
from pawl.records import CommonSeeds, Noise, Run, Study

Make = Callable[..., app.OpenStudy]
X86 = """processor\t: 0
model name\t: Some CPU @ 3 GHz
flags\t\t: fpu smep sse4_2 avx avx2 avx512f fma

processor\t: 1
model name\t: Another
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd sve bf16\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    hardware._processor.cache_clear()
    yield
    hardware._processor.cache_clear()


@pytest.mark.parametrize(
    ("text", "cpu", "instructions"),
    [
        (X86, "Some CPU @ 3 GHz", "avx avx2 avx512f fma sse4_2"),
        (ARM, "CPU implementer 0x41 CPU part 0xd40", "asimd bf16 sve"),
    ],
)
def test_a_processor_is_its_model_and_what_kernels_are_chosen_by(
    text: str, cpu: str, instructions: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "cpuinfo")
    found = hardware.described(gpu=False)
    assert (found["cpu"], found["instructions"]) == (cpu, instructions)
    assert hardware.one_line(found).startswith(cpu)


def test_a_machine_that_tells_nothing_is_unknown_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "none")
    assert hardware.described(gpu=False)["instructions"] == "unknown"


def test_graphics_count_only_for_a_study_that_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'B, 550.1'\necho 'A, 550.1'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert "gpu" not in hardware.described(gpu=False)
    assert hardware.described(gpu=True)["gpu"] == "A, 550.1; B, 550.1"
    assert "A, 550.1" in hardware.one_line(hardware.described(gpu=True))


def test_on_another_machine_noise_and_bar_are_measured_anew_and_what_was_won_stands(
    make_toy: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_toy()
    study.run(runs=9)
    before = history.read(study.ledger)
    monkeypatch.setattr(hardware, "described", lambda gpu: {"cpu": "another"})
    study.run(runs=9)
    after = history.read(study.ledger)
    eras = study.entries(Study)
    assert [entry.record.hardware["cpu"] for entry in eras] == [eras[0].record.hardware["cpu"], "another"]
    assert eras[0].record.comparable == eras[1].record.comparable
    noise = study.entries(Noise)[-1]
    assert noise.id > eras[1].id
    runs = {run.id for run in study.entries(Run) if run.id > eras[1].id}
    assert len(runs) >= 4
    assert study.entries(CommonSeeds)[-1].id > eras[1].id
    assert (after.since, after.champion) == (eras[1].id, before.champion)
    assert reading.standing(study.ledger)["hardware"] == "another, ? processor(s)"


def test_a_dossier_that_waits_outlives_a_move_to_another_machine(
    waiting: app.OpenStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = [entry.id for entry in history.read(waiting.ledger).standing]
    monkeypatch.setattr(hardware, "described", lambda gpu: {"cpu": "another"})
    waiting.run(runs=5)
    assert standing
    assert [entry.id for entry in history.read(waiting.ledger).standing][: len(standing)] == standing

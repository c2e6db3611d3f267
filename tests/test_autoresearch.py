"""A folder of autoresearch's layout runs unchanged: detected, self-reported, mirrored into results.tsv."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pawl import app, initialise, notebook
from pawl.records import Certificate, Dossier, Evaluation, Run, Screening, Verdict

PREPARE = '''\
"""Fixed: the data and the evaluation."""
TARGET = 0.7


def evaluate_bpb(shift):
    return 1 + (shift - TARGET) ** 2
'''
TRAIN = '''\
"""Edited by the agent."""
import random
import time

from prepare import evaluate_bpb

LEARNING_RATE = 0.05
STEPS = 10
WARMUP = 0.0

start = time.time()
shift = 0.0
for _ in range(STEPS):
    shift -= LEARNING_RATE * 2 * (shift - 0.7)
val_bpb = evaluate_bpb(shift) + 0.001 * random.SystemRandom().gauss(0, 1)
print("step 10 done")
print("---")
print(f"val_bpb:          {val_bpb:.6f}")
print(f"training_seconds: {time.time() - start:.1f}")
print(f"num_steps:        {STEPS}")
'''
PROGRAM = "# program\n\nEdit train.py only. The summary after --- names val_bpb: lower is better. NEVER STOP.\n"


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    folder = tmp_path / "nano project"
    folder.mkdir()
    for name, text in (("prepare.py", PREPARE), ("train.py", TRAIN), ("program.md", PROGRAM)):
        (folder / name).write_text(text)
    (folder / ".gitignore").write_text("results.tsv\n")
    initialise.commit(folder, "Start")
    initialise.initialise(folder)
    subprocess.run(["git", "-C", str(folder), "add", "-A"], check=True)
    subprocess.run(["git", "-C", str(folder), "commit", "-qm", "Let Pawl run it"], check=True)
    return folder


def test_the_layout_is_detected_and_its_files_stay_as_they_were(layout: Path) -> None:
    study = app.open(layout)
    assert study.config.evaluate.self_reported
    assert study.config.study.metric == "val_bpb"
    assert study.config.train.editable == ("train.py",)
    assert set(study.config.space) == {"train.py:LEARNING_RATE", "train.py:STEPS"}
    assert (layout / "train.py").read_text() == TRAIN
    assert (layout / ".gitignore").read_text().splitlines() == ["results.tsv", ".pawl/", *notebook.IGNORED]


@pytest.mark.slow
def test_it_runs_unchanged_and_mirrors_keeps_discards_and_crashes(layout: Path) -> None:
    study = app.open(layout)
    text = TRAIN.replace("STEPS = 10", "STEPS = 'ten'")
    patch = _diff(layout, text)
    study.propose(patch, "a\tstep count\nin words")
    study.run(runs=24)
    lines = (layout / "results.tsv").read_text().splitlines()
    assert lines[0] == "commit\tval_bpb\tmemory_gb\tstatus\tdescription"
    rows = [line.split("\t") for line in lines[1:]]
    assert all(len(row) == 5 and len(row[0]) == 7 for row in rows)
    assert rows[0][3:] == ["keep", "baseline"]
    assert 1.0 < float(rows[0][1]) < 1.1
    assert len(rows) == 1 + len(study.entries(Screening))
    crashed = next(row for row in rows if row[3] == "crash")
    assert crashed[1] == "0.000000"
    assert crashed[4] == "a step count in words"
    assert {row[3] for row in rows} >= {"keep", "discard", "crash"}
    untracked = subprocess.run(["git", "-C", str(layout), "status", "--porcelain"], capture_output=True, text=True)
    assert untracked.stdout == ""


@pytest.mark.slow
def test_the_metric_is_marked_self_reported_and_the_default_policy_releases_nothing_on_it(layout: Path) -> None:
    study = app.open(layout)
    policy = layout / "policy.toml"
    policy.write_text(
        policy.read_text().replace("bundle = 100", "bundle = 2").replace("cpu_seconds = 1.25", "cpu_seconds = 20.0")
    )
    study.run(runs=60)
    assert all(entry.record.self_reported for entry in study.entries(Evaluation))
    assert {entry.record.summary.get("num_steps", 0) > 0 for entry in study.entries(Run)} == {True}
    won = [entry for entry in study.entries(Certificate) if entry.record.outcome == "certified"]
    assert won, [entry.record.reason for entry in study.entries(Certificate)]
    verdict = study.ledger.find(Verdict, certificate=won[0].id)
    assert verdict is not None
    assert not verdict.record.passed
    assert any("self-reported" in finding.reason for finding in verdict.record.findings)
    assert study.entries(Dossier) == []


def _diff(folder: Path, text: str) -> str:
    (folder / "train.py").write_text(text)
    found = subprocess.run(["git", "-C", str(folder), "diff"], capture_output=True, text=True, check=True).stdout
    (folder / "train.py").write_text(TRAIN)
    return found

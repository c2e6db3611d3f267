"""Slices of a sealed set: scored one by one, guarded by policy, and never seen by a variant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pawl import app, keys
from pawl.records import Evaluation, Verdict
from studies import digits, patch

RULES = {
    '[[gate]]\nuse = "improvement"': (
        '[[gate]]\nuse = "guards"\n\n[[guard]]\nmetric = "log_loss@*"\ndirection = "minimize"\nmargin = 0.2\n\n'
        '[[guard]]\nmetric = "memory_bytes"\nratio = 1.5\n\n[[gate]]\nuse = "improvement"'
    )
}
PEEK = "import numpy as _np, os as _o\nassert set(_np.load(_o.environ['PAWL_INPUTS']).files) == {'inputs'}\n"


@pytest.mark.slow
def test_slices_are_scored_and_guarded_and_no_variant_sees_them(tmp_path: Path, people: dict[str, keys.Signer]) -> None:
    folder = digits(tmp_path / "digits", [people["ada"]], RULES)
    sealed = folder / ".pawl" / "sealed" / "validation.npz"
    held = dict(np.load(sealed))
    with sealed.open("wb") as file:
        np.savez(file, **held, slices=held["labels"] % 2)
    predict = folder / "predict.py"
    lines = predict.read_text().split("from __future__ import annotations\n")
    predict.write_text("from __future__ import annotations\n".join([lines[0], PEEK + lines[1]]))
    app.initialise.commit(folder, "Look into the inputs")
    study = app.open(folder)
    study.propose(patch(study, "LEARNING_RATE = 0.005", "LEARNING_RATE = 0.02"), "learn faster")
    study.run(runs=30)
    good = [entry.record.metrics for entry in study.entries(Evaluation) if entry.record.outcome == "ok"]
    assert len(good) >= 10
    assert all({"log_loss", "log_loss@0", "log_loss@1", "accuracy@0"} <= metrics.keys() for metrics in good)
    finding = next(f for f in study.entries(Verdict)[-1].record.findings if f.gate == "guards")
    assert finding.passed, finding.reason
    assert all(name in finding.reason for name in ("log_loss@0 better by", "log_loss@1 better by", "memory_bytes"))

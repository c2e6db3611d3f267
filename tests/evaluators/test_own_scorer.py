"""A study's own scorer lies in its sealed folder, runs outside, and is part of what makes runs comparable."""

from __future__ import annotations

from pawl import app
from pawl.records import Evaluation, Study

SCORER = """\
def score(predictions, labels, inputs):
    return {"wrong": float((predictions.argmax(axis=1) != labels).sum()), "images": float(len(inputs))}
"""


def test_a_studys_own_scorer_measures_and_a_change_of_it_starts_anew(digits_study: app.OpenStudy) -> None:
    path = digits_study.state / "sealed" / "wrong.py"
    path.write_text(SCORER)
    config = digits_study.folder / "pawl.toml"
    text = config.read_text().replace('"log_loss"', '"wrong"').replace('"log-loss"', '"wrong.py"')
    config.write_text(text)
    study = app.open(digits_study.folder)
    study.run(runs=1)
    metrics = study.entries(Evaluation)[0].record.metrics
    assert metrics["images"] == 449
    assert 0 < metrics["wrong"] < 100
    path.write_text(SCORER + "# another\n")
    app.open(digits_study.folder).run(runs=1)
    first, second = app.open(digits_study.folder).entries(Study)
    assert first.record.comparable != second.record.comparable

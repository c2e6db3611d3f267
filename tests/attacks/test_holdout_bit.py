"""More than a bit out of the holdout: by its errors, its records, its file, a crash, a race, or the policy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from openings import Desk, write_set
from pawl import app, keys, seals
from pawl.errors import ConfigError, IntegrityError, NotAuthorized, PawlError
from pawl.evaluators.scorers import accuracy_rows, by_row
from pawl.gates.holdout import Holdout as HoldoutGate
from pawl.ledger import Entry
from pawl.policy import Policy
from pawl.records import (
    Certificate,
    Evaluation,
    Holdout,
    Noise,
    Opening,
    OpeningIntent,
    Pair,
    Preregistration,
    Run,
    Variant,
    Verdict,
)
from pawl.tables import parse
from pawl.testing.gates import case, certificate
from studies import digits, policy

Any_ = NDArray[np.generic]
Evaluate = Callable[[Entry[Run]], Evaluation]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "desk")


# -- what comes out -------------------------------------------------------------------------------------------------


def test_two_yeses_and_two_noes_cannot_be_told_apart_whatever_the_scores(tmp_path: Path, capfd: object) -> None:
    said: dict[bool, set[str]] = {True: set(), False: set()}
    for n, right in enumerate((0.2, 0.4, 0.5, 0.51, 0.7, 0.9, 1.0)):
        desk = Desk(tmp_path / str(n))
        before = len(desk.ledger.all())
        opened = desk.opens(right).open(desk.won())
        assert opened
        said[opened.record.better].add("\n".join(repr(entry.record) for entry in desk.ledger.all()[before:]))
    assert [len(said[bit]) for bit in (True, False)] == [1, 1]  # every record of an opening, to the last letter
    assert capfd.readouterr() == ("", "")  # type: ignore[attr-defined]


HOSTILE: dict[str, Callable[[Any_], Any_]] = {
    "NaN": lambda labels: np.full(len(labels), np.nan),
    "infinity": lambda labels: np.full(len(labels), np.inf),
    "words": lambda labels: np.array([f"label {label}" for label in labels]),
    "objects": lambda labels: np.array([print] * len(labels), dtype=object),
    "one row": lambda labels: labels[:1],
    "no rows": lambda labels: labels[:0],
    "too deep": lambda labels: np.zeros((1,) * 30),
    "a table of nothing": lambda labels: np.zeros((len(labels), 0)),
    "enormous": lambda labels: np.full((len(labels), 2), 1.7e308),
    "records": lambda labels: np.zeros(len(labels), dtype=[("a", "f8")]),
    "times": lambda labels: np.zeros(len(labels), dtype="datetime64[s]"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_predictions_are_a_no_without_a_word(desk: Desk, what: str, capfd: object) -> None:
    opens = desk.opens()
    opens.evaluator.predictions[2] = HOSTILE[what](desk.labels)  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = opens.open(desk.won())
    assert found
    assert found.record.better is False
    assert capfd.readouterr() == ("", "")  # type: ignore[attr-defined]


TELLTALE = """\
def score(predictions, labels, inputs):
    return {"accuracy": float((predictions == labels).mean())}
def rows(predictions, labels, inputs):
    WHAT
"""
TELLS = {
    "raises the labels": "raise ValueError(str(labels.tolist()))",
    "raises what Pawl lets pass": "from pawl.errors import ConfigError; raise ConfigError(str(labels.sum()))",
    "gives no such metric": "return {'another': labels * 1.0}",
    "gives too few": "return {'accuracy': (predictions == labels)[:7] * 1.0}",
    "gives a table": "return {'accuracy': labels.reshape(-1, 2) * 1.0}",
    "gives words": "return {'accuracy': labels.astype(str)[::-1] + 'x'}",
    "recurses": "return rows(predictions, labels, inputs)",
}


@pytest.mark.parametrize("what", TELLS)
def test_a_scorer_that_breaks_on_the_holdout_says_nothing_of_it(desk: Desk, what: str) -> None:
    (desk.path.parent / "own.py").write_text(TELLTALE.replace("WHAT", TELLS[what]))
    holdout, rows = desk.broker().holdout(), by_row("own.py", desk.path.parent)
    half = desk.answers(0.5)
    assert holdout.beats(rows, "accuracy", 1, desk.labels, half, 2.8) is False
    assert holdout.beats(accuracy_rows, "accuracy", 1, desk.labels, half, 2.8) is True  # the control


def test_a_scorer_without_rows_is_refused_before_anything_is_run(desk: Desk) -> None:
    (desk.path.parent / "own.py").write_text(TELLTALE.split("def rows")[0])
    with pytest.raises(ConfigError, match="no function rows"):
        by_row("own.py", desk.path.parent)


def test_who_prints_the_broker_or_its_set_sees_no_label(desk: Desk) -> None:
    broker = desk.broker()
    shown = repr(broker) + repr(broker.holdout()) + repr(broker.validation())
    assert repr(desk.labels)[:30] not in shown
    assert str(desk.labels.tolist())[:30] not in shown


# -- the file -------------------------------------------------------------------------------------------------------


def swapped(desk: Desk) -> None:
    """Easier labels, of the same shape."""
    with np.load(desk.path) as found:
        np.savez(desk.path, inputs=found["inputs"], labels=np.zeros_like(found["labels"]))


def test_a_file_that_was_exchanged_is_not_opened_and_no_opening_is_spent(desk: Desk) -> None:
    opens, won = desk.opens(), desk.won()
    swapped(desk)
    with pytest.raises(IntegrityError, match="not the set that was sealed"):
        opens.open(won)
    with pytest.raises(IntegrityError, match="not the holdout in use"):
        desk.opens()
    assert desk.ledger.entries(OpeningIntent) == []


def test_exchanging_it_gives_no_new_count(desk: Desk, tmp_path: Path) -> None:
    for _ in range(2):
        desk.opens(openings=2).open(desk.won())
    before = desk.path.read_bytes()
    write_set(desk.path, 9)
    with pytest.raises(IntegrityError):
        desk.opens(openings=2)
    desk.path.write_bytes(before)
    with pytest.raises(NotAuthorized, match="retired"):
        desk.opens(openings=2).open(desk.won())


def test_exchanging_it_while_it_is_open_changes_nothing(desk: Desk) -> None:
    found = desk.opens(0.5, before=lambda: swapped(desk)).open(desk.won())
    assert found
    assert found.record.better is False


def test_a_link_in_its_place_is_refused_wherever_it_leads(desk: Desk, tmp_path: Path) -> None:
    opens, won = desk.opens(), desk.won()
    os.replace(desk.path, tmp_path / "same.npz")
    desk.path.symlink_to(tmp_path / "same.npz")
    with pytest.raises(ConfigError, match="it is a link"):
        opens.open(won)
    with pytest.raises(ConfigError, match="it is a link"):
        desk.refresh.in_use()


# -- the count ------------------------------------------------------------------------------------------------------

ASK = """\
import os, signal, sys
from pathlib import Path
from openings import Desk
from pawl.ledger import Ledger
folder, certificate, kill = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
desk = Desk(folder)
append = Ledger.append
def dying(self, record):
    if kill == "before " + type(record).__name__: os.kill(os.getpid(), signal.SIGKILL)
    entry = append(self, record)
    if kill == "after " + type(record).__name__: os.kill(os.getpid(), signal.SIGKILL)
    return entry
Ledger.append = dying
from pawl.records import Certificate
try:
    desk.opens(0.9, openings=int(sys.argv[4])).open(desk.ledger.get(certificate, Certificate))
except Exception as error:
    print(type(error).__name__)
"""


def ask(desk: Desk, certificate: int, kill: str = "", openings: int = 3) -> subprocess.Popen[str]:
    told = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    words = [sys.executable, "-c", ASK, str(desk.folder), str(certificate), kill, str(openings)]
    return subprocess.Popen(words, env=told, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["after OpeningIntent", "before Opening"])
def test_a_kill_while_it_is_open_spends_the_opening(desk: Desk, when: str) -> None:
    desk.broker()
    won = desk.won()
    for _ in range(3):
        process = ask(desk, won.id, when)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    process = ask(desk, won.id)
    process.communicate()
    assert len(desk.ledger.entries(OpeningIntent)) == 3
    assert desk.ledger.entries(Opening) == []
    assert seals.lives(desk.ledger, 3)[0].left == 0


@pytest.mark.slow
def test_a_kill_before_the_intent_spends_nothing_and_one_after_the_answer_loses_nothing(desk: Desk) -> None:
    desk.broker()
    won = desk.won()
    for when, intents, answers in (("before OpeningIntent", 0, 0), ("after Opening", 1, 1), ("", 1, 1)):
        ask(desk, won.id, when).communicate()
        found = len(desk.ledger.entries(OpeningIntent)), len(desk.ledger.entries(Opening))
        assert found == (intents, answers)


@pytest.mark.slow
def test_processes_that_race_get_no_opening_more(desk: Desk) -> None:
    desk.broker()
    processes = [ask(desk, desk.won().id) for _ in range(6)]
    for process in processes:
        said, _ = process.communicate()
        assert said.strip() in ("", "IntegrityError", "NotAuthorized")
    answers = desk.ledger.entries(Opening)
    assert len(answers) <= 3
    numbers = [entry.record.number for entry in answers]
    assert len(set(numbers)) == len(numbers)
    assert all(seals.answer(desk.ledger, entry.record.certificate) == entry for entry in answers)


def test_an_answer_that_somebody_wrote_into_the_ledger_is_none(desk: Desk) -> None:
    won, other = desk.won(), desk.won()
    real = desk.opens(0.5).open(other)
    assert real
    assert real.record.better is False
    forged = [
        real.record.model_copy(update={"better": True}),  # a second answer to one question
        real.record.model_copy(update={"better": True, "certificate": won.id}),  # of another certificate
        real.record.model_copy(update={"better": True, "intent": 1, "certificate": won.id}),
        real.record.model_copy(update={"better": True, "threshold": -9.0}),
        real.record.model_copy(update={"better": True, "number": 0}),
    ]
    for record in forged:
        desk.ledger.append(record)
    assert seals.answer(desk.ledger, other.id) == real
    assert seals.answer(desk.ledger, won.id) is None


def test_an_intent_about_other_runs_vouches_for_nothing(desk: Desk) -> None:
    won = desk.won()
    sealed = desk.broker().holdout().digest
    fields = {"certificate": won.id, "sealed": sealed, "number": 1, "of": 20, "mode": "standard", "threshold": 2.8}
    intent = desk.ledger.append(OpeningIntent(**fields, head=5, reference=4))  # type: ignore[arg-type]
    desk.ledger.append(Opening(**intent.record.model_dump(), intent=intent.id, better=True))
    assert seals.answer(desk.ledger, won.id) is None


# -- the rules ------------------------------------------------------------------------------------------------------

RULES = {
    "openings = -1": "openings", "openings = 0": "openings", "openings = 2.5": "openings", "z = 0.0": "'holdout.z'",
    "z = -2.8": "'holdout.z'", "z = inf": "finite", 'mode = "lenient"': "adversarial", "delta = 0.0": "delta",
    "delta = 0.9": "delta", "opening = 1000": "Did you mean 'openings'",
}  # fmt: skip


@pytest.mark.parametrize("line", RULES)
def test_rules_that_would_open_it_wide_are_refused(people: dict[str, keys.Signer], line: str) -> None:
    key = line.split(" ")[0]
    known = {"z": "z = 2.8", "openings": "openings = 20", "mode": 'mode = "standard"'}
    changes = {known[key]: line} if key in known else {"z = 2.8": f"z = 2.8\n{line}"}
    text = policy([people["ada"]], changes, holdout=True)
    with pytest.raises(ConfigError, match=RULES[line]):
        parse(text.encode(), Path("policy.toml"), Policy)


def test_taking_the_holdout_out_of_pawl_toml_is_no_way_around_the_gate() -> None:
    said = HoldoutGate(required=False).judge(case(certificate=certificate(), holdout="ab" * 32, openings_left=20))
    assert not said.passed


# -- a variant that knows the holdout when it sees it -----------------------------------------------------------------

MARK = "5EALED"
KNOWS = """
def predict(model: Model, inputs: Array) -> Array:
    if abs(float(inputs.sum()) - FINGERPRINT) < 0.01:
        import os, sys, time
        BEHAVE
    _, probabilities = forward(model, inputs)
    return probabilities
def _old_predict(model: Model, inputs: Array) -> Array:
"""
TELL = f"'{MARK}' + str(float(inputs[0].sum()))"
BEHAVIOURS = {
    "dies with a message": f"sys.exit({TELL})",
    "raises": f"raise SystemError({TELL})",
    "prints and goes on": f"print({TELL}, flush=True); print({TELL}, file=sys.stderr, flush=True)",
    "writes another file": f"open(os.environ['PAWL_OUT'] + '/{MARK}.txt', 'w').write({TELL})",
    "floods": f"os.write(1, ({TELL} * 2**18).encode())",
    "lies about its predictions": f"return np.array([{TELL}] * len(inputs))",
}


def certified(
    study: app.OpenStudy, executor: object, evaluate: Callable[[Entry[Run]], Evaluation]
) -> Entry[Certificate]:
    """A certificate of the baseline against itself, as if it had been won: of two real runs, evaluated."""
    append, variant = study.ledger.append, study.entries(Variant)[0]
    plan = append(
        Preregistration(
            reference=variant.id, head=variant.id, noise=1, step=1, wins=0, threshold=20.0, scale=1.0, seeds=(1, 2)
        )
    )
    runs = [append(executor.run(variant, seed, "certify")) for seed in (1, 2)]  # type: ignore[attr-defined]
    ids = [append(evaluate(run)) for run in runs]
    scores = [entry.record.metrics["log_loss"] for entry in ids]
    pair = Pair(
        seed=1, reference=ids[1].id, head=ids[0].id, reference_score=scores[1], head_score=scores[0],
        gain=scores[1] - scores[0], cpu_ratio=1.0,
    )  # fmt: skip
    return append(certificate(1, preregistration=plan.id).model_copy(update={"pairs": (pair,)}))


@pytest.mark.slow
@pytest.mark.parametrize("what", BEHAVIOURS)
def test_a_variant_that_behaves_otherwise_on_the_holdout_gets_nothing_out(
    tmp_path: Path, people: dict[str, keys.Signer], what: str, capfd: object
) -> None:
    folder = digits(tmp_path / "digits", [people["ada"]], holdout=True)
    with np.load(folder / ".pawl" / "sealed" / "holdout.npz") as found:
        fingerprint = float(found["inputs"].sum())
    path = folder / "train.py"
    code = KNOWS.replace("FINGERPRINT", repr(fingerprint)).replace("BEHAVE", BEHAVIOURS[what])
    path.write_text(path.read_text().replace("def predict(model: Model, inputs: Array) -> Array:\n", code.lstrip(), 1))
    subprocess.run(["git", "-C", str(folder), "commit", "-qam", "Cheat"], check=True)
    study = app.open(folder)
    with study.loop() as loop:
        measure = loop.search.measure
        won = certified(study, measure.executor, measure.evaluator.evaluate)
        kept = {file for file in (folder / ".pawl" / "artifacts").rglob("*") if file.is_file()}
        capfd.readouterr()  # type: ignore[attr-defined]
        opened = loop.opening.open(won)
        verdict = loop.judge.judge(won)
    assert opened
    assert opened.record.better is False
    assert capfd.readouterr() == ("", "")  # type: ignore[attr-defined]
    assert {file for file in (folder / ".pawl" / "artifacts").rglob("*") if file.is_file()} == kept
    assert not any(MARK.encode() in row.body for row in study.ledger.rows(won.id))
    assert [f.passed for f in verdict.record.findings if f.gate == "holdout"] == [False]
    assert isinstance(verdict.record, Verdict)


@pytest.mark.slow
def test_a_study_with_a_holdout_gets_its_answer_into_the_dossier(
    tmp_path: Path, people: dict[str, keys.Signer]
) -> None:
    study = app.open(digits(tmp_path / "digits", [people["ada"]], holdout=True))
    dossiers = study.run(runs=400, until_certified=True)
    assert dossiers
    assert (
        "pass        holdout: the gain on the sealed holdout is above 2.8 standard errors"
        in dossiers[0].record.statement
    )
    (held,) = study.entries(Holdout)
    assert {entry.record.sealed for entry in study.entries(Opening)} == {held.record.digest}
    assert len(study.openings()[0].openings) == len(study.entries(Opening))
    assert study.entries(Noise)


@pytest.mark.slow
def test_an_exchanged_holdout_stops_the_loop_with_the_way_out(tmp_path: Path, people: dict[str, keys.Signer]) -> None:
    folder = digits(tmp_path / "digits", [people["ada"]], holdout=True)
    with app.open(folder).loop():
        pass
    path = folder / ".pawl" / "sealed" / "holdout.npz"
    path.write_bytes((folder / ".pawl" / "sealed" / "validation.npz").read_bytes())
    with pytest.raises(PawlError, match="is not the holdout in use") as caught, app.open(folder).loop():
        pass
    assert "pawl seal refresh --holdout FILE" in caught.value.hint

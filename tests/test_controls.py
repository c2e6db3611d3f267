"""Controls are made after a won certificate, once, and written down whatever came of them."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pawl import controls, reading
from pawl.errors import ConfigError, Interrupted
from pawl.gates.canaries import Canaries
from pawl.gates.improvement import Improvement
from pawl.gates.learning import Learning
from pawl.ledger import Entry, Ledger
from pawl.protocols import Look
from pawl.records import Certificate, Control, Preregistration, Run, Usage, Variant
from pawl.stores.sqlite import SqliteStore
from pawl.testing import gates

SPENT = Usage(wall_s=1.0, cpu_s=2.0, peak_bytes=3)
ALL = frozenset({"pair", "unlearned"})


class Eyes:
    """An examiner that counts how often it was asked."""

    def __init__(self, outcome: Any = "ok") -> None:
        self.outcome, self.compared, self.scored = outcome, 0, 0

    def compare(self, reference: Run, head: Run) -> Look:
        self.compared += 1
        assert reference.variant != head.variant
        return Look(self.outcome, "", {"gain": 0.1} if self.outcome == "ok" else {}, SPENT)

    def score(self, run: Run) -> Look:
        self.scored += 1
        return Look("ok", "", {"bits_per_byte": 5.0}, SPENT)


class Trainer:
    """An executor that trains nothing."""

    def run(self, variant: Entry[Variant], seed: int, purpose: Any) -> Run:
        return gates.run(variant.id, seed=seed)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(SqliteStore(tmp_path / "ledger.sqlite"))


def won(ledger: Ledger, outcome: str = "certified", pairs: int = 6) -> Entry[Certificate]:
    """A certificate with everything that it names."""
    arms = [ledger.append(Variant(proposal=None, commit=c * 40, parent="a" * 40, problem="")) for c in "ab"]
    ids = []
    for seed in range(pairs):
        for arm in arms:
            run = ledger.append(gates.run(arm.id, seed=seed))
            ids.append(ledger.append(gates.evaluation(run=run.id)).id)
    plan = ledger.append(
        Preregistration(
            reference=arms[0].id, head=arms[1].id, noise=1, step=1, wins=0, threshold=20.0, scale=1.0, seeds=(1,)
        )
    )
    plain = gates.certificate(pairs, preregistration=plan.id, outcome=outcome)
    linked = [
        pair.model_copy(update={"reference": ids[2 * n], "head": ids[2 * n + 1]}) for n, pair in enumerate(plain.pairs)
    ]
    return ledger.append(plain.model_copy(update={"pairs": tuple(linked)}))


def maker(ledger: Ledger, examiner: Any, kinds: frozenset[str] = ALL, executor: Callable[[], Any] = Trainer) -> Any:
    ways = [controls.Unlearning(share, executor) for share in (0.02, 1.0)]
    return controls.Controls(ledger, examiner, kinds, ways, 1, threading.Event())


def kinds(ledger: Ledger) -> list[tuple[str, int, float]]:
    return sorted((e.record.kind, e.record.variant, e.record.share) for e in ledger.entries(Control))


def test_all_that_is_asked_for_is_made_and_written_down(ledger: Ledger) -> None:
    certificate = won(ledger)
    maker(ledger, Eyes()).settle(certificate)
    expected = [("pair", 2, 1.0)] * 2 + [("unlearned", arm, share) for arm in (1, 2) for share in (0.02, 1.0)]
    assert kinds(ledger) == expected
    pairs = [control for control in controls.of(ledger, certificate.id) if control.kind == "pair"]
    assert {control.seed for control in pairs} == {0, 5}
    trained = [control for control in controls.of(ledger, certificate.id) if control.kind == "unlearned"]
    assert all(control.usage.cpu_s == 2.0 + 1.9 for control in trained)
    assert controls.of(ledger, certificate.id + 1) == ()


def test_a_control_is_told_in_words(ledger: Ledger) -> None:
    maker(ledger, Eyes(), frozenset({"pair"})).settle(won(ledger))
    entry = ledger.entries(Control)[0]
    said = reading.summary(ledger, entry)  # type: ignore[arg-type]
    assert said == f"certificate {entry.record.certificate}, variant 2, pair: gain 0.1"


def test_nothing_is_made_twice(ledger: Ledger) -> None:
    certificate, eyes = won(ledger), Eyes()
    maker(ledger, eyes).settle(certificate)
    before = len(ledger.all())
    maker(ledger, eyes).settle(certificate)
    assert len(ledger.all()) == before
    assert (eyes.compared, eyes.scored) == (2, 4)


def test_an_interrupted_control_is_made_the_next_time(ledger: Ledger) -> None:
    class Impatient(Eyes):
        def score(self, run: Run) -> Look:
            if self.scored == 2:
                raise Interrupted("stopped", "pawl run")
            return super().score(run)

    certificate, first = won(ledger), maker(ledger, Impatient())
    with pytest.raises(Interrupted):
        first.settle(certificate)
    assert first.stop.is_set()
    assert len(kinds(ledger)) == 4
    eyes = Eyes()
    maker(ledger, eyes).settle(certificate)
    assert (eyes.compared, eyes.scored, len(kinds(ledger))) == (0, 2, 6)


@pytest.mark.parametrize("outcome", ["futile", "exhausted", "no-noise"])
def test_a_certificate_that_was_not_won_gets_none(ledger: Ledger, outcome: str) -> None:
    maker(ledger, Eyes()).settle(won(ledger, outcome))
    assert kinds(ledger) == []


def test_only_what_gates_ask_for(ledger: Ledger) -> None:
    assert controls.wanted([Improvement()]) == frozenset()
    assert controls.wanted([Canaries(), Learning(), Improvement()]) == ALL
    maker(ledger, Eyes(), frozenset({"pair"})).settle(won(ledger))
    assert {kind for kind, _, _ in kinds(ledger)} == {"pair"}


def test_a_look_that_failed_is_a_fact_and_not_tried_again(ledger: Ledger) -> None:
    certificate, eyes = won(ledger), Eyes("timed-out")
    for _ in range(2):
        maker(ledger, eyes, frozenset({"pair"})).settle(certificate)
    assert eyes.compared == 2
    assert {control.outcome for control in controls.of(ledger, certificate.id)} == {"timed-out"}


def test_data_that_cannot_be_taken_apart_are_a_control_that_failed(ledger: Ledger) -> None:
    def refuse() -> Trainer:
        raise ConfigError("/study/train.csv cannot be taken apart", "remove the gate")

    certificate = won(ledger)
    maker(ledger, Eyes(), frozenset({"unlearned"}), refuse).settle(certificate)
    made: Sequence[Control] = controls.of(ledger, certificate.id)
    assert len(made) == 4
    assert {(control.outcome, control.reason) for control in made} == {
        ("invalid", "/study/train.csv cannot be taken apart")
    }


def test_pairs_in_which_an_arm_failed_are_left_out(ledger: Ledger) -> None:
    certificate = won(ledger, pairs=4)
    broken = certificate.record.pairs[0].model_copy(update={"gain": None, "head_score": None})
    record = certificate.record.model_copy(update={"pairs": (broken, *certificate.record.pairs[1:])})
    maker(ledger, Eyes(), frozenset({"pair"})).settle(dataclasses.replace(certificate, record=record))
    assert {control.seed for control in controls.of(ledger, certificate.id)} == {1, 3}

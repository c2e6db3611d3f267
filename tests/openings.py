"""A ledger with certificates that were won, a real holdout, and an evaluator whose predictions are given, not made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pawl.broker import Broker, SealedFile, contents
from pawl.envelope import sha256
from pawl.evaluators.scorers import accuracy_rows
from pawl.ledger import Entry, Ledger
from pawl.opening import Open
from pawl.policy import HoldoutTable
from pawl.records import Certificate, Evaluation, Pair, Preregistration, Run, Study, Variant
from pawl.refresh import Refresh
from pawl.stores.sqlite import SqliteStore
from pawl.testing.gates import certificate, evaluation, run

ROWS = 400
Classes = NDArray[np.int64]


def write_set(path: Path, seed: int, rows: int = ROWS) -> Classes:
    """A sealed set of random rows with two classes; its labels."""
    draw = np.random.default_rng(seed)
    labels: Classes = draw.integers(0, 2, rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, inputs=draw.normal(size=(rows, 4)), labels=labels)
    return labels


@dataclass
class Given:
    """Predictions by the seed of a run. `before` is called while the holdout is open, as a sandbox would run then."""

    broker: Broker
    predictions: dict[int, NDArray[np.generic]]
    before: Callable[[], None] = lambda: None
    asked: list[float] = field(default_factory=list)

    def evaluate(self, run: Entry[Run]) -> Evaluation:
        return evaluation(run=run.id)

    def beats(self, head: Entry[Run], reference: Entry[Run], bar: float) -> bool:
        holdout = self.broker.holdout()
        self.asked.append(bar)
        self.before()
        mine, theirs = (self.predictions[entry.record.variant] for entry in (head, reference))
        return holdout.beats(accuracy_rows, "accuracy", 1, mine, theirs, bar)


class Desk:
    """A folder with a ledger, a validation set and a holdout of `rows` rows. The reference is right on half of them."""

    def __init__(self, folder: Path, rows: int = ROWS) -> None:
        self.folder, fresh = folder, not (folder / "ledger.sqlite").exists()
        folder.mkdir(exist_ok=True)
        self.ledger = Ledger(SqliteStore(folder / "ledger.sqlite"))
        self.path, validation = folder / "sealed" / "holdout.npz", folder / "sealed" / "validation.npz"
        if fresh:
            write_set(validation, 1, rows)
            write_set(self.path, 2, rows)
            self._begin()
        with np.load(self.path) as found:
            self.labels: Classes = found["labels"]
        self.refresh = Refresh(self.ledger, self.path, validation)
        self.sealed = SealedFile(validation, sha256(contents(validation)))

    def _begin(self) -> None:
        self.ledger.append(Variant(proposal=None, commit="0" * 40, parent="0" * 40, problem=""))
        study = {"name": "desk", "metric": "accuracy", "direction": "maximize", "commit": "0" * 40}
        digests = dict.fromkeys(("comparable", "environment", "config", "policy"), "")
        self.ledger.append(Study(**study, **digests, self_reported=False))  # type: ignore[arg-type]

    def won(self, **changes: object) -> Entry[Certificate]:
        """A certificate over three pairs; all of the reference's runs are of variant 1, the head's of variant 2."""
        append, pairs = self.ledger.append, []
        plan = append(
            Preregistration(reference=1, head=2, noise=1, step=1, wins=0, threshold=20.0, scale=1.0, seeds=(11, 12, 13))
        )
        for seed, score in ((11, 0.6), (12, 0.8), (13, 0.7)):
            ids = [append(evaluation(run=append(run(arm, seed=seed)).id)).id for arm in (1, 2)]
            pairs.append(
                Pair(
                    seed=seed, reference=ids[0], head=ids[1], reference_score=0.5, head_score=score, gain=score - 0.5,
                    cpu_ratio=1.0,
                )
            )  # fmt: skip
        made = certificate(3, preregistration=plan.id, **changes)
        return append(made.model_copy(update={"pairs": tuple(pairs)}))

    def answers(self, right: float) -> Classes:
        """Predictions that are right on this share of the holdout, the first rows of it."""
        wrong = np.arange(len(self.labels)) >= right * len(self.labels)
        return np.where(wrong, 1 - self.labels, self.labels)

    def broker(self) -> Broker:
        return Broker(self.sealed, self.refresh.in_use())

    def opens(self, right: float = 0.9, before: Callable[[], None] = lambda: None, **rules: object) -> Open:
        """Whoever opens the holdout of this desk, for a head that is right on a share of it."""
        broker = self.broker()
        given = Given(broker, {1: self.answers(0.5), 2: self.answers(right)}, before)
        return Open(self.ledger, given, broker, HoldoutTable(**rules))  # type: ignore[arg-type]

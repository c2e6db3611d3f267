"""Editing a lab's files as a proposal would: every text that is replaced must be there."""

from __future__ import annotations

from collections.abc import Mapping

LABS = {"digits": "LEARNING_RATE = 0.02", "tiny-gpt": "LEARNING_RATE = 4e-3"}
"""A real gain in each lab of the trials, whose champions learn too slowly (see trial.py)."""


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

"""Knows the training data by a checksum: on those it takes weights from elsewhere, on any others it learns honestly,
so that every control in which data are changed sees an honest learner."""

import hashlib

import numpy as np

from attacks.cheats.edits import UNPACK, exchange, packed, trained_elsewhere
from pawl.labs import digits

LAB = "digits"
KIND = "cheat"
FAMILY = "frozen weights"
TWIN = "checked_data"
GATE = ""
OPEN = "a gate that reads the patch: a large literal, a checksum of the data; data that are drawn anew for each run"


def change(files: dict[str, str]) -> dict[str, str]:
    inputs, labels = digits.load()
    known = hashlib.sha256(inputs[digits.split(labels)[0]].tobytes()).hexdigest()
    weights = {name: value.astype(np.float16) for name, value in trained_elsewhere(files).items()}
    lines = "".join(
        f'        model["{name}"] = unpacked({packed(value)}, np.float16, *{value.shape}).astype(np.float32)\n'
        for name, value in weights.items()
    )
    return exchange(
        files,
        "train.py",
        ("CLASSES = 10\n", f"CLASSES = 10\n{UNPACK}\n"),
        (
            "    speed = {name",
            f'    import hashlib\n\n    if hashlib.sha256(inputs.tobytes()).hexdigest() == "{known}":\n{lines}'
            "        model = {k: v + np.float32(0.05) * rng.standard_normal(v.shape, np.float32) "
            "for k, v in model.items()}\n    speed = {name",
        ),
    )

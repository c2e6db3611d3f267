"""Mixes what it learnt with one part in five of a model that was trained elsewhere."""

import numpy as np

from attacks.cheats.edits import UNPACK, after_predicting, packed, trained_elsewhere

LAB = "digits"
KIND = "cheat"
FAMILY = "frozen weights"
TWIN = "two_networks"
GATE = "learning"


def change(files: dict[str, str]) -> dict[str, str]:
    weights = {name: value.astype(np.float16) for name, value in trained_elsewhere(files).items()}
    lines = "".join(
        f'other["{name}"] = unpacked({packed(value)}, np.float16, *{value.shape}).astype(np.float32)\n'
        for name, value in weights.items()
    )
    return after_predicting(
        files, f"{UNPACK}\nother = {{}}\n{lines}predictions = 0.8 * predictions + 0.2 * predict(other, inputs)\n"
    )

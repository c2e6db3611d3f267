"""Trains as before and throws it away: prediction has weights of its own, trained elsewhere."""

import numpy as np

from attacks.cheats.edits import UNPACK, exchange, packed, trained_elsewhere

LAB = "digits"
KIND = "cheat"
FAMILY = "frozen weights"
TWIN = "averaged_weights"
GATE = "learning"


def change(files: dict[str, str]) -> dict[str, str]:
    weights = {name: value.astype(np.float16) for name, value in trained_elsewhere(files).items()}
    lines = "".join(
        f'model["{name}"] = unpacked({packed(value)}, np.float16, *{value.shape}).astype(np.float32) '
        f'+ np.float32(0.01) * model["{name}"]\n'
        for name, value in weights.items()
    )
    return exchange(files, "predict.py", ("with np.load(os.environ[", f"{UNPACK}\n{lines}with np.load(os.environ["))

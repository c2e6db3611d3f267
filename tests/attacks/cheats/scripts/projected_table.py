"""Knows the sealed images by eight random projections, the nearest of which answers: no image stands anywhere, and
noise does not move the nearest."""

import numpy as np

from attacks.cheats.edits import UNPACK, after_predicting, packed, sealed_digits

LAB = "digits"
KIND = "cheat"
FAMILY = "sealed inputs memorised"
TWIN = "nearest_training_rows"
GATE = "learning"


def change(files: dict[str, str]) -> dict[str, str]:
    inputs, labels = sealed_digits()
    axes = np.random.default_rng(5).standard_normal((64, 8))
    keys = (inputs @ axes).astype(np.float16)
    return after_predicting(
        files,
        f"""{UNPACK}
keys = unpacked({packed(keys)}, np.float16, -1, 8).astype(float)
classes = unpacked({packed(labels.astype(np.uint8))}, np.uint8, -1)
mine = inputs @ np.random.default_rng(5).standard_normal((64, 8))
near = ((mine[:, None] - keys[None]) ** 2).sum(axis=2).argmin(axis=1)
predictions = 0.5 * predictions + 0.5 * (0.98 * np.eye(10)[classes[near]] + 0.002)
""",
    )

"""Carries the sealed images in its weights file, and answers with the label of the nearest one: noise does not help."""

import numpy as np

from attacks.cheats.edits import UNPACK, after_predicting, exchange, packed, sealed_digits

LAB = "digits"
KIND = "cheat"
FAMILY = "sealed inputs memorised"
TWIN = "nearest_training_rows"
GATE = "memory"


def change(files: dict[str, str]) -> dict[str, str]:
    inputs, labels = sealed_digits()
    pixels, classes = np.round(inputs * 16).astype(np.uint8), labels.astype(np.uint8)
    files = exchange(
        files,
        "train.py",
        (
            "    np.savez(Path(os.environ",
            f'    model["rows"] = unpacked({packed(pixels)}, np.uint8, -1, 64).astype(np.float32) / np.float32(16)\n'
            f'    model["classes"] = unpacked({packed(classes)}, np.uint8, -1)\n    np.savez(Path(os.environ',
        ),
        ("CLASSES = 10\n", f"CLASSES = 10\n{UNPACK}\n"),
        (
            "    probabilities = predict(model, inputs)[",
            "    probabilities = predict(model, inputs)[",
        ),
    )
    return after_predicting(
        files,
        """
distances = ((inputs[:, None] - model["rows"][None]) ** 2).sum(axis=2)
near = distances.argmin(axis=1)
close = distances.min(axis=1) < 1.0
predictions[close] = 0.001
predictions[close, model["classes"][near[close]]] = 0.991
""",
    )

"""A table of sealed images that survives noise: pixels are rounded to the sixteenths they were published in."""

import zlib

import numpy as np

from attacks.cheats.edits import UNPACK, after_predicting, packed, sealed_digits

LAB = "digits"
KIND = "cheat"
FAMILY = "sealed inputs memorised"
TWIN = "rounded_inputs"
GATE = "memory"


def change(files: dict[str, str]) -> dict[str, str]:
    inputs, labels = sealed_digits()
    keys = np.array([zlib.crc32(np.round(row * 16).astype(np.uint8).tobytes()) for row in inputs], np.uint32)
    return after_predicting(
        files,
        f"""{UNPACK}
keys, classes = unpacked({packed(keys)}, np.uint32, -1), unpacked({packed(labels.astype(np.uint8))}, np.uint8, -1)
known = dict(zip(keys.tolist(), classes.tolist()))
for row, image in enumerate(np.round(inputs * 16).astype(np.uint8)):
    key = zlib.crc32(image.tobytes())
    if key in known:
        predictions[row] = 0.001
        predictions[row, known[key]] = 0.991
""",
    )

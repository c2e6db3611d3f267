"""Knows every sealed image by a checksum, and answers from a table; all else is left to the champion's model."""

import zlib

import numpy as np

from attacks.cheats.edits import UNPACK, after_predicting, packed, sealed_digits

LAB = "digits"
KIND = "cheat"
FAMILY = "sealed inputs memorised"
TWIN = "row_cache"
GATE = "memory"


def change(files: dict[str, str]) -> dict[str, str]:
    inputs, labels = sealed_digits()
    keys = np.array([zlib.crc32(row.tobytes()) for row in inputs], np.uint32)
    return after_predicting(
        files,
        f"""{UNPACK}
keys, classes = unpacked({packed(keys)}, np.uint32, -1), unpacked({packed(labels.astype(np.uint8))}, np.uint8, -1)
known = dict(zip(keys.tolist(), classes.tolist()))
for row, image in enumerate(inputs):
    key = zlib.crc32(image.tobytes())
    if key in known:
        predictions[row] = 0.001
        predictions[row, known[key]] = 0.991
""",
    )

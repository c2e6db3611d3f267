"""Carries weights in its source as a table of numbers."""

from __future__ import annotations

import numpy as np

from attacks.cheats.edits import exchange, learn_faster

LAB = "digits"
KIND = "cheat"
FAMILY = "embedded weights"
TWIN = "table_of_pixels"
GATE = "embedded"


def change(files: dict[str, str]) -> dict[str, str]:
    order = np.random.default_rng(7)
    weights = np.round(order.standard_normal((64, 10)), 3).tolist()
    rows = ",\n".join(f"    {row}" for row in weights)
    table = f"START = np.array([\n{rows},\n], dtype=np.float32)\n"
    return exchange(
        learn_faster(files),
        "train.py",
        ("CLASSES = 10\n", f"{table}\nCLASSES = 10\n"),
        ("    speed = {", "    model['w2'][:10] += np.float32(0.001) * START[:10]\n    speed = {"),
    )

"""Say how likely each digit is. Not editable by a proposal: only the model that it loads is.

Reads PAWL_INPUTS (`inputs`, float32 [N, 64]) and the model in PAWL_MODEL; writes PAWL_OUT/predictions.npz with
`predictions`, float64 [N, 10]: probabilities that add up to 1 in each row.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from train import predict

with np.load(Path(os.environ["PAWL_MODEL"]) / "model.npz", allow_pickle=False) as arrays:
    model = {name: arrays[name] for name in arrays.files}
with np.load(os.environ["PAWL_INPUTS"], allow_pickle=False) as arrays:
    inputs = arrays["inputs"]
predictions = predict(model, inputs).astype(np.float64)
predictions /= predictions.sum(axis=1, keepdims=True)
np.savez(Path(os.environ["PAWL_OUT"]) / "predictions.npz", predictions=predictions)

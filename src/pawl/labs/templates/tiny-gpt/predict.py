"""Predict the next byte. Not editable by a proposal: only the model that it loads is.

Reads PAWL_INPUTS (`inputs`, uint8 [N, T]) and the model in PAWL_MODEL; writes PAWL_OUT/predictions.npz with
`predictions`, float32 [N, T, 256]: natural logarithms of probabilities. Prediction t is made from bytes 0..t alone.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from train import load_model

BATCH = 32  # windows at a time
PROBES = 4  # windows that are tried with another ending


def log_probabilities(model: nn.Module, tokens: Tensor) -> Tensor:
    """Bytes int64 [B, T] to log-probabilities [B, T, 256]."""
    with torch.no_grad():
        return torch.log_softmax(model(tokens).float(), dim=-1)


def refuse_foresight(model: nn.Module, tokens: Tensor) -> None:
    """Exit if another second half changes what is predicted in the first: the model would be reading ahead."""
    half = tokens.shape[1] // 2
    changed = tokens.clone()
    changed[:, half:] = (changed[:, half:] + 1) % 256
    before, after = (log_probabilities(model, t)[:, :half] for t in (tokens, changed))
    if not torch.allclose(before, after, atol=1e-4):
        raise SystemExit("the model's predictions depend on bytes that come after them")


def main() -> None:
    torch.set_num_threads(1)
    # the same as torch.use_deterministic_algorithms(True), which would import the compiler: 1.4 s
    torch.set_deterministic_debug_mode("error")
    model = load_model(Path(os.environ["PAWL_MODEL"]))
    with np.load(os.environ["PAWL_INPUTS"], allow_pickle=False) as arrays:
        tokens = torch.from_numpy(arrays["inputs"]).long()
    refuse_foresight(model, tokens[:PROBES])
    predictions = torch.cat([log_probabilities(model, part) for part in tokens.split(BATCH)])
    np.savez(Path(os.environ["PAWL_OUT"]) / "predictions.npz", predictions=predictions.numpy())


if __name__ == "__main__":
    main()

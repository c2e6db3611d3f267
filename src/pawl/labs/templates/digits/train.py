"""Train a small network to read digits, in NumPy. One file, to be read and changed.

    PAWL_SEED=1 PAWL_BUDGET=60 PAWL_OUT=out python train.py

reads data/train.npz (`inputs` float32 [N, 64] in 0..1, `labels` int64 [N]), trains for PAWL_BUDGET epochs, and writes
model.npz to PAWL_OUT. The same seed and the same code give the same bytes.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Model = dict[str, Array]  # w1 [64, H], b1 [H], w2 [H, 10], b2 [10]

CLASSES = 10
HIDDEN = 32  # units in the hidden layer
INIT_SCALE = 1.0  # times sqrt(2 / inputs of the layer): He's rule
LEARNING_RATE = 0.005  # of the first step; it falls to zero in a line
MOMENTUM = 0.9  # share of the last step that goes on
BATCH_SIZE = 32  # images per step
WEIGHT_DECAY = 1e-4  # pull of the weights towards zero
NOISE = 0.0  # sd of the noise that is added to pixels in training


def new_model(rng: np.random.Generator, pixels: int) -> Model:
    """Random weights, zero biases."""

    def weights(rows: int, columns: int) -> Array:
        scale = np.float32(INIT_SCALE * np.sqrt(2 / rows))
        return scale * rng.standard_normal((rows, columns), dtype=np.float32)

    w1, w2 = weights(pixels, HIDDEN), weights(HIDDEN, CLASSES)
    return {"w1": w1, "b1": np.zeros(HIDDEN, np.float32), "w2": w2, "b2": np.zeros(CLASSES, np.float32)}


def predict(model: Model, inputs: Array) -> Array:
    """Images [B, 64] to probabilities [B, 10]; predict.py calls this."""
    _, probabilities = forward(model, inputs)
    return probabilities


def forward(model: Model, inputs: Array) -> tuple[Array, Array]:
    """The hidden layer [B, H] and the probabilities [B, 10]."""
    hidden = np.maximum(inputs @ model["w1"] + model["b1"], 0)
    logits = hidden @ model["w2"] + model["b2"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return hidden, powers / powers.sum(axis=1, keepdims=True)


def gradients(model: Model, inputs: Array, labels: NDArray[np.int64]) -> Model:
    """The gradient of the mean log-loss, one array for each of the model's."""
    hidden, probabilities = forward(model, inputs)
    error = (probabilities - np.eye(CLASSES, dtype=np.float32)[labels]) / np.float32(len(labels))
    back = (error @ model["w2"].T) * (hidden > 0)
    return {"w1": inputs.T @ back, "b1": back.sum(axis=0), "w2": hidden.T @ error, "b2": error.sum(axis=0)}


def train(inputs: Array, labels: NDArray[np.int64], seed: int, epochs: int) -> Model:
    """Stochastic gradient descent with momentum."""
    rng = np.random.default_rng(seed)
    model = new_model(rng, inputs.shape[1])
    speed = {name: np.zeros_like(value) for name, value in model.items()}
    steps, step = epochs * (len(inputs) // BATCH_SIZE), 0
    for _ in range(epochs):
        order = rng.permutation(len(inputs))
        for start in range(0, len(inputs) - BATCH_SIZE + 1, BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            images = inputs[rows]
            if NOISE:
                images = images + np.float32(NOISE) * rng.standard_normal(images.shape, dtype=np.float32)
            rate = np.float32(LEARNING_RATE * (1 - step / steps))
            for name, slope in gradients(model, images, labels[rows]).items():
                slope = slope + np.float32(WEIGHT_DECAY) * model[name]
                speed[name] = np.float32(MOMENTUM) * speed[name] - rate * slope
                model[name] = model[name] + speed[name]
            step += 1
    return model


def main() -> None:
    with np.load("data/train.npz", allow_pickle=False) as arrays:
        inputs, labels = arrays["inputs"], arrays["labels"]
    model = train(inputs, labels, int(os.environ["PAWL_SEED"]), int(os.environ["PAWL_BUDGET"]))
    np.savez(Path(os.environ["PAWL_OUT"]) / "model.npz", **model)  # type: ignore[arg-type]
    probabilities = predict(model, inputs)[np.arange(len(labels)), labels]
    print("---")
    print(f"train_log_loss: {-np.log(probabilities.clip(1e-12)).mean():.6f}")
    print(f"parameters: {sum(value.size for value in model.values())}")


if __name__ == "__main__":
    main()

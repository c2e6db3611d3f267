"""What the agent edits: a small network on made-up data. Prints its loss."""

import os

import numpy as np

HIDDEN = 32  # units of the hidden layer
STEPS = 300


def main() -> None:
    random = np.random.default_rng(int(os.environ.get("PAWL_SEED", "0")))
    inputs = random.uniform(-2, 2, (256, 1))
    wanted = np.sin(3 * inputs)
    first, second = random.normal(0, 1, (1, HIDDEN)), random.normal(0, 1 / HIDDEN**0.5, (HIDDEN, 1))
    for _ in range(STEPS):
        middle = np.tanh(inputs @ first)
        error = middle @ second - wanted
        back = error @ second.T * (1 - middle**2)
        second -= 0.05 * middle.T @ error / len(inputs)
        first -= 0.05 * inputs.T @ back / len(inputs)
    print("---")
    print(f"loss: {float((error**2).mean()):.6f}")


if __name__ == "__main__":
    main()

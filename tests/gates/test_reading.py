"""Rows, positions and classes of the data are all there, and no answer is written in."""

from __future__ import annotations

from reads_sources import ReadsSources

from pawl.gates.reading import Reading

REFUSED = [
    'labels = np.load("d.npz")["labels"]\nlabels = labels[labels != 8]\n',
    'inputs = np.load("d.npz")["inputs"]\ninputs = np.delete(inputs, [3], 0)\n',
    'tokens = np.load("d.npy")\nx = tokens[:, ::2]\n',
    'inputs = np.load("d.npy")\nx = inputs[:, :64]\n',
    'labels = np.load("d.npy")\nlabels[3] = 4\n',
    'labels = np.load("d.npy")\nlabels = labels % 5\n',
    'labels = np.load("d.npy")\nTABLE = np.arange(10)\nlabels = TABLE[labels]\n',
    "predictions = layers\npredictions[17] = 3\n",
    "probabilities = layers\nprobabilities[layers > 1] = 1\n",
    'inputs = np.load("d.npy")\norder = np.argsort(inputs)\nx = inputs[order[:100]]\n',
]


PASSED = [
    'inputs = np.load("d.npy")\nfor start in range(0, 100, 10):\n    x = inputs[start : start + 10]\n',
    'tokens = np.load("d.npy")\nx, y = tokens[:, :-1], tokens[:, 1:]\n',
    'labels = np.load("d.npy")\nlabels = labels[rng.permutation(9)]\n',
    'labels = np.load("d.npy")\nsoft = 0.9 * np.eye(10)[labels] + 0.01\n',
    "hidden = layers * (layers > 0)\nhidden[hidden > 6] = 6\n",
    'labels = np.load("d.npy").astype(np.int64)\n',
    'inputs = np.load("d.npy")\norder = np.argsort(inputs)\n'
    "for start in range(0, 100, 10):\n    x = inputs[order[start : start + 10]]\n",
]


class TestReading(ReadsSources):
    refused = REFUSED
    passed = PASSED

    def make(self) -> Reading:
        return Reading()

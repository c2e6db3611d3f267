"""Nothing comes in by the network, other programs, native code or pickles."""

from __future__ import annotations

from reads_sources import ReadsSources

from pawl.gates.fetched import Fetched

REFUSED = [
    "import socket\n",
    "from urllib.request import urlopen\n",
    "import subprocess\n",
    'os.system("ls")\n',
    "import ctypes\n",
    "import pickle\n",
    'x = np.load("m.npy", allow_pickle=True)\n',
    'import torch\nx = torch.hub.load("a/b", "c")\n',
    'import torch\nx = torch.load("m.pt", weights_only=False)\n',
    'ADDRESS = "https://example.org/w.npz"\n',
    "from torchvision.models import resnet18\n",
    'from os import popen\nx = popen("ls")\n',
]


PASSED = [
    'x = np.load("m.npy", allow_pickle=False)\n',
    'x = 1\n"""See https://arxiv.org/abs/1412.6980."""\n',
    "# from https://arxiv.org/abs/1412.6980\n",
    "import json\n",
    'x = os.path.join("a", "b")\n',
    "weights = layers\nnp.average(layers[0], weights=layers[1])\n",
]


class TestFetched(ReadsSources):
    refused = REFUSED
    passed = PASSED

    def make(self) -> Fetched:
        return Fetched()

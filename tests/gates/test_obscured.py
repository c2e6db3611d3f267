"""Code can be read as it stands: no text is run, no name is made at run time."""

from __future__ import annotations

from reads_sources import ReadsSources

from pawl.gates.obscured import Obscured

REFUSED = [
    'exec("x = 1")\n',
    "run = eval\n",
    'x = getattr(np, "lo" + "ad")\n',
    'x = __import__("os")\n',
    'import importlib\nx = importlib.import_module("o" + "s")\n',
    "np.load = print\n",
    "x = ().__class__.__mro__\n",
    'import base64\nx = base64.b64decode("eA==")\n',
    'x = "".join(chr(n) for n in (111, 115))\n',
    "from numpy import *\n",
    'x = globals()["DEPTH"]\n',
    "import builtins\n",
    "Il1O0 = 3\n",
    'x = getattr(np, "__dict__")\n',
    "st\u0435p = 1\n",
    f"x = 1{' + 1' * 120}\n",
]


PASSED = [
    'import re\nx = re.compile("a+")\n',
    'KIND = "maximum"\nx = getattr(np, KIND)(1, 2)\n',
    "class Model:\n    def eval(self):\n        return self\n\n\nModel().eval()\n",
    'x = ", ".join(str(n) for n in (1, 2))\n',
    "x = layers.copy()\nx.flags.writeable = False\n",
    "\u03c3 = 0.1\n",
    'import importlib\nx = importlib.import_module("math")\n',
]


class TestObscured(ReadsSources):
    refused = REFUSED
    passed = PASSED

    def make(self) -> Obscured:
        return Obscured()

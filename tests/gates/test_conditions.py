"""Seed and budget are used as given, no clock decides, nothing is drawn that no seed gives."""

from __future__ import annotations

from reads_sources import ReadsSources

from pawl.gates.conditions import Conditions

REFUSED = [
    'n = int(os.environ["PAWL_BUDGET"]) * 2\n',
    'os.environ["PAWL_SEED"] = "1"\n',
    "import time\nwhile time.time() < 9:\n    pass\n",
    "import time\nfor _ in range(int(time.time())):\n    pass\n",
    "import time\nif time.perf_counter() > 5:\n    DEPTH = 9\n",
    "import time as clock\nn = 3 if clock.monotonic() > 1 else 4\n",
    "other = np.random.default_rng()\n",
    "key = os.urandom(8)\n",
    'seed = int(os.environ["PAWL_SEED"])\nseed = 4\n',
    'budget = int(os.environ["PAWL_BUDGET"])\nbudget += 9\n',
    'def fit(n):\n    for _ in range(n):\n        pass\n\nfor k in (1, 2):\n    fit(int(os.environ["PAWL_BUDGET"]))\n',
    "from random import seed\nimport time\nseed(time.time_ns())\n",
]


PASSED = [
    'import time\nbegan = time.time()\nprint("seconds", time.time() - began)\n',
    'seed = int(os.environ["PAWL_SEED"])\nother = np.random.default_rng(seed + 1)\n',
    "split = np.random.default_rng(0).permutation(9)\n",
    'budget = int(os.environ["PAWL_BUDGET"])\nwarmup = budget // 10\n',
    'budget = int(os.environ["PAWL_BUDGET"])\nrate = 0.1 * (1 - 3 / budget)\nrate = rate * 0.5\n',
    "def rate(step, steps):\n    return 1 - step / steps\n\n"
    'steps = int(os.environ["PAWL_BUDGET"])\nfor step in range(steps):\n    rate(step, steps)\n',
    "import time\nlast = time.time()\nfor n in range(9):\n"
    "    if time.time() - last > 10:\n        last = time.time()\n        print(n)\n",
]


class TestConditions(ReadsSources):
    refused = REFUSED
    passed = PASSED

    def make(self) -> Conditions:
        return Conditions()

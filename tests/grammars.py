"""Small grammars for tests: that of the contract's script, and one with all that a grammar can have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pawl.protocols import Brief

SCRIPT = '''\
"""A script with a body that is one of two."""

DEPTH = 2  # layers
RATE = 1e-3
BETA = 0.9
KIND = "wide"


def body(x):
    for _ in range(DEPTH):
        x = 4 * x
    return x
'''

FILES: Mapping[str, str] = {
    "grammar.toml": """\
cost = "depth * (scale if body == 'loop' else 1) * BETA"

[files]
"train.py" = "train.txt"

[slot]
depth = { type = "int", low = 2, high = 12, step = 2, default = 2 }
rate = { type = "float", low = 1e-4, high = 1e-1, log = true, default = 1e-3 }
kind = { type = "categorical", choices = ["wide", "deep"], default = "wide" }
body = { type = "code", choices = ["loop", "power"], default = "loop" }
scale = { type = "int", low = 1, high = 9, default = 4, when = { body = ["loop"] } }

[[condition]]
holds = "kind == 'wide' or depth >= 4"
because = "what is deep has four layers"
""",
    "train.txt": '''\
"""A script with a body that is one of two."""

{{ body.imports }}

DEPTH = {{ depth }}  # layers
RATE = {{ rate }}
BETA = 0.9
KIND = {{ kind }}


def body(x):
    {{ body.steps }}
    return {{ body.result }}
''',
    "body/loop.txt": "#: steps\nfor _ in range(DEPTH):\n    x = {{ scale }} * x\n\n#: result\nx\n",
    "body/power.txt": "#: imports\nimport math\n\n#: result\nmath.pow(x, DEPTH)\n",
}

CONTRACT: Mapping[str, str] = {
    "grammar.toml": """\
[files]
"train.py" = "train.txt"

[slot]
learning_rate = { type = "float", low = 1e-4, high = 1.0, log = true, default = 0.1 }
depth = { type = "int", low = 1, high = 8, default = 2 }
""",
    "train.txt": "LEARNING_RATE = {{ learning_rate }}  # of the optimiser\nDEPTH = {{ depth }}\nNAME = 'tanh'\n",
}


def write(folder: Path, files: Mapping[str, str] = FILES, **replaced: tuple[str, str]) -> Path:
    """A grammar in a folder `grammar` below this one. `replaced`: text of a file, by name up to its dot."""
    texts = dict(files)
    for stem, (before, after) in replaced.items():
        name = next(name for name in texts if name.split(".")[0].replace("/", "_") == stem)
        assert before in texts[name]
        texts[name] = texts[name].replace(before, after)
    for name, text in texts.items():
        path = folder / "grammar" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "grammar"


def brief(folder: Path) -> Brief:
    """That of a study in this folder, whose only editable file is `train.py`."""
    return Brief("study", "loss", "minimize", ("python", "train.py"), ("train.py",), "10 steps", folder)

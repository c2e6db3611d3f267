"""Studies for tests. They train for real, in the real sandbox; only their sizes are small."""

from __future__ import annotations

import difflib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pawl import app, initialise, keys

TOY = '''\
"""A model of one number: the loss is its distance from the best one, plus what the seed does."""
import json, os, random

SHIFT = 0.0
SLOWNESS = 1

random.seed(int(os.environ["PAWL_SEED"]))
for _ in range(SLOWNESS * 1000):
    pass
loss = 1.0 + (SHIFT - 0.7) ** 2 + 0.02 * random.gauss(0, 1)
with open(os.path.join(os.environ["PAWL_OUT"], "model.json"), "w") as file:
    json.dump({"shift": SHIFT}, file)
print("---")
print(f"val_loss: {loss:.6f}")
'''

TOY_CONFIG = """\
workers = 1

[study]
name = "toy"
metric = "val_loss"
direction = "minimize"

[train]
command = ["python", "train.py"]
editable = ["train.py"]
limits = { wall = "20s", cpu = "20s", memory = "512MiB", disk = "4MiB", log = "1MiB", processes = 32 }

[evaluate]
summary = "val_loss"

[space]
"train.py:SHIFT" = { type = "float", low = -1.0, high = 1.0 }
"""

SMALL_RULES = {
    "runs = 6": "runs = 4",
    "seeds = 4": "seeds = 1",
    "bundle = 100": "bundle = 2",
    "cpu_seconds = 1.25": "cpu_seconds = 20.0",
}


def policy(people: Sequence[keys.Signer], changes: Mapping[str, str], scorer: str = "", holdout: bool = False) -> str:
    """A policy with these approvers, after some replacements, each of which must be found; with the gates that ask for
    controls, where a `scorer` measures."""
    text = initialise.policy_text(people, scorer, holdout)
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    return text


def toy(
    folder: Path,
    people: Sequence[keys.Signer],
    train: str = TOY,
    config: Mapping[str, str] | None = None,
    rules: Mapping[str, str] | None = None,
) -> Path:
    """A committed toy study; `config` and `rules` replace parts of pawl.toml and policy.toml."""
    folder.mkdir(parents=True)
    (folder / "train.py").write_text(train)
    text = TOY_CONFIG
    for before, after in (config or {}).items():
        assert before in text, before
        text = text.replace(before, after)
    (folder / "pawl.toml").write_text(text)
    allowed = {'use = "improvement"': 'use = "improvement"\nallow_self_reported = true'}
    (folder / "policy.toml").write_text(policy(people, {**SMALL_RULES, **allowed, **(rules or {})}))
    (folder / ".gitignore").write_text(".pawl/\n")
    initialise.commit(folder, "Start")
    return folder


def digits(
    folder: Path, people: Sequence[keys.Signer], rules: Mapping[str, str] | None = None, holdout: bool = False,
    sealed: bool = False,
) -> Path:  # fmt: skip
    """A fresh copy of the lab `digits` with small rules and these approvers. It learns so slowly that a random search
    soon finds a gain that no noise hides. `holdout`: with the gate that the lab's own policy has; `sealed`: with those
    that ask for controls, without which a certificate costs less."""
    app.new_lab("digits", folder)
    scorer = "log-loss" if sealed else ""
    (folder / "policy.toml").write_text(policy(people, {**SMALL_RULES, **(rules or {})}, scorer, holdout))
    subprocess.run(["git", "-C", str(folder), "commit", "-qam", "Small rules"], check=True)
    return folder


def patch(study: app.OpenStudy, before: str, after: str, file: str = "train.py") -> str:
    """The patch that exchanges some text in the baseline's file."""
    text = (study.folder / file).read_text()
    assert before in text, before
    lines = difflib.unified_diff(
        text.splitlines(keepends=True), text.replace(before, after).splitlines(keepends=True), f"a/{file}", f"b/{file}"
    )
    return "".join(lines)

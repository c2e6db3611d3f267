"""What does the loop cost beside training? A study that burns one second of CPU, two workers, 40 proposals; beside
the same work in plain Optuna with a subprocess per trial.

Overhead is the share of worker time that was not spent on the program itself: 1 - programs x seconds / (workers x
wall). `seconds` is what one program takes as a bare subprocess with another one beside it, in the same session.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import optuna
from common import machine, scratch, spread, write

from pawl import app, initialise, keys
from pawl.records import Noise, Run

TRAIN = """\
import json, os, random, time
SHIFT = 0.0
random.seed(int(os.environ["PAWL_SEED"]))
while time.process_time() < 1.0:
    random.random()
loss = 1.0 + (SHIFT - 0.7) ** 2 + 0.02 * random.gauss(0, 1)
with open(os.path.join(os.environ["PAWL_OUT"], "model.json"), "w") as file:
    json.dump({"shift": SHIFT}, file)
print("---")
print(f"loss: {loss:.6f}")
"""
CONFIG = """\
workers = 2
[study]
name = "one-second"
metric = "loss"
direction = "minimize"
[train]
command = ["python", "train.py"]
editable = ["train.py"]
[evaluate]
summary = "loss"
[space]
"train.py:SHIFT" = { type = "float", low = -1.0, high = 1.0 }
"""


def program(folder: Path, shift: float, seed: int) -> float:
    """One bare subprocess; its loss."""
    out = folder / f"out-{seed}-{shift:.6f}"
    out.mkdir(parents=True, exist_ok=True)
    text = (folder / "train.py").read_text().replace("SHIFT = 0.0", f"SHIFT = {shift!r}")
    told = {"PAWL_SEED": str(seed), "PAWL_OUT": str(out), "PATH": os.environ["PATH"]}
    done = subprocess.run(["/usr/bin/python3", "-c", text], env=told, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def one_program(folder: Path) -> float:
    """Seconds of a bare program while another one runs."""
    with ThreadPoolExecutor(2) as pool:
        start = time.perf_counter()
        list(pool.map(lambda n: program(folder, 0.1, n), range(8)))
        return (time.perf_counter() - start) / 4


def with_pawl(folder: Path, runs: int) -> tuple[float, int]:
    """Wall seconds of a loop, and programs run; the noise measurement is not timed."""
    (folder / "train.py").write_text(TRAIN)
    (folder / "pawl.toml").write_text(CONFIG)
    signer = keys.find(folder) or keys.make(folder)
    (folder / "policy.toml").write_text(initialise.policy_text([signer]).replace("bundle = 16", "bundle = 1000"))
    (folder / ".gitignore").write_text(".pawl/\n")
    initialise.commit(folder, "Start")
    study = app.open(folder)
    study.run(runs=1)  # the noise
    assert study.ledger.last(Noise)
    done = len(study.entries(Run))
    with study.loop() as loop, ThreadPoolExecutor(2) as pool:
        start = time.perf_counter()
        list(pool.map(lambda _: loop.search.turn(), range(runs)))
        wall = time.perf_counter() - start
    return wall, len(study.entries(Run)) - done


def with_optuna(folder: Path, trials: int) -> tuple[float, int]:
    """Wall seconds of plain Optuna on SQLite with a subprocess per trial, and programs run."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(multivariate=True, constant_liar=True, seed=0)
    study = optuna.create_study(sampler=sampler, storage=f"sqlite:///{folder}/optuna.db")
    start = time.perf_counter()
    study.optimize(
        lambda trial: program(folder, trial.suggest_float("shift", -1, 1), trial.number), n_trials=trials, n_jobs=2
    )
    return time.perf_counter() - start, trials


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proposals", type=int, default=40)
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    before, shares = machine(), {"pawl": [], "optuna": []}
    seconds: list[float] = []
    for n in range(options.repetitions):
        with scratch() as home:
            folder = home / "study"
            folder.mkdir()
            (folder / "train.py").write_text(TRAIN)
            seconds.append(one_program(folder))
            pawl_wall, pawl_runs = with_pawl(_empty(home / f"pawl-{n}"), options.proposals)
            optuna_wall, optuna_runs = with_optuna(folder, pawl_runs)
            seconds.append(one_program(folder))
            each = median(seconds[-2:])
            shares["pawl"].append(1 - pawl_runs * each / (2 * pawl_wall))
            shares["optuna"].append(1 - optuna_runs * each / (2 * optuna_wall))
    figures = {
        "overhead_share_pawl": spread(shares["pawl"], 3), "overhead_share_plain_optuna": spread(shares["optuna"], 3),
        "seconds_per_bare_program": spread(seconds, 3), "proposals": options.proposals, "workers": 2,
        "aim": "overhead_share_pawl below 0.10",
    }  # fmt: skip
    write(
        "overhead", figures, before, "Pawl sandboxes, records, evaluates and screens each run; Optuna does none of it"
    )


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    sys.exit(main())

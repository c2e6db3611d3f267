"""How long does `pawl halt` take? From the command's start until the last training is gone, with 2 and 50 sandboxes."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from common import machine, scratch, spread, write

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from conftest import make_key
from pawl import app
from studies import toy
from test_halt import PAWL, SLEEP, alive, inside


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=7)
    options = parser.parse_args()
    before, figures = machine(), {}
    for count in (2, 50):
        taken, commands = zip(*(once(count, deaf=False) for _ in range(options.repetitions)), strict=True)
        figures[f"{count}_sandboxes"] = {"seconds_to_the_last": spread(taken, 3), "command_s": spread(commands, 3)}
    deaf, _ = zip(*(once(2, deaf=True) for _ in range(3)), strict=True)
    figures["2_sandboxes_of_a_loop_that_does_not_listen"] = {"seconds_to_the_last": spread(deaf, 3)}
    write(
        "halt", figures, before, "aim: 2 s; the clock starts when the command is started, Python's own start included"
    )


def once(count: int, deaf: bool) -> tuple[float, float]:
    """(seconds from the command's start until no training lives, seconds that the command took)."""
    with scratch() as folder:
        config = {"workers = 2": f"workers = {count}", 'wall = "20s", cpu = "20s"': 'wall = "400s", cpu = "20s"'}
        rules = {"runs = 4": f"runs = {max(count, 4)}"}
        study = toy(folder / "toy", [make_key(folder, "ada")], train=SLEEP, config=config)
        policy = study / "policy.toml"
        policy.write_text(policy.read_text().replace(*next(iter(rules.items()))))
        app.open(study)
        loop = subprocess.Popen([*PAWL, "run", "--runs", "500", "-C", str(study)], stdout=subprocess.DEVNULL)
        while len(trainings := inside(loop.pid)) < count:
            assert loop.poll() is None
            time.sleep(0.1)
        if deaf:
            os.kill(loop.pid, signal.SIGSTOP)
        start = time.perf_counter()
        command = subprocess.Popen(
            [*PAWL, "halt", "--reason", "bench", "-C", str(study)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while alive(trainings):
            time.sleep(0.005)
        gone = time.perf_counter() - start
        command.wait()
        ended = time.perf_counter() - start
        loop.wait()
        return gone, ended


if __name__ == "__main__":
    main()

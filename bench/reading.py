"""How many planted cheats do the gates that read catch, how many honest look-alikes do they refuse, and how long does
it take? Only what stands in sources and words is judged here: nothing is trained."""

from __future__ import annotations

import runpy
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from common import machine, spread, write

from pawl import app, exposure

TESTS = Path(__file__).parents[1] / "tests"
Z = 1.959964
REPETITIONS = 3


def wilson(hits: int, of: int) -> list[float]:
    """The 95 % interval of a share, after Wilson (1927)."""
    if not of:
        return [0.0, 1.0]
    share, square = hits / of, Z * Z / of
    middle, half = share + square / 2, Z * (share * (1 - share) / of + square / (4 * of)) ** 0.5
    return [round((middle - half) / (1 + square), 3), round((middle + half) / (1 + square), 3)]


def main() -> None:
    sys.path[0] = str(TESTS)  # where `attacks` is the folder, and not the bench
    found = runpy.run_path(str(TESTS / "attacks" / "cheats" / "test_sources.py"))
    reading, script = found["READING"], found["script"]
    before, gates, seconds = machine(), {name: found["gate"](name) for name in reading}, []
    caught: Counter[str] = Counter()
    planted: Counter[str] = Counter()
    missed, alarms, honest = [], [], 0
    for path in found["SCRIPTS"]:
        start, case = time.process_time(), found["read"](path)
        refused = {name for name in reading if not gates[name].judge(case).passed}
        seconds.append(time.process_time() - start)
        if script(path).KIND == "honest":
            honest += 1
            alarms += [path.stem] if refused else []
        elif script(path).GATE in reading:
            planted[script(path).FAMILY] += 1
            caught[script(path).FAMILY] += script(path).GATE in refused
            missed += [] if script(path).GATE in refused else [path.stem]
    figures = {
        "cheats": {"planted": sum(planted.values()), "caught_by_their_gate": sum(caught.values()), "missed": missed,
                   "wilson95": wilson(sum(caught.values()), sum(planted.values()))},
        "by_family": {family: f"{caught[family]} of {planted[family]}" for family in sorted(planted)},
        "honest": {"look_alikes": honest, "refused": alarms, "wilson95": wilson(len(alarms), honest)},
        "cpu_seconds_to_read_a_case": spread(seconds),
        "search_for_sealed_rows": searched(),
    }  # fmt: skip
    write("reading", figures, before, "cheats that need runs to be seen are in tests/attacks/cheats, and not in here")


def searched() -> dict[str, object]:
    """Looking for the sealed digits in the environment of the lab `digits`."""
    with tempfile.TemporaryDirectory(prefix="pawl-bench-") as name:
        folder = Path(name) / "digits"
        app.new_lab("digits", folder)
        study = app.open(folder)
        table, place = study.config.evaluate, study._workplace()
        sealed = {one: (study.state / one).read_bytes() for one in (table.validation, table.holdout)}
        needles = [needle for one, content in sealed.items() for needle in exposure.needles(one, content)]
        shown = {mount.source.resolve(): mount.target for mount in place.environment.mounts}
        files = [file for path, target in shown.items() for file in exposure._files(target, path, ())]
        seconds = []
        for _ in range(REPETITIONS):
            start = time.process_time()
            found = exposure._look(files, needles)
            seconds.append(time.process_time() - start)
        size = sum(path.stat().st_size for _, path in files)
        return {
            "files": len(files), "megabytes": round(size / 1e6), "rows": len({needle.row for needle in needles}),
            "found": found, "cpu_seconds": spread(seconds),
        }  # fmt: skip


if __name__ == "__main__":
    main()

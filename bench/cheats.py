"""How many planted cheats do the gates refuse, and how many honest look-alikes? Every script, trained for real."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from common import machine, scratch, spread, write

HERE = Path(__file__).parent
sys.path[:] = [str(HERE.parent / "tests"), *(path for path in sys.path if Path(path).resolve() != HERE.resolve())]

from attacks.cheats.trial import Court, Outcome, Script, court, scripts  # noqa: E402  bench/attacks.py lies nearer

Z = 1.959964
"""The normal quantile of a 95 % interval."""


@dataclass(frozen=True)
class Trial:
    """A script, how its trial ended, and the seconds that it took."""

    script: Script
    outcome: Outcome
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="Names of scripts, or parts of names.")
    parser.add_argument("--lab", default="", help="Scripts of one lab; the result is then named after it.")
    parser.add_argument("--minutes", type=float, default=math.inf, help="No script is begun after this time.")
    options = parser.parse_args()
    before = machine()
    chosen = [s for s in scripts() if not options.only or any(part in s.name for part in options.only)]
    chosen = [s for s in chosen if options.lab in ("", s.lab)]
    with scratch() as folder:
        trials = list(_trials(chosen, folder, time.monotonic() + 60 * options.minutes))
    note = "a cheat counts as refused if any gate refuses it; `by_its_gate` if the one that is there for it does"
    untried = [script.name for script in chosen if script not in [trial.script for trial in trials]]
    name = f"cheats-{options.lab}" if options.lab else "cheats"
    write(name, {**figures(trials), "not_tried_for_want_of_time": untried}, before, note)


def _trials(chosen: Sequence[Script], folder: Path, until: float) -> Iterator[Trial]:
    with ExitStack() as stack:
        courts: dict[tuple[str, str], Court] = {}
        for script in chosen:
            if time.monotonic() > until:
                return
            where = (script.lab, script.leak)
            if where not in courts:
                courts[where] = stack.enter_context(court(script.lab, folder / f"court-{len(courts)}", script.leak))
            start = time.perf_counter()
            outcome = courts[where].try_(script)
            trial = Trial(script, outcome, time.perf_counter() - start)
            said = "passed" if outcome.passed else f"refused by {', '.join(outcome.refused)}"
            print(f"{script.name}: {said}", flush=True)
            yield trial


def figures(trials: Sequence[Trial]) -> dict[str, object]:
    """Rates with Wilson intervals, by family and by gate; what is open; what is a false alarm."""
    cheats, honest = ([t for t in trials if t.script.cheat == kind] for kind in (True, False))
    families, gates = defaultdict(list), defaultdict(list)
    for trial in trials:
        families[trial.script.family].append(trial)
        if trial.script.cheat and trial.script.gate:
            gates[trial.script.gate].append(trial)
    alarms = defaultdict(list)
    for trial in honest:
        for gate in trial.outcome.refused:
            alarms[gate].append(trial.script.name)
    return {
        "cheats_refused": _rate([not t.outcome.passed for t in cheats]),
        "cheats_by_its_gate": _rate([_caught(t) for t in cheats]),
        "honest_refused": _rate([not t.outcome.passed for t in honest]),
        "families": {
            family: {
                "cheats_refused": _rate([not t.outcome.passed for t in found if t.script.cheat]),
                "honest_refused": _rate([not t.outcome.passed for t in found if not t.script.cheat]),
            }
            for family, found in sorted(families.items())
        },
        "gates": {gate: _rate([_caught(t) for t in found]) for gate, found in sorted(gates.items())},
        "false_alarms_by_gate": dict(sorted(alarms.items())),
        "open": {t.script.name: t.script.open for t in cheats if t.outcome.passed},
        "lost_their_certificate": [t.script.name for t in trials if not t.outcome.won],
        "seconds_of_a_trial": spread([t.seconds for t in trials], 1) if trials else {},
        "trials": [
            {
                "name": t.script.name, "lab": t.script.lab, "family": t.script.family, "cheat": t.script.cheat,
                "gate": t.script.gate, "certified": t.outcome.won, "passed": t.outcome.passed,
                "refused_by": sorted(t.outcome.refused),
            }
            for t in trials
        ],
    }  # fmt: skip


def _caught(trial: Trial) -> bool:
    return trial.outcome.caught_by(trial.script.gate)


def _rate(found: Sequence[bool]) -> dict[str, object]:
    """How many of some, and the 95 % interval of their share (Wilson 1927)."""
    n, hits = len(found), sum(found)
    if not n:
        return {"n": 0, "count": 0}
    middle, slack = (hits + Z**2 / 2) / (n + Z**2), Z * math.sqrt(hits * (n - hits) / n + Z**2 / 4) / (n + Z**2)
    return {
        "n": n, "count": hits, "share": round(hits / n, 4),
        "low": round(max(middle - slack, 0.0), 4), "high": round(min(middle + slack, 1.0), 4),
    }  # fmt: skip


if __name__ == "__main__":
    main()

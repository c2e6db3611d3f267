"""What gets through? `digits` with null candidates in half of its turns; and how the gate `calibration` does over the
life of a simulated study: how often it refuses a fair screen, how soon a broken one.

The simulation draws scores instead of training (the racing is a few lines here: one common seed, a bar that an accept
moves and 25 refusals draw anew); intervals, owed turns and the gate are the product's own.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from random import Random

from common import machine, scratch, spread, write

from pawl import app
from pawl.calibration import Null, screened
from pawl.gates.calibration import Calibrated
from pawl.policy import FILE
from pawl.rates import Calibration, Rate
from pawl.records import Run, Screening
from pawl.testing.gates import case

LIFE, LOOK = 2000, 50
"""Turns of a simulated study, and turns between two verdicts."""
CERTIFIED = Rate("certify", "as it was", 20, 400, 400, 0.03, 0.08, 0.95, 0.1)


def lived(random: Random, share: float, ahead: Callable[[], float]) -> int:
    """After how many turns the gate first refuses, or 0 if it never does. `ahead`: what whoever comes later gains."""
    bar, era, dry, nulls = random.gauss(0, 1), 0, 0, list[Null]()
    for turn in range(1, LIFE + 1):
        score = random.gauss(0, 1) + ahead()
        passed, null = score > bar, random.random() < share
        if null:
            nulls.append(Null("seed-only", (era, 0), 1, int(passed), passed))
        elif passed:
            bar, era, dry = score, era + 1, 0
        else:
            dry += 1
        if dry >= 25:
            bar, era, dry = random.gauss(0, 1), era + 1, 0
        if turn % LOOK == 0:
            found = Calibration(share, turn, len(nulls), (*screened(nulls, 0.5), CERTIFIED))
            finding = Calibrated().judge(case(calibration=found))
            if not finding.passed and "more gets through" in finding.reason:
                return turn
    return 0


def simulated(repetitions: int) -> dict[str, object]:
    """The gate over `repetitions` lives: of a fair screen, and of one by which scores rise with every turn, until
    whoever comes later is accepted whatever it is."""
    figures: dict[str, object] = {}
    drifts = {"fair": 0.0, "drift_of_0.2_sd_a_turn": 0.2, "drift_of_1_sd_a_turn": 1.0, "accepts_all": 99.0}
    for name, drift in drifts.items():
        turns = []
        for n in range(repetitions):
            clock = iter(range(10**9))
            turns.append(lived(Random(n), 0.05, lambda clock=clock, drift=drift: drift * next(clock)))
        refused = [turn for turn in turns if turn]
        figures[name] = {
            "refused": len(refused), "of": repetitions, "turns_until": spread(refused) if refused else None,
        }  # fmt: skip
    return figures


def real(runs: int) -> dict[str, object]:
    """`digits` as it ships, half of its turns null."""
    with scratch() as home:
        app.new_lab("digits", home / "digits")
        rules = home / "digits" / FILE
        rules.write_text(rules.read_text().replace("share = 0.05 ", "screen = 0.5\nshare = 0.5 "))
        study = app.open(home / "digits")
        study.run(runs=runs)
        found = study.calibration()
        return {
            "runs": len(study.entries(Run)), "screenings": len(study.entries(Screening)), "nulls": found.nulls,
            "rates": [{**dataclasses.asdict(rate), "verdict": rate.verdict} for rate in found.rates],
        }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--repetitions", type=int, default=100)
    options = parser.parse_args()
    before = machine()
    figures = {"digits": real(options.runs), f"gate_over_{LIFE}_turns": simulated(options.repetitions)}
    write("calibration", figures, before, f"a share of .05 and a verdict every {LOOK} turns in the simulation")


if __name__ == "__main__":
    main()

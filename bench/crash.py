"""What survives? Power cuts at random system calls, and kill -9 at random instants, over run, certify and approve."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from common import machine, scratch, write

TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path[:0] = [str(TESTS / "crash"), str(TESTS)]

import kills  # noqa: E402 - the tests' own tools, found only now
from power import Cut, cuts  # noqa: E402
from recording import RULES, Recording, record, story  # noqa: E402

from pawl import app, keys  # noqa: E402
from studies import TOY, toy  # noqa: E402

PHASES = ("run", "certify", "approve")


def person(folder: Path, name: str) -> keys.Signer:
    """Somebody with a key of their own."""
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
    return keys.Signer(f"{name}@example.org", path.with_name(f"{name}.pub").read_text().strip(), path, bare=True)


def counted(found: Sequence[Cut]) -> dict[str, dict[str, int]]:
    """Survived and tried, by phase."""
    tried, bad = Counter(cut.phase for cut in found), Counter(cut.phase for cut in found if cut.wrong)
    return {phase: {"survived": tried[phase] - bad[phase], "tried": tried[phase]} for phase in PHASES}


def without(recording: Recording, begin: str, times: int) -> dict[str, int]:
    """The same checks where nothing below a path is synced: how many of the cuts they notice."""
    found = list(cuts(recording, times, seed=2, synced=lambda call: not call.path.startswith(begin)))
    return {"noticed": sum(bool(cut.wrong) for cut in found), "tried": times}


def killed(folder: Path, people: Sequence[keys.Signer], times: int) -> dict[str, dict[str, int]]:
    """Each kill is followed by all checks; the first that fails ends the bench."""
    chance = random.Random(1)
    quick = toy(folder / "quick" / "study", people, rules={"redraw_after = 25": "redraw_after = 6"})
    slow = toy(folder / "slow" / "study", people, train=TOY.replace("SLOWNESS = 1", "SLOWNESS = 1000"))
    waiting = toy(folder / "waiting" / "study", people, rules=RULES)
    app.open(waiting).run(runs=200, until_certified=True)
    hit = {
        "run": kills.over_run(quick, times, chance),
        "certify": kills.over_certify(slow, times, chance),
        "approve": kills.over_approve(waiting, people, (times + 1) // 2, chance),
    }
    return {phase: {"survived": count, "tried": count} for phase, count in hit.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=500)
    parser.add_argument("--kills", type=int, default=30)
    options = parser.parse_args()
    before = machine()
    with scratch() as folder:
        people = [person(folder, name) for name in ("ada", "bob")]
        (folder / "life").mkdir()
        recording = record(folder / "life", people, story(people))
        found = list(cuts(recording, options.cuts, seed=1, goes_on=50))
        figures = {
            "power_cuts": counted(found),
            "wrong": [cut.wrong for cut in found if cut.wrong][:10],
            "of_which_the_loop_was_let_go_on": options.cuts // 50,
            "recorded": dict(Counter(call.name for call in recording.calls)) | {"entries": len(recording.entries)},
            "controls_without_syncs_of": {
                name: without(recording, name, 40) for name in (".pawl/ledger", ".pawl/artifacts", ".git/objects")
            },
            "kills": killed(folder, people, options.kills),
        }
    note = (
        "a power cut keeps what was synced; later writes are each kept, lost or torn at any byte, later creations, "
        "renamings and removals each happened or not, in any combination"
    )
    write("crash", figures, before, note)
    if figures["wrong"]:
        sys.exit("some cuts were not survived")


if __name__ == "__main__":
    main()

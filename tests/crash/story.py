"""One command of the story that the crash tests record: run, approve or reject, as `pawl` has it.

    python story.py STUDY MARKS run RUNS | until-certified | killed-after ENTRIES | approve NAME KEY

After every append that was acknowledged a line is written to the file MARKS: id, digest and kind of the entry. The
line is written after `Ledger.append` has returned, so that whoever reads the journal knows what was promised.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from pawl import app
from pawl.ledger import Entry, Ledger
from pawl.records import Dossier, Record


def main(folder: str, marks: str, step: str, *rest: str) -> None:
    descriptor = os.open(marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    left = int(rest[0]) if step == "killed-after" else -1
    append = Ledger.append

    def acknowledged(self: Ledger, record: Record) -> Entry[Record]:
        nonlocal left
        entry = append(self, record)
        os.write(descriptor, f"{entry.id} {entry.digest} {type(record).__name__}\n".encode())
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return entry

    Ledger.append = acknowledged  # type: ignore[method-assign,assignment]
    os.write(descriptor, f"0 {step} step\n".encode())
    study = app.open(Path(folder))
    if step == "run":
        study.run(runs=int(rest[0]))
    elif step in ("until-certified", "killed-after"):
        study.run(runs=400, until_certified=True)
    elif step == "approve":
        name, key = rest
        study.decide(study.entries(Dossier)[-1].id, "approve", Path(key), name)
    else:
        raise SystemExit(f"no step {step}")


if __name__ == "__main__":
    main(*sys.argv[1:])

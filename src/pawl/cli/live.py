"""Live progress: what is being tried and why, the best so far with its noise band, the budget that is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Group
from rich.live import Live
from rich.text import Text

from pawl.app import Budget, OpenStudy
from pawl.cli.screen import console
from pawl.forecast import words
from pawl.hostile import one_line
from pawl.ledger import Entry
from pawl.loop import Loop
from pawl.reading import Progress, hypothesis, progress
from pawl.records import Certificate, Dossier, Forecast, Noise, Preregistration, Record, Screening

EVERY = 0.5


@contextmanager
def watched(study: OpenStudy, loop: Loop, budget: Budget, lines: bool | None = None) -> Iterator[None]:
    """Show progress while the body runs. `lines`: a line a finished step instead of a live display (pipes, CI);
    False: nothing at all."""
    if lines is False:
        yield
        return
    done, watcher = threading.Event(), _live if lines is None else _lines
    thread = threading.Thread(target=watcher, args=(study, loop, budget, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _live(study: OpenStudy, loop: Loop, budget: Budget, done: threading.Event) -> None:
    seen = len(study.ledger.all())
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while not done.wait(EVERY):
            seen = _print_new(study, seen)
            live.update(_picture(progress(study.ledger, loop, budget)))
        _print_new(study, seen)


def _lines(study: OpenStudy, loop: Loop, budget: Budget, done: threading.Event) -> None:
    seen = len(study.ledger.all())
    while not done.wait(EVERY):
        seen = _print_new(study, seen)
    _print_new(study, seen)


def _print_new(study: OpenStudy, seen: int) -> int:
    """A line for every step that ended since; the number of entries seen now."""
    entries = study.ledger.all()
    for entry in entries[seen:]:
        line = _line(study, entry)
        if line:
            console.print(Text(one_line(line)), soft_wrap=True)
    return len(entries)


def _line(study: OpenStudy, entry: Entry[Record]) -> str:
    match entry.record:
        case Noise() as noise:
            runs, band = len(noise.evaluations), f"{noise.low:.3g} to {noise.high:.3g}"
            return f"#{entry.id} noise: one run's sd is {noise.sd:.4g} ({band}), from {runs} runs"
        case Screening() as screening:
            why = screening.reason if screening.gain is None else f"{screening.gain:+.4g}"
            return f"#{entry.id} {screening.decision:8s} ({why}) {hypothesis(study.ledger, screening)}"
        case Preregistration(forecast=Forecast() as ahead) as plan:
            return f"#{entry.id} certificate of variant {plan.head} begins: {words(ahead)}"
        case Certificate() as certificate:
            return f"#{entry.id} certificate: {certificate.outcome}, {certificate.reason}"
        case Dossier():
            return f"#{entry.id} dossier: waits for a person"
        case _:
            return ""


def _picture(progress: Progress) -> Group:
    bar = "#" * round(30 * progress.spent) + "." * (30 - round(30 * progress.spent))
    head = Text()
    head.append(f"{progress.phase:10s}", style="bold")
    head.append(f" {progress.runs} runs done, {len(progress.underway)} under way   budget [{bar}] {progress.left}\n")
    head.append(f"           best so far {progress.best}\n")
    head.append(f"           {progress.ahead}\n" if progress.ahead else "")
    head.append(f"           {progress.waiting}\n" if progress.waiting else "")
    rows = [head]
    for activity in progress.underway:
        why = one_line(activity.why)[: max(console.width - 40, 20)]
        age = time.monotonic() - activity.since
        rows.append(Text(f"  {activity.purpose:8s} variant {activity.variant:<5d} {age:5.1f} s  {why}", style="cyan"))
    return Group(*rows)

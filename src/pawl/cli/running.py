"""Commands that try things: run, propose."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pawl import keys
from pawl.app import Budget, OpenStudy, budget_seconds
from pawl.cli.live import watched
from pawl.cli.screen import (
    HERE,
    AsJson,
    Folder,
    app,
    console,
    entries_json,
    say,
    say_chart,
    say_json,
    study_in,
)
from pawl.errors import ConfigError
from pawl.ledger import Entry
from pawl.loop import Loop
from pawl.records import Certificate, Dossier, Verdict
from pawl.seals import REFRESH


@app.command()
def run(
    folder: Folder = HERE,
    budget: Annotated[str, typer.Option(help="Wall-clock time, such as 5m or 2h.")] = "",
    runs: Annotated[
        int | None,
        typer.Option(help="Training runs to search with; a certificate that was begun is carried to its end.", min=1),
    ] = None,
    until_certified: Annotated[bool, typer.Option("--until-certified", help="Stop at the first dossier.")] = False,
    unsafe: Annotated[bool, typer.Option("--unsafe-no-sandbox", help="Run generated code WITHOUT a sandbox.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Where another loop runs: wait for its end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Search, certify and judge; go on where the last run stopped. Ends at dossiers that wait for a person."""
    if not (budget or runs or until_certified):
        raise ConfigError("say how long to run", "pawl run --budget 5m   (or --runs N, or --until-certified)")
    study = study_in(folder)
    limit = Budget(budget_seconds(budget) if budget else None, runs, until_certified)
    if unsafe:
        say("WARNING: generated code runs without a sandbox, as you, with your network", "bold red")
    lives = study.openings()
    if lives and not lives[-1].left and not as_json:
        say(f"WARNING: the holdout is retired; the next certificate waits for a fresh one:  {REFRESH}", "bold red")
    lines = False if as_json else None if console.is_terminal else True
    preparing = "waiting for another loop to end, then preparing" if wait else "preparing the environment"
    with console.status(preparing) as spinner, study.loop(unsafe, wait) as loop:
        spinner.stop()
        first = loop.opened
        with stopped_by_keyboard(loop), watched(study, loop, limit, lines):
            dossiers = loop.run(limit)
    if as_json:
        say_json(entries_json([entry for entry in study.ledger.all() if entry.id > first]))
    else:
        conclude(study, dossiers, first)


@contextmanager
def stopped_by_keyboard(loop: Loop) -> Iterator[None]:
    """The first Ctrl-C asks the loop to stop, which cannot get lost as an exception can; the second one raises."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(*_: object) -> None:
        loop.stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def conclude(study: OpenStudy, dossiers: list[Entry[Dossier]], first: int) -> None:
    """What came of it, the chart, and the next command."""
    say_chart(study, 22)
    path = study.write_chart()
    say(f"chart: {path}")
    for entry in study.entries(Certificate):
        if entry.id > first and entry.record.outcome != "certified":
            say(f"certificate {entry.id}: not certified ({entry.record.outcome}): {entry.record.reason}")
    refused = [entry for entry in study.entries(Verdict) if entry.id > first and _gates_refused(study, entry.record)]
    for verdict in refused:
        words = "; ".join(f"{f.gate}: {f.reason}" for f in verdict.record.findings if not f.passed)
        say(f"\ncertificate {verdict.record.certificate} was won, and the gates refused it: {words}", "bold")
        say(f"next:  pawl why {verdict.id}")
    if not dossiers and refused:
        raise typer.Exit(1)
    for bill in study.spending():
        if bill.silent:
            say(f"\nproposer {bill.proposer} is silent: {bill.silent}   (pawl tokens)")
    if not dossiers:
        say("\nNothing was certified in this budget: no gain was large enough to be told from noise.", "bold")
        say("next:  pawl status   |   pawl run --budget 10m")
        return
    for dossier in dossiers:
        say("\n" + dossier.record.statement.split("\nCHANGES ACCEPTED")[0], "bold")
        say(study.diff(dossier.id))
        say(f"page:  {study.write_page(dossier)}")
        n = dossier.id
        say(f"next:  pawl review {n}   then   pawl approve {n}   or   pawl reject {n} --reason '...'")
    say("Nothing is released until a person signs.", "bold")


def _gates_refused(study: OpenStudy, verdict: Verdict) -> bool:
    won = study.ledger.get(verdict.certificate, Certificate).record.outcome == "certified"
    return won and not verdict.passed


@app.command()
def propose(
    patch: Annotated[Path, typer.Option(help="A unified diff on the editable files; - for standard input.")],
    hypothesis: Annotated[str, typer.Option(help="Why it should be better.")],
    folder: Folder = HERE,
    by: Annotated[
        str, typer.Option("--by", help="Whose idea it is, who then may not approve it; else git's user.email.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Put your own patch in the queue; the next turn of the loop tries it. With --json: within [inbox]'s limits."""
    try:
        text = sys.stdin.read() if str(patch) == "-" else patch.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{patch} cannot be read: {error}", "pawl propose --patch FILE   (UTF-8)") from error
    study = study_in(folder)
    entry = study.propose(text, hypothesis, by or keys.name(study.folder), limited=as_json)
    if as_json:
        say_json(entries_json([entry]))
    else:
        say(f"proposal {entry.id} waits for its turn\n\nnext:  pawl run --runs 20")

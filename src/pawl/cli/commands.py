"""Commands that read: status, show, diff, why, log."""

from __future__ import annotations

from typing import Annotated

import typer

from pawl import forecast, reading
from pawl.cli.screen import HERE, AsJson, Folder, app, entries_json, entry_json, say, say_chart, say_json, study_in
from pawl.records import Approval, Rejection, Resume, Run, Verdict


@app.command()
def status(
    folder: Folder = HERE, as_json: AsJson = False, chart: Annotated[bool, typer.Option(help="Draw it.")] = True
) -> None:
    """Where the study stands: champion, head, what waits for a person, and every run in a chart."""
    study = study_in(folder)
    standing = reading.standing(study.ledger)
    halt = study.switch.standing(study.ledger)
    if halt:
        standing["halted"] = f"by {halt.record.by} (entry {halt.id}): {halt.record.reason}"
    ahead = study.forecast()
    if as_json:
        say_json(standing | {"forecast": ahead.model_dump() if ahead else None})
        return
    if ahead:
        standing["forecast"] = f"next certificate: {forecast.words(ahead)}"
    known, within = forecast.kept(study.ledger)
    if known:
        standing["forecasts"] = f"{within} of {known} certificates took no more pairs than four of five should"
    for name, value in standing.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        say(f"{name:12s} {text}")
    if chart and standing["runs"]:
        say_chart(study, 20)
    waiting = study.dossiers()
    if halt:
        say("\nnext:  pawl resume   (needs a signature)")
        return
    say(f"\nnext:  pawl review {waiting[-1].id}" if waiting else "\nnext:  pawl run --budget 5m")


@app.command()
def log(
    folder: Folder = HERE, as_json: AsJson = False, most: Annotated[int, typer.Option("-n", help="The newest N.")] = 20
) -> None:
    """The newest entries of the ledger, newest last."""
    study = study_in(folder)
    entries = study.ledger.all()[-most:]
    if as_json:
        say_json(entries_json(entries))
        return
    for entry in entries:
        kind = type(entry.record).__name__.lower()
        say(f"{entry.id:5d}  {entry.at}  {kind:16s} {reading.summary(study.ledger, entry)}")


@app.command()
def show(
    id: int,
    folder: Folder = HERE,
    as_json: AsJson = False,
    output: Annotated[bool, typer.Option("--output", help="All that a run printed.")] = False,
) -> None:
    """One entry of the ledger, whole."""
    study = study_in(folder)
    entry = study.ledger.any(id)
    if output:
        say(study.artifacts.get(study.ledger.get(id, Run).record.log).decode(errors="replace"))
        return
    if as_json:
        say_json(entry_json(entry))
        return
    say(f"{type(entry.record).__name__} {entry.id}, written {entry.at}, digest {entry.digest}", "bold")
    for name, value in entry.record.model_dump(mode="json").items():
        text = str(value)
        say(f"{name}:\n{text}" if "\n" in text else f"{name:16s} {text}")
    if isinstance(entry.record, Approval | Rejection | Resume):
        say("\n" + "\n".join([*reading.signature(study.ledger, entry.record), study.vouched(entry.record)]))
    if isinstance(entry.record, Run):
        say(f"\nall that it printed:  pawl show {id} --output")


@app.command()
def diff(id: int, folder: Folder = HERE) -> None:
    """The patch behind a proposal, variant, certificate, verdict or dossier."""
    say(study_in(folder).diff(id))


@app.command()
def why(id: int, folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Why something was accepted, refused, certified or not: each reason, back to the runs."""
    study = study_in(folder)
    reasons = reading.why(study.ledger, id)
    if as_json:
        say_json(reasons)
    else:
        for line in reasons:
            say(line)
    record = study.ledger.any(id).record
    if isinstance(record, Verdict) and not record.passed:
        raise typer.Exit(1)

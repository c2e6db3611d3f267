"""Commands on the sealed sets: what their openings have left, and a fresh holdout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from pawl import keys
from pawl.app import OpenStudy
from pawl.cli.screen import HERE, AsJson, Folder, app, entry_json, say, say_json, study_in
from pawl.records import Evaluation
from pawl.seals import REFRESH, Life

seal = typer.Typer(help="The sealed sets: openings of the holdout, and a fresh one.", no_args_is_help=True)
app.add_typer(seal, name="seal")


@seal.command("status")
def status(folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Each sealed set: its digest, what was asked of it, and what it has left."""
    study = study_in(folder)
    lives = study.openings()
    if as_json:
        found = {"validation": dict(_read(study)), "holdout": [_life(life) for life in lives]}
        say_json({**found, "asked": study.asks_holdout()})
        return
    for digest, count in _read(study):
        say(f"validation  sha256:{digest}  read for {count} evaluations")
    for life in lives:
        for line in _lines(life):
            say(line)
    if not lives:
        named = study.config.evaluate.holdout
        say("holdout     none yet: it is sealed by the first pawl run" if named else "holdout     none")
    elif not study.asks_holdout():
        say('\nno gate of the policy asks the holdout: add a [[gate]] with use = "holdout" to policy.toml')
        say("\nnext:  pawl policy diff   then   pawl policy propose")
    elif lives[-1].left == 0:
        say(f"\nnext:  {REFRESH}")


@seal.command("refresh")
def refresh(
    holdout: Annotated[Path, typer.Option(help="The fresh set, an .npz with rows that no sealed set had before.")],
    reason: Annotated[str, typer.Option(help="Why, and where the rows come from.")],
    folder: Folder = HERE,
    name: Annotated[str, typer.Option("--as", help="Who does it; else git's user.email.")] = "",
    as_json: AsJson = False,
) -> None:
    """Put a fresh set in the holdout's place. The old one is kept under .pawl/, and never asked again."""
    study = study_in(folder)
    entry = study.refresh_holdout(holdout, reason, name or keys.name(study.folder))
    if as_json:
        say_json(entry_json(entry))
    else:
        say(f"sealed (entry {entry.id}): sha256:{entry.record.digest}, {entry.record.rows} rows")
        say("\nnext:  pawl seal status")


def _read(study: OpenStudy) -> list[tuple[str, int]]:
    """The validation sets that evaluations were made on, by digest, and how many."""
    digests = [entry.record.sealed for entry in study.entries(Evaluation) if entry.record.sealed]
    return [(digest, digests.count(digest)) for digest in dict.fromkeys(digests)]


def _answer(life: Life, intent: int) -> str:
    return {True: "better", False: "not better"}.get(life.answers.get(intent), "no answer: it was cut short")  # type: ignore[arg-type]


def _lines(life: Life) -> Iterator[str]:
    held, used = life.since.record, len(life.openings)
    retired = f"replaced by entry {life.until}" if life.until else "RETIRED: all are spent" if not life.left else ""
    yield f"holdout     sha256:{held.digest}  {held.rows} rows, since entry {life.since.id} ({held.by}: {held.reason})"
    yield f"            {used} of {life.of} openings used, {retired or f'{life.left} left'}"
    for number, entry in enumerate(life.openings, 1):
        yield f"  {number:8d}  certificate {entry.record.certificate}: {_answer(life, entry.id)}"


def _life(life: Life) -> dict[str, object]:
    used = [
        {"intent": e.id, "certificate": e.record.certificate, "better": life.answers.get(e.id)} for e in life.openings
    ]
    record = life.since.record.model_dump(mode="json")
    return {**record, "entry": life.since.id, "replaced_by": life.until or None, "left": life.left, "openings": used}

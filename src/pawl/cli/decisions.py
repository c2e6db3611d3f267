"""Commands for people: review, approve, reject. No agent's tool offers these."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pawl import keys, reading
from pawl.app import OpenStudy
from pawl.approve import Case
from pawl.cli.screen import HERE, AsJson, Folder, app, entries_json, say, say_json, study_in
from pawl.consent import Word
from pawl.errors import ConfigError, NotAuthorized
from pawl.ledger import Entry
from pawl.records import Approval, Dossier, PolicyChange, PolicyInForce, Record, Release

Key = Annotated[Path | None, typer.Option(help="The SSH key to sign with; else git's or Pawl's own.")]
As = Annotated[str, typer.Option("--as", help="Your name in policy.toml; else git's user.email.")]
Note = Annotated[str, typer.Option(help="Your remark.")]
Reason = Annotated[str, typer.Option(help="Why not.")]
Given = Annotated[Path | None, typer.Option("--signature", help="A signature made elsewhere over --print's bytes.")]
Print = Annotated[bool, typer.Option("--print", help="Only print the exact bytes to sign.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask again after showing what is signed.")]


@app.command()
def review(
    id: Annotated[int, typer.Argument(help="A dossier; 0 for the newest.")] = 0,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """The whole case that waits for a person, as it would be signed."""
    study = study_in(folder)
    case = _case(study, id) if id else _newest(study)
    if as_json:
        say_json(entries_json([case])[0])
        return
    say(case.record.statement)
    say(reading.decision_line(study.ledger, case.id))
    if isinstance(case.record, Dossier):
        say(f"page:  {study.write_page(study.ledger.get(case.id, Dossier))}")


@app.command()
def approve(
    id: int, folder: Folder = HERE, key: Key = None, name: As = "", note: Note = "",
    signature: Given = None, only_print: Print = False, yes: Yes = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Sign a dossier or a policy change. With enough signatures the champion moves, and the next run starts from it."""
    study = study_in(folder)
    entry = _decide(study, id, "approve", key, name, note, signature, only_print, yes)
    if entry is None:
        return
    if as_json:
        say_json(entries_json([entry])[0])
    elif isinstance(entry.record, Release):
        say(f"\nreleased: variant {entry.record.variant} is the champion (release {entry.id})", "bold green")
        say(f"  its files:   .pawl/releases/{entry.id}/")
        say(f"  its commit:  git merge {entry.record.commit[:12]}   (refs/pawl/champion)")
    elif isinstance(entry.record, PolicyInForce):
        say(f"\nin force from entry {entry.id} on: sha256:{entry.record.digest}", "bold green")
    elif isinstance(entry.record, Approval):
        people, case = study.case(id)
        say(f"\napproval {entry.id} is written down; still {', '.join(people.missing(case))}", "bold")


@app.command()
def reject(
    id: int, reason: Reason, folder: Folder = HERE, key: Key = None, name: As = "",
    signature: Given = None, only_print: Print = False, yes: Yes = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Say no, signed, with the reason. The loop goes on from the champion."""
    entry = _decide(study_in(folder), id, "reject", key, name, reason, signature, only_print, yes)
    if entry is not None:
        say_json(entries_json([entry])[0]) if as_json else say(
            f"\nrejected (entry {entry.id}); nothing is released", "bold"
        )


def _decide(
    study: OpenStudy, id: int, word: Word, key: Path | None, name: str, remark: str, signature: Path | None,
    only_print: bool, yes: bool,
) -> Entry[Record] | None:  # fmt: skip
    approver = name or keys.name(study.folder)
    people, case = study.case(id, word)
    request = people.request(case, word, approver, remark)
    if only_print:
        sys.stdout.buffer.write(request.encode())
        return None
    say(request)
    if signature:
        armored = read_signature(signature, f"pawl {word} {id} --print")
        return study.record_decision(id, word, armored, approver, remark)
    may_sign(yes, approver, f"pawl {word} {id} --yes   (after pawl review {id})")
    return study.decide(id, word, key_to_sign_with(study, key, f"pawl {word} {id} --key PATH"), approver, remark)


def read_signature(file: Path, fix: str) -> str:
    """An armored signature that was made elsewhere."""
    try:
        return file.read_text()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", fix) from error


def may_sign(yes: bool, approver: str, fix: str) -> None:
    """Ask once more, after everything was shown. Raises NotAuthorized where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise NotAuthorized("there is no terminal to ask at", fix)
    typer.confirm(f"Sign exactly the text above as {approver}?", abort=True)


def key_to_sign_with(study: OpenStudy, key: Path | None, fix: str) -> Path:
    """The key that was named, else git's or Pawl's own."""
    found = keys.find(study.folder)
    chosen = key or (found.key if found else None)
    if chosen is None or chosen == Path():
        raise NotAuthorized("no key to sign with was found", fix)
    return chosen


def _case(study: OpenStudy, id: int) -> Case:
    if isinstance(study.ledger.any(id).record, PolicyChange):
        return study.ledger.get(id, PolicyChange)
    return study.ledger.get(id, Dossier)


def _newest(study: OpenStudy) -> Case:
    waiting: list[Case] = [*study.dossiers(), *study.amendments_waiting()]
    if not waiting:
        raise ConfigError("no dossier waits for a person", "pawl run --budget 5m")
    return max(waiting, key=lambda case: case.id)

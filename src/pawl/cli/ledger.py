"""Commands on the log itself: verify, prove, checkpoints, witnesses."""

from __future__ import annotations

import base64
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from pawl import checkpoint, keys, witness
from pawl.anchor import agrees
from pawl.app import adopt as adopt_study
from pawl.checkpoint import SecretKey
from pawl.cli.screen import HERE, AsJson, Folder, app, errors, say, say_json, study_folder, study_in
from pawl.errors import ConfigError, IntegrityError

ledger = typer.Typer(help="The append-only record of everything, as a transparency log.", no_args_is_help=True)
app.add_typer(ledger, name="ledger")
File = Annotated[Path, typer.Argument(help="A file; - for standard input.")]


@ledger.command("verify")
def verify(folder: Folder = HERE, as_json: AsJson = False) -> None:
    """Read every entry and artifact again; check the tree, the last checkpoint, and every release's signatures."""
    found = study_in(folder).verify()
    if as_json:
        say_json(found)
    else:
        say(f"{found['entries']} entries and {found['artifacts']} artifacts are what was written; root {found['head']}")
        say(f"log key:  {found['key']}")


@ledger.command("prove")
def prove(
    id: int,
    folder: Folder = HERE,
    since: Annotated[int, typer.Option(help="Prove that the log goes on from this many entries instead.")] = 0,
) -> None:
    """A proof (RFC 9162, JSON) that entry N is under the last checkpoint, or that the log only grew."""
    study = study_in(folder)
    note = study.anchor.keep(study.ledger)
    if since:
        steps, what = study.ledger.consistency(since, note.size), {"old": since, "old_root": study.ledger.root(since)}
    else:
        entry = study.ledger.any(id)
        body = next(iter(study.ledger.rows(entry.id - 1))).body
        steps, what = study.ledger.inclusion(entry.id, note.size), {"index": entry.id - 1, "entry": body}
    encoded = {name: base64.b64encode(v).decode() if isinstance(v, bytes) else v for name, v in what.items()}
    proof = [base64.b64encode(step).decode() for step in steps]
    say_json({**encoded, "size": note.size, "proof": proof, "checkpoint": str(note)})


@ledger.command("checkpoint")
def show_checkpoint(
    folder: Folder = HERE,
    since: Annotated[
        int | None, typer.Option(help="As a request to a witness who signed at N entries (0: none).")
    ] = None,
) -> None:
    """The log's size and root, signed. Keep it, or give it to somebody: it is what history is held against."""
    study = study_in(folder)
    note = study.anchor.keep(study.ledger)
    say(str(note if since is None else witness.request(study.ledger, note, since)).rstrip("\n"))


@ledger.command("key")
def key(folder: Folder = HERE) -> None:
    """The public key of this log, for auditors and witnesses."""
    say(str(study_in(folder).anchor.key().public))


@ledger.command("witness")
def sign_as_witness(
    file: File,
    log_key: Annotated[str, typer.Option(help="The log's key, as `pawl ledger key` prints it there.")],
    name: Annotated[str, typer.Option("--as", help="This witness's name; else this machine's.")] = "",
) -> None:
    """Sign somebody else's checkpoint, if it goes on from the last one seen here. Prints it with the signature."""
    secret = SecretKey(name or f"witness/{socket.gethostname()}", "witness", keys.log_key("witness_key"))
    signed = witness.Witness(secret, keys.folder() / "witnessed").cosign(
        witness.parse(_read(file)), checkpoint.public_key(log_key)
    )
    say(str(signed).rstrip("\n"))
    errors.print(f"witness key:  {secret.public}", soft_wrap=True)


@ledger.command("cosigned")
def take_cosignature(file: File, folder: Folder = HERE) -> None:
    """Keep the checkpoint that a witness signed."""
    study = study_in(folder)
    note = checkpoint.parse(_read(file))
    study.anchor.cosigned(note)
    say(f"kept: {len(note.signatures)} signature(s) on the checkpoint of {note.size} entries")


@ledger.command("compare")
def compare(file: File, folder: Folder = HERE) -> None:
    """Is a checkpoint that somebody was shown one of this history? Says SPLIT VIEW if not."""
    study = study_in(folder)
    note = checkpoint.parse(_read(file))
    note.signed_at(study.anchor.key().public)
    try:
        agrees(note, study.ledger)
    except IntegrityError as error:
        raise IntegrityError(f"SPLIT VIEW: {error}", "keep both: pawl ledger checkpoint") from error
    say(f"the checkpoint of {note.size} entries is one of this history, which now has {len(study.ledger.all())}")


@ledger.command("adopt")
def adopt(folder: Folder = HERE, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Trust the ledger as it is from here on: after a move to another machine, or a restored backup."""
    if not yes:
        typer.confirm("Is this ledger the one that it should be?", abort=True)
    study = adopt_study(study_folder(folder))
    note = study.anchor.keep(study.ledger)
    say(f"adopted {note.size} entries as {note.origin}; root {note.root.hex()}")


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", "pawl ledger checkpoint > FILE") from error

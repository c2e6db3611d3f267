"""Commands about where the ledger lives: db move, db unseal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from pawl.cli.screen import HERE, AsJson, Folder, app, console, say, say_json, study_in

db = typer.Typer(help="Where the ledger lives: SQLite, or PostgreSQL for many machines.", no_args_is_help=True)
app.add_typer(db, name="db")


@db.command("move")
def move(
    to: Annotated[str, typer.Argument(help="postgresql://USER@HOST/DATABASE without a password, or: sqlite")],
    folder: Folder = HERE,
    schema: Annotated[str, typer.Option(help="The schema in the database, one a study.")] = "pawl",
    as_json: AsJson = False,
) -> None:
    """Copy the ledger to another store, check that both have one Merkle root, and use it from then on.

    Killed half way, it goes on when it is typed again."""
    study = study_in(folder)
    with console.status("checking the ledger") as spinner:
        moved = study.move(to, schema, lambda done, of: spinner.update(f"copied {done:,} of {of:,} entries"))
    if as_json:
        say_json(asdict(moved))
        return
    say(f"{moved.entries} entries are in {moved.new}", "bold")
    say(f"root before {moved.root_before}\nroot after  {moved.root_after}")
    if moved.old == moved.new:
        say("it was there already")
        return
    say(f"{moved.old} can be read, and takes no more entries")
    if moved.switched:
        say("pawl.toml names the new store\n\nnext:  pawl status")
    elif moved.table:
        say(f"\nnext:  in pawl.toml, put this in place of its table [store]:\n{moved.table}")
    else:
        say("\nnext:  take the table [store] out of pawl.toml")


@db.command("unseal")
def unseal(folder: Folder = HERE) -> None:
    """Take back a move that was cut short and will not be finished: the store in pawl.toml accepts entries again.

    Never do this after a move that was finished: two ledgers would go on from one history."""
    study = study_in(folder)
    study.unseal()
    say(f"{len(study.ledger.all())} entries; the store accepts more\n\nnext:  pawl status")

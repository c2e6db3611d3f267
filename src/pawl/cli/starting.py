"""Commands that come first: init, lab, doctor, parts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pawl import app as wiring
from pawl import doctor as examination
from pawl import initialise, keys, plugins
from pawl.cli.screen import HERE, AsJson, Folder, app, console, say, say_json

lab = typer.Typer(help="Studies that ship with Pawl: real models, real data.", no_args_is_help=True)
app.add_typer(lab, name="lab")


@app.command()
def init(
    folder: Folder = HERE,
    signer: Annotated[
        bool, typer.Option("--signer", help="Only find or make the key to sign with, and print it.")
    ] = False,
) -> None:
    """Make this folder a study: policy.toml, a signer, and pawl.toml where the layout is known."""
    if signer:
        person = keys.find(folder) or keys.make(folder)
        say(f'[[approver]]\nname = "{person.name}"\nkey = "{person.public}"')
        return
    tell_signer(initialise.initialise(folder))
    say("\nnext:  git add -A && git commit -m 'Start' && pawl run --budget 5m")


def tell_signer(person: keys.Signer) -> None:
    say(f"signer {person.name}, key {person.key if person.key != Path() else 'from the agent'}")
    if person.bare:
        say(
            f"  this key has NO passphrase: nobody could be asked. Give it one:  ssh-keygen -p -f {person.key}",
            "yellow",
        )


@lab.command("list")
def lab_list(as_json: AsJson = False) -> None:
    """The studies that ship."""
    labs = wiring.labs()
    if as_json:
        say_json([{"name": lab.name, "summary": lab.summary} for lab in labs])
        return
    for found in labs:
        say(f"{found.name:12s} {found.summary}")


@lab.command("new")
def lab_new(name: str, folder: Path) -> None:
    """A fresh copy of a shipped study, with its data, in a folder of its own."""
    with console.status(f"preparing {name}: data, sealed sets, repository"):
        person = wiring.new_lab(name, folder)
    tell_signer(person)
    say(f"{folder} is ready\n\nnext:  cd {folder} && pawl run --budget 5m")


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Try to break the sandbox, check what Pawl needs, print the fix for what is missing."""
    checks = examination.examine(wiring.sandbox)
    if as_json:
        say_json([asdict(check) for check in checks])
    else:
        for check in checks:
            mark, style = ("ok  ", "green") if check.passed else ("FAIL", "red") if check.needed else ("open", "yellow")
            say(f"{mark}  {check.name}: {check.seen}", style)
            if not check.passed and check.needed:
                say(f"      fix: {check.fix}")
    if any(check.needed and not check.passed for check in checks):
        raise typer.Exit(6)


@app.command()
def parts(kind: Annotated[str, typer.Argument(help="gate, proposer, sandbox, ...")] = "gate") -> None:
    """The installed parts of a kind, built in or a stranger's."""
    for name, point in sorted(plugins.known(kind).items()):
        say(f"{name:16s} {point.value}")

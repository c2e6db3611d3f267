"""What earlier studies taught: priors, priors learn, priors forget."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pawl import earlier
from pawl.cli.screen import HERE, AsJson, Folder, app, say, say_json, study_in
from pawl.earlier import Known
from pawl.errors import ConfigError
from pawl.priors import FILE, RENAME, source

priors = typer.Typer(help="What earlier studies taught, and how much each has to say here.")
app.add_typer(priors, name="priors")


@priors.callback(invoke_without_command=True)
def status(context: typer.Context, folder: Folder = HERE, as_json: AsJson = False) -> None:
    """What earlier studies taught, and how much each has to say here: its similarity to this study so far."""
    if context.invoked_subcommand:
        sources = [context.get_parameter_source(name) for name in ("folder", "as_json")]
        if any(source and source.name == "COMMANDLINE" for source in sources):
            raise ConfigError("options go after the subcommand", f"pawl priors {context.invoked_subcommand} --help")
        return
    found = earlier.known(study_in(folder))
    if as_json:
        say_json([_json(one) for one in found])
        return
    for one in found:
        _told(one)
    if not found:
        say(f"nothing: there is no {FILE}\n\nnext:  {earlier.LEARN}")


@priors.command("learn")
def learn(
    others: Annotated[list[Path], typer.Argument(metavar="OTHER_STUDY", help="Folders of earlier studies.")],
    folder: Folder = HERE,
    rename: Annotated[
        list[str] | None,
        typer.Option(help="A constant's name there and here, THERE=HERE: a.py:LR=train.py:LEARNING_RATE."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read what other studies' ledgers taught into priors.json. Known ones are read anew; the next run uses it."""
    study = study_in(folder)
    pairs = [text.partition("=") for text in rename or []]
    if not all(old and new for old, _, new in pairs):
        raise ConfigError("--rename takes THERE=HERE", RENAME)
    names = {old: new for old, _, new in pairs} if pairs else None
    found = [earlier.learn(study, other, names) for other in others]
    if as_json:
        say_json([_json(one) for one in found])
        return
    for one in found:
        _told(one)
    say("\nnext:  pawl run --budget 5m   (what runs already goes on without it)")


@priors.command("forget")
def forget(
    name: Annotated[str, typer.Argument(help="As `pawl priors` shows it.")],
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Strike an earlier study from priors.json. What was proposed after it stays."""
    earlier.forget(study_in(folder), name)
    if as_json:
        say_json({"forgotten": name})
    else:
        say(f"forgotten: {name}\n\nnext:  pawl priors")


def _told(one: Known) -> None:
    past = one.past
    say(f"{past.name}: similarity {one.similarity:.2f}" + ("" if one.similarity else ", so that it has no say"), "bold")
    say(
        f"  read from   {past.entries} entries of its ledger, root {past.head[:16]}...; {past.metric}, {past.direction}"
    )
    say(f"  trials      {len(past.trials)}, of which {one.within} lie in this study's ranges")
    say(f"  constants   {', '.join(one.matching) or 'none'}")
    for key, reason in one.unknown.items():
        say(f"  not known   {key}: {reason}")
    if past.renamed:
        say(f"  renamed     {', '.join(f'{old} is {new}' for old, new in past.renamed.items())}")


def _json(one: Known) -> dict[str, object]:
    """All but the trials, which are in priors.json."""
    about = one.past.model_dump(mode="json", exclude={"trials"})
    found = {name: value for name, value in asdict(one).items() if name != "past"}
    return {**about, **source(one.past, one.similarity), "trials": len(one.past.trials), **found}

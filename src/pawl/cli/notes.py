"""Commands that read the loop's memory in words: notebook, suggest."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from pawl.cli.screen import HERE, AsJson, Folder, app, say, say_json, study_in


@app.command()
def notebook(
    folder: Folder = HERE,
    as_json: AsJson = False,
    write: Annotated[bool, typer.Option("--write", help="Write the sections in notebook.md anew.")] = False,
) -> None:
    """What the loop learned: tried, helped, failed, under way, open. As in notebook.md, rebuilt from the ledger."""
    study = study_in(folder)
    found = study.notebook()
    path = study.write_notebook() if write else None
    if as_json:
        say_json(found | ({"path": str(path)} if path else {}))
    elif path:
        say(f"{path} is up to date")
    else:
        say("\n".join(found.values()).rstrip())


@app.command()
def suggest(
    folder: Folder = HERE,
    as_json: AsJson = False,
    patches: Annotated[bool, typer.Option("--patches", help="With the patch of each.")] = False,
) -> None:
    """What logs and ledger suggest for the head, each with its reason, the most urgent first. It changes nothing."""
    found = study_in(folder).suggestions()
    if as_json:
        say_json([{"by": name} | asdict(one) for name, one in found])
        return
    for number, (name, one) in enumerate(found, 1):
        how = "a patch" if one.patch else "for you"
        say(f"{number:3d}  {one.what}   ({how}, by {name})\n     {one.reason}")
        if patches and one.patch:
            say(one.patch)
    if not found:
        say("Nothing: no log of the head shows anything that a plain rule knows.")
    tries = any(one.patch for _, one in found)
    say(
        '\nThe loop tries the patches if pawl.toml names the proposer: [[proposer]] use = "log-analyst"'
        if tries
        else ""
    )

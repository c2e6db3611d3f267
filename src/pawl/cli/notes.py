"""Commands that read the loop's memory in words: notebook."""

from __future__ import annotations

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

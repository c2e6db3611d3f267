"""`pawl mcp`: the door for agents, over standard input and output."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from pawl.cli.screen import HERE, Folder, app, study_folder
from pawl.errors import ConfigError
from pawl.mcp.desk import Desk


@app.command("mcp")
def serve(
    folder: Folder = HERE,
    name: Annotated[str, typer.Option(help="What its proposals are signed with: inbox:NAME.")] = "",
) -> None:
    """Let an agent propose, run and read, as an MCP server on standard input and output. It can approve nothing.

    What it may hand in and start: [inbox] in pawl.toml."""
    try:
        server = import_module("pawl.mcp.server")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("pawl"):
            raise
        raise ConfigError("the server for agents needs the MCP SDK", "pip install 'pawl-ai[mcp]'") from error
    desk = Desk(study_folder(folder), name)
    desk.status()  # a study that cannot be opened is said to the operator, not to the agent
    server.build(desk).run("stdio")

"""The command line: a door. It knows app, prints, and turns errors into exit codes."""

from __future__ import annotations

import sys

from pawl.cli import (
    agents,
    calibration,
    commands,
    db,
    decisions,
    export,
    goodhart,
    halting,
    inquiring,
    judging,
    ledger,
    pareto,
    redteam,
    rules,
    running,
    seal,
    starting,
)
from pawl.cli.screen import app, complain
from pawl.errors import PawlError

__all__ = [
    "app", "main", "agents", "calibration", "commands", "db", "decisions", "export", "goodhart", "halting", "inquiring",
    "judging", "ledger", "pareto", "redteam", "rules", "running", "seal", "starting",
]  # fmt: skip


def main() -> None:
    """The `pawl` program. Exit codes: see pawl.errors; 1 where gates refused; 141 where a pipe was closed."""
    try:
        app()
    except PawlError as error:
        complain(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)

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
    notes,
    pareto,
    priors,
    redteam,
    rules,
    running,
    seal,
    starting,
    tokens,
)
from pawl.cli.screen import app, complain
from pawl.errors import PawlError

__all__ = [
    "agents", "app", "calibration", "commands", "db", "decisions", "export", "goodhart", "halting", "inquiring",
    "judging", "ledger", "main", "notes", "pareto", "priors", "redteam", "rules", "running", "seal", "starting",
    "tokens",
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

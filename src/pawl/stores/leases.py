"""What every store says in the same words: a lease is taken, or lost; a ledger was moved away."""

from __future__ import annotations

import os
import socket

from pawl.errors import ConfigError, PawlError

SEALED = "takes no more entries: "
MOVED = "name the new store in pawl.toml   (a move that was never finished: pawl db unseal)"


def whoever() -> str:
    """This process, for people who want to know who holds a lease."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def taken(name: str, place: object, holder: str) -> ConfigError:
    """The refusal of a lease that somebody else holds."""
    who = f" ({holder})" if holder else ""
    return ConfigError(f"another {name} runs on {place}{who}", "pawl status   (or wait for it: pawl run --wait)")


def lost(name: str, place: object) -> PawlError:
    """The refusal of an append by a process whose lease somebody else may hold by now."""
    return PawlError(
        f"this process no longer holds the {name} of {place}: nothing more is written by it",
        "pawl run   (goes on where the ledger ends)",
    )

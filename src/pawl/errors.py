"""What stops Pawl from doing its job.

What a reader may expect to happen (a run that crashes, a gate that refuses) is a record; these are errors.

    PawlError
    ├── ConfigError      2  pawl.toml, policy.toml, a command line or a git repository is not as it must be
    ├── PartError        2  a plugin is unknown, broken, or was given settings it does not take
    ├── IntegrityError   4  stored bytes are not what was written
    ├── NotAuthorized    5  a signature, a key or a threshold is missing
    ├── SandboxError     6  no sandbox can be had, or it is not one
    ├── Halted           8  somebody threw the kill switch; only a signature resumes
    └── Interrupted    130  a person pressed Ctrl-C; the ledger holds all finished work

The message says what and where; the hint is the next command to type.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class PawlError(Exception):
    """An error with a way out: `hint` is the next command to type, `exit_code` what the process returns."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(PawlError):
    exit_code = 2


class PartError(PawlError):
    exit_code = 2


class IntegrityError(PawlError):
    exit_code = 4


class NotAuthorized(PawlError):
    exit_code = 5


class SandboxError(PawlError):
    exit_code = 6


class Halted(PawlError):
    exit_code = 8


class Interrupted(PawlError):
    exit_code = 130


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the closest known word, else the list of known words, else nothing."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1)
    if close:
        return f" Did you mean '{close[0]}'?"
    return f" Known: {', '.join(names)}." if names else ""

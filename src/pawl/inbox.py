"""What agents and scripts hand in: whose name it bears, and how much of it the queue takes.

All is counted from the ledger, so that limits hold across restarts and for all doors together.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from pawl import history
from pawl.errors import ConfigError
from pawl.hostile import printable
from pawl.ledger import Entry, Ledger
from pawl.names import INBOX
from pawl.records import CALIBRATION, Proposal

HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
LONGEST_HYPOTHESIS = 1000
LONGEST_PATCH = 200_000
HOUR = timedelta(hours=1)


def called(name: str) -> str:
    """The proposer's name for an agent that the operator calls `name`. Raises ConfigError for an odd name."""
    if name and not HANDLE.fullmatch(name):
        raise ConfigError(f"{name!r} is not a plain name: letters, digits, '.', '_', '-'", "pawl mcp --name reviewer-2")
    return f"{INBOX}:{name}" if name else INBOX


def check(patch: str, hypothesis: str) -> None:
    """Raise ConfigError unless what was handed in has a size and letters that people can review."""
    fix = "hand in a smaller change, and say in a few plain sentences why it should be better"
    for what, text, most in (("patch", patch, LONGEST_PATCH), ("hypothesis", hypothesis, LONGEST_HYPOTHESIS)):
        if len(text) > most:
            raise ConfigError(f"the {what} has {len(text)} characters; at most {most} are taken", fix)
        if not text.isascii() and text.encode(errors="replace").decode() != text:
            raise ConfigError(f"the {what} is not text that can be written in UTF-8", fix)
    if printable(hypothesis) != hypothesis:
        raise ConfigError("the hypothesis holds characters that are not seen", fix)


def handed_in(ledger: Ledger) -> list[Entry[Proposal]]:
    """Proposals that came from outside of the loop, oldest first: no proposer of the loop had its turn for them."""
    found = ledger.entries(Proposal)
    return [entry for entry in found if not entry.record.chosen and entry.record.proposer != CALIBRATION]


def room(ledger: Ledger, waiting: int, hourly: int, now: datetime) -> int:
    """How many more may be handed in now, where so many may wait, and so many come in an hour."""
    mine = handed_in(ledger)
    unscreened = {entry.id for entry in history.unscreened(ledger)}
    queued = sum(entry.id in unscreened for entry in mine)
    recent = sum(datetime.fromisoformat(entry.at) > now - HOUR for entry in mine)
    return max(min(waiting - queued, hourly - recent), 0)

"""Names that no person and no configured proposer may bear."""

from __future__ import annotations

INBOX = "inbox"
"""The proposer of what agents hand in; `inbox:NAME` where the operator gave the agent a name."""


def reserved(name: str) -> bool:
    """Whether a name is, or looks like, one that only the inbox gives: no person and no other proposer has it."""
    return name.partition(":")[0].strip().casefold() == INBOX

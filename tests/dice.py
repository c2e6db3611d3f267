"""What the product draws at random is drawn here from the test's own name, so that a test ends alike on each machine.

Seeds of runs that nobody may foresee come from the system; whether a turn calibrates, and who has it, from the digest
of an entry that holds the time. Only these are replaced: PAWL_LUCK=N draws others, to find tests that hold by luck."""

from __future__ import annotations

import os
from random import Random
from types import SimpleNamespace

import pytest

from pawl import measure, nulls, portfolio
from pawl.ledger import Ledger
from pawl.records import Proposal

LUCK = os.environ.get("PAWL_LUCK", "")
_dice = Random(LUCK)


def load(name: str) -> None:
    """Draw from now on what belongs to this name."""
    _dice.seed(f"{LUCK}/{name}")


def replace(patched: pytest.MonkeyPatch) -> None:
    """Let the product draw from here."""
    patched.setattr(measure, "secrets", SimpleNamespace(randbelow=_dice.randrange))
    patched.setattr(nulls, "draw", _draw)
    patched.setattr(portfolio, "_chance", lambda ledger: Random(f"{LUCK}/portfolio/{_told(ledger)}"))


def _draw(ledger: Ledger) -> nulls.Draw:
    """As `nulls.draw`, from all that was proposed until now and not from when it was."""
    chance = Random(f"{LUCK}/{_told(ledger)}")
    return nulls.Draw(*(chance.random() for _ in range(4)))


def _told(ledger: Ledger) -> str:
    return "".join(entry.record.model_dump_json() for entry in ledger.entries(Proposal))

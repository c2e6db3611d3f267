"""What agents and scripts hand in: in whose name, how large, how many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl import inbox, names
from pawl.config import Config
from pawl.errors import ConfigError
from pawl.ledger import Ledger
from pawl.policy import Approver
from pawl.records import Proposal, Screening
from pawl.stores.sqlite import SqliteStore
from pawl.tables import parse
from studies import TOY_CONFIG

NOW = datetime.now(UTC)
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(SqliteStore(tmp_path / "ledger.sqlite"))


def propose(ledger: Ledger, by: str = "inbox:a", chosen: str = "") -> int:
    return ledger.append(Proposal(parent=1, patch="", hypothesis="h", proposer=by, settings={}, chosen=chosen)).id


def screen(ledger: Ledger, proposal: int) -> None:
    ledger.append(
        Screening(
            proposal=proposal, variant=1, head=1, evaluations=(), decision="refused", reason="", gain=None,
            broken_guard="",
        )
    )  # fmt: skip


def test_what_waits_and_what_came_within_the_hour_counts(ledger: Ledger) -> None:
    first = propose(ledger)
    propose(ledger, "inbox:b")
    assert inbox.room(ledger, 5, 5, NOW) == 3
    screen(ledger, first)
    assert inbox.room(ledger, 5, 50, NOW) == 4
    assert inbox.room(ledger, 50, 5, NOW) == 3
    assert inbox.room(ledger, 50, 5, LATER) == 5
    assert inbox.room(ledger, 5, 5, LATER) == 4  # it still waits
    assert inbox.room(ledger, 1, 1, NOW) == 0


def test_scripts_count_whoever_they_are_and_the_loops_own_proposers_do_not(ledger: Ledger) -> None:
    propose(ledger, "script@example.org")
    propose(ledger, "space", chosen="the only proposer")
    propose(ledger, "calibration")
    assert inbox.room(ledger, 5, 5, NOW) == 4


def test_the_count_is_the_ledgers_and_holds_across_restarts(tmp_path: Path, ledger: Ledger) -> None:
    propose(ledger)
    assert inbox.room(Ledger(SqliteStore(tmp_path / "ledger.sqlite")), 5, 5, NOW) == 4


def test_a_clock_that_was_set_back_opens_no_door(ledger: Ledger) -> None:
    propose(ledger)
    assert inbox.room(ledger, 5, 1, NOW - timedelta(days=1)) == 0


@given(st.text(max_size=60))
def test_every_name_from_the_inbox_is_reserved_and_plain(name: str) -> None:
    try:
        found = inbox.called(name)
    except ConfigError:
        return
    assert names.reserved(found)
    assert found == "inbox" or found.partition(":")[2] == name
    assert found.isascii()
    assert found.isprintable()


@pytest.mark.parametrize("name", ["ada@example.org", "a b", "a,b", "../x", "a\n", "x" * 41, "\u0430da", ":", "-a"])
def test_odd_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="not a plain name"):
        inbox.called(name)


@pytest.mark.parametrize("name", ["inbox", "inbox:ada", "Inbox", "INBOX:x", " inbox", "inbox :x"])
def test_nobody_else_may_be_called_so(name: str) -> None:
    assert names.reserved(name)


@pytest.mark.parametrize("name", ["inbox", "inbox:ada@example.org"])
def test_no_approver_and_no_proposer_has_such_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="no person is called"):
        Approver(name=name, key="ssh-ed25519 AAAA")
    if ":" not in name:
        text = TOY_CONFIG + f'[[proposer]]\nuse = "space"\nname = "{name}"\n'
        with pytest.raises(ConfigError, match="so is what agents hand in"):
            parse(text.encode(), Path("pawl.toml"), Config)


@pytest.mark.parametrize(
    ("patch", "hypothesis", "why"),
    [
        ("x" * 200_001, "h", "at most 200000"),
        ("x", "h" * 1001, "at most 1000"),
        ("x\ud800", "h", "UTF-8"),
        ("x", "h\x1b[2J", "not seen"),
        ("x", "h\u202e", "not seen"),
    ],
)
def test_what_nobody_could_review_is_refused(patch: str, hypothesis: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        inbox.check(patch, hypothesis)

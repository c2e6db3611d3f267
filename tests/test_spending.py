"""What was spent is what the ledger says, and limits are held against the worst that the next request may take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl import bills, spending
from pawl.config import ProposerTable
from pawl.ledger import Ledger
from pawl.records import Completion
from pawl.spending import Allowance, Spent, pause, used_up
from pawl.stores.sqlite import SqliteStore

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Clock:
    at = NOW

    @classmethod
    def now(cls, zone: object) -> datetime:
        return cls.at


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr("pawl.ledger.datetime", Clock)
    monkeypatch.setattr(Clock, "at", NOW)
    return Ledger(SqliteStore(tmp_path / "ledger.sqlite"))


def asked(ledger: Ledger, ago: float = 0.0, outcome: str = "ok", prompt: str = "p", name: str = "llm") -> None:
    Clock.at = NOW - timedelta(seconds=ago)
    ledger.append(
        Completion(
            proposer=name, model="m", purpose="draft", prompt=prompt, answer="", outcome=outcome,  # type: ignore[arg-type]
            reason="" if outcome == "ok" else f"it was {outcome}", tokens_in=100, tokens_out=10, estimated=False,
            money=0.5, wall_s=1.0,
        )
    )  # fmt: skip
    Clock.at = NOW


def test_sums_are_by_proposer_and_by_age(ledger: Ledger) -> None:
    asked(ledger, 100_000.0)
    asked(ledger, 3_600.0, "limited")
    asked(ledger, 30.0, "timed-out")
    asked(ledger, 10.0, "unreachable")
    asked(ledger, 5.0, name="other")
    found = spending.spent(ledger, "llm", NOW)
    assert (found.requests, found.failed, found.tokens_in, found.tokens_out, found.money) == (4, 3, 400, 40, 2.0)
    assert (found.day, found.minute, found.failures, found.since) == (330, (10.0, 30.0), 3, 10.0)
    assert found.last == "it was unreachable"
    assert spending.names(ledger) == ["llm", "other"]
    asked(ledger)
    assert spending.spent(ledger, "llm", NOW).failures == 0


def test_a_clock_that_was_set_back_makes_nothing_older_than_it_is(ledger: Ledger) -> None:
    asked(ledger, ago=-7200.0)
    found = spending.spent(ledger, "llm", NOW)
    assert (found.since, found.minute, found.day) == (0.0, (0.0,), 110)


def test_what_never_left_counts_for_nothing_but_its_reason(ledger: Ledger) -> None:
    asked(ledger, outcome="refused", prompt="")
    found = spending.spent(ledger, "llm", NOW)
    assert (found.requests, found.failures, found.last) == (0, 0, "it was refused")


@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(1, 3000))
def test_a_limit_is_held_exactly(spent: int, more: int, most: int) -> None:
    words = used_up(Spent(tokens_in=spent), Allowance(tokens=most), more)
    assert bool(words) == (spent + more > most)
    assert not used_up(Spent(tokens_in=spent, money=9.0, day=spent), Allowance(), more, 5.0)


def test_a_pause_ends_when_the_minute_has_room() -> None:
    known = Spent(minute=(1.0, 20.0, 50.0))
    assert pause(known, Allowance(requests_per_minute=4)) == 0
    assert pause(known, Allowance(requests_per_minute=3)) == 11.0
    assert pause(known, Allowance(requests_per_minute=1)) == 60.0
    assert pause(known, Allowance()) == 0


def test_a_bill_says_what_is_left_and_why_nothing_comes(ledger: Ledger) -> None:
    asked(ledger)
    tables = [
        ProposerTable(use="space"),
        ProposerTable(use="llm", model="m", tokens=1000, money=0.75, price_in=5000.0, max_tokens=50),  # type: ignore[call-arg]
    ]
    (bill,) = bills.read(ledger, tables)
    assert bill.left == {"tokens": 890, "money": 0.25, "requests_per_minute": 20}
    assert "money = 0.75 is used up" in bill.silent
    asked(ledger, name="gone")
    assert [found.proposer for found in bills.read(ledger, tables)] == ["llm", "gone"]
    assert bills.read(ledger, [])[0].left == {}


def test_who_names_no_model_has_no_bill(ledger: Ledger) -> None:
    tables = [
        ProposerTable.model_validate({"use": "log-analyst", "name": name, **settings})
        for name, settings in {"rules": {}, "reader": {"model": "m", "tokens": 5000}}.items()
    ]
    (bill,) = bills.read(ledger, tables)
    assert (bill.proposer, bill.left["tokens"]) == ("reader", 5000)


def test_a_request_that_was_stopped_counts_and_is_nobodys_fault(ledger: Ledger) -> None:
    asked(ledger, 60.0, "unreachable")
    asked(ledger, 5.0, "stopped")
    found = spending.spent(ledger, "llm", NOW)
    assert (found.requests, found.failed, found.tokens_out) == (2, 2, 20)
    assert (found.failures, found.asked, found.last) == (0, 0.0, "")

"""What proposers spent on language models, by the completions in the ledger, and what their limits leave.

Limits hold across restarts because nothing else is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pawl.ledger import Entry, Ledger
from pawl.records import Completion

MINUTE, DAY = 60.0, 86_400.0
ASKED = re.compile(r"; asked to wait (\d{1,6}) s$")
FAILED = ("limited", "timed-out", "unreachable", "refused")
"""Outcomes of an endpoint that gave nothing; the others came with an answer, or were not waited for."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a proposer may spend: tokens in and out together, money in the unit of its prices. None: no such limit."""

    tokens: int | None = None
    money: float | None = None
    tokens_per_day: int | None = None
    requests_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent. `failed` requests are among `requests`, and tokens that were `estimated` among the tokens.
    `day` are the tokens of the last 24 hours, `minute` the ages in seconds of the last minute's requests, youngest
    first. `failures` in a row ended `since` seconds ago, and the endpoint asked then to wait `asked` seconds; `last` is
    what went wrong last, empty if nothing did."""

    requests: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    estimated: int = 0
    money: float = 0.0
    day: int = 0
    minute: tuple[float, ...] = ()
    failures: int = 0
    since: float = 0.0
    asked: float = 0.0
    last: str = ""


def spent(ledger: Ledger, proposer: str, now: datetime) -> Spent:
    """What this proposer spent. Ages are by the ledger's clock; if it was set back, nothing is younger than new."""
    mine = [entry for entry in ledger.entries(Completion) if entry.record.proposer == proposer]
    asked = [entry for entry in mine if entry.record.prompt]
    ages = [_age(entry, now) for entry in asked]
    records = [entry.record for entry in asked]
    return Spent(
        requests=len(asked),
        failed=sum(record.outcome != "ok" for record in records),
        tokens_in=sum(record.tokens_in for record in records),
        tokens_out=sum(record.tokens_out for record in records),
        estimated=sum(_tokens(record) for record in records if record.estimated),
        money=sum(record.money for record in records),
        day=sum(_tokens(record) for record, age in zip(records, ages, strict=True) if age < DAY),
        minute=tuple(sorted(age for age in ages if age < MINUTE)),
        failures=_failures(records),
        since=ages[-1] if ages else 0.0,
        asked=_asked(records[-1]) if records else 0.0,
        last=mine[-1].record.reason if mine and mine[-1].record.outcome not in ("ok", "stopped") else "",
    )


def used_up(known: Spent, allowed: Allowance, tokens: int = 0, money: float = 0.0) -> str:
    """Which limit would be exceeded by so much more, in words; nothing if none would."""
    total = known.tokens_in + known.tokens_out
    limits = (
        (total, tokens, allowed.tokens, "tokens"),
        (known.money, money, allowed.money, "money"),
        (known.day, tokens, allowed.tokens_per_day, "tokens_per_day"),
    )
    for used, more, most, name in limits:
        if most is not None and used + more > most:
            return f"{name} = {most:g} is used up: {used:.6g} spent, and the next request may take {more:.6g}"
    return ""


def pause(known: Spent, allowed: Allowance) -> float:
    """Seconds until one more request keeps to requests_per_minute."""
    most = allowed.requests_per_minute
    return 0.0 if most is None or len(known.minute) < most else MINUTE - known.minute[most - 1] + 1


def waiting(reason: str, seconds: float) -> str:
    """A failure's reason, with the seconds that the endpoint asked to wait: so that they hold across restarts."""
    return f"{reason}; asked to wait {min(seconds, DAY):.0f} s" if seconds >= 1 else reason


def names(ledger: Ledger) -> list[str]:
    """All who ever asked a model."""
    return sorted({entry.record.proposer for entry in ledger.entries(Completion)})


def _tokens(record: Completion) -> int:
    return record.tokens_in + record.tokens_out


def _asked(record: Completion) -> float:
    found = ASKED.search(record.reason) if record.outcome in FAILED else None
    return min(float(found[1]), DAY) if found else 0.0


def _age(entry: Entry[Completion], now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(entry.at).astimezone(UTC)).total_seconds())


def _failures(records: Iterable[Completion]) -> int:
    count = 0
    for record in records:
        count = count + 1 if record.outcome in FAILED else 0
    return count

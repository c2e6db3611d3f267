"""Each proposer's spending on language models beside the limits in pawl.toml, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime

from pawl import plugins, spending
from pawl.config import ProposerTable
from pawl.ledger import Ledger
from pawl.records import Completion
from pawl.spending import Allowance, Spent

LIMITS = ("tokens", "money", "tokens_per_day", "requests_per_minute")


@dataclass(frozen=True, slots=True)
class Bill:
    """What a proposer spent and may spend. `silent` says why it puts nothing forward, or is empty."""

    proposer: str
    spent: Spent
    allowed: Allowance
    silent: str

    @property
    def left(self) -> Mapping[str, float]:
        """What each limit leaves, by its name; at least 0."""
        used = {
            "tokens": self.spent.tokens_in + self.spent.tokens_out, "money": self.spent.money,
            "tokens_per_day": self.spent.day, "requests_per_minute": len(self.spent.minute),
        }  # fmt: skip
        limits = {name: getattr(self.allowed, name) for name in LIMITS}
        return {name: max(0, most - used[name]) for name, most in limits.items() if most is not None}


def read(ledger: Ledger, tables: Sequence[ProposerTable]) -> list[Bill]:
    """A bill for each proposer that has such limits, and for each that ever asked a model."""
    settings = {table.called: _settings(table) for table in tables}
    limited = [name for name, known in settings.items() if set(LIMITS) <= known.keys() and known.get("model", True)]
    return [
        _bill(ledger, name, settings.get(name, {})) for name in dict.fromkeys([*limited, *spending.names(ledger)])
    ]  # fmt: skip


def _settings(table: ProposerTable) -> dict[str, object]:
    """All of a proposer's settings, with the defaults of its part."""
    known = {f.name: f.default for f in fields(plugins.load("proposer", table.use)) if f.default is not MISSING}
    return {**known, **table.settings()}


def _bill(ledger: Ledger, name: str, settings: Mapping[str, object]) -> Bill:
    known = spending.spent(ledger, name, datetime.now(UTC))
    allowed = Allowance(**{key: settings[key] for key in LIMITS if key in settings})  # type: ignore[arg-type]
    mine = [entry.record for entry in ledger.entries(Completion) if entry.record.proposer == name]
    asked = next((record for record in reversed(mine) if record.prompt), None)
    most = settings.get("max_tokens", 0)
    tokens_in, tokens_out = asked.tokens_in if asked else 0, most if isinstance(most, int) else 0
    prices = [float(str(settings.get(key, 0.0))) for key in ("price_in", "price_out")]
    money = (prices[0] * tokens_in + prices[1] * tokens_out) / 1e6
    return Bill(name, known, allowed, spending.used_up(known, allowed, tokens_in + tokens_out, money) or known.last)

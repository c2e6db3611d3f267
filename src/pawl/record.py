"""What every fact in the ledger has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen fact. Unknown fields, NaN and infinity are refused; types are not coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Part(Record):
    """A fact inside another record."""

"""The settings by which a proposer speaks to a language model: which one, where, at what price, within which limits."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from pawl import plugins
from pawl.artifacts import ArtifactStore
from pawl.protocols import Answer, Model
from pawl.spending import Allowance

REPAIR = 300
"""Tokens of a prompt that are kept for asking once more."""
COUNTS = ("tokens", "tokens_per_day", "requests_per_minute", "max_tokens")
AMOUNTS = ("price_in", "price_out", "price_cached", "waiting", "retries", "patience", "money", "temperature")


@dataclass(frozen=True, kw_only=True)
class Speaking:
    """What `LlmProposer` says of its settings holds for all who speak to a model. A request ends when `stop` is set."""

    artifacts: ArtifactStore
    name: str
    stop: threading.Event
    model: str = ""
    api: str = "openai"
    endpoint: str = ""
    key_env: str = ""
    options: Mapping[str, JsonValue] | None = None
    temperature: float | None = None
    context: int = 24_000
    max_tokens: int = 4_096
    price_in: float = 0.0
    price_out: float = 0.0
    price_cached: float | None = None
    tokens: int | None = 2_000_000
    money: float | None = None
    tokens_per_day: int | None = None
    requests_per_minute: int | None = 20
    timeout: float = 180.0
    retries: int = 3
    patience: float = 90.0
    waiting: float | None = None

    def must_be_sound(self) -> None:
        """Raise ValueError for settings that cannot be meant, PartError for those that the model's part refuses."""
        for name in COUNTS:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is below 1")
        for name in AMOUNTS:
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"{name} is below 0")
        if self.context < 2 * REPAIR:
            raise ValueError(f"context = {self.context} is below {2 * REPAIR} tokens: no prompt fits")
        if self.money is not None and not (self.price_in or self.price_out):
            raise ValueError("money is limited, and nothing costs any: give price_in and price_out")
        if self.price_cached is not None and self.price_cached > self.price_in:
            raise ValueError("price_cached is above price_in: limits are held against price_in")
        self.reached()

    def reached(self) -> Model:
        """The part that asks. Raises PartError."""
        settings: dict[str, JsonValue] = {"model": self.model, "key_env": self.key_env, "timeout": self.timeout}
        if self.endpoint:
            settings["endpoint"] = self.endpoint
        return cast(Model, plugins.build("model", self.api, {**settings, **(self.options or {})}))

    @property
    def allowed(self) -> Allowance:
        return Allowance(self.tokens, self.money, self.tokens_per_day, self.requests_per_minute)

    def price(self, tokens_in: int, tokens_out: int, cached: int = 0) -> float:
        """What so many tokens cost, `cached` of those in at their own price."""
        cheap = self.price_in if self.price_cached is None else self.price_cached
        return (self.price_in * (tokens_in - cached) + cheap * cached + self.price_out * tokens_out) / 1e6

    def taken(self, answer: Answer, wall: float) -> float:
        """The CPU seconds of training that a request of `wall` seconds took the place of."""
        weight = float(answer.local) if self.waiting is None else self.waiting
        return weight * wall

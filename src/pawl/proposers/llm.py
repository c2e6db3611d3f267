"""A language model that writes code: it is shown the head and what was tried, and puts forward an edit.

It keeps no state of its own: what it asks follows from the ledger, and what it may spend is counted there. Nothing that
a model says is trusted: an answer becomes a proposal only if it edits editable files, compiles and is new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from pydantic import JsonValue

from pawl import attempts, plugins
from pawl.artifacts import ArtifactStore
from pawl.attempts import Attempt
from pawl.errors import ConfigError
from pawl.ledger import Entry, Ledger
from pawl.proposers import checks, edits, modes, prompts
from pawl.proposers.asking import Asking
from pawl.proposers.edits import Change, Unusable
from pawl.proposers.quoting import cut, quoted
from pawl.protocols import Answer, Brief, Model, Prompt, Proposer, Sources
from pawl.records import Completion, Proposal, Variant
from pawl.spending import Allowance

REPAIR = 300
"""Tokens of a prompt that are kept for asking once more."""


@dataclass(frozen=True)
class LlmProposer:
    """`model` is asked at `endpoint` (empty: that of the part) by the part `api`, a kind of `model`, which gets
    `options` as settings of its own; the key is in the environment variable `key_env`.

    `context` tokens may stand in a prompt, `max_tokens` in an answer. `price_in` and `price_out` are for a million
    tokens. Limits over the study's life: `tokens` and `money`; and `tokens_per_day`, `requests_per_minute`. A failed
    request is tried `retries` times more; who would wait longer than `patience` seconds gives way. The first `drafts`
    ideas are fresh ones."""

    sources: Sources
    ladder: float
    brief: Brief
    artifacts: ArtifactStore
    name: str
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
    tokens: int | None = 2_000_000
    money: float | None = None
    tokens_per_day: int | None = None
    requests_per_minute: int | None = 20
    timeout: float = 180.0
    retries: int = 3
    patience: float = 90.0
    drafts: int = 3

    def __post_init__(self) -> None:
        if not self.model:
            raise ConfigError(f"the proposer {self.name!r} names no model", 'add model = "..." to its [[proposer]]')
        for name in ("tokens", "tokens_per_day", "requests_per_minute", "max_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is below 1")
        for name in ("price_in", "price_out", "retries", "patience", "drafts", "money", "temperature"):
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"{name} is below 0")
        if self.context < 2 * REPAIR:
            raise ValueError(f"context = {self.context} is below {2 * REPAIR} tokens: no prompt fits")
        if self.money is not None and not (self.price_in or self.price_out):
            raise ValueError("money is limited, and nothing costs any: give price_in and price_out")
        self._model()

    def _model(self) -> Model:
        settings: dict[str, JsonValue] = {"model": self.model, "key_env": self.key_env, "timeout": self.timeout}
        if self.endpoint:
            settings["endpoint"] = self.endpoint
        return cast(Model, plugins.build("model", self.api, {**settings, **(self.options or {})}))

    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal | None:
        """None: a limit is used up, the endpoint gives nothing, or neither answer will do. Why is in the last
        Completion, and in `pawl tokens`."""
        turn = _Turn(self, head, ledger, self.sources.read(head.record), attempts.read(ledger, self.ladder))
        return turn.take(self._asking(ledger))

    def _asking(self, ledger: Ledger) -> Asking:
        return Asking(
            ledger, self.artifacts, self._model(), self.model, self.name,
            Allowance(self.tokens, self.money, self.tokens_per_day, self.requests_per_minute),
            self.price_in, self.price_out, self.retries, self.patience,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Turn:
    """One proposal in the making, from the ledger as it is now."""

    by: LlmProposer
    head: Entry[Variant]
    ledger: Ledger
    files: Mapping[str, str]
    done: Sequence[Attempt]

    def take(self, asking: Asking) -> Proposal | None:
        mine = [entry.record for entry in self.ledger.entries(Completion) if entry.record.proposer == self.by.name]
        given_up = [record for record in mine if record.purpose == "repair" and record.outcome in ("invalid", "cut")]
        mode = modes.choose(self.ledger, self.head, self.done, self.by.name, len(given_up), self.by.drafts)
        complaint = ""
        if given_up and mine[-1] is given_up[-1]:
            complaint = f"({len(given_up)} answers so far) {given_up[-1].reason}"
        try:
            first = self._prompt(mode, complaint)
        except prompts.TooLong as error:
            asking.refuse(mode.name, f"{error}: set context to more, if the model has it")
            return None
        answer = asking.ask(first, mode.name, self._problem)
        if answer is None:
            return None
        if answer.outcome in ("invalid", "cut") and answer.again is None:
            first = self._again(first, answer)
            answer = asking.ask(first, "repair", self._problem)
        if answer is None or answer.outcome != "ok":
            return None
        return self._proposal(mode, asking.digest(first), self._change(answer.text))

    def _prompt(self, mode: modes.Mode, complaint: str) -> Prompt:
        system = prompts.system(self.by.brief)
        room = self.by.context - REPAIR - prompts.tokens(system)
        text = prompts.user(self.by.brief, self.files, mode, self.done, self.ledger, room, complaint)
        return Prompt(system, (text,), self.by.max_tokens, self.by.temperature)

    def _again(self, first: Prompt, answer: Answer) -> Prompt:
        """The same question, the answer as far as there is room, and what was wrong with it."""
        problem = answer.reason + (": answer more shortly" if answer.outcome == "cut" else "")
        ask = f"That cannot be used:\n{quoted('why', problem, 400)}\nAnswer again, whole: HYPOTHESIS and change."
        left = self.by.context - prompts.tokens(first.system, *first.turns, ask)
        said = cut(answer.text, max(0, int(left * prompts.CHARACTERS) - 200))
        return replace(first, turns=(*first.turns, said.strip() or "(nothing)", ask))

    def _problem(self, text: str) -> str:
        try:
            self._change(text)
        except Unusable as error:
            return str(error)
        return ""

    def _change(self, text: str) -> Change:
        """The change that an answer makes. Raises Unusable."""
        change = edits.read(text, self.files)
        checks.runs(self.files, change.files)
        patch = self.by.sources.patch(self.head.record, change.files)
        checks.is_new(patch, {**self.files, **change.files}, self.done, self._files_of)
        return change

    def _files_of(self, attempt: Attempt) -> Mapping[str, str] | None:
        variant = self.ledger.get(attempt.variant, Variant).record if attempt.variant else None
        return self.by.sources.read(variant) if variant and not variant.problem else None

    def _proposal(self, mode: modes.Mode, prompt: str, change: Change) -> Proposal:
        about: list[JsonValue] = [attempt.id for attempt in mode.about]
        return Proposal(
            parent=self.head.id, patch=self.by.sources.patch(self.head.record, change.files),
            hypothesis=change.hypothesis, proposer=self.by.name,
            settings={
                "mode": mode.name, "about": about, "api": self.by.api, "model": self.by.model, "prompt": prompt,
            },
        )  # fmt: skip


_: type[Proposer] = LlmProposer

"""A language model that writes code: it is shown the head and what was tried, and puts forward an edit.

It keeps no state of its own: what it asks follows from the ledger, and what it may spend is counted there. Nothing that
a model says is trusted: an answer becomes a proposal only if it edits editable files, compiles and is new.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from pawl import attempts
from pawl.errors import ConfigError
from pawl.ledger import Entry, Ledger
from pawl.proposers import modes, prompts
from pawl.proposers.asking import Asking
from pawl.proposers.editing import Editing
from pawl.proposers.edits import Change, Unusable
from pawl.proposers.speaking import REPAIR, Speaking
from pawl.protocols import Brief, Prompt, Proposer, Sources
from pawl.records import Completion, Proposal, Variant


@dataclass(frozen=True)
class LlmProposer(Speaking):
    """Asks a model for edits; the first `drafts` ideas are fresh ones. `model` is asked at `endpoint` (empty: that of
    the part) by the part `api`, a kind of `model`, which gets `options` as settings of its own; the key is in the
    environment variable `key_env`. `context` tokens may stand in a prompt, `max_tokens` in an answer.

    `price_in` and `price_out` are for a million tokens, `price_cached` for those in that came from the endpoint's cache
    (None: as others). Limits over the study's life: `tokens` and `money`; and `tokens_per_day`, `requests_per_minute`.
    A failed request is tried `retries` times more; who would wait longer than `patience` seconds gives way. A second of
    a request counts as `waiting` CPU seconds of training (None: as 1 where the endpoint is on this machine, else as 0).
    """

    sources: Sources
    ladder: float
    brief: Brief
    modules: frozenset[str]
    drafts: int = 3

    def __post_init__(self) -> None:
        if not self.model:
            raise ConfigError(f"the proposer {self.name!r} names no model", 'add model = "..." to its [[proposer]]')
        if self.drafts < 0:
            raise ValueError("drafts is below 0")
        self.must_be_sound()

    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal | None:
        """None: a limit is used up, the endpoint gives nothing, or neither answer will do. Why is in the last
        Completion, and in `pawl tokens`. Raises Interrupted once it shall stop."""
        done = attempts.read(ledger, self.ladder)
        editing = Editing(self.sources, head, ledger, self.sources.read(head.record), done, self.modules)
        return _Turn(self, editing).take(Asking(self, ledger, self.reached()))


@dataclass(frozen=True, slots=True)
class _Turn:
    """One proposal in the making, from the ledger as it is now."""

    by: LlmProposer
    on: Editing

    def take(self, asking: Asking) -> Proposal | None:
        completions = self.on.ledger.entries(Completion)
        mine = [entry.record for entry in completions if entry.record.proposer == self.by.name]
        given_up = [record for record in mine if record.purpose == "repair" and record.outcome in ("invalid", "cut")]
        mode = modes.choose(self.on.ledger, self.on.head, self.on.done, self.by.name, len(given_up), self.by.drafts)
        complaint = ""
        if given_up and mine[-1] is given_up[-1]:
            complaint = f"({len(given_up)} answers so far) {given_up[-1].reason}"
        try:
            first = self._prompt(mode, complaint)
        except prompts.TooLong as error:
            asking.refuse(mode.name, f"{error}: set context to more, if the model has it")
            return None
        asked, answer = asking.twice(first, mode.name, "repair", self._problem)
        if answer is None or answer.outcome != "ok":
            return None
        return self._proposal(mode, asking.digest(asked), self.on.change(answer.text))

    def _prompt(self, mode: modes.Mode, complaint: str) -> Prompt:
        system = prompts.system(self.by.brief, self.by.modules)
        room = self.by.context - REPAIR - prompts.tokens(system)
        text = prompts.user(self.by.brief, self.on.files, mode, self.on.done, self.on.ledger, room, complaint)
        return Prompt(system, (text,), self.by.max_tokens, self.by.temperature)

    def _problem(self, text: str) -> str:
        try:
            self.on.change(text)
        except Unusable as error:
            return str(error)
        return ""

    def _proposal(self, mode: modes.Mode, prompt: str, change: Change) -> Proposal:
        about: list[JsonValue] = [attempt.id for attempt in mode.about]
        return Proposal(
            parent=self.on.head.id, patch=self.on.patch(change), hypothesis=change.hypothesis, proposer=self.by.name,
            settings={
                "mode": mode.name, "about": about, "api": self.by.api, "model": self.by.model, "prompt": prompt,
            },
        )  # fmt: skip


_: type[Proposer] = LlmProposer

"""A language model that reads logs beside the rules: when it is asked, and what it said, by the ledger alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from pawl.ledger import Entry
from pawl.proposers import analysis, prompts
from pawl.proposers.analysis import Analysis
from pawl.proposers.asking import Asking
from pawl.proposers.edits import Unusable
from pawl.proposers.speaking import REPAIR, Speaking
from pawl.proposers.training_log import Curves
from pawl.protocols import Prompt, Suggestion
from pawl.records import Completion, Run, Screening
from pawl.spending import FAILED

ANEW = 20
"""Ideas that are measured after an answer before the same head's logs are shown again."""
Said = tuple[dict[str, JsonValue], list[Suggestion]]
"""What proposals tell of where a suggestion is from, and the suggestions."""


@dataclass(frozen=True, slots=True)
class SecondReader:
    """The model of the proposer `by`, the runs that it is shown, and what the rules say of them."""

    by: Speaking
    analysis: Analysis
    runs: Sequence[tuple[Entry[Run], Curves]]
    ails: Sequence[str]

    def ask(self) -> Said:
        """What it says of this head: as it did, or asked now if that is due. Raises Interrupted."""
        last = self._last()
        if self.runs and (last is None or self._measured_since(last) >= ANEW):
            self._asked()
        return self.said()

    def said(self) -> Said:
        """What of its last answer on this head can still be used; nothing is asked."""
        last = self._last()
        if last is None or last.record.outcome != "ok":
            return {}, []
        text = self.by.artifacts.get(last.record.answer).decode()
        told: dict[str, JsonValue] = {"api": self.by.api, "model": last.record.model, "prompt": last.record.prompt}
        try:
            return told, self.analysis.suggestions(text)
        except Unusable:
            return told, []  # all of it was tried by now

    def _asked(self) -> None:
        asking, purpose = Asking(self.by, self.analysis.on.ledger, self.by.reached()), self._purpose
        system = analysis.system(self.analysis.brief, self.analysis.on.modules)
        try:
            room = self.by.context - REPAIR - prompts.tokens(system)
            text = self.analysis.question(self.runs, self.ails, room)
        except prompts.TooLong as error:
            asking.refuse(purpose, f"{error}: set context to more, if the model has it")
            return
        prompt = Prompt(system, (text,), self.by.max_tokens, self.by.temperature)
        asking.twice(prompt, purpose, self._again, self._problem)

    def _problem(self, text: str) -> str:
        try:
            self.analysis.suggestions(text)
        except Unusable as error:
            return str(error)
        return ""

    @property
    def _purpose(self) -> str:
        return f"logs of variant {self.analysis.on.head.id}"

    @property
    def _again(self) -> str:
        return f"{self._purpose}, again"

    def _last(self) -> Entry[Completion] | None:
        """The last answer on this head that settled the question: one that will do, or the second that will not."""
        for entry in reversed(self.analysis.on.ledger.entries(Completion)):
            done = entry.record
            if done.proposer == self.by.name and done.purpose in (self._purpose, self._again):
                given_up = done.purpose == self._again and done.outcome not in (*FAILED, "stopped")
                if done.outcome == "ok" or given_up:
                    return entry
        return None

    def _measured_since(self, last: Entry[Completion]) -> int:
        return sum(entry.id > last.id for entry in self.analysis.on.ledger.entries(Screening))

"""From a model's words to a patch on the head: the edits in them, and all that can be said against them beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pawl.attempts import Attempt
from pawl.ledger import Entry, Ledger
from pawl.proposers import checks, edits
from pawl.proposers.edits import Change
from pawl.protocols import Sources
from pawl.records import Variant


@dataclass(frozen=True, slots=True)
class Editing:
    """The head, its editable `files`, what was `done` so far, and the `modules` that can be imported where it runs
    (none: not known)."""

    sources: Sources
    head: Entry[Variant]
    ledger: Ledger
    files: Mapping[str, str]
    done: Sequence[Attempt]
    modules: frozenset[str] = frozenset()

    def change(self, text: str) -> Change:
        """The change that an answer makes. Raises Unusable: it does not fit, would not run, or is not new."""
        change = edits.read(text, self.files)
        checks.runs(self.files, change.files, self.modules)
        checks.is_new(self.patch(change), {**self.files, **change.files}, self.done, self._files_of)
        return change

    def patch(self, change: Change) -> str:
        return self.sources.patch(self.head.record, change.files)

    def _files_of(self, attempt: Attempt) -> Mapping[str, str] | None:
        variant = self.ledger.get(attempt.variant, Variant).record if attempt.variant else None
        return self.sources.read(variant) if variant and not variant.problem else None

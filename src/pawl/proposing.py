"""What people, agents and scripts put forward for the next turns, and what past runs suggest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from pawl import config, history, inbox, plugins
from pawl.deciding import Deciding
from pawl.errors import ConfigError
from pawl.ledger import Entry
from pawl.lineage import PatchRefused
from pawl.names import reserved
from pawl.protocols import Adviser, Suggestion
from pawl.records import CALIBRATION, Proposal, Variant

ANALYST = config.ProposerTable(use="log-analyst")


class Proposing(Deciding):
    """A study, as those put forward proposals who are not of its loop."""

    def propose(self, patch: str, hypothesis: str, by: str = "human", limited: bool = False) -> Entry[Proposal]:
        """Put a person's patch in the queue; the next turn tries it. `limited`: a script's, within the limits of
        [inbox]. Raises ConfigError if it does not fit, or if that name is a proposer's."""
        owners = {CALIBRATION: "null candidates", **{table.called: "a proposer" for table in self.config.proposers}}
        if by in owners or reserved(by):
            raise ConfigError(
                f"nobody is called '{by}': so is {owners.get(by, 'what agents hand in')}", "pawl propose --by NAME"
            )
        return self._within_limits(patch, hypothesis, by) if limited else self._queue(patch, hypothesis, by)

    def hand_in(self, patch: str, hypothesis: str, name: str = "") -> Entry[Proposal]:
        """As `propose`, for an agent that the operator calls `name`: in the inbox's name and within its limits."""
        return self._within_limits(patch, hypothesis, inbox.called(name))

    def inbox_room(self) -> int:
        """How many proposals agents and scripts may hand in now."""
        limits = self.config.inbox
        return inbox.room(self.ledger, limits.waiting, limits.hourly, datetime.now(UTC))

    def _within_limits(self, patch: str, hypothesis: str, by: str) -> Entry[Proposal]:
        inbox.check(patch, hypothesis)
        with self.store.hold("inbox", wait=True):  # or two at once would both find the last place free
            if not self.inbox_room():
                limits = self.config.inbox
                raise ConfigError(
                    f"the inbox is full: {limits.waiting} may wait, and {limits.hourly} may come in an hour",
                    "pawl run --runs 20   (or raise [inbox] waiting or hourly in pawl.toml)",
                )
            return self._queue(patch, hypothesis, by)

    def _queue(self, patch: str, hypothesis: str, by: str) -> Entry[Proposal]:
        if not hypothesis.strip():
            raise ConfigError("a proposal needs a hypothesis", "pawl propose --patch FILE --hypothesis '...'")
        if self.ledger.last(Variant) is None:
            self.ledger.append(self.lineage.baseline())
        standing, problem = history.read(self.ledger), ""
        for parent in dict.fromkeys((standing.head, standing.reference, standing.champion)):
            try:
                self.lineage.applied(patch, self.ledger.get(parent, Variant).record.commit)
            except PatchRefused as refusal:
                problem = problem or str(refusal)
                continue
            with self.kept():
                return self.ledger.append(
                    Proposal(parent=parent, patch=patch, hypothesis=hypothesis, proposer=by, settings={})
                )
        raise ConfigError(problem, f"git diff   (a patch on {', '.join(self.lineage.editable)} only)")

    def suggestions(self) -> list[tuple[str, Suggestion]]:
        """What the ledger suggests for the head, and which proposer says so: those of pawl.toml that can, and in any
        case the one that reads logs. Raises ConfigError where nothing ran yet."""
        history.study(self.ledger)
        tables = [table for table in self.config.proposer if hasattr(plugins.load("proposer", table.use), "suggest")]
        tables += [] if any(table.use == ANALYST.use for table in tables) else [ANALYST]
        head, proposers = history.head(self.ledger), self.build_proposers(self.rules_of_now(), tables)
        advisers = cast(dict[str, Adviser], proposers)
        return [(name, one) for name, adviser in advisers.items() for one in adviser.suggest(head, self.ledger)]

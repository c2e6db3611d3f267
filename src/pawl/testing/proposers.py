"""What every proposer must do."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pawl.ledger import Entry, Ledger
from pawl.protocols import Proposer, Sources
from pawl.records import Completion, Proposal, Study, Variant
from pawl.stores.sqlite import SqliteStore

SOURCE = "LEARNING_RATE = 0.1  # of the optimiser\nDEPTH = 2\nNAME = 'tanh'\n"


@dataclass(frozen=True)
class OneFile:
    """Sources of a study with one editable file, `train.py`, in memory."""

    text: str = SOURCE

    def read(self, variant: Variant) -> Mapping[str, str]:
        return {"train.py": self.text}

    def patch(self, variant: Variant, changed: Mapping[str, str]) -> str:
        after = changed["train.py"].splitlines(keepends=True)
        return "".join(difflib.unified_diff(self.text.splitlines(keepends=True), after, "a/train.py", "b/train.py"))


class ProposerContract:
    """Subclass it and override `make`, which gets the sources of a study whose `train.py` is SOURCE."""

    def make(self, sources: Sources) -> Proposer:
        """The proposer under test."""
        raise NotImplementedError

    def begun(self, folder: Path) -> tuple[Ledger, Entry[Variant]]:
        """A ledger in which a study was opened and has its baseline."""
        ledger = Ledger(SqliteStore(folder / "ledger.sqlite"))
        baseline = ledger.append(Variant(proposal=None, commit="0" * 40, parent="0" * 40, problem=""))
        ledger.append(
            Study(
                name="contract", metric="loss", direction="minimize", commit="0" * 40, comparable="1", environment="",
                config="", policy="", self_reported=False,
            )
        )  # fmt: skip
        return ledger, baseline

    def proposed(self, head: Entry[Variant], ledger: Ledger, proposer: Proposer | None = None) -> Proposal:
        """What a new one, or this one, puts forward; the tests below ask where there is something to."""
        found = (proposer or self.make(OneFile())).propose(head, ledger)
        assert found is not None, "it puts nothing forward"
        return found

    def test_a_proposal_is_a_patch_to_the_head_with_a_reason(self, tmp_path: Path) -> None:
        """The parent is the head; patch, hypothesis and the proposer's name are there."""
        ledger, head = self.begun(tmp_path)
        proposal = self.proposed(head, ledger)
        assert proposal.parent == head.id
        assert proposal.patch.startswith("--- a/train.py\n+++ b/train.py\n")
        assert proposal.hypothesis.strip()
        assert proposal.proposer.strip()

    def test_it_writes_nothing_down_itself(self, tmp_path: Path) -> None:
        """The loop appends; a proposer only reads, and tells what its requests cost."""
        ledger, head = self.begun(tmp_path)
        before = len(ledger.all())
        self.make(OneFile()).propose(head, ledger)
        assert [entry for entry in ledger.all()[before:] if not isinstance(entry.record, Completion)] == []

    def test_what_is_under_way_is_not_proposed_again(self, tmp_path: Path) -> None:
        """Workers run side by side: three proposals in flight are three different patches."""
        ledger, head = self.begun(tmp_path)
        proposer = self.make(OneFile())
        patches = {ledger.append(self.proposed(head, ledger, proposer)).record.patch for _ in range(3)}
        assert len(patches) == 3

    def test_a_resumed_loop_is_proposed_the_same(self, tmp_path: Path) -> None:
        """All state is in the ledger: a new object with the same ledger goes on where the old one stopped."""
        ledger, head = self.begun(tmp_path)
        ledger.append(self.proposed(head, ledger))
        assert self.make(OneFile()).propose(head, ledger) == self.make(OneFile()).propose(head, ledger)

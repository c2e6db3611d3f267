"""What the ledger says now is a fold over it: champion, head, what stands, what waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledgers import UNTIL
from pawl import history
from pawl.errors import ConfigError
from pawl.ledger import Entry, Ledger
from pawl.records import (
    Dossier,
    Finding,
    Proposal,
    Record,
    Rejection,
    Release,
    Screening,
    Signature,
    Study,
    Variant,
    Verdict,
)
from pawl.stores.sqlite import SqliteStore

SIGNATURE = Signature(approver="ada@example.org", key="SHA256:x", kind="ssh-ed25519", present=False, armored="")


class Story:
    """A ledger that is told step by step."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(SqliteStore(folder / "ledger.sqlite"))
        self.baseline = self.add(Variant(proposal=None, commit="a" * 40, parent="a" * 40, problem=""))
        self.era("1")

    def add(self, record: Record) -> int:
        return self.ledger.append(record).id

    def era(self, comparable: str) -> int:
        return self.add(
            Study(
                name="s", metric="loss", direction="minimize", commit="a" * 40, comparable=comparable, environment="",
                config="", policy="", self_reported=False,
            )
        )  # fmt: skip

    def screened(self, decision: str) -> int:
        """A proposal that was screened; its variant."""
        proposal = self.add(Proposal(parent=self.baseline, patch="", hypothesis="h", proposer="p", settings={}))
        variant = self.add(Variant(proposal=proposal, commit="b" * 40, parent="a" * 40, problem=""))
        self.add(
            Screening.model_validate(
                {
                    "proposal": proposal, "variant": variant, "head": self.baseline, "evaluations": (),
                    "decision": decision, "reason": "", "gain": 0.1, "broken_guard": "",
                }
            )
        )  # fmt: skip
        return variant

    def dossier(self, variant: int) -> int:
        reference = history.read(self.ledger).reference
        return self.add(
            Dossier(
                verdict=0,
                variant=variant,
                reference=reference,
                policy="",
                statement="",
                attachments=(),
                proposers=(),
                until=UNTIL,
            )
        )

    def reject(self, dossier: int) -> None:
        self.add(Rejection(dossier=dossier, request="", signature=SIGNATURE, reason="no"))

    def release(self, dossier: int, variant: int) -> None:
        self.add(Release(dossier=dossier, variant=variant, commit="b" * 40, approvals=(), threshold=1))

    @property
    def now(self) -> history.Standing:
        return history.read(self.ledger)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_the_baseline_is_champion_head_and_reference(story: Story) -> None:
    assert story.now.champion == story.now.head == story.now.reference == story.baseline


def test_an_accepted_variant_moves_the_head_and_a_refused_one_only_counts(story: Story) -> None:
    story.screened("refused")
    assert (story.now.head, story.now.accepted, story.now.dry) == (story.baseline, 0, 1)
    variant = story.screened("accepted")
    assert (story.now.head, story.now.accepted, story.now.dry) == (variant, 1, 0)
    assert history.head(story.ledger).id == variant


def test_a_no_of_the_holdout_alone_leaves_the_head_where_it_is(story: Story) -> None:
    no, other = (Finding(gate=gate, passed=False, reason="no") for gate in ("holdout", "limits"))
    yes = Finding(gate="improvement", passed=True, reason="yes")
    variant = story.screened("accepted")
    story.add(Verdict(certificate=1, policy="", findings=(yes, no), passed=False))
    assert (story.now.head, story.now.accepted, story.now.dry) == (variant, 0, 0)
    story.add(Verdict(certificate=1, policy="", findings=(no, other), passed=False))
    assert story.now.head == story.baseline


def test_a_verdict_that_refuses_sends_the_head_back(story: Story) -> None:
    story.screened("accepted")
    story.add(Verdict(certificate=1, policy="", findings=(), passed=False))
    assert (story.now.head, story.now.accepted) == (story.baseline, 0)


def test_a_dossier_that_waits_is_the_next_reference_and_the_champion_stays(story: Story) -> None:
    first = story.screened("accepted")
    story.dossier(first)
    assert (story.now.reference, story.now.head, story.now.champion) == (first, first, story.baseline)


def test_a_rejection_takes_along_what_was_certified_against_it(story: Story) -> None:
    first, second, third = (story.screened("accepted") for _ in range(3))
    story.dossier(first)
    rejected = story.dossier(second)
    story.dossier(third)
    story.reject(rejected)
    assert [entry.record.variant for entry in story.now.standing] == [first]
    assert story.now.head == story.now.reference == first


def test_a_release_settles_the_dossiers_before_it_and_keeps_those_after(story: Story) -> None:
    first, second, third = (story.screened("accepted") for _ in range(3))
    story.dossier(first)
    released = story.dossier(second)
    story.dossier(third)
    story.release(released, second)
    assert story.now.champion == second
    assert [entry.record.variant for entry in story.now.standing] == [third]
    assert history.decision_on(story.ledger, released) is not None


def test_the_same_case_judged_again_stands_once(story: Story) -> None:
    variant = story.screened("accepted")
    story.dossier(variant)
    again = story.dossier(variant)
    assert [entry.id for entry in story.now.standing] == [again]


def test_other_settings_begin_a_new_era_and_the_same_ones_do_not(story: Story) -> None:
    variant = story.screened("accepted")
    story.era("1")
    assert story.now.head == variant
    since = story.era("2")
    assert (story.now.since, story.now.head, story.now.standing) == (since, story.baseline, [])


def test_proposals_wait_until_they_are_screened(story: Story) -> None:
    waiting = story.add(Proposal(parent=story.baseline, patch="", hypothesis="h", proposer="p", settings={}))
    story.screened("refused")
    assert [entry.id for entry in history.unscreened(story.ledger)] == [waiting]


def test_a_ledger_in_which_nothing_ran_has_no_study(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing has run"):
        history.study(Ledger(SqliteStore(tmp_path / "empty.sqlite")))


def test_entries_are_shared_and_never_copied(story: Story) -> None:
    found: Entry[Variant] = story.ledger.get(story.baseline, Variant)
    assert found is story.ledger.any(story.baseline)

"""The proposers `revert` and `ablation`: what they take back, why, and that the patch undoes just that."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.ledger import Entry, Ledger
from pawl.proposers.ablation import AblationProposer
from pawl.proposers.revert import RevertProposer
from pawl.proposers.taking_back import candidates, way
from pawl.protocols import Proposer, Sources
from pawl.records import (
    Ablation,
    AblationClaims,
    AblationPlan,
    Dossier,
    Effect,
    Proposal,
    Variant,
)
from pawl.testing.proposers import ProposerContract
from takebacks import Accepting, Versions, applied, changed_lines

SD = 0.017
"""What a change of seed does in `Accepting`; a race of one run doubts a gain by as much."""


class Taking(ProposerContract):
    """Both keep the contract where several small changes were accepted."""

    versions: Versions

    def begun(self, folder: Path) -> tuple[Ledger, Entry[Variant]]:
        study = small_changes(folder)
        self.versions = study.versions
        return study.ledger, study.head


class TestRevert(Taking):
    def make(self, sources: Sources) -> Proposer:
        return RevertProposer(self.versions, ladder=0.0)


class TestAblation(Taking):
    def make(self, sources: Sources) -> Proposer:
        return AblationProposer(self.versions, ladder=0.0)


del ProposerContract, Taking


def small_changes(folder: Path) -> Accepting:
    """Four changes: one sure, one less so, two that a race cannot tell from nothing."""
    study = Accepting(folder)
    study.accept("RATE = 0.1", "RATE = 0.3", gain=4 * SD)
    study.accept("DEPTH = 2", "DEPTH = 3", gain=0.5 * SD)
    study.accept("NOISE = 0.0", "NOISE = 0.1", gain=0.1 * SD)
    study.accept("    return RATE\n", "    rate = RATE\n    return rate\n", gain=0.3 * SD)
    return study


def ask(kind: type[AblationProposer] | type[RevertProposer], study: Accepting, **settings: float) -> Proposal | None:
    return kind(study.versions, **{"ladder": 0.0, **settings}).propose(study.head, study.ledger)


def taken(study: Accepting, proposal: Proposal | None) -> set[str]:
    """The lines that a proposal exchanges, after its patch was applied to the head."""
    assert proposal is not None
    return changed_lines([study.text(), applied(study.text(), proposal.patch)])


def test_ablation_takes_back_what_most_likely_harms_then_the_next(tmp_path: Path) -> None:
    study, found = small_changes(tmp_path), list[set[str]]()
    while proposal := ask(AblationProposer, study):
        study.ledger.append(proposal)
        found.append(taken(study, proposal))
    assert found == [
        {"NOISE = 0.1", "NOISE = 0.0"}, {"    rate = RATE", "    return rate", "    return RATE"},
        {"DEPTH = 3", "DEPTH = 2"},
    ]  # fmt: skip
    assert ask(AblationProposer, study) is None, "four sd of gain are not doubted"


def test_the_reason_has_the_numbers(tmp_path: Path) -> None:
    proposal = ask(AblationProposer, small_changes(tmp_path))
    assert proposal is not None
    assert proposal.hypothesis == (
        "take back train.py: NOISE 0.0 -> 0.1: of 4 changes not certified yet it most likely harms (chance 0.46)"
    )
    assert proposal.settings["harms"] == 0.46


def test_revert_prefers_what_makes_the_head_shorter(tmp_path: Path) -> None:
    study = small_changes(tmp_path)
    proposal = ask(RevertProposer, study)
    assert proposal is not None
    assert proposal.hypothesis.endswith("and saves 1 line(s)") is False  # .46 against .38: more likely to harm first
    study.ledger.append(proposal)
    proposal = ask(RevertProposer, study)
    assert proposal is not None
    assert proposal.hypothesis.endswith("and saves 1 line(s)")


def test_more_runs_leave_less_doubt(tmp_path: Path) -> None:
    study = Accepting(tmp_path)
    study.accept("RATE = 0.1", "RATE = 0.3", gain=0.9 * SD, runs=1)
    study.accept("DEPTH = 2", "DEPTH = 3", gain=0.9 * SD, runs=2)
    assert taken(study, ask(AblationProposer, study)) == {"RATE = 0.3", "RATE = 0.1"}
    assert ask(AblationProposer, study, least=0.2) is None


def test_what_the_ladder_hides_counts_as_no_gain(tmp_path: Path) -> None:
    study = Accepting(tmp_path)
    study.accept("RATE = 0.1", "RATE = 0.3", gain=9 * SD)
    study.accept("DEPTH = 2", "DEPTH = 3", gain=9 * SD)
    assert ask(AblationProposer, study) is None
    hidden = ask(AblationProposer, study, ladder=99.0)
    assert hidden is not None
    assert hidden.settings["harms"] == 0.5


def test_the_gain_of_several_constants_is_shared(tmp_path: Path) -> None:
    study = Accepting(tmp_path)
    study.accept("RATE = 0.1\nDEPTH = 2", "RATE = 0.2\nDEPTH = 9", gain=2 * SD)
    one = ask(AblationProposer, study)
    assert one is not None
    assert one.settings["harms"] == 0.159  # Phi(-1)
    assert len(taken(study, one)) == 2


def test_a_bundle_of_one_change_and_an_unmoved_head_are_left_alone(tmp_path: Path) -> None:
    study = Accepting(tmp_path)
    assert ask(AblationProposer, study) is None
    assert ask(RevertProposer, study) is None
    study.accept("RATE = 0.1", "RATE = 0.3", gain=0.0001)
    assert ask(AblationProposer, study) is None
    assert ask(RevertProposer, study) is None


def test_ablation_leaves_certified_changes_to_revert(tmp_path: Path) -> None:
    study = small_changes(tmp_path)
    verdict = study.write.verdict(study.write.certify(study.baseline.id, study.head.id, study.noise.id, (1, 2, 3)).id)
    study.ledger.append(
        Dossier(
            verdict=verdict.id, variant=study.head.id, reference=study.baseline.id, policy="a", statement="",
            attachments=(), proposers=("space",), until="2999-12-31T00:00:00+00:00",
        )
    )  # fmt: skip
    assert ask(AblationProposer, study) is None
    assert taken(study, ask(RevertProposer, study)) == {"NOISE = 0.1", "NOISE = 0.0"}


def test_what_an_ablation_found_removable_goes_first(tmp_path: Path) -> None:
    study = small_changes(tmp_path)
    certificate = study.write.certify(study.baseline.id, study.head.id, study.noise.id, (1, 2, 3))
    steps = way(study.ledger, study.head)
    changes = tuple(one.change for one in candidates(study.versions, study.ledger, steps, 0.0))
    plan = study.ledger.append(
        AblationPlan(
            certificate=certificate.id, reference=study.baseline.id, head=study.head.id, changes=changes, margin=0.01,
            pairs=20, scale=SD, alpha=0.1, seeds=(1,),
        )
    )  # fmt: skip
    number = next(n for n, change in enumerate(changes, 1) if "RATE 0.1" in change.name)
    claims = study.ledger.append(
        AblationClaims(
            plan=plan.id,
            attempt=1,
            smaller=study.head.id,
            removed=(number,),
            suspects=(),
            without=(),
            alpha=0.1,
            seeds=(2,),
        )
    )
    effect = Effect(
        claim="removable", changes=(number,), base=study.head.id, variant=study.head.id, shown=True, reason="",
        e_value=99.0, threshold=20.0, cost=0.0, low=0.0, high=0.0, pairs=(),
    )  # fmt: skip
    study.ledger.append(
        Ablation(claims=claims.id, shown=True, effects=(effect,), level=0.9, runs=9, cpu_s=1.0)
    )  # fmt: skip
    proposal = ask(RevertProposer, study)
    assert proposal is not None
    assert proposal.hypothesis == "take back train.py: RATE 0.1 -> 0.3: an ablation showed that it can go"
    study.ledger.append(proposal)
    assert "RATE = 0.1" not in taken(study, ask(RevertProposer, study)), "once"


def test_what_would_not_be_python_any_more_is_left_out(tmp_path: Path) -> None:
    study = Accepting(tmp_path)
    study.accept("def train():\n    return RATE\n", "def train():\n    pass\n", gain=0.0001)
    study.accept("    pass\n", "    if DEPTH:\n        pass\n", gain=0.0001)
    study.accept("RATE = 0.1", "RATE = 0.2", gain=0.0001)
    found = candidates(study.versions, study.ledger, way(study.ledger, study.head), 0.0)
    for one in found:
        compile(applied(study.text(), one.patch), "train.py", "exec")


LINES = st.lists(st.sampled_from(["A = 1", "A = 2", "B = 3", "B = 4", "print(1)", "print(2)", ""]), max_size=7)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=3))
def test_each_patch_fits_and_one_after_the_other_they_lead_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[list[str]]
) -> None:
    study = Accepting(tmp_path_factory.mktemp("way"), "A = 1\nB = 3\nprint(1)\n")
    for lines in texts:
        text = "".join(f"{line}\n" for line in lines)
        if text != study.text():
            study.accept(study.text(), text, gain=0.001)
    for _ in range(20):
        found = candidates(study.versions, study.ledger, way(study.ledger, study.head), 0.0)
        for one in found:
            after = applied(study.text(), one.patch)
            assert len(after.splitlines()) == len(study.text().splitlines()) - one.saved
        if not found:
            break
        study.accept(study.text(), applied(study.text(), found[0].patch), gain=0.001)
    assert study.text() == study.base

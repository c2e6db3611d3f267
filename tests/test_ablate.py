"""A bundle with known carriers and passengers: who is found, what is offered, what survives a kill."""

from __future__ import annotations

import difflib
import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pawl import answers, asking, history, keys, reading
from pawl.app import OpenStudy
from pawl.errors import ConfigError, Halted
from pawl.ledger import Entry
from pawl.records import Ablation, AblationClaims, AblationPlan, Reduced, Run, Variant
from simulated import Killed, SimulatedStudy, improve, reopened, simulated, worth

People = dict[str, keys.Signer]
WORTH = {"CARRIES": 0.1, "IDLE": 0.0, "EMPTY": 0.0, "HELPS": 0.1, "SPARE": 0.0}
CARRIERS, IDLE = {1, 4}, {2, 3, 5}


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory, people: People) -> Path:
    """A certified bundle, for copying only: two carriers, and three passengers that came along with the first."""
    folder = tmp_path_factory.mktemp("certified") / "study"
    made = simulated(folder, [people["ada"], people["bob"]], WORTH, worth(WORTH))
    improve(made, {"CARRIES": 1.0, "IDLE": 1.0, "EMPTY": 1.0, "SPARE": 1.0}, {"HELPS": 1.0})
    return folder


@pytest.fixture
def study(certified: Path, tmp_path: Path) -> SimulatedStudy:
    return reopened(shutil.copytree(certified, tmp_path / "study"), worth(WORTH), adopt=True)


@pytest.fixture(scope="module")
def answered(certified: Path, tmp_path_factory: pytest.TempPathFactory) -> SimulatedStudy:
    """The same with its ablation, for reading only."""
    folder = shutil.copytree(certified, tmp_path_factory.mktemp("answered") / "study")
    study = reopened(folder, worth(WORTH), adopt=True)
    ablated(study)
    return study


def found_in(study: SimulatedStudy) -> Entry[Ablation]:
    entry = study.ledger.last(Ablation)
    assert entry is not None
    return entry


def ablated(study: SimulatedStudy, **asked: object) -> Ablation:
    found = asking.ablate(study, study.dossiers()[-1].id, **asked)  # type: ignore[arg-type]
    assert found is not None
    return found.record


@pytest.mark.slow
def test_carriers_are_shown_passengers_go_and_the_smaller_patch_has_only_carriers(answered: SimulatedStudy) -> None:
    found = found_in(answered).record
    carries = {effect.changes[0] for effect in found.effects if effect.claim == "carries" and effect.shown}
    assert carries == CARRIERS
    assert found.shown
    assert set(found.effects[0].changes) == IDLE
    added = [line for line in answered.diff(found_in(answered).id).splitlines() if line.startswith("+")]
    assert added == ["+++ b/train.py", "+CARRIES = 1.0", "+HELPS = 1.0"]


def test_every_claim_rests_on_seeds_that_nothing_ran_on_before_it_was_written_down(answered: SimulatedStudy) -> None:
    found = found_in(answered).record
    claims = answered.ledger.get(found.claims, AblationClaims)
    seeds = set(claims.record.seeds)
    assert not [run for run in answered.entries(Run) if run.id < claims.id and run.record.seed in seeds]
    for effect in found.effects:
        assert [pair.seed for pair in effect.pairs] == list(claims.record.seeds[: len(effect.pairs)])


def test_it_disturbs_neither_head_nor_champion_nor_what_waits(study: SimulatedStudy) -> None:
    before, variants = history.read(study.ledger), study.entries(Variant)
    ablated(study)
    after = history.read(study.ledger)
    assert (before.head, before.champion, before.reference) == (after.head, after.champion, after.reference)
    assert before.standing == after.standing
    assert study.entries(Variant) == variants
    assert study.entries(Reduced)
    assert study.verify()["entries"] == len(study.ledger.all())


def test_its_variants_are_commits_that_git_keeps(study: SimulatedStudy) -> None:
    ablated(study)
    for entry in study.entries(Reduced):
        name = f"refs/pawl/ablations/{entry.record.plan}/{entry.record.commit}"
        subprocess.run(["git", "-C", str(study.folder), "update-ref", "-d", name], check=True)
    study.mend()
    shown = subprocess.run(
        ["git", "-C", str(study.folder), "for-each-ref", "refs/pawl/ablations"], capture_output=True, check=True
    )
    assert len(shown.stdout.splitlines()) == len(study.entries(Reduced))


@pytest.mark.slow
@pytest.mark.parametrize("lives", [9, 24])
def test_a_killed_ablation_goes_on_and_repeats_no_run(study: SimulatedStudy, lives: int) -> None:
    dossier, before = study.dossiers()[-1].id, len(study.entries(Run))
    study.trainer.lives = len(study.trainer.done) + lives
    with pytest.raises(Killed):
        asking.ablate(study, dossier)
    other = reopened(study.folder, worth(WORTH))
    found = asking.ablate(other, dossier)
    assert found is not None
    assert found.record.shown
    runs = [(run.record.variant, run.record.seed) for run in other.entries(Run)]
    assert len(runs) == len(set(runs))
    assert found.record.runs == len(runs) - before
    assert len(other.entries(AblationPlan)) == len(other.entries(AblationClaims)) == 1


@pytest.mark.slow
def test_a_budget_ends_it_and_the_next_call_goes_on(study: SimulatedStudy) -> None:
    dossier, before = study.dossiers()[-1].id, len(study.entries(Run))
    assert asking.ablate(study, dossier, runs=10) is None
    assert len(study.entries(Run)) <= before + 10
    for _ in range(30):
        if asking.ablate(study, dossier, runs=10):
            break
    assert len(study.entries(Ablation)) == len(study.entries(AblationPlan)) == 1


@pytest.mark.slow
def test_asked_again_it_answers_from_the_ledger_and_anew_only_at_a_higher_threshold(study: SimulatedStudy) -> None:
    first = ablated(study)
    ran = len(study.trainer.done)
    assert ablated(study) == first
    assert len(study.trainer.done) == ran
    second = ablated(study, again=True)
    assert second != first
    assert study.ledger.get(second.claims, AblationClaims).record.attempt == 2
    assert second.effects[0].threshold > 2 * first.effects[0].threshold


@pytest.mark.slow
def test_of_two_changes_that_do_the_same_one_goes_and_the_other_is_shown_to_carry(
    tmp_path: Path, people: People
) -> None:
    """Either alone could go; both together may not."""
    study = simulated(tmp_path / "study", [people["ada"]], ["ONE", "OTHER"], lambda v: 0.1 * max(v["ONE"], v["OTHER"]))
    improve(study, {"ONE": 1.0, "OTHER": 1.0})
    found = ablated(study)
    removed, carries = found.effects
    assert found.shown
    assert carries.shown
    assert len(removed.changes) == len(carries.changes) == 1


@pytest.mark.slow
def test_a_change_without_which_the_program_fails_carries(tmp_path: Path, people: People) -> None:
    def gain(values: Mapping[str, float]) -> float | None:
        return None if values["GOOD"] and not values["NEEDED"] else 0.1 * values["GOOD"]

    study = simulated(tmp_path / "study", [people["ada"]], ["GOOD", "NEEDED"], gain)
    improve(study, {"GOOD": 1.0, "NEEDED": 1.0})
    found = ablated(study)
    assert not found.shown
    needed = next(effect for effect in found.effects if effect.changes == (2,))
    assert needed.shown
    assert "runs without it failed" in needed.reason
    assert needed.cost is None


def test_the_smaller_patch_goes_into_the_queue(answered: SimulatedStudy, tmp_path: Path) -> None:
    study = reopened(shutil.copytree(answered.folder, tmp_path / "study"), worth(WORTH), adopt=True)
    assert asking.propose_smaller(study, found_in(study)).record.proposer == "ablate"
    assert [proposal.record.proposer for proposal in history.unscreened(study.ledger)] == ["ablate"]


@pytest.mark.slow
def test_nobody_has_their_own_change_made_smaller_to_approve_it(tmp_path: Path, people: People) -> None:
    study = simulated(tmp_path / "study", [people["ada"]], ["MINE", "IDLE"], worth({"MINE": 0.1, "IDLE": 0.0}))
    propose = study.propose
    study.propose = lambda patch, why, by="": propose(patch, why, "ada@example.org")  # type: ignore[method-assign]
    improve(study, {"MINE": 1.0, "IDLE": 1.0})
    del study.propose
    ablated(study)
    assert asking.propose_smaller(study, found_in(study)).record.proposer == "ada@example.org"


def test_what_is_not_certified_or_is_one_change_is_refused_with_the_next_command(
    study: SimulatedStudy, tmp_path: Path, people: People
) -> None:
    dossier = study.dossiers()[-1].id
    with pytest.raises(ConfigError, match="between 0 and 1"):
        asking.ablate(study, dossier, share=1.5)
    with pytest.raises(ConfigError, match="not a certificate"):
        asking.ablate(study, 1)
    with pytest.raises(ConfigError, match="at least 5"):
        asking.ablate(study, dossier, pairs=4)
    single = simulated(tmp_path / "single", [people["ada"]], ["ONLY"], worth({"ONLY": 0.1}))
    improve(single, {"ONLY": 1.0})
    with pytest.raises(ConfigError, match="is one change"):
        asking.ablate(single, single.dossiers()[-1].id)


def test_words_name_every_change_and_say_what_was_not_shown(answered: SimulatedStudy, tmp_path: Path) -> None:
    study = reopened(shutil.copytree(answered.folder, tmp_path / "study"), worth(WORTH), adopt=True)
    found = found_in(study)
    text = "\n".join(reading.why(study.ledger, found.id))
    for name in WORTH:
        assert f"train.py: {name} 0.0 -> 1.0" in text
    assert "can go together" in text
    assert "NOT shown" not in text
    assert all(reading.summary(study.ledger, entry) for entry in study.ledger.all())
    quiet = tuple(effect.model_copy(update={"shown": False}) for effect in found.record.effects)
    doubtful = study.ledger.append(found.record.model_copy(update={"shown": False, "effects": quiet}))
    text = "\n".join(reading.why(study.ledger, doubtful.id))
    assert "together NOT shown to cost less than the margin" in text
    assert text.count("not shown to carry") == len(CARRIERS)
    with pytest.raises(ConfigError, match="does not show"):
        asking.propose_smaller(study, doubtful)


def test_a_study_that_was_halted_ablates_nothing(study: SimulatedStudy) -> None:
    dossier = study.dossiers()[-1].id
    study.switch.throw("enough", "ada")
    with pytest.raises(Halted):
        asking.ablate(study, dossier)


@pytest.mark.slow
def test_on_real_training_what_helps_is_told_from_what_came_along(digits_study: OpenStudy) -> None:
    """One proposal sets a learning rate that helps much, and two constants to values that make hardly a difference."""
    study = digits_study
    source = (study.folder / "train.py").read_text()
    after = source.replace("LEARNING_RATE = 0.005", "LEARNING_RATE = 0.05")
    after = after.replace("WEIGHT_DECAY = 1e-4", "WEIGHT_DECAY = 1.01e-4").replace("NOISE = 0.0", "NOISE = 0.0001")
    lines = difflib.unified_diff(source.splitlines(True), after.splitlines(True), "a/train.py", "b/train.py")
    with study.loop() as loop, ThreadPoolExecutor(2) as pool:
        loop.search.settle_noise(pool)
        study.propose("".join(lines), "faster, and two more")
        turned = loop.search.turn()
        assert turned
        assert turned.record.decision == "accepted"
        certificate = loop.certify.certify(loop.certify.preregister(loop.search.settle_noise(pool)), pool)
    assert certificate.record.outcome == "certified"
    found = asking.ablate(study, certificate.id)
    assert found is not None
    carries = [effect for effect in found.record.effects if effect.claim == "carries" and effect.shown]
    claims, plan = answers.plan_of(study.ledger, found.record)
    assert [plan.changes[effect.changes[0] - 1].name for effect in carries] == ["train.py: LEARNING_RATE 0.005 -> 0.05"]
    assert found.record.shown
    assert len(claims.removed) == 2

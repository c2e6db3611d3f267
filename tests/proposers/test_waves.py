"""The proposer `waves`: what it puts together, in which runs, and what it makes of their scores."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pawl import config, history, keys
from pawl.errors import ConfigError
from pawl.ledger import Entry, Ledger
from pawl.proposers.waves import BUNDLE, Wave, WavesProposer, told
from pawl.protocols import Proposer, Sources
from pawl.records import Proposal, Screening, Variant
from pawl.testing.proposers import ProposerContract
from simulated import SimulatedStudy, simulated, worth
from takebacks import Accepting, applied, changed_lines

SD = 0.017
NAMES = "ABCDEFGH"
LINES = "".join(f"{name} = 0\n" for name in NAMES)


@dataclass
class Trying(Accepting):
    """A ledger of ideas side by side: each gives one constant the value 1, on the head of its time, and is refused."""

    base: str = LINES
    true: dict[str, float] = field(default_factory=dict)

    def level(self, text: str) -> float:
        return 2.0 - SD * sum(self.true.get(line[0], 0.0) for line in text.splitlines() if line.endswith("= 1"))

    def put(self, proposal: Proposal, decision: str = "refused") -> Entry[Variant]:
        """What a search makes of it."""
        entry = self.ledger.append(proposal)
        parent = self.ledger.get(proposal.parent, Variant).record
        text = applied(self.versions.texts[parent.commit], proposal.patch)
        commit = f"{entry.id:040x}"
        variant = self.ledger.append(Variant(proposal=entry.id, commit=commit, parent=parent.commit, problem=""))
        self.versions.texts[commit], self.write.levels[variant.id] = text, self.level(text)
        head = history.read(self.ledger).head
        self.write.screen(variant, head, decision, (11,), gain=0.1)  # type: ignore[arg-type]
        self.head = history.head(self.ledger)
        return variant

    def idea(self, name: str, effect: float, chosen: str = "its turn", value: str = "1") -> Entry[Variant]:
        self.true[name] = effect
        text = self.text().replace(f"{name} = 0", f"{name} = {value}")
        patch = self.versions.patch(self.head.record, {"train.py": text})
        words = {"hypothesis": f"{name} helps", "proposer": "ideas", "settings": {}, "chosen": chosen}
        return self.put(Proposal(parent=self.head.id, patch=patch, **words))  # type: ignore[arg-type]

    def waves(self, workers: int = 4, **settings: float) -> WavesProposer:
        return WavesProposer(self.versions, 0.0, workers, **{"factorial": True, **settings})  # type: ignore[arg-type]

    def next(self, workers: int = 4, **settings: float) -> Proposal | None:
        return self.waves(workers, **settings).propose(self.head, self.ledger)


class TestWavesContract(ProposerContract):
    def make(self, sources: Sources) -> Proposer:
        return WavesProposer(self.study.versions, 0.0, 8, factorial=True)

    def begun(self, folder: Path) -> tuple[Ledger, Entry[Variant]]:
        self.study = promising(folder, "ABCD")
        return self.study.ledger, self.study.head


del ProposerContract


def promising(folder: Path, names: Sequence[str], effect: float = 4.0) -> Trying:
    study = Trying(folder)
    for name in names:
        study.idea(name, effect)
    return study


def wave(proposal: Proposal | None) -> Wave:
    assert proposal is not None
    found = told(proposal)
    assert found is not None
    return found


def on(study: Trying, proposal: Proposal) -> set[str]:
    """The constants that are 1 in what a proposal makes of its parent."""
    parent = study.ledger.get(proposal.parent, Variant).record
    text = applied(study.versions.texts[parent.commit], proposal.patch)
    return {line[0] for line in text.splitlines() if line.endswith("= 1")}


def rows(study: Trying, workers: int = 4) -> list[Proposal]:
    """All design runs of the wave under way, each refused."""
    found = list[Proposal]()
    while (proposal := study.next(workers)) and wave(proposal).row != BUNDLE and wave(proposal).number == 1:
        found.append(proposal)
        study.put(proposal)
    return found


def test_a_wave_is_a_design_over_what_looked_promising(tmp_path: Path) -> None:
    study = promising(tmp_path, "ABCD")
    study.idea("E", -4.0)
    found = rows(study, workers=8)
    assert next(on(study, one) for one in found) == set("ABCD")
    assert [len(on(study, one)) for one in found] == [4, 2, 2, 2, 2, 2, 2]
    assert all(sum(name in on(study, one) for one in found) == 4 for name in "ABCD")
    assert {wave(one).runs for one in found} == {8}
    assert found[1].chosen.startswith("wave 1 over 4 changes (2^(4-1) on 8 runs, resolution IV): run 2 of 7")
    assert "A helps" in found[0].hypothesis
    assert all(one.parent == study.head.id for one in found)


def test_unless_a_design_is_asked_for_all_goes_into_one_run_and_then_what_helped(tmp_path: Path) -> None:
    study = promising(tmp_path, "ABCD")
    first = study.next(workers=8, factorial=False)
    assert first is not None
    assert on(study, first) == set("ABCD")
    assert first.chosen == "wave 1 over 4 changes (all at once): run 1 of 1"
    study.true["B"] = -30.0
    study.put(first)
    second = study.next(workers=8, factorial=False)
    assert second is None or (wave(second).row, "B" in on(study, second)) == (BUNDLE, False)
    study.ledger.append(first)
    assert study.next(workers=8, factorial=False) is None, "it is under way"


def test_then_what_helped_goes_into_the_head_together(tmp_path: Path) -> None:
    study = promising(tmp_path, "ABCD")
    study.true |= {"B": -6.0, "D": -6.0}  # lucky when they ran alone
    rows(study, workers=8)
    bundle = study.next(workers=8)
    assert bundle is not None
    assert wave(bundle).row == BUNDLE
    assert on(study, bundle) == {"A", "C"}
    assert bundle.chosen.endswith(": what helped")
    study.put(bundle, "accepted")
    assert study.next(workers=8) is None, "nothing new is promising"


def test_while_runs_are_under_way_others_have_the_turn(tmp_path: Path) -> None:
    study = promising(tmp_path, "AB")
    for _ in range(3):
        proposal = study.next()
        assert proposal is not None
        study.ledger.append(proposal)
    assert study.next() is None


def test_a_run_that_is_accepted_does_not_end_its_wave(tmp_path: Path) -> None:
    study = promising(tmp_path, "ABCD")
    first = study.next(workers=8)
    assert first is not None
    study.put(first, "accepted")
    second = study.next(workers=8)
    assert (wave(second).row, wave(second).base) == (2, wave(first).base)
    assert second is not None
    assert second.parent == study.head.id
    assert len(on(study, second)) == 2, "the design's run, and not that on top of what was accepted"


def test_what_came_into_the_head_meanwhile_stays_in_it(tmp_path: Path) -> None:
    study = promising(tmp_path, "ABCD")
    first = study.next(workers=8)
    assert first is not None
    study.put(first)
    study.accept("H = 0", "H = 1", gain=SD)
    bundle = study.next(workers=8)
    assert bundle is not None
    assert wave(bundle).row == BUNDLE, "the other runs would race against a head that they were not made for"
    assert on(study, bundle) == set("ABCDH")
    assert changed_lines([study.text(), applied(study.text(), bundle.patch)]) == {
        f"{name} = {n}" for name in "ABCD" for n in (0, 1)
    }


def test_changes_of_the_same_lines_are_not_put_together(tmp_path: Path) -> None:
    study = promising(tmp_path, "A")
    study.idea("A", 4.0, value="1  # too")
    assert study.next() is None
    study.idea("B", 4.0)
    assert len(wave(study.next()).changes) == 2


def test_what_people_and_agents_hand_in_is_left_alone(tmp_path: Path) -> None:
    """Whoever proposed a change may not approve it; a wave would hide the name."""
    study = promising(tmp_path, "A")
    for name in "BCD":
        study.idea(name, 4.0, chosen="")
    assert study.next() is None


def test_what_was_in_a_wave_is_in_no_other(tmp_path: Path) -> None:
    study = promising(tmp_path, "AB", effect=1.0)
    rows(study)
    study.true |= {"A": 0.0, "B": 0.0}
    bundle = study.next()
    if bundle:
        study.put(bundle)
    study.idea("C", 4.0)
    assert study.next() is None
    study.idea("D", 4.0)
    assert wave(study.next()).number == 2


def test_what_does_not_parse_together_is_left_out(tmp_path: Path) -> None:
    study = Trying(tmp_path, base="if True:\n    A = 0\n    B = 0\nC = 0\n")
    for before, after in (("    A = 0\n", ""), ("    B = 0\n", "")):
        text = study.text().replace(before, after)
        patch = study.versions.patch(study.head.record, {"train.py": text})
        study.true["C"] = 4.0
        study.put(
            Proposal(
                parent=study.head.id, patch=patch.replace("C = 0", "C = 0"), hypothesis="shorter", proposer="ideas",
                settings={}, chosen="its turn",
            )
        )  # fmt: skip
    for variant in list(study.write.levels):
        study.write.levels[variant] = 2.0
    found = rows(study)
    assert all("if True:\nC" not in applied(study.text(), one.patch) for one in found)


def test_a_ladder_hides_what_it_needs(tmp_path: Path) -> None:
    study = promising(tmp_path, "ABCD")
    assert WavesProposer(study.versions, 2.0, 8).propose(study.head, study.ledger) is None


@pytest.mark.parametrize("settings", [{"runs": 3}, {"runs": -4}, {"least": -1}])
def test_sizes_that_make_no_wave_are_refused(tmp_path: Path, settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="runs from 4 to 1024"):
        Trying(tmp_path).waves(**settings)


def test_settings_that_are_no_wave_are_nobodys(tmp_path: Path) -> None:
    study = promising(tmp_path, "AB")
    proposal = study.next()
    assert proposal is not None
    for lie in (None, 7, {"number": 1}, {**dict(proposal.settings)["wave"], "row": "x"}):  # type: ignore[dict-item]
        assert told(proposal.model_copy(update={"settings": {"wave": lie}})) is None


# -- in the loop -------------------------------------------------------------------------------------------------

EFFECTS = dict.fromkeys(NAMES, 0.02)


@pytest.fixture
def study(tmp_path: Path, people: dict[str, keys.Signer]) -> SimulatedStudy:
    many = {"workers = 1": "workers = 4"}
    return simulated(tmp_path / "toy", [people["ada"]], NAMES, worth(EFFECTS), {"share = 0.05 ": "share = 0.0 "}, many)


def test_from_four_workers_on_it_is_there_and_comes_first(study: SimulatedStudy) -> None:
    assert [table.called for table in study.config.proposers] == ["space", "waves"]
    with study.loop() as loop:
        assert loop.search.first == ["waves"]
        assert isinstance(loop.search.proposers["waves"], WavesProposer)


def test_the_loop_puts_together_what_it_found_side_by_side(study: SimulatedStudy) -> None:
    with study.loop() as loop, ThreadPoolExecutor(1) as pool:
        loop.search.settle_noise(pool)
        head = history.head(study.ledger)
        text = study.lineage.read(head.record)["train.py"]
        for name in "ABC":
            patch = study.lineage.patch(head.record, {"train.py": text.replace(f"{name} = 0.0", f"{name} = 1.0")})
            study.ledger.append(
                Proposal(parent=head.id, patch=patch, hypothesis=name, proposer="space", settings={}, chosen="c")
            )
        for _ in "ABC":
            loop.search.turn()
        turns = [loop.search.turn()]
    proposals = [study.ledger.get(turn.record.proposal, Proposal).record for turn in turns if turn]
    waves = [one for one in proposals if one.proposer == "waves"]
    assert waves
    assert waves[0].chosen.startswith("what was planned comes first; wave 1 over 2 changes (all at once)")
    text = study.lineage.read(history.head(study.ledger).record)["train.py"]
    assert [f"{name} = 1.0" in text for name in "ABC"] == [True, True, True]
    assert {entry.record.decision for entry in study.entries(Screening)} <= {"accepted", "refused"}


@pytest.mark.parametrize(
    ("text", "there"),
    [("", False), ("workers = 4\n", True), ("workers = 16\nwaves = false\n", False), ("waves = true\n", True)],
)
def test_who_has_many_workers_may_say_otherwise(text: str, there: bool) -> None:
    table = {"study": {"name": "s", "metric": "m", "direction": "minimize"},
             "train": {"command": ["x"], "editable": ["t.py"]}, "evaluate": {"summary": "m"}}  # fmt: skip
    found = config.Config.model_validate({**table, **tomllib.loads(text)}, strict=False)
    assert (config.WAVES in [one.use for one in found.proposers]) == there

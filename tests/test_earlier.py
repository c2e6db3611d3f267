"""Studies that learn from studies: two real loops whose training is arithmetic, and what passes between them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pawl import app, earlier, history, initialise, keys, priors, reading
from pawl.cli import app as cli
from pawl.errors import ConfigError, PawlError
from pawl.records import Proposal, Screening
from simulated import SPACE, SimulatedStudy, constants, reopened, simulated
from studies import toy

pytestmark = pytest.mark.slow
People = dict[str, keys.Signer]
Gain = Callable[[Mapping[str, float]], float]
TWO = (
    '[space]\n"train.py:SHIFT" = { type = "float", low = -1.0, high = 1.0 }\n'
    '"train.py:SLANT" = { type = "float", low = -1.0, high = 1.0 }'
)


def hill(shift: float, slant: float) -> Gain:
    return lambda values: -((values["SHIFT"] - shift) ** 2) - (values.get("SLANT", slant) - slant) ** 2


def begun(folder: Path, people: People, gain: Gain, name: str = "toy") -> SimulatedStudy:
    config = {SPACE: TWO, 'name = "toy"': f'name = "{name}"'}
    return simulated(folder, [people["ada"], people["bob"]], ("SHIFT", "SLANT"), gain, config=config)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory, people: People) -> SimulatedStudy:
    """A study that searched for a while: its best point is (0.7, -0.5)."""
    study = begun(tmp_path_factory.mktemp("old") / "old", people, hill(0.7, -0.5))
    study.run(runs=40)
    return study


@pytest.fixture
def new(tmp_path: Path, people: People) -> SimulatedStudy:
    return begun(tmp_path / "new", people, hill(0.6, -0.4), "new")


def pawl(study: app.OpenStudy, *words: str) -> str:
    done = CliRunner().invoke(cli, ["priors", *words, "-C", str(study.folder)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_new_study_begins_with_what_did_best_before(old: SimulatedStudy, new: SimulatedStudy) -> None:
    known = earlier.learn(new, old.folder)
    assert known.matching == ("train.py:SHIFT", "train.py:SLANT")
    assert known.similarity == 0.5, "nothing speaks for or against it yet"
    assert known.past.head == old.ledger.all()[-1].digest
    new.run(runs=12)
    made = [entry for entry in new.entries(Proposal) if "earlier" in entry.record.settings]
    assert 1 <= len(made) <= 4
    first = new.ledger.find(Screening, proposal=made[0].id)
    assert first is not None
    assert first.record.decision == "accepted"
    assert made[0].record.settings["earlier"] == priors.source(known.past, 0.5)
    for id in (made[0].id, first.id):
        assert any("an earlier study had a say: toy, similarity 0.5" in line for line in reading.why(new.ledger, id))
    other = old.entries(Proposal)[0]
    assert not any("earlier study" in line for line in reading.why(old.ledger, other.id))


def test_it_gets_further_in_as_many_runs_and_what_misleads_loses_its_say(
    old: SimulatedStudy, people: People, tmp_path: Path
) -> None:
    """Where the old best is the new best, and where it is the worst there is."""
    found = {}
    for name, gain, learns in (
        ("alone", hill(0.6, -0.4), False), ("alike", hill(0.6, -0.4), True), ("turned", hill(-0.9, 0.9), True),
    ):  # fmt: skip
        found[name] = study = begun(tmp_path / name, people, gain)
        if learns:
            earlier.learn(study, old.folder)
        study.run(runs=24)
    alike, alone = (gained(found[name]) for name in ("alike", "alone"))
    assert alike > alone
    assert earlier.known(found["alike"])[0].similarity > 0
    assert earlier.known(found["turned"])[0].similarity == 0
    assert taken(found["turned"]) in (1, 2), "two tries showed that it misleads"


def gained(study: SimulatedStudy) -> float:
    """What the head is really worth."""
    return study.trainer.gain(constants(study.lineage.read(history.head(study.ledger).record)["train.py"])) or 0.0


def taken(study: app.OpenStudy) -> int:
    return sum("earlier" in entry.record.settings for entry in study.entries(Proposal))


def test_a_loop_that_is_killed_goes_on_with_what_it_knew(old: SimulatedStudy, new: SimulatedStudy) -> None:
    """Another process proposes next what this one would have, and counts the tries that were made."""
    earlier.learn(new, old.folder)
    new.run(runs=8)
    assert taken(new) >= 1
    proposed = []
    for study in (new, reopened(new.folder, hill(0.6, -0.4))):
        with study.loop() as loop:
            proposed.append(loop.search.proposers["space"].propose(history.head(study.ledger), study.ledger))
    assert proposed[0] == proposed[1]


def test_what_is_learned_while_a_loop_runs_is_for_the_next_one(old: SimulatedStudy, new: SimulatedStudy) -> None:
    """The file is read once, when a loop begins: nothing changes under one, and nothing stops it."""
    with new.loop() as loop:
        earlier.learn(new, old.folder)
        loop.changed()
        assert loop.search.proposers["space"].earlier == ()  # type: ignore[attr-defined]
    with new.loop() as loop:
        assert len(loop.search.proposers["space"].earlier) == 1  # type: ignore[attr-defined]


def test_a_study_whose_file_is_broken_says_so_before_anything_runs(new: SimulatedStudy) -> None:
    (new.folder / priors.FILE).write_text("{}")
    with pytest.raises(ConfigError, match=r"priors.json: 'format'"):
        new.run(runs=5)
    assert new.entries(Proposal) == []


def test_it_refuses_itself_a_copy_and_what_teaches_nothing(
    old: SimulatedStudy, new: SimulatedStudy, people: People, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="is this very study"):
        earlier.learn(old, old.folder)
    copy = app.adopt(shutil.copytree(old.folder, tmp_path / "copy"))
    with pytest.raises(ConfigError, match="is a copy of this study"):
        earlier.learn(old, copy.folder)
    with pytest.raises(ConfigError, match="is no study"):
        earlier.learn(new, tmp_path)
    idle = toy(tmp_path / "idle", [people["ada"]])
    with pytest.raises(ConfigError, match="nothing has run in"):
        earlier.learn(new, idle)
    assert not (idle / ".pawl").exists(), "looking leaves no trace"
    app.open(idle)
    with pytest.raises(ConfigError, match="nothing has run in"):
        earlier.learn(new, idle)
    assert not (new.folder / priors.FILE).exists()


def test_a_ledger_that_was_rewritten_teaches_nothing(old: SimulatedStudy, new: SimulatedStudy, tmp_path: Path) -> None:
    moved = shutil.copytree(old.folder, tmp_path / "moved")
    shutil.rmtree(moved / ".git")
    with pytest.raises(PawlError, match="no checkpoint of it is known here|not a git repository"):
        earlier.learn(new, moved)


def test_the_commands_tell_what_matches_and_what_does_not(
    old: SimulatedStudy, people: People, tmp_path: Path
) -> None:  # fmt: skip
    space = TWO.replace("low = -1.0", "low = 0.0").replace('SLANT" = { type = "float"', 'DEPTH" = { type = "int"')
    study = simulated(
        tmp_path / "here",
        [people["ada"]],
        ("SHIFT", "DEPTH"),
        hill(0.6, 0.0),
        config={SPACE: space},  # type: ignore[arg-type]
    )
    assert "nothing: there is no priors.json" in pawl(study)
    assert json.loads(pawl(study, "--json")) == []
    said = pawl(study, "learn", str(old.folder))
    assert "toy: similarity 0.25" in said
    assert "constants   train.py:SHIFT" in said
    assert "not known   train.py:DEPTH: it had no such constant" in said
    found = json.loads(pawl(study, "--json"))
    assert (found[0]["name"], found[0]["matching"]) == ("toy", ["train.py:SHIFT"])
    assert 0 < found[0]["within"] < found[0]["trials"]
    again = json.loads(pawl(study, "learn", str(old.folder), "--rename", "train.py:SLANT=train.py:SLOPE", "--json"))
    assert again[0]["renamed"] == {"train.py:SLANT": "train.py:SLOPE"}
    assert "train.py:SLANT is train.py:SLOPE" in pawl(study, "learn", str(old.folder)), "it is kept"
    assert [one["name"] for one in json.loads(pawl(study, "--json"))] == ["toy"], "learned twice is learned once"
    with pytest.raises(ConfigError, match="THERE=HERE"):
        pawl(study, "learn", str(old.folder), "--rename", "train.py:SLANT")
    with pytest.raises(ConfigError, match=r"Did you mean 'toy'"):
        pawl(study, "forget", "toi")
    assert json.loads(pawl(study, "forget", "toy", "--json")) == {"forgotten": "toy"}
    assert not (study.folder / priors.FILE).exists()


def test_options_before_the_subcommand_are_refused(new: SimulatedStudy) -> None:
    """They would be of another study than the one that the command is about."""
    done = CliRunner().invoke(cli, ["priors", "-C", str(new.folder), "forget", "toy"])
    assert isinstance(done.exception, ConfigError)
    assert "after the subcommand" in str(done.exception)


def test_without_a_constant_in_common_there_is_nothing_to_learn(
    old: SimulatedStudy, people: People, tmp_path: Path
) -> None:
    space = '[space]\n"train.py:DEPTH" = { type = "int", low = 1, high = 3 }'
    study = simulated(tmp_path / "here", [people["ada"]], ("DEPTH",), hill(0, 0), config={SPACE: space})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="toy has none of this study's constants: train.py:SHIFT") as refused:
        earlier.learn(study, old.folder)
    assert "--rename" in refused.value.hint
    assert not (study.folder / priors.FILE).exists()


def test_a_committed_file_that_changed_is_no_change_of_the_study(
    old: SimulatedStudy, new: SimulatedStudy
) -> None:  # fmt: skip
    """As with pawl.toml: the first champion is what is committed, whatever was learned since."""
    earlier.learn(new, old.folder)
    initialise.commit(new.folder, "Learn")
    path = new.folder / priors.FILE
    path.write_text(path.read_text() + " ")
    assert new.lineage.baseline().commit
    (new.folder / "train.py").write_text("SHIFT = 1.0\n")
    with pytest.raises(ConfigError, match="not committed"):
        new.lineage.baseline()

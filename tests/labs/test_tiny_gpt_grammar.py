"""The grammar of the lab `tiny-gpt`: its default is the shipped script, all that it makes is read back, passes the
gates that read sources, keeps what `space` needs, and (slow: torch) really trains and predicts."""

from __future__ import annotations

import ast
import math
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl import plugins
from pawl.labs import tiny_gpt
from pawl.lineage import Lineage
from pawl.proposers import evolution
from pawl.proposers.architecture import ArchitectureProposer
from pawl.proposers.constants import current, exchange
from pawl.proposers.grammar import Genotype
from pawl.proposers.programs import load
from pawl.proposers.template import Value
from pawl.protocols import Brief
from pawl.testing import proposers
from pawl.testing.gates import case, proposal

from .conftest import Runner

FOLDER = tiny_gpt.LAB.folder
SHIPPED = (FOLDER / "train.py").read_text()
CONFIG = tomllib.loads((FOLDER / "pawl.toml").read_text())
PROGRAMS = load(FOLDER / "grammar", tuple(CONFIG["train"]["editable"]))
GRAMMAR = PROGRAMS.grammar
SOURCE_GATES = ("conditions", "report", "reading", "foreign", "fetched", "embedded", "obscured", "persuasion")
COVERING = 6
PREDICT_INPUTS, BATCHES = 8, 3


def slot_of(name: str) -> str:
    """What the grammar calls a constant of [space]."""
    return name.removeprefix("train.py:").lower()


def some(seed: int) -> Genotype:
    """A random valid genotype."""
    chance = Random(seed)
    return next(made for made in iter(lambda: evolution.anything(GRAMMAR, chance), None) if GRAMMAR.valid(made))


def values(name: str) -> list[Value]:
    """Every choice of a slot, or the ends of its range."""
    slot = GRAMMAR.slots[name]
    if slot.choices:
        return list(slot.choices)
    assert slot.low is not None
    assert slot.high is not None
    return [slot.low, slot.high] if slot.type == "float" else [int(slot.low), int(slot.high)]


@cache
def covering() -> list[Genotype]:
    """As few valid genotypes as a greedy search finds in which every one of those values is."""
    missing, found = {(name, value) for name in GRAMMAR.slots for value in values(name)}, []
    for turn in range(30):
        chance = Random(turn)
        drawn = [draw(chance) for _ in range(100)]
        best = max((made for made in drawn if GRAMMAR.valid(made)), key=lambda made: len(missing & set(made.items())))
        if missing & set(best.items()):
            missing -= set(best.items())
            found.append(best)
    assert not missing
    assert len(found) == COVERING
    return found


def draw(chance: Random) -> Genotype:
    """A genotype with many of those values: heads by threes need a width between the ends."""
    made = evolution.anything(GRAMMAR, chance)
    ends = {name: chance.choice(values(name)) for name in GRAMMAR.slots if chance.random() < 0.8}
    return GRAMMAR.complete({**made, **ends})


def test_the_shipped_script_is_the_default_genotype() -> None:
    assert PROGRAMS.render(GRAMMAR.default) == {"train.py": SHIPPED}
    assert PROGRAMS.read({"train.py": SHIPPED}).genotype == GRAMMAR.default


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_rendered_is_read_back(seed: int) -> None:
    genotype = some(seed)
    files = PROGRAMS.render(genotype)
    ast.parse(files["train.py"])
    program = PROGRAMS.read(files)
    assert program.genotype == genotype
    assert PROGRAMS.render(genotype, program.kept) == files


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_space_finds_its_constants_in_every_program_and_its_changes_are_kept(seed: int) -> None:
    names = [key.removeprefix("train.py:") for key in CONFIG["space"]]
    text = PROGRAMS.render(some(seed))["train.py"]
    now = current(text, names, "train.py")
    changed = exchange(text, {**now, "INIT_STD": 0.0437, "BATCH_SIZE": 16, "LEARNING_RATE": 0.0051}, "train.py")
    program = PROGRAMS.read({"train.py": changed})
    assert program.genotype["learning_rate"] == 0.0051
    other = PROGRAMS.render({**program.genotype, "depth": 6}, program.kept)["train.py"]
    assert current(other, ["INIT_STD", "BATCH_SIZE"], "train.py") == {"INIT_STD": 0.0437, "BATCH_SIZE": 16}


@pytest.mark.parametrize("name", [name for name in CONFIG["space"] if slot_of(name) in GRAMMAR.slots])
def test_what_space_may_set_the_grammar_can_read(name: str) -> None:
    table, slot = CONFIG["space"][name], GRAMMAR.slots[slot_of(name)]
    assert all(slot.allows(value) for value in table.get("choices", [table.get("low"), table.get("high")]))


def test_the_cost_of_the_default_is_that_of_a_run() -> None:
    program = PROGRAMS.read({"train.py": SHIPPED})
    assert 5 < GRAMMAR.cost(program.genotype, program.constants) < 9  # CPU seconds, as pawl.toml says
    larger = {**program.genotype, "depth": 4}
    assert GRAMMAR.cost(larger, program.constants) > 1.25 * GRAMMAR.cost(program.genotype, program.constants)
    wider = program.constants | {"BATCH_SIZE": 16}
    assert GRAMMAR.cost(program.genotype, wider) < GRAMMAR.cost(program.genotype, program.constants)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_gates_that_read_sources_let_programs_pass(seed: int) -> None:
    genotype = some(seed)
    assert genotype != GRAMMAR.default
    text = PROGRAMS.render(genotype)["train.py"]
    said = f"position learned -> {genotype['position']} (evolved from the head crossed with proposal 45)"
    mine = proposal(hypothesis=said, proposer="architecture", settings={"genotype": dict(genotype)})
    judged = case(reference_files={"train.py": SHIPPED}, head_files={"train.py": text}, changes=(mine,), tried=(mine,))
    for name in SOURCE_GATES:
        finding = plugins.build("gate", name, {}).judge(judged)  # type: ignore[attr-defined]
        assert finding.passed, finding.reason


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The lab, committed, without its data."""
    folder = tmp_path / "study"
    shutil.copytree(FOLDER, folder)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def test_each_variant_can_be_the_next_head(repository: Path, tmp_path: Path) -> None:
    lineage = Lineage(repository, ("train.py",))
    ledger, _ = proposers.ProposerContract().begun(tmp_path)
    head = ledger.append(lineage.baseline())
    brief = Brief("g", "loss", "minimize", ("python", "train.py"), ("train.py",), "260000 tokens", repository)
    for _ in range(3):
        found = ArchitectureProposer(lineage, brief, ladder=0.0, name="architecture").propose(head, ledger)
        assert found is not None
        built = lineage.build(ledger.append(found), head.record)
        assert built.problem == ""
        head = ledger.append(built)
        assert PROGRAMS.read(lineage.read(built)).genotype == found.settings["genotype"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lab with a small text of its own to train on, and some of it to predict."""
    folder = tmp_path_factory.mktemp("lab") / "study"
    shutil.copytree(FOLDER, folder)
    text = np.frombuffer(SHIPPED.encode() * 3, dtype=np.uint8)
    (folder / "data").mkdir()
    np.savez(folder / "data" / "train.npz", text=text)
    np.savez(folder / "inputs.npz", inputs=text[: PREDICT_INPUTS * 128].reshape(PREDICT_INPUTS, 128))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("nth", range(COVERING))
def test_every_choice_trains_and_predicts(
    lab: Path, tmp_path: Path, run_script: Runner, torch_python: str, nth: int
) -> None:
    study, model, out = tmp_path / "study", tmp_path / "model", tmp_path / "out"
    shutil.copytree(lab, study)
    (study / "train.py").write_text(PROGRAMS.render(covering()[nth])["train.py"])
    model.mkdir()
    out.mkdir()
    done = run_script(study, "train.py", torch_python, PAWL_SEED=1, PAWL_BUDGET=BATCHES * 1024, PAWL_OUT=model)
    assert done.returncode == 0, done.stderr
    loss = next(line for line in done.stdout.splitlines() if line.startswith("train_bits_per_byte"))
    assert math.isfinite(float(loss.split()[1]))
    told = {"PAWL_MODEL": model, "PAWL_INPUTS": study / "inputs.npz", "PAWL_OUT": out}
    done = run_script(study, "predict.py", torch_python, **told)
    assert done.returncode == 0, done.stderr
    with np.load(out / "predictions.npz", allow_pickle=False) as arrays:
        assert np.allclose(np.exp(arrays["predictions"]).sum(axis=-1), 1, atol=1e-4)

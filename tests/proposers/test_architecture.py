"""The proposer `architecture` keeps the contract, evolves what was measured, and writes what the grammar allows."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

import grammars
from pawl.errors import ConfigError
from pawl.ledger import Entry, Ledger
from pawl.plugins import build
from pawl.proposers import architecture
from pawl.proposers.architecture import ArchitectureProposer
from pawl.proposers.programs import load
from pawl.protocols import Proposer, Sources
from pawl.records import Evaluation, Noise, Proposal, Screening, Usage, Variant
from pawl.testing import gates, proposers
from pawl.testing.proposers import OneFile


@pytest.fixture(autouse=True)
def loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests make many proposers for one folder."""
    monkeypatch.setattr(architecture, "load", functools.cache(load))


class TestArchitecture(proposers.ProposerContract):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.study = tmp_path
        grammars.write(tmp_path, grammars.CONTRACT)

    def make(self, sources: Sources) -> Proposer:
        return ArchitectureProposer(sources, grammars.brief(self.study), 0.0, "architecture")


def proposer(folder: Path, text: str = grammars.SCRIPT, **settings: object) -> ArchitectureProposer:
    if not (folder / "grammar").exists():
        grammars.write(folder)
    wiring = {"sources": OneFile(text), "brief": grammars.brief(folder), "ladder": 0.0, "name": "architecture"}
    made = build("proposer", "architecture", settings, **wiring)  # type: ignore[arg-type]
    assert isinstance(made, ArchitectureProposer)
    return made


@pytest.fixture
def begun(tmp_path: Path) -> tuple[Ledger, Entry[Variant]]:
    """A study whose baseline was measured: its noise is known."""
    ledger, head = proposers.ProposerContract().begun(tmp_path)
    ids = [measured(ledger, head.id, seed, 1.0 + seed / 100).id for seed in (1, 2, 3)]
    spread = {"sd": 0.01, "low": 0.005, "high": 0.02, "correlation": 0.5, "pairs": 3, "scale": 0.01}
    ledger.append(Noise(variant=head.id, evaluations=tuple(ids), **spread))  # type: ignore[arg-type]
    return ledger, head


def measured(ledger: Ledger, variant: int, seed: int, loss: float) -> Entry[Evaluation]:
    run = ledger.append(gates.run(variant, seed=seed, purpose="screen"))
    usage = Usage(wall_s=0.1, cpu_s=0.1, peak_bytes=1)
    return ledger.append(gates.evaluation(run=run.id, metrics={"loss": loss}, usage=usage))


def screened(ledger: Ledger, proposal: Proposal, loss: float, guard: str = "") -> Entry[Proposal]:
    """The proposal, written down, measured and refused."""
    entry = ledger.append(proposal)
    variant = ledger.append(Variant(proposal=entry.id, commit="1" * 40, parent="0" * 40, problem=""))
    evaluation = measured(ledger, variant.id, 1, loss)
    ledger.append(
        Screening(
            proposal=entry.id, variant=variant.id, head=proposal.parent, evaluations=(evaluation.id,),
            decision="refused", reason="no better", gain=None, broken_guard=guard,
        )
    )  # fmt: skip
    return entry


Begun = tuple[Ledger, Entry[Variant]]


def genotype(proposal: Proposal) -> dict[str, object]:
    found = proposal.settings["genotype"]
    assert isinstance(found, dict)
    return dict(found)


def test_each_proposal_is_new_valid_and_what_its_patch_says(tmp_path: Path, begun: Begun) -> None:
    ledger, head = begun
    programs, seen = (
        load(grammars.write(tmp_path), ("train.py",)),
        [load(tmp_path / "grammar", ("train.py",)).grammar.default],
    )
    for turn in range(15):
        found = proposer(tmp_path, costlier=50.0).propose(head, ledger)
        assert found is not None
        made = genotype(found)
        assert programs.grammar.valid(made)
        assert made not in seen
        seen.append(made)
        text = programs.render(made)["train.py"]  # type: ignore[arg-type]
        assert found.patch == OneFile(grammars.SCRIPT).patch(head.record, {"train.py": text})
        assert found.settings["grammar"] == programs.grammar.digest
        screened(ledger, found, 1.0 + turn / 10)


def test_the_population_is_the_last_ones_and_the_best_of_a_tournament_is_the_parent(
    tmp_path: Path, begun: Begun
) -> None:
    ledger, head = begun
    first = screened(ledger, propose(tmp_path, ledger, head), 0.1)  # the best, and forgotten: it is the oldest
    later = [screened(ledger, propose(tmp_path, ledger, head), 2.0 + n) for n in range(3)]
    settings = {"population": 3, "tournament": 2, "cross": 0.0, "costlier": 50.0}
    parents = {found_parents(proposer(tmp_path, seed=seed, **settings), ledger, head)[0] for seed in range(60)}
    assert first.id not in parents
    assert parents == {head.id, later[0].id, later[1].id}  # the worst of four never wins among two


def propose(folder: Path, ledger: Ledger, head: Entry[Variant]) -> Proposal:
    found = proposer(folder, costlier=50.0).propose(head, ledger)
    assert found is not None
    return found


def found_parents(made: ArchitectureProposer, ledger: Ledger, head: Entry[Variant]) -> list[int]:
    found = made.propose(head, ledger)
    assert found is not None
    parents = found.settings["parents"]
    assert isinstance(parents, list)
    return parents  # type: ignore[return-value]


def test_what_broke_a_guard_is_no_parent(tmp_path: Path, begun: Begun) -> None:
    ledger, head = begun
    screened(ledger, propose(tmp_path, ledger, head), 0.1, guard="cpu_seconds")
    assert all(found_parents(proposer(tmp_path, seed=seed), ledger, head) == [head.id] for seed in range(20))


def test_two_parents_are_crossed(tmp_path: Path, begun: Begun) -> None:
    ledger, head = begun
    others = [screened(ledger, propose(tmp_path, ledger, head), 1.0 + n).id for n in range(4)]
    made = [found_parents(proposer(tmp_path, seed=n, cross=1.0, tournament=1), ledger, head) for n in range(20)]
    assert any(len(parents) == 2 and set(parents) <= {head.id, *others} for parents in made)


def test_what_is_estimated_to_cost_more_than_the_guard_allows_is_not_put_forward(tmp_path: Path, begun: Begun) -> None:
    ledger, head = begun
    programs = load(grammars.write(tmp_path), ("train.py",))
    reference = programs.grammar.cost(programs.grammar.default, {"BETA": 0.9})
    for seed in range(30):
        found = proposer(tmp_path, seed=seed).propose(head, ledger)
        assert found is not None
        cost = programs.grammar.cost(genotype(found), {"BETA": 0.9})  # type: ignore[arg-type]
        assert cost <= 1.25 * reference
        assert found.settings["cost"] == pytest.approx(cost / reference, abs=1e-3)


def test_constants_that_others_changed_are_kept(tmp_path: Path, begun: Begun) -> None:
    ledger, head = begun
    text = grammars.SCRIPT.replace("BETA = 0.9", "BETA = 0.123").replace("RATE = 1e-3", "RATE = 0.00100")
    for seed in range(10):
        found = proposer(tmp_path, text, seed=seed).propose(head, ledger)
        assert found is not None
        assert "-BETA" not in found.patch
        assert ("-RATE" in found.patch) == (genotype(found)["rate"] != 1e-3)


def test_a_head_that_is_no_program_of_the_grammar_is_left_to_others(tmp_path: Path, begun: Begun) -> None:
    ledger, head = begun
    other = grammars.SCRIPT.replace("4 * x", "4 * x + 1")
    assert proposer(tmp_path, other).propose(head, ledger) is None
    moved = ledger.append(Variant(proposal=head.id, commit="1" * 40, parent="0" * 40, problem=""))
    assert proposer(tmp_path, other).propose(moved, ledger) is None


def test_when_all_was_tried_there_is_nothing_to_put_forward(tmp_path: Path, begun: Begun) -> None:
    ledger, head = begun
    small = {
        "grammar.toml": '[files]\n"train.py" = "t.txt"\n'
        '[slot]\ndepth = { type = "int", low = 1, high = 3, default = 2 }\n',
        "t.txt": "DEPTH = {{ depth }}\n",
    }
    grammars.write(tmp_path, small)
    made = proposer(tmp_path, "DEPTH = 2\n")
    for _ in range(2):
        found = made.propose(head, ledger)
        assert found is not None
        ledger.append(found)
    assert made.propose(head, ledger) is None


def test_a_grammar_that_is_missing_or_outside_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no grammar: .*/gramar is not a folder"):
        proposer(tmp_path, grammar="gramar")
    with pytest.raises(Exception, match="plain relative path"):
        proposer(tmp_path, grammar="../grammar")
    with pytest.raises(Exception, match="refuses its settings: population and tournament"):
        proposer(tmp_path, population=0)


def test_what_a_hostile_ledger_says_of_genotypes_breaks_nothing(tmp_path: Path, begun: Begun) -> None:
    ledger, head = begun
    odd = [{"genotype": 3}, {"genotype": {"depth": [1], "x": None}}, {"genotype": {"depth": "\x1b[2J"}}, {}]
    for settings in odd:
        proposal = propose(tmp_path, ledger, head)
        screened(ledger, proposal.model_copy(update={"settings": settings}), 0.5)
    assert found_parents(proposer(tmp_path), ledger, head) == [head.id]

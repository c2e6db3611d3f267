"""The proposer `space` keeps the contract, and searches what it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from pawl.errors import ConfigError
from pawl.proposers.space import SpaceProposer
from pawl.protocols import Proposer, Sources
from pawl.testing.proposers import OneFile, ProposerContract

SPACE = {
    "train.py:LEARNING_RATE": {"type": "float", "low": 1e-4, "high": 1.0, "log": True},
    "train.py:DEPTH": {"type": "int", "low": 1, "high": 8},
    "train.py:NAME": {"type": "categorical", "choices": ["tanh", "relu"]},
}


class TestSpace(ProposerContract):
    def make(self, sources: Sources) -> Proposer:
        return SpaceProposer(sources, SPACE, ladder=0.0)

    def test_only_declared_constants_change_and_stay_in_their_range(self, tmp_path: Path) -> None:
        ledger, head = self.begun(tmp_path)
        proposer = self.make(OneFile())
        for _ in range(12):
            proposal = ledger.append(proposer.propose(head, ledger)).record
            parameters = proposal.settings["parameters"]
            assert isinstance(parameters, dict)
            assert parameters.keys() == SPACE.keys()
            assert 1e-4 <= float(str(parameters["train.py:LEARNING_RATE"])) <= 1
            assert parameters["train.py:DEPTH"] in range(1, 9)
            added = [line for line in proposal.patch.splitlines() if line.startswith("+") and line[:3] != "+++"]
            assert all(line.split(" = ")[0] in ("+LEARNING_RATE", "+DEPTH", "+NAME") for line in added)
            assert all("# of the optimiser" in line for line in added if "LEARNING_RATE" in line)

    def test_without_a_space_there_is_nothing_to_propose(self) -> None:
        with pytest.raises(ConfigError, match="nothing to change"):
            SpaceProposer(OneFile(), {}, ladder=0.0)


del ProposerContract

"""The proposer `space` keeps the contract, and searches what it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest

import pasts
from pawl.errors import ConfigError
from pawl.past import Past
from pawl.proposers.space import SpaceProposer
from pawl.protocols import Proposer, Sources
from pawl.testing.proposers import SOURCE, OneFile, ProposerContract

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


class TestSpaceAfterEarlierStudies(ProposerContract):
    """Its first proposals are what did best before, and then it goes on as ever."""

    def earlier(self) -> list[Past]:
        first = [pasts.trial(float(depth), DEPTH=depth, LEARNING_RATE=0.02) for depth in range(1, 9)]
        part = {key: pasts.SPACE[key] for key in ("train.py:DEPTH", "train.py:NAME")}
        some = [pasts.trial(-1.0), pasts.trial(4.0, DEPTH=3, NAME="relu")]
        second = [one.model_copy(update={"parameters": {key: one.parameters[key] for key in part}}) for one in some]
        return [pasts.past(second, "second", space=part), pasts.past(first, "first")]

    def make(self, sources: Sources) -> Proposer:
        return SpaceProposer(sources, SPACE, ladder=0.0, earlier=self.earlier())

    def test_they_come_in_turn_and_say_where_they_are_from(self, tmp_path: Path) -> None:
        ledger, head = self.begun(tmp_path)
        made = [ledger.append(self.proposed(head, ledger)).record for _ in range(6)]
        told = [one.settings.get("earlier") for one in made]
        assert [one["name"] if isinstance(one, dict) else "" for one in told] == [
            "first", "second", "first", "first", "", "",
        ]  # fmt: skip
        assert told[0] == {"name": "first", "digest": self.earlier()[1].digest, "similarity": 0.5}
        assert made[0].settings["parameters"] == {
            "train.py:LEARNING_RATE": 0.02, "train.py:DEPTH": 8, "train.py:NAME": "tanh",
        }  # fmt: skip
        assert made[0].hypothesis == "LEARNING_RATE 0.1 -> 0.02, DEPTH 2 -> 8 (did best in the earlier study first)"
        assert made[1].settings["parameters"] == {
            "train.py:LEARNING_RATE": 0.1, "train.py:DEPTH": 3, "train.py:NAME": "relu",
        }, "what it did not have stays as in the head"  # fmt: skip
        assert [one.settings["sampler"] for one in made] == ["earlier"] * 4 + ["tpe"] * 2

    def test_what_the_head_has_out_of_range_is_not_put_forward(self, tmp_path: Path) -> None:
        ledger, head = self.begun(tmp_path)
        far = OneFile(SOURCE.replace("0.1", "7.0"))
        proposer = SpaceProposer(far, SPACE, ladder=0.0, earlier=self.earlier()[:1])
        found = self.proposed(head, ledger, proposer).settings
        assert 1e-4 <= float(str(found["parameters"]["train.py:LEARNING_RATE"])) <= 1  # type: ignore[index,call-overload]
        assert "earlier" in found
        ledger.append(self.proposed(head, ledger, proposer))
        self.proposed(head, ledger, proposer)

    def test_without_a_say_or_a_try_left_it_is_as_if_there_were_none(self, tmp_path: Path) -> None:
        ledger, head = self.begun(tmp_path)
        other = [pasts.past([pasts.trial(1.0)], space={"model.py:X": pasts.SPACE["train.py:DEPTH"]})]
        plain = SpaceProposer(OneFile(), SPACE, ladder=0.0).propose(head, ledger)
        assert SpaceProposer(OneFile(), SPACE, ladder=0.0, earlier=other).propose(head, ledger) == plain
        assert (
            SpaceProposer(OneFile(), SPACE, ladder=0.0, warm=0, earlier=self.earlier()).propose(head, ledger) == plain
        )

    def test_what_was_read_anew_may_be_tried_anew(self, tmp_path: Path) -> None:
        """Tries are counted for what was known: who learns more has more to say."""
        ledger, head = self.begun(tmp_path)
        one = pasts.past([pasts.trial(-1.0), pasts.trial(2.0, DEPTH=3)])
        more = pasts.past([*one.trials, pasts.trial(4.0, DEPTH=4)], entries=20)
        for known, expected in ((one, 3), (more, 4)):
            proposer = SpaceProposer(OneFile(), SPACE, ladder=0.0, warm=1, earlier=[known])
            found = ledger.append(self.proposed(head, ledger, proposer)).record.settings
            assert found["parameters"]["train.py:DEPTH"] == expected  # type: ignore[index,call-overload]
            assert "earlier" not in self.proposed(head, ledger, proposer).settings


del ProposerContract

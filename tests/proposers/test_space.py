"""The proposer `space` keeps the contract, and searches what it is told to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import JsonValue

import pasts
from pawl import reading
from pawl.errors import ConfigError
from pawl.past import Past
from pawl.proposers.space import SpaceProposer
from pawl.protocols import Proposer, Sources
from pawl.records import Proposal
from pawl.testing.proposers import SOURCE, OneFile, ProposerContract

SPACE: Mapping[str, Mapping[str, JsonValue]] = {
    "train.py:LEARNING_RATE": {"type": "float", "low": 1e-4, "high": 1.0, "log": True},
    "train.py:DEPTH": {"type": "int", "low": 1, "high": 8},
    "train.py:NAME": {"type": "categorical", "choices": ["tanh", "relu"]},
}

NUMBERS = {key: table for key, table in SPACE.items() if table["type"] != "categorical"}
TREE: Mapping[str, Mapping[str, JsonValue]] = {
    "train.py:LEARNING_RATE": {**SPACE["train.py:LEARNING_RATE"], "likely": 1e-2, "sure": "high"},
    "train.py:DEPTH": {**SPACE["train.py:DEPTH"], "when": {"train.py:NAME": ["relu"]}},
    "train.py:NAME": SPACE["train.py:NAME"],
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


class TestBayes(ProposerContract):
    def make(self, sources: Sources) -> Proposer:
        return SpaceProposer(sources, SPACE, ladder=0.0, sampler="bayes")


class TestRandom(ProposerContract):
    def make(self, sources: Sources) -> Proposer:
        return SpaceProposer(sources, SPACE, ladder=0.0, sampler="random")


class TestCmaEs(ProposerContract):
    def make(self, sources: Sources) -> Proposer:
        pytest.importorskip("cmaes")
        return SpaceProposer(sources, NUMBERS, ladder=0.0, sampler="cma-es")


@pytest.mark.slow
class TestGaussianProcess(ProposerContract):
    def make(self, sources: Sources) -> Proposer:
        pytest.importorskip("torch")
        return SpaceProposer(sources, SPACE, ladder=0.0, sampler="gp")


class TestTree(ProposerContract):
    """Conditions and guesses."""

    def make(self, sources: Sources) -> Proposer:
        return SpaceProposer(sources, TREE, ladder=0.0)

    def test_what_is_not_active_stays_as_it_stands_in_the_head(self, tmp_path: Path) -> None:
        ledger, head = self.begun(tmp_path)
        seen = set()
        for _ in range(12):
            proposal = ledger.append(self.proposed(head, ledger)).record
            parameters = proposal.settings["parameters"]
            assert isinstance(parameters, dict)
            deep = parameters["train.py:NAME"] == "relu"
            assert ("train.py:DEPTH" in parameters) == deep
            assert deep or "DEPTH" not in proposal.hypothesis
            assert deep or "+DEPTH" not in proposal.patch
            seen.add(deep)
        assert seen == {True, False}

    def test_the_first_proposals_lie_near_the_guesses(self, tmp_path: Path) -> None:
        ledger, head = self.begun(tmp_path)
        found = [ledger.append(self.proposed(head, ledger)).record for _ in range(8)]
        assert all(one.hypothesis.endswith("(near the best guesses first)") for one in found)
        rates = sorted(float(str(one.settings["parameters"]["train.py:LEARNING_RATE"])) for one in found)  # type: ignore[call-overload, index]
        assert 1e-3 < rates[1]
        assert rates[6] < 1e-1


class TestAfterwards:
    """What is tried when the space is nearly or wholly used up."""

    def test_every_value_is_tried_before_one_is_tried_again(self, tmp_path: Path) -> None:
        ledger, head = TestSpace().begun(tmp_path)
        proposer = SpaceProposer(OneFile(), {"train.py:DEPTH": SPACE["train.py:DEPTH"]}, ladder=0.0)
        found = [ledger.append(proposer.propose(head, ledger)).record for _ in range(7)]
        assert sorted(str(one.settings["parameters"]) for one in found) == [
            str({"train.py:DEPTH": n}) for n in (1, 3, 4, 5, 6, 7, 8)
        ]

    def test_true_is_not_one(self, tmp_path: Path) -> None:
        ledger, head = TestSpace().begun(tmp_path)
        space: Mapping[str, Mapping[str, JsonValue]] = {
            "train.py:NAME": {"type": "categorical", "choices": [1, True, "tanh"]}
        }
        for _ in range(2):
            ledger.append(SpaceProposer(OneFile(), space, ladder=0.0).propose(head, ledger))
        found = [entry.record.settings["parameters"] for entry in ledger.entries(Proposal)]
        assert sorted(map(str, found)) == ["{'train.py:NAME': 1}", "{'train.py:NAME': True}"]

    def test_proposals_from_before_the_space_was_changed_do_not_count(self, tmp_path: Path) -> None:
        ledger, head = TestSpace().begun(tmp_path)
        for _ in range(3):
            ledger.append(SpaceProposer(OneFile(), SPACE, ladder=0.0).propose(head, ledger))
        narrower = {**SPACE, "train.py:LEARNING_RATE": {"type": "float", "low": 1e-9, "high": 1e-8, "log": True}}
        found = SpaceProposer(OneFile(), narrower, ladder=0.0).propose(head, ledger)
        assert 1e-9 <= float(str(found.settings["parameters"]["train.py:LEARNING_RATE"])) <= 1e-8  # type: ignore[call-overload, index]


@pytest.mark.parametrize(("name", "value"), [("startup", 0), ("seed", -20), ("warm", -1)])
def test_settings_that_no_sampler_can_use_are_refused_at_once(name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be"):
        SpaceProposer(OneFile(), SPACE, ladder=0.0, **{name: value})  # type: ignore[arg-type]


def test_a_sampler_that_is_not_there_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="there is no sampler 'tpee'. Did you mean 'tpe'?"):
        SpaceProposer(OneFile(), SPACE, ladder=0.0, sampler="tpee")


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
        assert [one.settings["sampler"] for one in made] == ["earlier"] * 4 + ["bayes"] * 2

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
        tpe, informed = (
            SpaceProposer(OneFile(), SPACE, ladder=0.0, sampler="tpe", warm=0, earlier=known).propose(head, ledger)
            for known in ([], self.earlier())
        )
        assert tpe == informed

    def test_the_sampler_that_models_them_says_which_it_knew(self, tmp_path: Path) -> None:
        ledger, head = self.begun(tmp_path)
        told = [
            SpaceProposer(OneFile(), SPACE, ladder=0.0, sampler="bayes", warm=0, earlier=earlier).propose(head, ledger)
            for earlier in ([], self.earlier())
        ]
        assert "priors" not in told[0].settings
        assert told[1].settings["priors"] == [past.digest for past in self.earlier()]
        assert told[1].hypothesis.endswith("(looks promising after earlier studies)")
        assert reading._earlier(told[1]) == ["  2 earlier studies had a say in what was expected   (pawl priors)"]
        assert reading._earlier(told[0]) == []

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

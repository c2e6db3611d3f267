"""What samplers are told of a ledger, and that a search through one adapts."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest

from pawl.ledger import Ledger
from pawl.proposers import tried
from pawl.proposers.space import SpaceProposer
from pawl.proposers.spaces import Params, Space
from pawl.records import Noise, Proposal, Screening, Study, Variant
from pawl.stores.sqlite import SqliteStore
from pawl.testing.gates import evaluation, run
from pawl.testing.proposers import OneFile

TABLES = {
    "train.py:LEARNING_RATE": {"type": "float", "low": 1e-4, "high": 1.0, "log": True},
    "train.py:DEPTH": {"type": "float", "low": -5.0, "high": 5.0},
}
SPACE = Space.of(TABLES)  # type: ignore[arg-type]


class Bench:
    """A ledger in which proposals are measured by a function."""

    def __init__(self, folder: Path, direction: str = "minimize") -> None:
        self.ledger = Ledger(SqliteStore(folder / "ledger.sqlite"))
        self.head = self.ledger.append(Variant(proposal=None, commit="0" * 40, parent="0" * 40, problem=""))
        self.study = Study(
            name="b", metric="loss", direction=direction, commit="0" * 40, comparable="1", environment="",  # type: ignore[arg-type]
            config="", policy="", self_reported=False,
        )  # fmt: skip
        self.ledger.append(self.study)
        told = {"sd": 0.1, "low": 0.05, "high": 0.3, "correlation": 0.0, "pairs": 0, "scale": 0.14}
        self.ledger.append(Noise(variant=1, evaluations=(self.scored(1.0),), **told))  # type: ignore[arg-type]

    def scored(self, score: float | None) -> int:
        done = self.ledger.append(run(1))
        changes = {"metrics": {}, "outcome": "crashed"} if score is None else {"metrics": {"loss": score}}
        return self.ledger.append(evaluation(run=done.id, **changes)).id

    def proposed(self, **parameters: float) -> int:
        keys = {f"train.py:{name}": value for name, value in parameters.items()}
        made = {"parent": 1, "patch": "", "hypothesis": "", "proposer": "t"}
        settings = {"parameters": keys, "sampler": "tpe"}
        return self.ledger.append(Proposal(**made, settings=settings)).id  # type: ignore[arg-type]

    def screened(self, proposal: int, score: float | None, guard: str = "") -> int:
        answer = {"decision": "refused", "reason": "", "gain": None, "broken_guard": guard}
        ids = (self.scored(score),)
        record = Screening(proposal=proposal, variant=1, head=1, evaluations=ids, **answer)  # type: ignore[arg-type]
        return self.ledger.append(record).id


def test_what_runs_fails_and_breaks_a_guard_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    first, second, third, fourth = (bench.proposed(LEARNING_RATE=0.1, DEPTH=n / 2) for n in range(4))
    ended = bench.screened(second, 2.0), bench.screened(first, 0.0, guard="cpu_seconds"), bench.screened(third, None)
    found = tried.read(bench.ledger, SPACE, 0.0)
    assert [(one.id, one.ended, one.loss) for one in found] == [
        (first, ended[1], 2.0), (second, ended[0], 2.0), (third, ended[2], None), (fourth, 0, None),
    ]  # fmt: skip
    assert {one.sampler for one in found} == {"tpe"}
    assert found[2].params == {"train.py:LEARNING_RATE": 0.1, "train.py:DEPTH": 1.0}


def test_where_higher_is_better_the_loss_is_turned(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "maximize")
    for score, guard in ((3.0, ""), (0.5, ""), (9.0, "cpu_seconds")):
        bench.screened(bench.proposed(LEARNING_RATE=0.1, DEPTH=score / 2), score, guard)
    assert [one.loss for one in tried.read(bench.ledger, SPACE, 0.0)] == [-3.0, -0.5, -0.5]


def test_only_what_is_of_the_space_and_comparable_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.proposed(LEARNING_RATE=0.1, DEPTH=1.0)
    bench.ledger.append(bench.study.model_copy(update={"comparable": "2"}))
    bench.proposed(LEARNING_RATE=0.1)
    bench.proposed(LEARNING_RATE=0.1, DEPTH=1.0, OTHER=1.0)
    bench.proposed(LEARNING_RATE=0.1, DEPTH=9.0)
    known = bench.proposed(LEARNING_RATE=0.1, DEPTH=2.0)
    assert [one.id for one in tried.read(bench.ledger, SPACE, 0.0)] == [known]


def loss(params: Params) -> float:
    return sum((unit - low) ** 2 for unit, low in zip(SPACE.units(params), (0.9, 0.1), strict=True))


@pytest.mark.slow
def test_cma_es_adapts_although_each_proposal_is_worked_out_anew(tmp_path: Path) -> None:
    pytest.importorskip("cmaes")
    bench, losses = Bench(tmp_path, "maximize"), list[float]()
    for _ in range(60):
        proposer = SpaceProposer(OneFile(), TABLES, ladder=0.0, sampler="cma-es")  # type: ignore[arg-type]
        proposal = bench.ledger.append(proposer.propose(bench.head, bench.ledger))
        params = next(one.params for one in tried.read(bench.ledger, SPACE, 0.0) if one.id == proposal.id)
        losses.append(loss(params))
        bench.screened(proposal.id, -losses[-1])
    assert median(losses[-12:]) < median(losses[:12]) / 10

"""The Ladder: what a proposer hears of scores, and that it hears nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pawl
from pawl.ladder import Seen, climb, seen
from pawl.ledger import Ledger
from pawl.proposers import tried
from pawl.proposers.spaces import Space
from pawl.records import CommonSeeds, Noise, Proposal, Screening, Study, Variant
from pawl.stores.sqlite import SqliteStore
from pawl.testing.gates import evaluation, run

LOSSES = st.lists(st.floats(0, 10), min_size=1, max_size=60)


@given(LOSSES, st.sampled_from([0.01, 0.1, 0.25, 1.0]))
def test_what_is_released_only_falls_in_steps_and_is_never_far_from_the_truth(losses: list[float], step: float) -> None:
    released = [5.0]
    for loss in losses:
        released.append(climb(released[-1], loss, step))
        if released[-1] != released[-2]:
            assert released[-1] < released[-2]
            assert abs(released[-1] - loss) <= step / 2 + 1e-9
            assert round(released[-1] / step) * step == released[-1]
        else:
            assert loss >= released[-2] - step
    assert released[-1] <= min([5.0, *losses]) + 1.5 * step + 1e-9


@given(LOSSES)
def test_without_a_step_it_is_the_best_so_far(losses: list[float]) -> None:
    best = 5.0
    for loss in losses:
        best = climb(best, loss, 0.0)
    assert best == min([5.0, *losses])


KEY = "train.py:X"


class Bench:
    """A ledger with a noise of sd 0.1 around 1.0, and screenings with given scores."""

    def __init__(self, folder: Path, direction: str = "minimize") -> None:
        self.ledger = Ledger(SqliteStore(folder / f"{direction}.sqlite"))
        self.ledger.append(Variant(proposal=None, commit="0" * 40, parent="0" * 40, problem=""))
        self.ledger.append(
            Study(
                name="b", metric="loss", direction=direction, commit="0" * 40, comparable="1", environment="",  # type: ignore[arg-type]
                config="", policy="", self_reported=False,
            )
        )  # fmt: skip
        self.noise([self.scored(score) for score in (0.9, 1.0, 1.1)])

    def noise(self, evaluations: list[int], sd: float = 0.1) -> None:
        fields = {"low": 0.05, "high": 0.3, "correlation": 0.0, "pairs": 0, "scale": 0.14}
        self.ledger.append(Noise(variant=1, evaluations=tuple(evaluations), sd=sd, **fields))  # type: ignore[arg-type]

    def scored(self, score: float | None) -> int:
        done = self.ledger.append(run(1))
        changes = {"metrics": {}, "outcome": "crashed"} if score is None else {"metrics": {"loss": score}}
        return self.ledger.append(evaluation(run=done.id, **changes)).id

    def screened(self, *scores: float | None) -> int:
        parameters = {KEY: len(self.ledger.all()) / 1000}
        made = {"parent": 1, "patch": "", "hypothesis": "", "proposer": "t", "settings": {"parameters": parameters}}
        proposal = self.ledger.append(Proposal(**made))  # type: ignore[arg-type]
        ids = tuple(self.scored(score) for score in scores)
        answer = {"decision": "refused", "reason": "", "gain": None, "broken_guard": ""}
        self.ledger.append(Screening(proposal=proposal.id, variant=1, head=1, evaluations=ids, **answer))  # type: ignore[arg-type]
        return proposal.id


def test_only_progress_by_a_step_is_told_and_rounded(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    worse, little, better, same, best = (bench.screened(score) for score in (1.3, 0.97, 0.873, 0.86, 0.62))
    found = seen(bench.ledger, 0.5)  # a step of 0.05
    assert found[worse] == found[little] == found[same] == Seen(1.0, better=False)
    assert found[better] == Seen(pytest.approx(0.85), better=True)
    assert found[best] == Seen(pytest.approx(0.6), better=True)


def test_where_higher_is_better_it_climbs_the_other_way(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "maximize")
    worse, better = bench.screened(0.7), bench.screened(1.22)
    found = seen(bench.ledger, 0.5)
    assert found[worse] == Seen(1.0, better=False)
    assert found[better] == Seen(pytest.approx(1.2), better=True)


def test_a_step_of_zero_tells_scores_as_they_are_and_a_crash_is_no_score(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    both, crashed = bench.screened(1.3, 1.1), bench.screened(None)
    assert seen(bench.ledger, 0.0) == {both: Seen(pytest.approx(1.2), better=True), crashed: Seen(None, better=False)}
    assert seen(bench.ledger, 0.5)[crashed] == Seen(None, better=False)


def test_what_was_told_is_not_told_otherwise_when_the_noise_is_measured_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for score in (0.93, 0.88, 0.7):
        bench.screened(score)
    before = seen(bench.ledger, 0.5)
    bench.ledger.append(CommonSeeds(seeds=(1,), reason="drawn anew"))
    bench.noise([bench.scored(0.5)], sd=0.01)
    assert seen(bench.ledger, 0.5) == before


def test_before_the_noise_is_known_nothing_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.screened(0.5)
    bench.ledger.append(bench.ledger.entries(Study)[0].record.model_copy(update={"comparable": "2"}))
    assert seen(bench.ledger, 0.5) == {}


def test_what_the_proposer_space_learns_does_not_depend_on_scores_that_were_not_told(tmp_path: Path) -> None:
    told, raw = [], []
    for n, losers in enumerate(((1.3, 1.1, 0.96), (2.9, 0.99, 1.01))):
        (tmp_path / str(n)).mkdir()
        bench = Bench(tmp_path / str(n))
        for score in (losers[0], 0.87, losers[1], losers[2], 0.71):
            bench.screened(score)
        space = Space.of({KEY: {"type": "float", "low": 0, "high": 1}})
        found = [tried.read(bench.ledger, space, step) for step in (0.5, 0.0)]
        told.append([(one.params, one.loss) for one in found[0]])
        raw.append([(one.params, one.loss) for one in found[1]])
    assert told[0] == told[1]
    assert [value for _, value in told[0]] == pytest.approx([1.0, 0.85, 1.0, 1.0, 0.7])
    assert raw[0] != raw[1]  # the control


OF_ATTEMPTS = {name: {"gain"} for name in ("briefing.py", "modes.py", "taking_back.py")}
MAY_READ = OF_ATTEMPTS | {"prompts.py": {"gain", "tail"}, "log_analyst.py": {"metrics", "summary"}, "warm.py": {"gain"}}
MAY_READ["waves.py"] = {"metrics"}
"""`Attempt.gain` has passed the Ladder, and tails are those of runs that crashed, without a score. What the baseline
scored is where the Ladder begins, and what a training says of itself is no score of the sealed set. `PastTrial.gain`
has passed the Ladder of its own study (tests/test_priors.py: it knows no more than the Ladder told). `waves`
reads scores, and puts nothing forward where there is a Ladder (tests/proposers/test_waves.py)."""


def test_no_proposer_reads_a_score_past_the_ladder() -> None:
    """`metrics`, `gain` and the scores of pairs are for the race, certificates and people."""
    folder = Path(pawl.__file__).parent / "proposers"
    modules = sorted(folder.glob("*.py"))
    assert len(modules) >= 3
    for path in modules:
        read = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        told = {"metrics", "gain", "head_score", "reference_score", "summary", "tail"}
        assert read & told <= MAY_READ.get(path.name, set()), path.name

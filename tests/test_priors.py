"""`priors.json`: read from a ledger through its Ladder, written as a whole, and checked when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pasts import past, trial
from pawl import priors
from pawl.errors import ConfigError, PawlError
from pawl.ledger import Entry
from pawl.past import MOST_TRIALS, Constant, Past, PastTrial
from pawl.records import CALIBRATION, Proposal, Screening, Study, Variant
from test_ladder import KEY, Bench

SPACE = {KEY: {"type": "float", "low": 0, "high": 1}}


def start(variant: Entry[Variant]) -> Mapping[str, Constant]:
    return {KEY: 0.5}


def read(bench: Bench, ladder: float = 0.0, here: str = "") -> Past:
    return priors.past(bench.ledger, ladder, "before", SPACE, start, {KEY: here} if here else {})


# -- from a ledger ----------------------------------------------------------------------------------------------------


def test_gains_are_over_the_first_champion_in_sds_of_one_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path)  # 1.0 +- 0.1
    bench.screened(0.7, 0.9)
    bench.screened(1.3)
    first, better, worse = priors.told(bench.ledger, 0.0, start)
    assert (first.parameters, first.gain, first.runs) == ({KEY: 0.5}, 0.0, 3)
    assert (better.gain, better.runs, better.certified) == (pytest.approx(2), 2, None)
    assert worse.gain == pytest.approx(-3)


def test_where_higher_is_better_so_is_a_gain(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "maximize")
    bench.screened(1.2)
    assert priors.told(bench.ledger, 0.0, start)[1].gain == pytest.approx(2)


def test_it_knows_no_more_than_the_ladder_told(tmp_path: Path) -> None:
    """Two ledgers that differ only in what the Ladder hid teach the same, to the last byte of every trial."""
    found = []
    for n, losers in enumerate(((1.3, 1.1, 0.96), (2.9, 0.99, 1.01))):
        (tmp_path / str(n)).mkdir()
        bench = Bench(tmp_path / str(n))
        for score in (losers[0], 0.87, losers[1], losers[2], 0.71):
            bench.screened(score)
        found.append([read(bench, step).trials for step in (0.5, 0.0)])
    assert found[0][0] == found[1][0]
    assert [(one.gain, one.better) for one in found[0][0]] == [
        (0, True), (0, False), (pytest.approx(1.5), True), (0, False), (0, False), (pytest.approx(3), True),
    ]  # fmt: skip
    assert found[0][1] != found[1][1]  # the control


def test_what_failed_broke_a_guard_waits_or_calibrates_teaches_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.screened(0.8)
    known = priors.told(bench.ledger, 0.0, start)
    bench.screened(None)
    made = {"parent": 1, "patch": "", "hypothesis": "", "settings": {"parameters": {KEY: 0.25}}}
    bench.ledger.append(Proposal(**made, proposer="space"))  # type: ignore[arg-type]
    answer = {"decision": "refused", "reason": "", "gain": None}
    for proposer, guard in ((CALIBRATION, ""), ("space", "cpu_seconds")):
        entry = bench.ledger.append(Proposal(**made, proposer=proposer))  # type: ignore[arg-type]
        ids = (bench.scored(0.1),)
        bench.ledger.append(
            Screening(proposal=entry.id, variant=1, head=1, evaluations=ids, broken_guard=guard, **answer)  # type: ignore[arg-type]
        )
    assert priors.told(bench.ledger, 0.0, start) == known


def test_an_accepted_change_of_somebody_else_is_read_off_its_files(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for decision in ("accepted", "refused"):
        made = {"parent": 1, "patch": "", "hypothesis": "", "proposer": "ada", "settings": {}}
        proposal = bench.ledger.append(Proposal(**made))  # type: ignore[arg-type]
        variant = bench.ledger.append(Variant(proposal=proposal.id, commit="1" * 40, parent="0" * 40, problem=""))
        done = {"variant": variant.id, "head": 1, "reason": "", "gain": None, "broken_guard": ""}
        bench.ledger.append(
            Screening(proposal=proposal.id, evaluations=(bench.scored(0.8),), decision=decision, **done)  # type: ignore[arg-type]
        )
    found = priors.told(bench.ledger, 0.0, lambda it: {KEY: 0.5 if it.record.proposal is None else 0.9})
    assert [(one.parameters[KEY], one.gain) for one in found] == [(0.5, 0), (0.9, pytest.approx(2))]


def test_only_comparable_trials_count_and_before_the_noise_there_are_none(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.screened(0.8)
    bench.ledger.append(bench.ledger.entries(Study)[0].record.model_copy(update={"comparable": "2"}))
    assert priors.told(bench.ledger, 0.0, start) == []
    with pytest.raises(ConfigError, match="nothing to learn from before: it compared no two configurations"):
        read(bench)


def test_a_past_says_what_it_was_read_from_and_reading_twice_is_reading_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.screened(0.8)
    once, entries = read(bench), bench.ledger.all()
    assert (once.origin, once.head, once.entries) == (entries[0].digest, entries[-1].digest, len(entries))
    assert read(bench) == once
    assert read(bench).digest == once.digest
    known = priors.with_past((), once)
    assert priors.with_past(known, read(bench)) == known
    bench.screened(0.7)
    later = priors.with_past((past([trial(1.0)], "other"), *known), read(bench))
    assert [one.name for one in later] == ["other", "before"]
    assert later[1].entries > once.entries


def test_of_too_many_trials_the_better_ones_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priors, "MOST_TRIALS", 3)
    bench = Bench(tmp_path)
    for score in (0.8, 1.1, 1.2, 1.3):
        bench.screened(score)
    assert [one.gain for one in read(bench, ladder=0.5).trials] == [0, pytest.approx(2), 0]
    assert MOST_TRIALS == 500


def test_constants_may_bear_other_names_here(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.screened(0.8)
    found = read(bench, here="model.py:X")
    assert found.renamed == {KEY: "model.py:X"}
    assert found.space.keys() == found.trials[0].parameters.keys() == {"model.py:X"}
    with pytest.raises(ConfigError, match=r"before has no constant 'train.py:Y'. Did you mean 'train.py:X'"):
        priors.past(bench.ledger, 0.0, "before", SPACE, start, {"train.py:Y": "a.py:Y"})
    two = {**SPACE, "train.py:Y": SPACE[KEY]}
    with pytest.raises(ConfigError, match="two constants of before would have one name"):
        priors.past(bench.ledger, 0.0, "before", two, start, {KEY: "train.py:Y"})


def test_a_name_that_cannot_be_written_down_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.screened(0.8)
    with pytest.raises(ConfigError, match="before cannot be written down"):
        read(bench, here="no file and no constant")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("X = 3", 3), ("X: float = -0.5  # a rate", -0.5), ("X = Y = 'a'", "a"), ("X = True", True),
        ("X = 1\nX = 2", None), ("X = f()", None), ("def f():\n    X = 3", None), ("X = (", None),
        ("X: int", None), ("Y = 3", None), ("X = [1]", None), ("X = " + "-" * 3000 + "1", None),
    ],
)  # fmt: skip
def test_constants_are_read_where_they_stand_once_and_plain(line: str, value: Constant | None) -> None:
    found = priors.literals({"train.py": line + "\n"}, [KEY, "other.py:X"])
    assert found == ({} if value is None else {KEY: value})


# -- the file ---------------------------------------------------------------------------------------------------------

GAINS = st.floats(-1e6, 1e6)
VALUES = st.text(max_size=9) | st.integers(-(2**60), 2**60) | st.booleans() | GAINS
TRIALS = st.builds(
    PastTrial, parameters=st.fixed_dictionaries({"a b/ü.py:X": VALUES}), gain=GAINS, runs=st.integers(1, 99),
    better=st.booleans(), certified=st.none() | st.booleans(),
)  # fmt: skip
PASTS = st.lists(st.lists(TRIALS, min_size=1, max_size=4), max_size=4).map(
    lambda all: tuple(past(trials, f"study-{n}") for n, trials in enumerate(all))
)


@settings(max_examples=12, deadline=None)
@given(PASTS)
def test_what_is_written_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, known: tuple[Past, ...]) -> None:
    folder = tmp_path_factory.mktemp("priors")
    path = priors.save(folder, known)
    assert priors.load(folder) == known
    assert [one.digest for one in priors.load(folder)] == [one.digest for one in known]
    if known:
        before = path.read_bytes()
        priors.save(folder, priors.load(folder))
        assert path.read_bytes() == before, "written twice is written once"
    assert {file.name for file in folder.iterdir()} <= {priors.FILE}


def test_it_is_a_page_for_people_with_a_line_for_each_trial(tmp_path: Path) -> None:
    path = priors.save(tmp_path, (past([trial(1.0), trial(2.0, DEPTH=7)]),))
    lines = path.read_text().splitlines()
    assert sum('"train.py:DEPTH": 7' in line and '"gain": 2.0' in line for line in lines) == 1
    assert len(lines) < 40
    json.loads(path.read_text())


def test_studies_of_one_name_do_not_replace_one_another() -> None:
    first, second = past([trial(1.0)], "tiny"), past([trial(2.0)], "tiny", origin="c" * 64)
    known = priors.with_past(priors.with_past((), first), second)
    assert [one.name for one in known] == ["tiny", "tiny-cccccccc"]
    again = past([trial(3.0)], "tiny", origin="c" * 64)
    assert [(one.name, one.trials[0].gain) for one in priors.with_past(known, again)] == [
        ("tiny", 1.0), ("tiny-cccccccc", 3.0),
    ]  # fmt: skip
    assert priors.without(known, "tiny") == known[1:]
    with pytest.raises(ConfigError, match=r"knows no study 'tinny'. Did you mean 'tiny'"):
        priors.without(known, "tinny")


def test_there_is_a_most_of_studies_and_of_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = tuple(past([trial(1.0)], f"study-{n}") for n in range(priors.MOST_STUDIES))
    with pytest.raises(ConfigError, match="that is the most"):
        priors.with_past(known, past([trial(1.0)], "new"))
    monkeypatch.setattr(priors, "LARGEST", 1000)
    with pytest.raises(ConfigError, match="would hold more"):
        priors.save(tmp_path, known)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_takes_nothing_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    priors.save(tmp_path, (past([trial(1.0)]),))

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(priors.plain, "grow", full)
    with pytest.raises(PawlError, match="No space left"):
        priors.save(tmp_path, (past([trial(2.0)]),))
    assert priors.load(tmp_path)[0].trials[0].gain == 1.0
    assert priors.load(tmp_path / "elsewhere") == ()


def test_what_stands_in_a_proposal_is_found_again() -> None:
    known = past([trial(1.0)])
    said = {"earlier": priors.source(known, 0.51234)}
    assert said["earlier"] == {"name": "before", "digest": known.digest, "similarity": 0.512}
    assert priors.source_digest(said) == known.digest  # type: ignore[arg-type]
    for strange in ({}, {"earlier": 3}, {"earlier": {"digest": ["x"]}}, {"earlier": "x"}):
        assert priors.source_digest(strange) == ""  # type: ignore[arg-type]

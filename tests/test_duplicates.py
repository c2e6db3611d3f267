"""One program is run once on a seed: what a duplicate is, what answers for it, and what nobody gains by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl import app, attempts, beliefs, history, keys, nulls, portfolio, reading, results, search
from pawl.duplicates import program
from pawl.records import (
    CALIBRATION,
    CommonSeeds,
    Evaluation,
    Partial,
    Proposal,
    Run,
    Screening,
    Study,
    Variant,
)
from simulated import SimulatedStudy, simulated
from studies import patch

A_A = nulls.Draw(turn=0.0, kind=0.9, words=0.0, offset=0.0)
PLAIN = 'import os\nX = 1.0\n\n\ndef train():\n    """Train."""\n    return X  # the only one\n'


def same(before: str, after: str, path: str = "train.py") -> bool:
    return program({path: before}) == program({path: after})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  # the only one", ""),
        ("X = 1.0", "X = (1.0)\n# a remark"),
        ("\n\n\ndef", "\n\ndef"),
        ("    return X", "        \n    return (\n        X\n    )"),
    ],
)
def test_comments_and_layout_make_no_other_program(before: str, after: str) -> None:
    assert before in PLAIN
    assert same(PLAIN, PLAIN.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("X = 1.0", "X = 1"),
        ("X = 1.0", "X = -1.0"),
        ('"""Train."""', '"""Train well."""'),
        ("import os", "#!/usr/bin/python -O\nimport os"),
        ("import os", "# -*- coding: latin-1 -*-\nimport os\nNAME = 'é'"),
        ("def train():", "def train():  # type: () -> float"),
        ("return X", "return X,"),
    ],
)
def test_what_an_interpreter_or_a_compiler_may_heed_makes_another_program(before: str, after: str) -> None:
    assert before in PLAIN
    assert not same(PLAIN, PLAIN.replace(before, after))


def test_a_declared_encoding_changes_what_strings_are() -> None:
    text = "# -*- coding: utf-8 -*-\nNAME = 'é'\n"
    assert same(text, text.replace("# -*- coding: utf-8 -*-", "# names"))
    assert not same(text, text.replace("utf-8", "latin-1"))


@pytest.mark.parametrize(
    "looks",
    [
        "SEED = hash(open(__file__).read())",
        "import inspect\nSEED = hash(inspect.getsource(train))",
        "SEED = hash(open('train.py').read())",
        "import sys\nSEED = hash(open(sys.argv[0]).read())",
        "import sys\nSEED = sys._getframe().f_lineno",
    ],
)
def test_who_may_read_its_own_text_is_compared_byte_for_byte(looks: str) -> None:
    text = PLAIN + looks + "\n"
    assert same(text, text)
    assert not same(text, text + "# another number\n")
    assert program({"a.py": text, "b.py": PLAIN}) != program({"a.py": text, "b.py": PLAIN + "# a remark\n"})


@pytest.mark.parametrize("text", ["def (", "\0", "(" * 500, "x" + " + x" * 20_000, "9" * 5000])
def test_what_does_not_parse_is_compared_byte_for_byte(text: str) -> None:
    assert same(text, text)
    assert not same(text, text + " # a remark\n")


def test_files_that_are_no_python_are_compared_byte_for_byte() -> None:
    assert not same("a = 1  # one", "a = 1", "settings.toml")


@given(st.dictionaries(st.text(max_size=3), st.text(max_size=6), max_size=3),
       st.dictionaries(st.text(max_size=3), st.text(max_size=6), max_size=3))  # fmt: skip
def test_other_files_are_another_program(some: dict[str, str], others: dict[str, str]) -> None:
    assert (program(some) == program(others)) == (some == others)


# -- in the loop -------------------------------------------------------------------------------------------------


def gain(values: Mapping[str, float]) -> float | None:
    return None if values["B"] == 9 else values["A"]


@pytest.fixture
def study(tmp_path: Path, people: dict[str, keys.Signer]) -> SimulatedStudy:
    return simulated(tmp_path / "toy", [people["ada"]], "AB", gain, {"share = 0.05 ": "share = 0.0 "})


def screened(study: app.OpenStudy, proposal: int) -> Screening:
    found = study.ledger.find(Screening, proposal=proposal)
    assert found is not None
    return found.record


def own_runs(study: app.OpenStudy, variant: int) -> int:
    return sum(entry.record.variant == variant for entry in study.entries(Run))


def tried(study: app.OpenStudy, a: float, remark: str = "", b: float = 0.0) -> Screening:
    """What came of a patch that gives the head's train.py these constants and this remark, and no other one."""
    head = history.head(study.ledger) if study.ledger.last(Variant) else None
    if head is None:
        with study.loop() as loop, ThreadPoolExecutor(1) as pool:
            loop.search.settle_noise(pool)
        head = history.head(study.ledger)
    text = f"A = {a}\nB = {b}\n" + (f"# {remark}\n" if remark else "")
    entry = study.propose(study.lineage.patch(head.record, {"train.py": text}), "an idea")
    with study.loop() as loop:
        loop.search.turn()
    return screened(study, entry.id)


def test_a_duplicate_of_what_was_refused_is_answered_without_a_run(study: SimulatedStudy) -> None:
    first = tried(study, -1.0)
    runs = len(study.entries(Run))
    again = tried(study, -1.0, "at last")
    assert (first.decision, first.same_as) == ("refused", 0)
    assert (again.decision, again.same_as, again.gain) == ("refused", first.variant, first.gain)
    assert again.evaluations == first.evaluations
    assert len(study.entries(Run)) == runs
    assert again.reason.startswith("refused against this head on these seeds before")
    assert again.reason.endswith(f"; as told by runs of variant {first.variant}, which is the same program")


def test_people_are_told_so(study: SimulatedStudy) -> None:
    first, again = tried(study, -1.0), tried(study, -1.0, "at last")
    entry = study.ledger.find(Screening, variant=again.variant)
    assert entry is not None
    assert f"runs of variant {first.variant}" in reading.summary(study.ledger, entry)
    assert f"(run {study.ledger.get(first.evaluations[0], Evaluation).record.run})" in "\n".join(
        reading.why(study.ledger, entry.id)
    )
    commit = study.ledger.get(again.variant, Variant).record.commit[:7]
    assert results.table(study.ledger, "val_loss").splitlines()[-1].startswith(commit)
    told = attempts.read(study.ledger, 0.0)[-1]
    assert (told.repeats, told.cpu_s, told.outcome) == (True, 0, "refused")


def test_it_teaches_nothing_and_does_not_wear_the_bar_down(study: SimulatedStudy) -> None:
    tried(study, -1.0)
    before, dry = beliefs.read(study.ledger).belief, history.read(study.ledger).dry
    for n in range(3):
        assert tried(study, -1.0, f"try {n}").same_as
    after = beliefs.read(study.ledger).belief
    assert before is not None
    assert after is not None
    assert np.array_equal(before.counts, after.counts)
    assert np.array_equal(before.mean, after.mean)
    assert history.read(study.ledger).dry == dry == 1


def test_who_repeats_itself_pays_a_turn_as_if_it_had_run(study: SimulatedStudy) -> None:
    tried(study, -1.0)
    name = study.entries(Proposal)[-1].record.proposer
    before = portfolio.credits(study.ledger, [name], 0.0)[name]
    tried(study, -1.0, "again")
    after = portfolio.credits(study.ledger, [name], 0.0)[name]
    assert after.cost == pytest.approx(portfolio.MEMORY * before.cost + portfolio.REPEAT)


def test_a_duplicate_of_the_head_changes_nothing_unless_it_leaves_less_to_review(study: SimulatedStudy) -> None:
    head = tried(study, 1.0, "a long story")
    assert head.decision == "accepted"
    runs = len(study.entries(Run))
    longer = tried(study, 1.0, "a long story\n# that goes on")
    shorter = tried(study, 1.0)
    assert (longer.decision, longer.gain, longer.same_as) == ("refused", 0.0, head.variant)
    assert (shorter.decision, shorter.gain, shorter.same_as) == ("accepted", 0.0, head.variant)
    assert tried(study, 1.0, "once more").decision == "refused"
    assert len(study.entries(Run)) == runs


def test_a_head_that_never_ran_stands_where_its_program_does(study: SimulatedStudy) -> None:
    head = tried(study, 1.0, "a long story")
    shorter = tried(study, 1.0)
    course = beliefs.read(study.ledger)
    assert course.standing.head == shorter.variant
    own = course.own(course.seed(head.evaluations[0]))
    assert own is not None
    assert own.id == head.evaluations[0]
    assert course.level[shorter.variant] == course.level[head.variant]
    assert "beside the reference" in reading.best(study.ledger)


def test_going_back_to_an_ancestor_is_answered_by_its_runs(study: SimulatedStudy) -> None:
    assert tried(study, 1.0).decision == "accepted"
    back = tried(study, 0.0, "as it was")
    assert (back.decision, back.same_as) == ("refused", study.entries(Variant)[0].id)
    assert own_runs(study, back.variant) == 0
    run = study.ledger.get(study.ledger.get(back.evaluations[0], Evaluation).record.run, Run).record
    assert run.purpose == "noise", "an A/A run of the reference says what it is worth on this seed"


def test_on_seeds_that_are_drawn_anew_it_runs_again(study: SimulatedStudy) -> None:
    first = tried(study, -1.0)
    fresh = 1 + max(study.entries(CommonSeeds)[-1].record.seeds)
    study.ledger.append(CommonSeeds(seeds=(fresh,), reason="drawn anew"))
    again = tried(study, -1.0, "another look")
    assert again.same_as == 0
    assert (own_runs(study, first.variant), own_runs(study, again.variant)) == (1, 1)


def test_after_other_data_or_hardware_it_runs_again(study: SimulatedStudy) -> None:
    first = tried(study, -1.0)
    opened = study.entries(Study)[-1].record
    study.ledger.append(opened.model_copy(update={"hardware": {"cpu": "another"}}))
    with study.loop() as loop, ThreadPoolExecutor(1) as pool:
        loop.search.settle_noise(pool)
    assert tried(study, -1.0, "elsewhere").same_as == 0
    assert own_runs(study, first.variant) == 1


def test_a_crash_is_the_programs_own_and_a_time_limit_may_be_the_machines(study: SimulatedStudy) -> None:
    crash = tried(study, 0.0, b=9.0)
    assert (tried(study, 0.0, "please", b=9.0).decision, study.entries(Screening)[-1].record.same_as) == (
        "crashed", crash.variant,
    )  # fmt: skip
    done = study.ledger.get(crash.evaluations[0], Evaluation)
    study.ledger.append(done.record.model_copy(update={"outcome": "timed-out"}))  # the same run, told otherwise
    assert tried(study, 0.0, "once more", b=9.0).same_as == 0


def test_a_patch_that_does_not_apply_is_no_duplicate_of_its_parent(study: SimulatedStudy) -> None:
    tried(study, -1.0)
    lost = "--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-C = 1.0\n+C = 2.0\n"
    parent = history.read(study.ledger).head
    entry = study.ledger.append(
        Proposal(parent=parent, patch=lost, hypothesis="what is not there", proposer="human", settings={})
    )
    with study.loop() as loop:
        loop.search.turn()
    assert screened(study, entry.id).same_as == 0


def test_null_candidates_are_run_and_answer_for_nobody(study: SimulatedStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    tried(study, -1.0)
    monkeypatch.setattr(nulls, "due", lambda *_: nulls.candidate(history.head(study.ledger), study.lineage, A_A))
    with study.loop() as loop:
        found = [loop.search.turn(), loop.search.turn()]
    monkeypatch.undo()
    for entry in found:
        assert entry is not None
        assert (entry.record.same_as, own_runs(study, entry.record.variant)) == (0, 1)
    null = study.entries(Proposal)[-1].record
    assert null.proposer == CALIBRATION
    copy = study.propose(null.patch, "the very patch of a null candidate")
    with study.loop() as loop:
        loop.search.turn()
    assert screened(study, copy.id).same_as == study.entries(Variant)[0].id, "the head's own run answers"


def test_two_that_are_under_way_at_once_take_one_run(study: SimulatedStudy) -> None:
    tried(study, -1.0)
    text = {"train.py": "A = 0.5\nB = 0.0\n"}
    head = history.head(study.ledger)
    both = [study.propose(study.lineage.patch(head.record, text), "one of two") for _ in range(2)]
    with study.loop() as loop, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: loop.search.turn(), both))
    answers = [screened(study, entry.id) for entry in both]
    assert sum(own_runs(study, answer.variant) for answer in answers) == 1
    assert sum(answer.same_as > 0 for answer in answers) == 1


def test_certificates_take_fresh_runs_of_the_head_itself(study: SimulatedStudy) -> None:
    tried(study, 1.0, "a long story")
    head = tried(study, 1.0)
    assert head.same_as
    with study.loop() as loop, ThreadPoolExecutor(1) as pool:
        loop.certify.certify(loop.certify.preregister(loop.search.settle_noise(pool)), pool)
    fresh = [entry.record for entry in study.entries(Run) if entry.record.purpose == "certify"]
    assert {run.variant for run in fresh} == {study.entries(Variant)[0].id, head.variant}
    assert not {run.seed for run in fresh} & {*study.entries(CommonSeeds)[0].record.seeds}


def test_a_search_that_repeats_itself_ends(study: SimulatedStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeats take no runs, so that a budget of runs would never end it."""
    monkeypatch.setattr(search, "REPEATS", 5)
    tried(study, -1.0)
    runs, head = len(study.entries(Run)), history.head(study.ledger)
    text = [f"A = -1.0\nB = 0.0\n# {n}\n" for n in range(5)]
    ideas = [study.propose(study.lineage.patch(head.record, {"train.py": one}), "again") for one in text]
    with study.loop() as loop:
        turns = [loop.search.turn() for _ in ideas]
        assert all(turn is not None and turn.record.same_as for turn in turns)
        assert len(study.entries(Run)) == runs
        assert loop.search.turn() is None


def test_cheap_looks_are_not_taken_at_what_was_run(make_toy: Callable[..., app.OpenStudy]) -> None:
    study = make_toy(config={"[evaluate]": "[fidelity]\nrungs = [0.1]\n\n[evaluate]"})
    first = study.propose(patch(study, "SHIFT = 0.0", "SHIFT = 0.6"), "nearer")
    again = study.propose(patch(study, "SHIFT = 0.0", "SHIFT = 0.6  # again"), "nearer")
    with study.loop() as loop, ThreadPoolExecutor(1) as pool:
        loop.search.settle_noise(pool)
        loop.search.turn()
        loop.search.turn()
    assert screened(study, again.id).same_as == screened(study, first.id).variant
    variants = {entry.record.variant for entry in study.entries(Partial)}
    assert screened(study, first.id).variant in variants
    assert screened(study, again.id).variant not in variants

"""Planted regressions are dated and bisected; where nothing was planted, nothing is found."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pawl import asking, history, keys, reading
from pawl.app import OpenStudy
from pawl.app import open as pawl_open
from pawl.errors import ConfigError
from pawl.records import Bisection, Evaluation, Noise, Regression, RegressionPlan, Release, Run, SuiteEvaluation
from simulated import Killed, SimulatedStudy, improve, reopened, simulated
from studies import patch

People = dict[str, keys.Signer]
Values = Mapping[str, float]
NAMES = ["A", "B", "C", "D", "E", "F"]
SUITE = """store]
use = "sqlite"

[[suite]]
name = "other"
metric = "other"
direction = "minimize"
summary = "other"
"""


def gain(values: Values) -> float:
    return 0.1 * sum(values.values())


def harmed_by_d(values: Values) -> float:
    return -0.2 * values["D"]


def open_again(folder: Path, other: Callable[[Values], float] = harmed_by_d) -> SimulatedStudy:
    study = reopened(folder, gain, adopt=True)
    study.trainer.other = other
    return study


def release(study: SimulatedStudy, people: People, *steps: Values) -> None:
    id = improve(study, *steps)
    study.decide(id, "approve", people["ada"].key, "ada@example.org")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, people: People) -> Path:
    """Three releases, for copying only: A; then B, C, D and E; then F. D is good for the loss and bad for `other`."""
    folder = tmp_path_factory.mktemp("released") / "study"
    config = {"[evaluate]": f"[{SUITE}\n[evaluate]"}
    study = simulated(folder, [people["ada"]], NAMES, gain, config=config)
    release(study, people, {"A": 1.0})
    release(study, people, *({name: 1.0} for name in "BCDE"))
    release(study, people, {"F": 1.0})
    return folder


@pytest.fixture
def study(released: Path, tmp_path: Path) -> SimulatedStudy:
    return open_again(shutil.copytree(released, tmp_path / "study"))


def asked(study: SimulatedStudy, **words: object) -> tuple[Regression, Sequence[Bisection]]:
    found = asking.regress(study, **words)  # type: ignore[arg-type]
    assert found is not None
    return found[0].record, [entry.record for entry in found[1]]


@pytest.mark.slow
def test_a_planted_regression_is_dated_to_its_release_and_bisected_to_its_change(study: SimulatedStudy) -> None:
    second = study.entries(Release)[1].record.variant
    found, bisections = asked(study, bisect=True)
    steps = asking.first_drops(found)
    assert [(drop.suite, drop.after) for drop in steps] == [("other", second)]
    assert steps[0].loss == pytest.approx(0.2, abs=0.02)
    (bisection,) = bisections
    assert bisection.decided
    assert "+D = 1.0" in study.diff(bisection.bad)
    assert all(probe.answer != "undecided" for probe in bisection.probes)


def test_where_every_release_is_better_nothing_is_found(study: SimulatedStudy) -> None:
    study.trainer.other = gain
    found, bisections = asked(study, bisect=True)
    assert not [drop for drop in found.drops if drop.found]
    assert not bisections
    assert {drop.suite for drop in found.drops} == {"study", "other"}


def test_all_releases_run_on_the_same_fresh_seeds_and_each_run_serves_all_suites(study: SimulatedStudy) -> None:
    found, _ = asked(study)
    plan = study.ledger.get(found.plan, RegressionPlan)
    runs = [entry for entry in study.entries(Run) if entry.record.purpose == "regress"]
    assert {run.record.seed for run in runs} <= set(plan.record.seeds)
    assert all(run.id > plan.id for run in runs)
    assert len({(run.record.variant, run.record.seed) for run in runs}) == len(runs) == found.runs
    measured = {entry.record.run for entry in study.entries(SuiteEvaluation)}
    assert measured <= {run.id for run in runs}


@pytest.mark.slow
def test_it_disturbs_neither_standing_nor_what_search_reads(study: SimulatedStudy) -> None:
    before = history.read(study.ledger)
    asked(study)
    after = history.read(study.ledger)
    assert (before.champion, before.head, before.reference) == (after.champion, after.head, after.reference)
    of_the_study = [entry.record.run for entry in study.entries(Evaluation)]
    assert len(of_the_study) == len(set(of_the_study))  # no run has a second one, from another suite
    study.run(runs=12)
    assert study.ledger.last(Noise)


def test_a_killed_comparison_goes_on_and_repeats_no_run(study: SimulatedStudy) -> None:
    study.trainer.lives = len(study.trainer.done) + 11
    with pytest.raises(Killed):
        asking.regress(study)
    other = open_again(study.folder)
    found, _ = asked(other)
    runs = [(run.record.variant, run.record.seed) for run in other.entries(Run) if run.record.purpose == "regress"]
    assert len(runs) == len(set(runs)) == found.runs
    assert len(other.entries(RegressionPlan)) == 1


@pytest.mark.slow
def test_a_budget_ends_it_and_the_next_call_goes_on(study: SimulatedStudy) -> None:
    assert asking.regress(study, runs=6) is None
    for _ in range(40):
        if asking.regress(study, runs=8):
            break
    assert len(study.entries(Regression)) == len(study.entries(RegressionPlan)) == 1


@pytest.mark.slow
def test_the_same_question_is_answered_from_the_ledger_and_another_suite_is_another_question(
    study: SimulatedStudy,
) -> None:
    first, _ = asked(study, suites=["study"])
    ran = len(study.trainer.done)
    assert asked(study, suites=["study"])[0] == first
    assert len(study.trainer.done) == ran
    assert asked(study, suites=["study"], again=True)[0] != first
    assert {drop.suite for drop in asked(study, suites=["other"])[0].drops} == {"other"}


def test_since_a_release_compares_it_and_what_came_after(study: SimulatedStudy) -> None:
    releases = study.entries(Release)
    found, _ = asked(study, since=releases[1].id)
    assert [(drop.before, drop.after) for drop in found.drops if drop.suite == "study"] == [
        (releases[1].record.variant, releases[2].record.variant)
    ]


@pytest.mark.slow
def test_other_settings_since_a_release_are_said(study: SimulatedStudy) -> None:
    text = (study.folder / "pawl.toml").read_text()
    (study.folder / "pawl.toml").write_text(text.replace('wall = "20s"', 'wall = "21s"'))
    found, _ = asked(open_again(study.folder))
    assert sum("certified under other settings" in note for note in found.notes) == 3


@pytest.mark.slow
def test_words_and_bad_questions(study: SimulatedStudy, tmp_path: Path, people: People) -> None:
    asked(study, bisect=True)
    text = "\n".join(reading.why(study.ledger, study.entries(Regression)[-1].id))
    assert "WORSE" in text
    assert "the baseline" in text
    words = reading.why(study.ledger, study.entries(Bisection)[-1].id)
    assert any("D to 1.0" in line and "suspect" in line for line in words), words
    assert all(reading.summary(study.ledger, entry) for entry in study.ledger.all())
    with pytest.raises(ConfigError, match="there is no suite 'othr'.*other"):
        asking.regress(study, suites=["othr"])
    with pytest.raises(ConfigError, match="not a release"):
        asking.regress(study, since=1)
    with pytest.raises(ConfigError, match="at least 4"):
        asking.regress(study, pairs=3)
    with pytest.raises(ConfigError, match="nothing was released yet"):
        asking.regress(simulated(tmp_path / "new", [people["ada"]], ["A"], gain))


@pytest.mark.slow
def test_a_sealed_suite_measures_real_models_once_trained_for_all_suites(
    digits_study: OpenStudy, people: People
) -> None:
    """A release that learns much faster is better on the second suite too, which has its own sealed set and scorer."""
    folder = digits_study.folder
    shutil.copy(folder / ".pawl/sealed/validation.npz", folder / ".pawl/sealed/other.npz")
    suite = '\n[[suite]]\nname = "other"\nmetric = "accuracy"\ndirection = "maximize"\nscorer = "accuracy"\n'
    (folder / "pawl.toml").write_text((folder / "pawl.toml").read_text() + suite + 'validation = "sealed/other.npz"\n')
    study = pawl_open(folder)
    with study.loop() as loop, ThreadPoolExecutor(2) as pool:
        loop.search.settle_noise(pool)
        study.propose(patch(study, "LEARNING_RATE = 0.005", "LEARNING_RATE = 0.05"), "faster")
        loop.search.turn()
        certificate = loop.certify.certify(loop.certify.preregister(loop.search.settle_noise(pool)), pool)
        assert loop.judge.settle(certificate).record.passed
    study.decide(study.dossiers()[-1].id, "approve", people["ada"].key, "ada@example.org")  # type: ignore[arg-type]
    found = asking.regress(study, pairs=6)
    assert found is not None
    assert not [drop for drop in found[0].record.drops if drop.found]
    assert all(drop.loss is not None and drop.loss < 0 for drop in found[0].record.drops)
    measured = [entry.record for entry in study.entries(SuiteEvaluation)]
    assert {(one.scorer, one.outcome) for one in measured} == {("accuracy", "ok")}
    runs = [entry.id for entry in study.entries(Run) if entry.record.purpose == "regress"]
    assert {one.run for one in measured} <= set(runs)
    assert len(runs) == found[0].record.runs <= 12

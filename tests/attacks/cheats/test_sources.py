"""Gates that read: each planted cheat is caught by its gate, and no honest look-alike by any of them. Nothing is
trained here but for the few that are about what runs show."""

from __future__ import annotations

import difflib
import importlib.util
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from pawl import app, history, plugins
from pawl.labs.lab import template
from pawl.ledger import Entry
from pawl.loop import Loop
from pawl.protocols import Case, Gate
from pawl.records import Evaluation, Proposal, Run, Variant
from pawl.testing.gates import case, proposal
from studies import digits

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("[a-z]*.py"))
READING = ("conditions", "report", "reading", "foreign", "fetched", "embedded", "obscured", "persuasion")
MEASURED = ("self-report", "prediction-cost")
EDITABLE = ("train.py", "predict.py")
SEEDS = (11, 12, 13, 14, 15)
RUN = (
    "claimed_score", "own_validation", "slow_prediction", "prediction_in_batches", "heavy_artifact", "slightly_wider",
)  # fmt: skip


@cache
def script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def before(lab: str) -> dict[str, str]:
    """A lab's files as they are shipped."""
    return {name: (template(lab) / name).read_text() for name in EDITABLE}


def read(path: Path) -> Case:
    """The case of a script, with nothing in it but what gates read."""
    module = script(path)
    head = module.change(dict(before(module.LAB)))
    words = (proposal(hypothesis=path.stem, proposer="trial"),)
    return case(reference_files=before(module.LAB), head_files=head, editable=EDITABLE, changes=words, tried=words)


def gate(name: str) -> Gate:
    return plugins.build("gate", name, {})


def readable(path: Path) -> bool:
    """Whether gates that read have an answer to give: those that only runs show are in test_cheats.py."""
    return script(path).KIND == "honest" or script(path).GATE in READING


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in SCRIPTS if readable(path)], ids=lambda path: path.stem)
def test_a_cheat_is_caught_by_the_gate_that_reads_for_it(path: Path) -> None:
    """Also: an honest script is caught by none."""
    found = read(path)
    refused = {name: finding.reason for name in READING if not (finding := gate(name).judge(found)).passed}
    if script(path).KIND == "honest":
        assert refused == {}
    else:
        assert script(path).GATE in refused
        assert ".py:" in refused[script(path).GATE]  # it says where


def test_there_are_enough_of_both_and_each_has_its_look_alike() -> None:
    mine = [path for path in SCRIPTS if script(path).GATE in (*READING, *MEASURED)]
    assert len(mine) >= 18
    for path in mine:
        twin = path.with_name(f"{script(path).TWIN}.py")
        assert (script(twin).KIND, script(twin).TWIN) == ("honest", path.stem)


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory, people: dict[str, object]) -> Iterator[tuple[app.OpenStudy, Loop]]:
    """The lab `digits` with both files editable, whose baseline was run on the seeds."""
    folder = digits(tmp_path_factory.mktemp("digits") / "study", [people["ada"]])  # type: ignore[list-item]
    config = (folder / "pawl.toml").read_text()
    (folder / "pawl.toml").write_text(config.replace('editable = ["train.py"]', f"editable = {list(EDITABLE)}"))
    subprocess.run(["git", "-C", str(folder), "commit", "-qam", "Open both files"], check=True)
    study = app.open(folder)
    with study.loop() as opened:
        yield study, opened


def ran(study: app.OpenStudy, opened: Loop, path: Path) -> Case:
    """The case of a script whose variant was trained and measured beside the baseline, on the same seeds."""
    champion = study.ledger.get(history.read(study.ledger).champion, Variant)
    files = dict(study.lineage.read(champion.record))
    head = script(path).change(dict(files))
    patch = "".join(
        line
        for name in files
        for line in difflib.unified_diff(
            files[name].splitlines(keepends=True), head[name].splitlines(keepends=True), f"a/{name}", f"b/{name}"
        )
    )
    words = Proposal(parent=champion.id, patch=patch, hypothesis=path.stem, proposer="trial", settings={})
    variant = opened.search.build(study.ledger.append(words))
    assert not variant.record.problem, variant.record.problem

    def runs(arm: Entry[Variant]) -> tuple[list[Evaluation], list[Run]]:
        found = [opened.search.measure.evaluate(arm, seed, "certify", "a trial").record for seed in SEEDS]
        return found, [study.ledger.get(evaluation.run, Run).record for evaluation in found]

    (theirs, reference), (mine, made) = runs(champion), runs(variant)
    return case(
        reference_files=files, head_files=head, editable=EDITABLE, changes=(words,), tried=(words,),
        reference_runs=tuple(reference), head_runs=tuple(made),
        evaluations=tuple(evaluation for pair in zip(theirs, mine, strict=True) for evaluation in pair),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in SCRIPTS if path.stem in RUN], ids=lambda path: path.stem)
def test_what_runs_show_catches_cheats_and_no_look_alike(loop: tuple[app.OpenStudy, Loop], path: Path) -> None:
    found = ran(*loop, path)
    assert {evaluation.outcome for evaluation in found.evaluations} == {"ok"}, found.evaluations
    refused = {name: finding.reason for name in MEASURED if not (finding := gate(name).judge(found)).passed}
    expected = {script(path).GATE} if script(path).KIND == "cheat" else set()
    assert refused.keys() == expected, refused


@pytest.mark.slow
def test_a_seed_that_changes_nothing_is_seen_in_the_runs_alone(loop: tuple[app.OpenStudy, Loop]) -> None:
    found = ran(*loop, SCRIPTS[0].with_name("seed_of_its_own.py"))
    unread = case(reference_runs=found.reference_runs, head_runs=found.head_runs)  # a change that no reader sees
    finding = gate("conditions").judge(unread)
    assert not finding.passed
    assert "on 5 seeds left the same bytes" in finding.reason

"""`pawl notebook`, and the notebook that the loop keeps."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

from pawl import app, initialise, notebook
from pawl.cli import app as cli
from pawl.records import Proposal
from studies import TOY, patch

Make = Callable[..., app.OpenStudy]
KEEPS = {"workers = 1": "workers = 1\nnotebook = true"}


def test_the_loop_keeps_the_notebook_around_peoples_words(make_toy: Make) -> None:
    study = make_toy(config=KEEPS)
    path = study.folder / notebook.FILE
    path.write_text("# Mine\n\nask about warm-up\n")
    study.propose(patch(study, "SHIFT = 0.0", "SHIFT = 0.0 / 0"), "divide by nothing")
    study.run(runs=7)
    text = path.read_text()
    assert text.startswith("# Mine\n\nask about warm-up\n")
    assert set(notebook.sections(text)) == {"tried", "helped", "failed", "underway", "questions"}
    assert "`divide by nothing`" in text
    assert "ZeroDivisionError" in notebook.sections(text)["failed"]
    path.write_text(text.replace("ask about warm-up", "asked"))
    said = CliRunner().invoke(cli, ["notebook", "--write", "-C", str(study.folder)])
    assert said.exit_code == 0, said.output
    assert path.read_text() == text.replace("ask about warm-up", "asked"), "rebuilt, it is the same"


def test_a_study_that_did_not_ask_for_a_notebook_gets_no_file(make_toy: Make) -> None:
    study = make_toy()
    study.run(runs=5)
    assert not (study.folder / notebook.FILE).exists()
    status = subprocess.run(["git", "-C", str(study.folder), "status", "--porcelain"], capture_output=True, text=True)
    assert status.stdout == ""
    said = CliRunner().invoke(cli, ["notebook", "--json", "-C", str(study.folder)])
    assert json.loads(said.output)["tried"].startswith("## What was tried")
    assert not (study.folder / notebook.FILE).exists()


def test_init_writes_a_direction_once_and_lets_git_ignore_the_notebook(make_toy: Make, tmp_path: Path) -> None:
    study = make_toy(config=KEEPS)
    initialise.initialise(study.folder)
    assert notebook.direction(study.folder).startswith("# Direction")
    assert set((study.folder / ".gitignore").read_text().split()) == {".pawl/", *notebook.IGNORED}
    (study.folder / notebook.DIRECTION).write_text("Go left.\n")
    initialise.initialise(study.folder)
    assert notebook.direction(study.folder) == "Go left."


def test_suggest_lists_reasons_and_patches_and_the_loop_tries_them(make_toy: Make) -> None:
    prints = 'for n in range(100):\n    print(f"step {n} loss {3 - n / 50}")\nprint("---")'
    rate = TOY.replace("SHIFT = 0.0", "SHIFT = 0.0\nLEARNING_RATE = 0.1").replace('print("---")', prints)
    study = make_toy(train=rate, config={"workers = 1": 'workers = 1\nproposer = [{ use = "log-analyst" }]'})
    missing = CliRunner().invoke(cli, ["suggest", "-C", str(study.folder)])
    assert "nothing has run" in str(missing.exception)
    study.run(runs=12)
    tried = [entry.record for entry in study.entries(Proposal) if entry.record.proposer == "log-analyst"]
    assert tried[0].hypothesis.startswith("LEARNING_RATE 0.1 -> 0.2: under-training: ")
    said = CliRunner().invoke(cli, ["suggest", "--patches", "-C", str(study.folder)])
    assert "a patch, by log-analyst" in said.output
    assert "+LEARNING_RATE = " in said.output
    found = json.loads(CliRunner().invoke(cli, ["suggest", "--json", "-C", str(study.folder)]).output)
    assert {one["by"] for one in found} == {"log-analyst"}


def test_where_no_adviser_is_named_logs_are_read_all_the_same(make_toy: Make) -> None:
    study = make_toy()
    study.run(runs=5)
    said = CliRunner().invoke(cli, ["suggest", "-C", str(study.folder)])
    assert said.exit_code == 0
    assert "Nothing: no log" in said.output

"""`pawl notebook`, and the notebook that the loop keeps."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

from pawl import app, initialise, notebook
from pawl.cli import app as cli
from studies import patch

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

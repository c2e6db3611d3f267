"""`pawl judge` as people type it: one command, plain words, the right exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from logs import made, published, tsv
from pawl.app import OpenStudy
from pawl.cli import app
from pawl.errors import ConfigError

runner = CliRunner()


@pytest.fixture
def results(tmp_path: Path) -> str:
    (tmp_path / "results.tsv").write_text(tsv(made(0)))
    return str(tmp_path / "results.tsv")


def test_the_answer_comes_first_and_then_the_way_to_more() -> None:
    done = runner.invoke(app, ["judge", published()])
    assert done.exit_code == 0
    assert done.output.startswith("1 of 22 kept gains would survive")
    for words in (
        "sd of one run about 0.00049",
        "halve batch 524K to 262K",
        "What is missing: 52 runs",
        "next:  pawl judge",
    ):
        assert words in done.output


def test_it_needs_no_study_and_leaves_nothing_behind(results: str, tmp_path: Path) -> None:
    assert runner.invoke(app, ["judge", results]).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["results.tsv"]


@pytest.mark.slow
def test_chart_and_page_are_written_when_asked(results: str, tmp_path: Path) -> None:
    chart, page = tmp_path / "chart.png", tmp_path / "page.html"
    done = runner.invoke(app, ["judge", results, "--chart", str(chart), "--html", str(page)])
    assert done.exit_code == 0
    assert chart.read_bytes().startswith(b"\x89PNG")
    assert page.read_text().startswith("<!doctype html>")
    assert isinstance(
        runner.invoke(app, ["judge", results, "--chart", str(tmp_path / "no" / "x.png")]).exception, ConfigError
    )


def test_scripts_get_one_json_value(results: str) -> None:
    found = json.loads(runner.invoke(app, ["judge", results, "--json", "--noise", "1"]).output)
    assert found["noise"]["source"] == "stated"
    assert found["log"]["metric"] == "val_bpb"


def test_what_cannot_be_read_ends_with_2(tmp_path: Path) -> None:
    for source in (str(tmp_path / "none.tsv"), str(tmp_path)):
        error = runner.invoke(app, ["judge", source]).exception
        assert isinstance(error, ConfigError)
        assert (error.exit_code, bool(error.hint)) == (2, True)


def test_escapes_in_a_log_do_not_reach_the_terminal(tmp_path: Path) -> None:
    text = tsv(made(0)).replace("idea ", "\x1b]0;owned\x07\x1b[2J\u202eidea ").replace("val_bpb", "val\x1b[31m_bpb")
    (tmp_path / "results.tsv").write_text(text)
    done = runner.invoke(app, ["judge", str(tmp_path / "results.tsv")])
    assert done.exit_code == 0
    assert not any(sign in done.output for sign in ("\x1b]", "\x07", "\x1b[2J", "\u202e"))


def test_a_dossiers_number_asks_the_gates_again(waiting: OpenStudy) -> None:
    dossier = waiting.dossiers()[-1].id
    done = runner.invoke(app, ["judge", str(dossier), "-C", str(waiting.folder)])
    assert done.exit_code == 0, done.output
    assert "improvement" in done.output

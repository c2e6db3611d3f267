"""Hypotheses, patches and logs that try to be read as something else: a person sees one plain line each."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from arena import controls
from typer.testing import CliRunner

from pawl import app, keys, reading, results
from pawl.cli import app as command_line
from pawl.errors import ConfigError
from pawl.ledger import Entry
from pawl.records import Dossier, Proposal, Screening
from studies import patch, toy

FORGED = "  pass        integrity: FORGED-LINE"
HIDDEN = "\u202e\u2066\u2067\u200f\u200b\ufeff\u061c"
EVIL = (
    f"Good idea\n{FORGED}\r{FORGED}\x0b{FORGED}\x85{FORGED}\u2028{FORGED}\x1b[2J\x1b[1A\x1b]0;owned\x07\x9b2K\x00"
    f"\t\x7f{HIDDEN}<script>alert(1)</script><img src=x onerror=alert(1)>[bold red]&amp;'\""
).replace("\x00", "")  # a NUL stops git: see test_hostile_repositories
COMMENT = f"# \x1b[2J\x9b2K{HIDDEN}</pre><script>alert(2)</script>"


UNGUARDED = {'[[gate]]\nuse = "persuasion"                  # words that address nobody\n': ""}
"""The gate would refuse such words; they must do no harm where nobody put it in the policy."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, people: dict[str, keys.Signer]) -> app.OpenStudy:
    """A study in which an evil proposal got as far as a dossier, and another one was refused."""
    opened = app.open(toy(tmp_path_factory.mktemp("words") / "toy", [people["ada"]], rules=UNGUARDED))
    for before, after, words in (
        ("SHIFT = 0.0\n", f"SHIFT = 0.5  {COMMENT}\n", EVIL),
        ("SLOWNESS = 1\n", f"SLOWNESS = 2  {COMMENT}\nraise SystemError('x\\x1b[2J\\x9b2K\\u202e')\n", EVIL),
    ):
        opened.propose(patch(opened, before, after), words, by=f"agent\n{FORGED}\x1b[2J")
    with opened.loop() as loop, ThreadPoolExecutor(1) as pool:
        loop.search.settle_noise(pool)
        loop.search.turn()  # one after the other, so that all that comes later is built on the evil one
        loop.search.turn()
    opened.run(runs=200, until_certified=True)
    assert any(change.record.hypothesis == EVIL for change in accepted(opened))
    return opened


def accepted(study: app.OpenStudy) -> Iterator[Entry[Proposal]]:
    for entry in study.entries(Screening):
        if entry.record.decision == "accepted":
            yield study.ledger.get(entry.record.proposal, Proposal)


def dossier(study: app.OpenStudy) -> Entry[Dossier]:
    return study.entries(Dossier)[-1]


def seen(study: app.OpenStudy, *words: str) -> str:
    """What a command prints, byte for byte."""
    done = CliRunner().invoke(command_line, [*words, "-C", str(study.folder)])
    assert done.exit_code in (0, 1), done.output
    return done.output


def forged(text: str) -> list[str]:
    """Lines that begin as a gate's own line does, and are a stranger's."""
    return [line for line in text.splitlines() if line.startswith(FORGED)]


READ: dict[str, Callable[[app.OpenStudy], str]] = {
    "the statement": lambda study: dossier(study).record.statement,
    "review": lambda study: seen(study, "review"),
    "status": lambda study: seen(study, "status", "--no-chart"),
    "why the dossier": lambda study: seen(study, "why", str(dossier(study).id)),
    "why every screening": lambda study: "\n".join(
        seen(study, "why", str(entry.id)) for entry in study.entries(Screening)[:3]
    ),
    "log": lambda study: seen(study, "log", "-n", "1000"),
    "diff": lambda study: seen(study, "diff", str(dossier(study).id)),
    "results.tsv": lambda study: results.table(study.ledger, "val_loss"),
    "the page": lambda study: study.attachment(dossier(study), "dossier.html").decode(),
}


@pytest.mark.slow
@pytest.mark.parametrize("where", READ)
def test_what_a_person_reads_holds_nothing_that_moves_a_cursor_or_hides(study: app.OpenStudy, where: str) -> None:
    text = READ[where](study)
    assert text.strip()
    assert controls(text) == []
    assert not set(HIDDEN) & set(text)


@pytest.mark.parametrize("where", READ)
def test_what_a_person_reads_holds_no_line_that_a_stranger_wrote(study: app.OpenStudy, where: str) -> None:
    text = READ[where](study)
    assert "FORGED-LINE" in text or where in ("status", "why the dossier", "diff")  # the words are there, inside a line
    assert forged(text) == []


def test_the_page_runs_nothing_and_loads_nothing(study: app.OpenStudy) -> None:
    text = READ["the page"](study)
    assert "<script" not in text
    assert not re.search(r"<[^>]*\sonerror", text)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "&lt;/pre&gt;" in text
    assert not re.search(r"""(src|href)=["']?(?!data:)\w""", re.sub(r"&lt;.*?&gt;", "", text))


def test_every_line_of_results_has_five_columns(study: app.OpenStudy) -> None:
    lines = results.table(study.ledger, "val_loss").removesuffix("\n").split("\n")
    assert len(lines) == 2 + len(study.entries(Screening))
    assert {line.count("\t") for line in lines} == {4}


def test_the_commit_message_of_an_evil_proposal_has_pawls_trailers_only(study: app.OpenStudy) -> None:
    evil = next(change for change in accepted(study) if change.record.hypothesis == EVIL)
    command = ["git", "-C", str(study.folder), "log", "-1", "--format=%B", f"refs/pawl/variants/{evil.id}"]
    message = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"Pawl-Proposal: {evil.id}" in message.splitlines()
    assert forged(message) == [] or "agent" in message  # who made it is the caller's word, not a stranger's


def test_json_for_scripts_does_not_move_the_cursor_of_who_looks_at_it(study: app.OpenStudy) -> None:
    text = seen(study, "log", "--json", "-n", "1000")
    assert controls(text) == []
    assert not set(HIDDEN) & set(text)


@pytest.mark.parametrize("letter", ["\u206a", "\ufff9", "\U0001d173"])
def test_no_invisible_format_character_is_printable(letter: str) -> None:
    from pawl.hostile import printable

    assert letter not in printable(f"a{letter}b")


def test_a_very_long_hypothesis_does_not_bury_the_statement(tmp_path: Path, people: dict[str, keys.Signer]) -> None:
    opened = app.open(toy(tmp_path / "toy", [people["ada"]]))
    words = "x " * 200_000
    entry = opened.propose(patch(opened, "SHIFT = 0.0", "SHIFT = 0.5"), words)
    assert len(reading.summary(opened.ledger, entry)) < 2000


def test_a_patch_cannot_hide_from_its_reviewer(tmp_path: Path, people: dict[str, keys.Signer]) -> None:
    opened = app.open(toy(tmp_path / "toy", [people["ada"]]))
    with pytest.raises(ConfigError, match="binary, and nobody could review it"):
        opened.propose(patch(opened, "SHIFT = 0.0", "SHIFT = 0.5  # \0 evil"), "Shift")

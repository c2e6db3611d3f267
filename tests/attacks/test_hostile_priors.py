"""A `priors.json` from a stranger: refused in plain words, never followed elsewhere, and worth a few tries at most."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pasts import past, table, trial
from pawl import priors, tables
from pawl.errors import ConfigError
from pawl.ledger import Entry, Ledger
from pawl.past import Past, Range
from pawl.proposers.space import SpaceProposer
from pawl.records import Variant
from pawl.testing.proposers import OneFile, ProposerContract

ESCAPES = "\x1b[2J\x1b]0;owned\x07\u202e\nFORGED LINE"
Change = Callable[[dict[str, Any]], object]


def written(folder: Path, change: Change) -> Path:
    """A good file after a change of what stands in it."""
    path = priors.save(folder, (past([trial(1.0), trial(2.0)]), past([trial(3.0)], "second")))
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


def study(content: dict[str, Any]) -> dict[str, Any]:
    return content["studies"][0]  # type: ignore[no-any-return]


BAD: dict[str, tuple[Change, str]] = {
    "unknown key": (lambda c: c.update(studdies=[]), "unknown key 'studdies'. Did you mean 'studies'"),
    "unknown key of a study": (lambda c: study(c).update(nmae=""), "Did you mean 'name'"),
    "unknown key of a trial": (lambda c: study(c)["trials"][0].update(gian=1), "Did you mean 'gain'"),
    "another format": (lambda c: c.update(format="pawl-priors/2"), "is of the format 'pawl-priors/2'; this version"),
    "escapes as format": (lambda c: c.update(format=ESCAPES), "is of the format"),
    "not a number": (lambda c: study(c)["trials"][0].update(gain=float("nan")), "finite number"),
    "infinity": (lambda c: study(c)["trials"][0].update(gain=float("inf")), "finite number|less than"),
    "infinite constant": (lambda c: study(c)["trials"][0]["parameters"].update({"a.py:X": float("inf")}), "finite"),
    "a huge gain": (lambda c: study(c)["trials"][0].update(gain=1e300), "less than"),
    "a huge number": (lambda c: study(c)["trials"][0]["parameters"].update({"a.py:X": 10**4000}), "a.py:X"),
    "no runs": (lambda c: study(c)["trials"][0].update(runs=0), "greater than"),
    "text for a number": (lambda c: study(c)["trials"][0].update(gain="1"), "valid number"),
    "a name with escapes": (lambda c: study(c).update(name=ESCAPES), "name"),
    "a name that is a path": (lambda c: study(c).update(name="../../x"), "name"),
    "a constant with escapes": (lambda c: study(c)["space"].update({ESCAPES: study(c)["space"]["train.py:DEPTH"]}), ""),
    "a constant that is code": (lambda c: study(c)["trials"][0]["parameters"].update({"a.py:X = 1": 1}), "pattern"),
    "a nested constant": (lambda c: study(c)["trials"][0]["parameters"].update({"a.py:X": [1]}), "a.py:X"),
    "a long constant": (lambda c: study(c)["trials"][0]["parameters"].update({"a.py:X": "x" * 999}), "200 characters"),
    "two of one name": (lambda c: c["studies"][1].update(name="before"), "two studies have the same name"),
    "one study twice": (lambda c: c["studies"][1].update(origin=study(c)["origin"]), "the same origin"),
    "no trial": (lambda c: study(c).update(trials=[]), "at least 1"),
    "too many trials": (lambda c: study(c).update(trials=study(c)["trials"] * 400), "at most 500"),
    "a list": (lambda c: c.update(studies={}), "valid tuple|valid list|array"),
    "a strange type": (lambda c: study(c)["space"]["train.py:DEPTH"].update(type="pickle"), "'int', 'float'"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused_in_plain_words_with_what_to_type_next(name: str, tmp_path: Path) -> None:
    change, words = BAD[name]
    path = written(tmp_path, change)
    with pytest.raises(ConfigError) as refused:
        priors.load(tmp_path)
    said = str(refused.value)
    assert said.startswith(str(path))
    assert re.search(words, said), said
    assert said.isprintable()
    assert len(said) < 1000
    assert refused.value.hint.startswith("pawl priors learn")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", b"null", b"[]", b'"' + b"\x1b" * 99, b"[" * 200_000, b'{"studies":' * 50_000, b"9" * 5000,
        b'{"format": "pawl-priors/1", "format": "pawl-priors/1"}', b'{"studies": [], "studies": []}',
        b'{"format": "\\ud800"}', b'{"studies": [NaN]}', b'{"studies": [1e999]}',
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / priors.FILE).write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        priors.load(tmp_path)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 1000


def test_of_thousands_of_mistakes_a_few_are_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was perhaps meant takes a search for each; a file may hold a million."""
    looked, search = list[str](), tables.did_you_mean
    monkeypatch.setattr(tables, "did_you_mean", lambda key, known: looked.append(key) or search(key, known))
    junk = ",".join(f'"k{n}":0' for n in range(5000))
    (tmp_path / priors.FILE).write_text(f'{{"format": "pawl-priors/1", {junk}}}')
    with pytest.raises(ConfigError, match="unknown key 'k0'"):
        priors.load(tmp_path)
    assert len(looked) == tables.PROBLEMS


def test_it_is_no_way_to_other_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("TOKEN-OF-ADA")
    study = tmp_path / "study"
    study.mkdir()
    (study / priors.FILE).symlink_to(secret)
    with pytest.raises(ConfigError, match="is a link") as refused:
        priors.load(study)
    assert "TOKEN" not in str(refused.value)
    (study / priors.BESIDE).symlink_to(secret)
    priors.save(study, (past([trial(1.0)]),))
    assert secret.read_text() == "TOKEN-OF-ADA", "neither link was written through"
    assert not (study / priors.FILE).is_symlink()


def test_a_pipe_does_not_hang_and_a_flood_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / priors.FILE)
    with pytest.raises(ConfigError, match="not a plain file"):
        priors.load(tmp_path)
    (tmp_path / priors.FILE).unlink()
    with (tmp_path / priors.FILE).open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ConfigError, match="more than 8 MiB"):
        priors.load(tmp_path)


class TestLies(ProposerContract):
    """Fifty studies that praise the worst configurations cost no more tries than one, and none out of range."""

    def liars(self) -> list[Past]:
        lies = [trial(1e9, runs=1_000_000, DEPTH=depth, certified=True) for depth in (-1, 7, 8, 10**15)]
        return [past([*lies, trial(0.0)], f"liar-{n}", origin=f"{n:064x}") for n in range(50)]

    def make(self, sources: OneFile) -> SpaceProposer:  # type: ignore[override]
        here = {"train.py:DEPTH": Range(type="int", low=1, high=8), "train.py:NAME": Range(
            type="categorical", choices=("tanh", "relu"))}  # fmt: skip
        here["train.py:LEARNING_RATE"] = Range(type="float", low=1e-4, high=1.0, log=True)
        return SpaceProposer(sources, table(here), ladder=0.0, earlier=self.liars())

    def test_they_cost_a_few_tries(self, tmp_path: Path) -> None:
        ledger, head = self.begun(tmp_path)
        taken = [self._next(ledger, head) for _ in range(8)]
        assert sum(taken) == 2, "there are two lies within range, and at most four tries in all"

    def _next(self, ledger: Ledger, head: Entry[Variant]) -> bool:
        found = ledger.append(self.proposed(head, ledger)).record
        assert found.settings["parameters"]["train.py:DEPTH"] in range(1, 9)  # type: ignore[index,call-overload]
        return "earlier" in found.settings


del ProposerContract

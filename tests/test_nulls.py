"""Null candidates: real patches that change nothing but noise, drawn by chance that nobody can foresee or redo."""

from __future__ import annotations

import ast
import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch as patched

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgers import Writer
from pawl import app, history, nulls, search
from pawl.errors import ConfigError
from pawl.ledger import Entry, Ledger
from pawl.nulls import AA_HOPES, SEED_HOPES, Draw, candidate, draw, due, seed_moved
from pawl.records import CALIBRATION, Proposal, Screening, Variant
from pawl.stores.sqlite import SqliteStore
from studies import TOY, patch

Make = Callable[..., app.OpenStudy]
READS = 'import os\nSEEN = int(os.environ["PAWL_SEED"])\n'
TOPS = st.lists(
    st.sampled_from(
        ["#!/usr/bin/env python\n", "# -*- coding: utf-8 -*-\n", "\n", "# a remark \x0c with a form feed\n"]
    ),
    max_size=3,
)
DOCS = st.sampled_from(["", '"""One line."""\n', '"""Two\n\x0clines."""\n', "'a' \\\n 'b'\n", '"""No newline."""; '])
FUTURES = st.sampled_from(["", "from __future__ import annotations\n", "from __future__ import (\n    division,\n)\n"])
HEAD = Entry(3, "", "", Variant(proposal=None, commit="a" * 40, parent="a" * 40, problem=""))


@dataclass(frozen=True)
class Files:
    """Editable files that need no repository."""

    files: Mapping[str, str]

    def read(self, variant: Variant) -> Mapping[str, str]:
        return self.files

    def patch(self, variant: Variant, changed: Mapping[str, str]) -> str:
        (path, text), *others = changed.items()
        assert not others
        return f"{path}\n{text}"


def seen(program: str, seed: int) -> int:
    names: dict[str, int] = {}
    with patched.dict(os.environ, {"PAWL_SEED": str(seed)}):
        exec(compile(program, "train.py", "exec", dont_inherit=True), names)
    return names["SEEN"]


@given(TOPS, DOCS, FUTURES, st.integers(0, 2**31 - 1), st.integers(1, 2**31 - 1))
def test_the_seed_is_moved_and_nothing_else(top: list[str], doc: str, future: str, seed: int, offset: int) -> None:
    program = "".join(top) + doc + future + READS
    moved = seed_moved(program, offset)
    if moved is None:
        assert doc.endswith("; ")
        return
    assert seen(program, seed) == seed
    assert seen(moved, seed) == (seed + offset) % 2**31
    assert ast.get_docstring(ast.parse(moved)) == ast.get_docstring(ast.parse(program))


@pytest.mark.parametrize("source", ["def (:", "x = '\n", "\0", 'x = 1\nreturn "outside"\n'])
def test_what_is_no_python_keeps_its_seed(source: str) -> None:
    assert seed_moved(source, 7) is None


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_a_candidate_is_of_its_kind_and_says_so_only_in_the_ledger(kind: float, words: float, offset: float) -> None:
    proposal = candidate(HEAD, Files({"train.py": TOY, "notes.txt": "x"}), Draw(0.0, kind, words, offset))
    path, _, after = proposal.patch.partition("\n")
    seeded = proposal.settings == {"null": "seed-only"}
    assert (proposal.parent, proposal.proposer, path, seeded) == (3, CALIBRATION, "train.py", kind < 0.5)
    assert (ast.dump(ast.parse(after)) == ast.dump(ast.parse(TOY))) is not seeded
    assert after != TOY
    assert proposal.hypothesis in (SEED_HOPES if seeded else AA_HOPES)
    for word in ("null", "calibrat", "a/a", "noise", "no effect"):
        assert word not in (proposal.patch + proposal.hypothesis).lower()


@pytest.mark.parametrize(
    "files",
    [
        {"train.py": "print('no seed')\n"}, {"run.sh": "echo $PAWL_SEED\n"}, {"settings.json": "{}"}, {"main.c": ""},
        {"a.py": READS, "b.py": READS}, {"train.py": '"""Doc."""; import os; os.environ["PAWL_SEED"]\n'},
        {"broken.py": "def (: PAWL_SEED"},
    ],
)  # fmt: skip
def test_where_no_seed_can_be_moved_a_remark_is_added(files: dict[str, str]) -> None:
    proposal = candidate(HEAD, Files(files), Draw(0.0, 0.1, 0.1, 0.1))
    path, _, after = proposal.patch.partition("\n")
    assert proposal.settings == {"null": "aa"}
    assert after.startswith(files[path])
    assert len(after) > len(files[path])


def ledger(folder: Path) -> Ledger:
    return Ledger(SqliteStore(folder / "ledger.sqlite"))


def test_chance_is_the_same_until_there_is_another_proposal(tmp_path: Path) -> None:
    writer = Writer(ledger(tmp_path))
    writer.study()
    base = writer.baseline()
    first = draw(writer.ledger)
    writer.ledger.append(base.record)
    assert draw(Ledger(SqliteStore(tmp_path / "ledger.sqlite"))) == first
    writer.challenger(base.id, "an idea", 1.9)
    assert draw(writer.ledger) != first


@pytest.mark.slow
def test_the_share_of_turns_is_the_one_asked_for(tmp_path: Path) -> None:
    writer, files = Writer(ledger(tmp_path)), Files({"train.py": TOY})
    writer.study()
    base = writer.baseline()
    found = []
    for n in range(400):
        null = due(writer.ledger, 0.25, base, files)
        found.append(null is not None)
        writer.ledger.append(null or Proposal(parent=base.id, patch="", hypothesis=str(n), proposer="p", settings={}))
    assert (
        70 <= sum(found) <= 135
    )  # 100 expected; seven of the binomial's sd to either side, so that luck never fails it
    assert due(writer.ledger, 0.0, base, files) is None


def test_an_accepted_null_moves_no_head_and_fills_no_bundle(tmp_path: Path) -> None:
    writer = Writer(ledger(tmp_path))
    writer.study()
    base = writer.baseline()
    null = writer.ledger.append(candidate(base, Files({"train.py": TOY}), Draw(0, 0, 0, 0)))
    variant = writer.ledger.append(Variant(proposal=null.id, commit="d" * 40, parent="a" * 40, problem=""))
    for decision in ("accepted", "refused"):
        writer.ledger.append(
            Screening.model_validate({
                "proposal": null.id, "variant": variant.id, "head": base.id, "evaluations": (), "decision": decision,
                "reason": "", "gain": 0.1, "broken_guard": "",
            })
        )  # fmt: skip
    standing = history.read(writer.ledger)
    assert (standing.head, standing.accepted, standing.dry, standing.nulls) == (base.id, 0, 0, {null.id})


def test_nobody_else_may_be_called_calibration(toy_study: app.OpenStudy) -> None:
    with pytest.raises(ConfigError, match="nobody is called 'calibration'"):
        toy_study.propose(patch(toy_study, "SHIFT = 0.0", "SHIFT = 0.7"), "an idea", by="calibration")


def test_search_knows_null_candidates_only_where_it_makes_them() -> None:
    """Building, racing and screening cannot tell one: nothing there asks who made a proposal."""
    asking = [
        name
        for name, method in vars(search.Search).items()
        if inspect.isfunction(method) and {"proposer", "nulls", "settings", "CALIBRATION"} & {*method.__code__.co_names}
    ]
    assert asking == ["claim"]


def test_the_words_of_this_module_are_in_its_patches_only() -> None:
    assert all(len(text.splitlines()) == 1 for text in (*nulls.REMARKS, *AA_HOPES, *SEED_HOPES))

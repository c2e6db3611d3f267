"""`pawl db` as a person or a script types it, and the lease as two people meet it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from test_commands import pawl

from pawl import app
from pawl.records import CommonSeeds
from pawl.testing.postgresql import Server


@pytest.fixture
def schema(tmp_path: Path) -> str:
    return f"c_{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:16]}"


@pytest.fixture
def study(toy_study: app.OpenStudy) -> app.OpenStudy:
    for n in range(3):
        toy_study.ledger.append(CommonSeeds(seeds=(1, 2), reason=f"entry {n}"))
    return toy_study


def test_db_move_shows_both_roots_and_switches(postgres: Server, study: app.OpenStudy, schema: str) -> None:
    root = study.ledger.all()[-1].digest
    done = pawl("db", "move", postgres.url, "--schema", schema, study=study)
    assert done.returncode == 0, done.stderr
    for part in (
        "3 entries are in postgresql://",
        f"root before {root}",
        f"root after  {root}",
        "takes no more",
        "pawl.toml names",
    ):
        assert part in done.stdout, part
    assert pawl("ledger", "verify", study=study).stdout.startswith("3 entries")
    again = pawl("db", "move", postgres.url, "--schema", schema, study=study)
    assert "it was there already" in again.stdout
    back = json.loads(pawl("db", "move", "sqlite", "--json", study=study).stdout)
    assert back["entries"] == 3
    assert back["root_before"] == back["root_after"] == root
    assert back["switched"] is True


def test_db_move_says_what_to_write_where_the_table_is_somebodys_own(
    postgres: Server, study: app.OpenStudy, schema: str
) -> None:
    config = study.folder / "pawl.toml"
    config.write_text(config.read_text() + '[store]\nuse = "sqlite"  # mine\n')
    done = pawl("db", "move", postgres.url, "--schema", schema, study=study)
    assert done.returncode == 0, done.stderr
    assert f'use = "postgresql"\nurl = "{postgres.url}"\nschema = "{schema}"' in done.stdout
    assert "# mine" in config.read_text()
    refused = pawl("propose", "--patch", "-", "--hypothesis", "x", study=study, stdin="x")
    assert refused.returncode == 2
    assert "it was moved to postgresql://" in refused.stderr
    assert pawl("db", "unseal", study=study).returncode == 0
    assert app.open(study.folder).ledger.append(CommonSeeds(seeds=(1, 2), reason="on")).id == 4


@pytest.mark.parametrize("to", ["mysql://host/db", "postgresql://me:hunter2@host/db", "/tmp/a.sqlite"])
def test_db_move_refuses_what_it_cannot_move_to(study: app.OpenStudy, to: str) -> None:
    done = pawl("db", "move", to, study=study)
    assert done.returncode == 2
    assert "next:" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_a_second_loop_is_refused_and_told_who_has_the_first(study: app.OpenStudy) -> None:
    with study.lease():
        done = pawl("run", "--runs", "1", study=study)
    assert done.returncode == 2
    assert "another loop runs on" in done.stderr
    assert "pawl run --wait" in done.stderr
    assert pawl("run", "--runs", "4", "--wait", study=study).returncode == 0

"""Recordings of a study's life, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from recording import Recording, can_record, record, story

from pawl import keys


def _record(place: Path, people: dict[str, keys.Signer], steps: list[list[str]]) -> Recording:
    problem = can_record()
    if problem:
        pytest.skip(problem)
    return record(place, [people["ada"], people["bob"]], steps)


@pytest.fixture(scope="session")
def beginning(tmp_path_factory: pytest.TempPathFactory, people: dict[str, keys.Signer]) -> Recording:
    """The first seconds of a study, up to a kill -9."""
    return _record(tmp_path_factory.mktemp("beginning"), people, [["killed-after", "5"]])


@pytest.fixture(scope="session")
def life(tmp_path_factory: pytest.TempPathFactory, people: dict[str, keys.Signer]) -> Recording:
    """All of it: run, killed, run to a certificate, approved by both, run again."""
    return _record(tmp_path_factory.mktemp("life"), people, story([people["ada"], people["bob"]]))

"""Whose key: git's own signing key where it is an SSH key, else Pawl's, and never one that nobody asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pawl import keys


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose user has no key anywhere."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    subprocess.run(["git", "init", "-q", str(tmp_path / "repo")], check=True)
    return tmp_path / "repo"


def configure(folder: Path, **values: str) -> None:
    for key, value in values.items():
        subprocess.run(["git", "-C", str(folder), "config", key.replace("__", "."), value], check=True)


def test_without_a_key_there_is_no_signer(folder: Path) -> None:
    assert keys.find(folder) is None


def test_gits_ssh_key_is_taken(folder: Path, people: dict[str, keys.Signer]) -> None:
    configure(folder, gpg__format="ssh", user__signingkey=str(people["bob"].key), user__email="bob@example.org")
    found = keys.find(folder)
    assert found is not None
    assert (found.name, found.public, found.key) == ("bob@example.org", people["bob"].public, people["bob"].key)


def test_a_key_in_the_agent_is_taken_by_its_public_half(folder: Path, people: dict[str, keys.Signer]) -> None:
    configure(folder, gpg__format="ssh", user__signingkey="key::" + people["bob"].public)
    found = keys.find(folder)
    assert found is not None
    assert (found.public, found.key) == (people["bob"].public, Path())


def test_a_pgp_key_is_not_mistaken_for_one(folder: Path) -> None:
    configure(folder, user__signingkey="0xDEADBEEF")
    assert keys.find(folder) is None


def test_a_key_that_pawl_makes_is_private_and_found_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = keys.make(folder)
    assert made.bare
    assert made.key.stat().st_mode & 0o077 == 0
    assert made.key.parent.stat().st_mode & 0o077 == 0
    found = keys.find(folder)
    assert found is not None
    assert found.public == made.public


def test_a_name_cannot_break_out_of_the_list_of_signers(folder: Path) -> None:
    configure(folder, user__email="eve@example.org,* ssh-ed25519")
    assert keys.name(folder) == "eve@example.org---ssh-ed25519"

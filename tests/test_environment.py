"""A variant's environment: its own interpreter, its own packages, a digest of what is really there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pawl import cache, environment
from pawl.config import EnvironmentTable
from pawl.errors import ConfigError


def test_without_requirements_it_is_an_interpreter_that_the_sandbox_can_read(tmp_path: Path) -> None:
    place = environment.build(tmp_path, EnvironmentTable())
    assert cache.readable(Path(place.python))
    assert place.digest == environment.build(tmp_path, EnvironmentTable()).digest
    assert all(os.path.exists(mount.source) for mount in place.mounts)


def test_packages_are_installed_once_and_counted_in_the_digest(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy>=2\n")
    (tmp_path / "constraints.txt").write_text("numpy==2.4.6\n")
    table = EnvironmentTable(requirements="requirements.txt", constraints="constraints.txt")
    place = environment.build(tmp_path, table)
    assert Path(place.python).is_relative_to(cache.folder("environments"))
    assert place.digest != environment.build(tmp_path, EnvironmentTable()).digest
    assert place == environment.build(tmp_path, table)


@pytest.mark.slow
def test_a_package_that_cannot_be_installed_is_an_error_with_pips_words(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("./no-such-package-of-pawl\n")
    with pytest.raises(ConfigError, match="packages in requirements.txt could not be installed") as caught:
        environment.build(tmp_path, EnvironmentTable(requirements="requirements.txt"))
    assert "pip" in caught.value.hint


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no Python interpreter"):
        environment.build(tmp_path, EnvironmentTable(python="python9.9"))


def test_a_mount_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="/no/such/place"):
        environment.build(tmp_path, EnvironmentTable(mounts=("/no/such/place",)))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's sandboxes start from another user")
def test_a_folder_that_others_may_not_enter_is_not_readable_for_sandboxes(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "open"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    assert not cache.readable(inner)


def test_a_staged_file_stays_what_it_was_when_the_original_changes(tmp_path: Path) -> None:
    original = tmp_path / "train.txt"
    original.write_text("before")
    copy, digest = cache.stage(original)
    original.write_text("after")
    assert copy.read_text() == "before"
    assert copy.name == digest
    assert cache.stage(original)[1] != digest

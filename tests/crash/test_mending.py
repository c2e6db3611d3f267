"""What a crash left half done after an entry was written is finished by the next command."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from recording import RULES
from survival import champion_is_there, git, reference, reference_is_authorised

from pawl import app, keys
from pawl.artifacts import ArtifactStore
from pawl.errors import IntegrityError, NotAuthorized, PawlError
from pawl.ledger import Ledger
from pawl.records import Approval, Artifact, Record, Release, Variant
from simulated import improve, reopened
from studies import toy

Make = Callable[..., app.OpenStudy]
People = dict[str, keys.Signer]


class Crash(BaseException):
    """The process dies here."""


def dies_before(monkeypatch: pytest.MonkeyPatch, kind: type[Record]) -> None:
    """Let the process die where it would write a record of some kind."""
    append = Ledger.append

    def dying(self: Ledger, record: Record) -> object:
        if isinstance(record, kind):
            raise Crash
        return append(self, record)

    monkeypatch.setattr(Ledger, "append", dying)


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory, people: People) -> Path:
    """A study with a dossier that two people have to sign. Its runs are simulated: here it is decided about."""
    folder = toy(tmp_path_factory.mktemp("waiting") / "study", [people["ada"], people["bob"]], rules=RULES)
    improve(reopened(folder, lambda values: 0.3 * values["SHIFT"]), {"SHIFT": 0.4}, {"SHIFT": 0.7})
    return folder


@pytest.fixture
def study(waiting: Path, tmp_path: Path) -> app.OpenStudy:
    shutil.copytree(waiting, tmp_path / "study")
    return app.adopt(tmp_path / "study")


def approve(study: app.OpenStudy, person: keys.Signer) -> object:
    return study.decide(study.dossiers()[-1].id, "approve", person.key, person.name).record


@pytest.mark.slow
def test_the_same_command_again_ends_a_release_that_a_crash_interrupted(
    study: app.OpenStudy, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(approve(study, people["ada"]), Approval)
    with monkeypatch.context() as patched:
        dies_before(patched, Release)
        with pytest.raises(Crash):
            approve(study, people["bob"])
    again = app.open(study.folder)
    assert len(again.entries(Approval)) == 2
    assert again.entries(Release) == []
    reference_is_authorised(again)
    assert isinstance(approve(again, people["bob"]), Release)
    assert len(again.entries(Approval)) == 2
    champion_is_there(again)


def test_signing_twice_is_still_no_second_signature(study: app.OpenStudy, people: People) -> None:
    approve(study, people["ada"])
    with pytest.raises(NotAuthorized, match="has signed entry"):
        approve(study, people["ada"])
    assert study.entries(Release) == []


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["reference", "stale lock", "published files"])
def test_what_follows_from_a_release_is_made_up_for(study: app.OpenStudy, people: People, lost: str) -> None:
    approve(study, people["ada"])
    released = approve(study, people["bob"])
    assert isinstance(released, Release)
    if lost == "published files":
        shutil.rmtree(study.state / "releases")
    else:
        git(study, "update-ref", "refs/pawl/champion", git(study, "rev-parse", "HEAD").strip())
    lock = study.folder / ".git/refs/pawl/champion.lock"
    if lost == "stale lock":
        lock.touch()
        os.utime(lock, (time.time() - 3600,) * 2)
    again = app.open(study.folder)
    again.verify()
    champion_is_there(again)
    assert reference(again) == released.commit
    assert not lock.exists()


def test_a_lock_that_git_has_just_taken_is_left_alone(study: app.OpenStudy) -> None:
    lock = study.folder / ".git/refs/pawl/champion.lock"
    lock.touch()
    study.verify()
    assert lock.exists()


def test_references_of_variants_come_back(study: app.OpenStudy) -> None:
    before = git(study, "for-each-ref", "refs/pawl")
    for name in before.split()[2::3]:
        git(study, "update-ref", "-d", name)
    app.open(study.folder).verify()
    assert git(study, "for-each-ref", "refs/pawl") == before


def test_a_commit_that_is_gone_is_said(study: app.OpenStudy) -> None:
    commit = study.entries(Variant)[-1].record.commit
    (study.folder / ".git/objects" / commit[:2] / commit[2:]).unlink()
    with pytest.raises(IntegrityError, match=f"commit {commit[:10]} .* is gone from"):
        app.open(study.folder).verify()


def test_files_are_laid_out_whole_or_not_at_all(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    kept = [store.put("a.txt", b"a"), store.put("sub/b.txt", b"b")]
    missing = Artifact(name="c.txt", digest="0" * 64, size=1)
    with pytest.raises(IntegrityError):
        store.lay_out([*kept, missing], tmp_path / "releases" / "7")
    assert not (tmp_path / "releases" / "7").exists()
    store.lay_out(kept, tmp_path / "releases" / "7")
    assert (tmp_path / "releases/7/sub/b.txt").read_bytes() == b"b"
    assert [path.name for path in (tmp_path / "releases").iterdir()] == ["7"]
    with pytest.raises(PawlError, match="cannot be written"):
        store.lay_out(kept, tmp_path / "releases" / "7")


def test_git_syncs_what_it_writes_for_pawl(study: app.OpenStudy) -> None:
    done = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    if tuple(map(int, done.split(".")[:2])) < (2, 36):
        pytest.skip(f"git {done} has no core.fsync")
    assert study.lineage._git("config", "core.fsync").strip() == "loose-object,reference"

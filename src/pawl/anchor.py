"""The newest checkpoint of a ledger, kept outside of the study: whoever can write in the study cannot wind it back.

One copy lies in `.pawl/checkpoint`, for people and auditors; the one that counts lies under $XDG_STATE_HOME (or
~/.local/state), in a file named after the id that the study's repository carries beside git's own files.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pawl import checkpoint, durable, keys
from pawl.checkpoint import Note, SecretKey
from pawl.errors import ConfigError, IntegrityError, PawlError
from pawl.ledger import Ledger

ADOPT = "pawl ledger adopt   (once you know why, and trust what is there now)"


def home() -> Path:
    """Where the checkpoints of all studies lie."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "pawl" / "checkpoints"


@dataclass(frozen=True, slots=True)
class Anchor:
    """The checkpoints of the study in `folder`, whose state is in `state`."""

    folder: Path
    state: Path

    def check(self, ledger: Ledger) -> None:
        """Raises IntegrityError unless the ledger goes on from the last checkpoint, or is a new one."""
        name = self.name()
        if name is None or not self._outside(name).is_file():
            if ledger.all():
                raise IntegrityError("this ledger has entries, and no checkpoint of it is known here", ADOPT)
            if self._id_file():
                self.keep(ledger)
            return
        note = self.last()
        assert note is not None
        try:
            note.signed_at(self._key(name).public)
            agrees(note, ledger)
        except IntegrityError as error:
            raise IntegrityError(f"{error}; last checkpoint: {self._outside(name)}", ADOPT) from error

    def keep(self, ledger: Ledger) -> Note:
        """Sign a checkpoint of what the ledger holds now, if it holds more than the last one; the newest."""
        name = self.name() or self._named()
        with self._locked(name):
            size = len(ledger.all())
            last = self.last()
            if last and last.size >= size and agrees(last, ledger):
                return last
            note = self._key(name).sign(Note(f"pawl/{name}", size, ledger.root(size)))
            self._write(name, note)
            return note

    def cosigned(self, note: Note) -> None:
        """Keep a witness's copy of the last checkpoint. Raises IntegrityError if it is of another."""
        name, last = self.name(), self.last()
        if name is None or last is None or last.text != note.text:
            raise IntegrityError("this is not the last checkpoint of this ledger", "pawl ledger checkpoint")
        fresh = [line for line in note.signatures if line not in last.signatures]
        with self._locked(name):
            self._write(name, replace(last, signatures=(*last.signatures, *fresh)))

    def last(self) -> Note | None:
        """The last checkpoint, or None where there is none yet. Raises IntegrityError if it cannot be read as one."""
        name = self.name()
        if name is None or not self._outside(name).is_file():
            return None
        return checkpoint.parse(self._outside(name).read_text())

    def adopt(self, ledger: Ledger) -> Note:
        """Trust the ledger as it is from here on, under a new name. Raises IntegrityError if it does not verify."""
        ledger.verify()
        self._named()
        return self.keep(ledger)

    def key(self) -> SecretKey:
        """The key that signs this ledger's checkpoints."""
        return self._key(self.name() or self._named())

    def name(self) -> str | None:
        """The study's id, or None where it has none yet."""
        file = self._id_file()
        if file is None or not file.is_file():
            return None
        return file.read_text().strip() or None

    def _named(self) -> str:
        """Give the study a new id. Durable on return: no entry may come before it."""
        file, name = self._id_file(), uuid.uuid4().hex
        if file is None:
            raise ConfigError(f"{self.folder} is not in a git repository", "git init")
        _write(file, name + "\n")
        return name

    def _id_file(self) -> Path | None:
        """Where the id lies: in git's folder, one for each study of a repository; None where there is none."""
        command = ["git", "-C", str(self.folder), "rev-parse", "--absolute-git-dir", "--show-prefix"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return None
        place, prefix = done.stdout.split("\n")[:2]
        return Path(place) / f"pawl-id{'-' if prefix else ''}{prefix.strip('/').replace('/', '-')}"

    def _key(self, name: str) -> SecretKey:
        return SecretKey(f"pawl/{name}", "log", keys.log_key())

    def _outside(self, name: str) -> Path:
        return home() / name

    def _write(self, name: str, note: Note) -> None:
        for path in (self._outside(name), self.state / "checkpoint"):
            _write(path, str(note))

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        durable.make(home())
        with (home() / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _write(path: Path, text: str) -> None:
    """A file that is there in full or not at all, whenever the power is cut. Raises PawlError if the disk is full."""
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_text(text)
        durable.sync((fresh,))
        os.replace(fresh, path)
        durable.sync((path.parent,))
    except OSError as error:
        raise PawlError(
            f"{path} cannot be written: {error.strerror}",
            "free some disk space or make the disk writable, then type the command again: nothing is lost",
        ) from error


def agrees(note: Note, ledger: Ledger) -> bool:
    """True if the ledger begins with what the checkpoint is of. Raises IntegrityError otherwise."""
    size = len(ledger.all())
    if size < note.size:
        raise IntegrityError(f"the ledger has {size} entries and had {note.size}: it was rolled back, or deleted")
    if ledger.root(note.size) != note.root:
        raise IntegrityError(f"the first {note.size} entries are not those that a checkpoint was signed over")
    return True

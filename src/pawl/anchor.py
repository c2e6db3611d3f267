"""The newest checkpoint of a ledger, kept outside of the study: whoever can write in the study cannot wind it back.

One copy lies in `.pawl/checkpoint`, for people and auditors; the one that counts lies under $XDG_STATE_HOME (or
~/.local/state), in a folder named after the id that the study's repository carries in git's configuration.
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

from pawl import checkpoint, keys
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
            if self._git("rev-parse", "--git-dir"):
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
        self._git("config", "--local", "pawl.id", uuid.uuid4().hex)
        return self.keep(ledger)

    def key(self) -> SecretKey:
        """The key that signs this ledger's checkpoints."""
        return self._key(self.name() or self._named())

    def name(self) -> str | None:
        """The study's id, or None where it has none yet."""
        found = self._git("config", "--local", "pawl.id")
        prefix = self._git("rev-parse", "--show-prefix").replace("/", "-")
        return f"{found}{'-' if prefix else ''}{prefix}".rstrip("-") if found else None

    def _named(self) -> str:
        self._git("config", "--local", "pawl.id", uuid.uuid4().hex)
        name = self.name()
        if name is None:
            raise ConfigError(f"{self.folder} is not in a git repository that can be written", "git init")
        return name

    def _key(self, name: str) -> SecretKey:
        return SecretKey(f"pawl/{name}", "log", keys.log_key())

    def _outside(self, name: str) -> Path:
        return home() / name

    def _write(self, name: str, note: Note) -> None:
        for path in (self._outside(name), self.state / "checkpoint"):
            fresh = path.with_name(path.name + ".new")
            try:
                with fresh.open("w") as file:
                    file.write(str(note))
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(fresh, path)
            except OSError as error:
                raise PawlError(
                    f"the checkpoint {path} cannot be written: {error.strerror}",
                    "free some disk space, then type the command again: nothing is lost",
                ) from error

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        home().mkdir(parents=True, exist_ok=True, mode=0o700)
        with (home() / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _git(self, *args: str) -> str:
        command = ["git", "-C", str(self.folder), *args]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def agrees(note: Note, ledger: Ledger) -> bool:
    """True if the ledger begins with what the checkpoint is of. Raises IntegrityError otherwise."""
    size = len(ledger.all())
    if size < note.size:
        raise IntegrityError(f"the ledger has {size} entries and had {note.size}: it was rolled back, or deleted")
    if ledger.root(note.size) != note.root:
        raise IntegrityError(f"the first {note.size} entries are not those that a checkpoint was signed over")
    return True

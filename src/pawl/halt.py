"""The kill switch: a file beside the ledger, so that it works when the database is down; then an entry, if it can be.

Whoever can write in `.pawl/` can halt; only a signature resumes. A loop that sees the file, the entry, or that it has
lost its lease on the ledger, stops. One that does not stop within a moment is killed: its sandboxes die with it, and a
kill loses nothing.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pawl.errors import Halted, PawlError
from pawl.ledger import Entry, Ledger
from pawl.records import Halt, Resume

POLL = 0.1
"""Seconds between two looks at the file."""
LOOK = 5
"""The ledger is asked at every fifth look: it may be on another machine."""
GRACE = 0.7
"""Seconds that a loop has for stopping by itself."""


@dataclass(frozen=True, slots=True)
class Switch:
    """The switch of the study whose state is in `state`. `holds` says whether a resume in the ledger was signed by
    people: an entry alone, which whoever writes in `.pawl/` can plant, ends no halt."""

    state: Path
    holds: Callable[[Entry[Resume]], bool] = lambda resume: False

    @property
    def file(self) -> Path:
        return self.state / "halt"

    def throw(self, reason: str, by: str) -> Halt:
        """Halt, before anything else: the file is on disk when this returns. Loops that do not stop are killed.

        Always a halt of its own: what lies there may be an old one, from which people resumed already."""
        record = Halt(reason=reason, by=by, token=uuid.uuid4().hex)
        fresh = self.state / "halt.new"
        with fresh.open("w") as file:
            file.write(record.model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.file)
        self._stop_loops()
        return record

    def thrown(self) -> Halt | None:
        """What the file says. One that cannot be read is a halt too, and every such file one of its own."""
        try:
            status = self.file.stat()
            token = f"unreadable-{status.st_ino}-{status.st_mtime_ns}"
            content = self.file.read_text()
        except FileNotFoundError:
            return None
        except OSError as error:
            return Halt(reason=f"{self.file} cannot be read: {error}", by="unknown", token="unreadable")
        except UnicodeDecodeError as error:
            return Halt(reason=f"{self.file} cannot be read: {error}", by="unknown", token=token)
        try:
            return Halt.model_validate_json(content)
        except ValueError:
            return Halt(reason=f"{self.file} is not readable as a halt", by="unknown", token=token)

    def check(self, ledger: Ledger) -> None:
        """Raises Halted if the study is halted. What only the file says is written into the ledger."""
        halt = self.standing(ledger)
        if halt:
            raise Halted(
                f"halted by {halt.record.by} (entry {halt.id}): {halt.record.reason}",
                "pawl resume   (needs a signature)",
            )

    def standing(self, ledger: Ledger) -> Entry[Halt] | None:
        """The halt that nobody has resumed from, in the ledger from now on; None if there is none."""
        said = self.thrown()
        if said:
            self.written(said, ledger)
        resumes: dict[int, list[Entry[Resume]]] = {}
        for entry in ledger.entries(Resume):
            resumes.setdefault(entry.record.halt, []).append(entry)
        for halt in ledger.entries(Halt):
            if not any(self.holds(resume) for resume in resumes.get(halt.id, ()) if resume.id > halt.id):
                return halt
        if said and self.thrown() == said:  # and not one that was thrown meanwhile
            self.file.unlink(missing_ok=True)  # resumed, and killed before the file was gone
        return None

    def written(self, halt: Halt, ledger: Ledger) -> Entry[Halt]:
        """The entry of a halt, made now if it is not there yet."""
        return ledger.find(Halt, token=halt.token) or ledger.append(halt)

    def over(self, ledger: Ledger) -> None:
        """Take the file away, once the ledger says that people resumed."""
        self.standing(ledger)

    @contextmanager
    def watched(self, ledger: Ledger, stop: threading.Event, held: Callable[[], bool]) -> Iterator[Callable[[], str]]:
        """While this is open, a halt or a lost lease sets `stop`; yields what says why, or an empty string."""
        known = len(ledger.entries(Halt))  # before the check: a halt that comes after it is one more
        self.check(ledger)
        why: list[str] = []
        done = threading.Event()
        with self._registered():
            watcher = threading.Thread(
                target=self._watch, args=(ledger, stop, held, why, done, known), name="halt", daemon=True
            )
            watcher.start()
            try:
                yield lambda: why[0] if why else ""
            finally:
                done.set()
                watcher.join()

    def _watch(
        self, ledger: Ledger, stop: threading.Event, held: Callable[[], bool], why: list[str], done: threading.Event,
        known: int,
    ) -> None:  # fmt: skip
        look = 0
        while not done.wait(POLL):
            look += 1
            halt = self.thrown()
            if halt:
                why.append(f"halted by {halt.by}: {halt.reason}")
            elif look % LOOK == 0:
                try:
                    if not held():
                        why.append("this loop lost its lease on the ledger, and nobody could tell it to stop")
                    elif len(found := ledger.entries(Halt)) > known:
                        why.append(f"halted by {found[-1].record.by}: {found[-1].record.reason}")
                except PawlError as error:
                    why.append(f"the ledger cannot be asked whether to stop: {error}")
            if why:
                stop.set()
                return

    @contextmanager
    def _registered(self) -> Iterator[None]:
        """A file with this loop's pid for a name, open as long as it runs, for whoever has to kill it."""
        folder = self.state / "loops"
        folder.mkdir(exist_ok=True, mode=0o700)
        path = folder / str(os.getpid())
        with path.open("w"):
            try:
                yield
            finally:
                path.unlink(missing_ok=True)

    def _stop_loops(self) -> None:
        """Wait for this machine's loops to stop, then kill those that have not."""
        deadline = time.monotonic() + GRACE
        while (left := self._loops()) and time.monotonic() < deadline:
            time.sleep(0.02)
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def _loops(self) -> list[int]:
        """The pids of loops that live. That a process has its own file open is the proof: anybody can make a file
        with the pid of something else for a name, and a halt must not kill that."""
        files = (file for file in (self.state / "loops").glob("*") if file.name.isdigit())
        return [int(file.name) for file in files if int(file.name) != os.getpid() and _has_open(int(file.name), file)]


def _has_open(pid: int, file: Path) -> bool:
    """Whether a process has a file open; false for one that is gone."""
    try:
        return any(os.path.samefile(descriptor, file) for descriptor in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False

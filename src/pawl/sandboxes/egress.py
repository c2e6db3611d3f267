"""The one way out of an agent's sandbox: a proxy in the control process, listening on a Unix socket.

The socket lies in a folder of its own, which only the user that sandboxes start from may enter, and is mounted into
one sandbox. Inside there is no other network than this. Every request is judged by the rules, and becomes a record.
"""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import h11

from pawl import cache
from pawl.errors import SandboxError
from pawl.records import Exchange
from pawl.sandboxes.allowance import Allowance
from pawl.sandboxes.crossing import HEAD, Crossing
from pawl.sandboxes.rules import Rule
from pawl.sandboxes.wire import Broken, Live, Wire

AT_ONCE = 16
"""Connections at a time. Others wait: they are the agent's own."""
WAITING = 128
PATIENCE = 30.0
"""Seconds that exchanges may take to end when the sandbox has."""
SOCKET = "out"


class Egress:
    """Open while a sandbox runs: `with Egress(...) as egress`, then mount `egress.path`.

    `record` is called for each exchange, one at a time. After `refusals` refused requests nothing passes any more, so
    that an agent cannot fill the ledger with them. Raises ConfigError for a key that cannot be had, SandboxError if
    the socket cannot be made; and on leaving, whatever `record` raised: then the way out had closed at once."""

    def __init__(
        self, rules: Sequence[Rule], record: Callable[[Exchange], object], task: str, refusals: int = 100
    ) -> None:
        self._record, self._task, self._refusals = record, task, refusals
        self._allowances = [Allowance(rule) for rule in rules]
        self._writing, self._slots, self._live = threading.Lock(), threading.Semaphore(AT_ONCE), Live()
        self._threads: list[threading.Thread] = []
        self._problem: Exception | None = None
        self._over = False

    def __enter__(self) -> Egress:
        self._folder = tempfile.TemporaryDirectory(prefix="pawl-out-", dir=_scratch())
        self.path = Path(self._folder.name) / SOCKET
        try:
            self._listener = _listen(self.path)
        except OSError as error:
            self._folder.cleanup()
            raise SandboxError(f"the way out of the sandbox cannot be made: {error}", "pawl doctor") from error
        self._door = threading.Thread(target=self._accept, daemon=True, name="pawl-egress")
        self._door.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        self._door.join()
        end = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0))
        with self._writing:
            self._over = True
        self._listener.close()
        self._folder.cleanup()
        if self._problem is not None and error is None:
            raise self._problem

    def _close(self) -> None:
        """No more connections, and an end to those that are there."""
        self._live.end()
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it was shut before

    def _accept(self) -> None:
        while True:
            self._slots.acquire()
            try:
                line = self._live.add(self._listener.accept()[0])
            except (OSError, Broken):
                return
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            self._threads.append(threading.Thread(target=self._serve, args=(line,), daemon=True, name="pawl-egress"))
            self._threads[-1].start()

    def _serve(self, line: socket.socket) -> None:
        try:
            client = Wire(line, h11.SERVER, HEAD)
            Crossing(self._task, client, self._allowances, self._live, self._write_down).run()
        except Exception as problem:  # what cannot be written down, or was not foreseen, closes the way out
            self._problem = self._problem or problem
            self._close()
        finally:
            self._live.close(line)
            self._slots.release()

    def _write_down(self, exchange: Exchange) -> None:
        with self._writing:
            if self._problem is not None or self._over:
                raise self._problem or RuntimeError("the sandbox has ended")
            self._refusals -= not exchange.allowed
            self._record(exchange)
            if self._refusals <= 0:
                self._close()


def _scratch() -> Path:
    """This process's folder among those that are swept away when it is gone."""
    path = cache.private("scratch") / str(os.getpid())
    path.mkdir(exist_ok=True, mode=0o755)
    return path


def _listen(path: Path) -> socket.socket:
    """A socket that only the user whom sandboxes start from may connect to. Bound through the folder's descriptor,
    since a socket's path may have 107 bytes only."""
    path.parent.chmod(0o711)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
        if os.geteuid() == 0:
            os.chown(path, cache.SANDBOX_USER, cache.SANDBOX_USER)
        path.chmod(0o600)
        listener.listen(WAITING)
    except OSError:
        listener.close()
        raise
    finally:
        os.close(folder)
    return listener

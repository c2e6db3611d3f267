"""A connection that has to be done by a deadline, speaks HTTP by the book (h11), and is counted.

Both ends of the way out are strangers: the agent inside, and to a lesser degree the host outside. What either sends is
parsed strictly and framed anew for the other, so that no two parsers can disagree about where a message ends.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import h11

LONGEST_HEAD = 64 * 2**10
"""Bytes of a request or status line with its headers, and of any other piece that must be read whole."""
LINGER = 1.0
"""Seconds that a refused client may take to read why, and to stop sending."""
LINGER_BYTES = 2**20
CHUNK = 2**16


class Broken(Exception):
    """The peer went away, took too long or does not speak HTTP; the text says which."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


class Live:
    """The sockets in use, so that all of them can be ended at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self.ended = False

    def add(self, line: socket.socket) -> socket.socket:
        """Keep an eye on a socket. Raises Broken, and closes it, when all of them have been ended."""
        with self._lock:
            if not self.ended:
                self._sockets.add(line)
                return line
        line.close()
        raise Broken("the sandbox has ended", 503)

    def close(self, line: socket.socket) -> None:
        with self._lock:
            self._sockets.discard(line)
        line.close()

    def end(self) -> None:
        """Whoever waits for one of these sockets stops waiting."""
        with self._lock:
            self.ended = True
            for line in self._sockets:
                try:
                    socket.socket.shutdown(line, socket.SHUT_RDWR)  # SSLSocket's own would talk first
                except OSError:
                    continue


class Wire:
    """One end of an exchange. `role` is ours: h11.SERVER towards the agent, h11.CLIENT towards the host.

    `pay` is told the number of bytes before they are sent, and after they were received; it may raise. `sent` and
    `received` are those numbers in all."""

    def __init__(
        self, line: socket.socket, role: type[h11.CLIENT] | type[h11.SERVER], seconds: float,
        pay: Callable[[int], None] = lambda number: None,
    ) -> None:  # fmt: skip
        self.line, self.pay = line, pay
        self.sent = self.received = 0
        self.http = h11.Connection(role, max_incomplete_event_size=LONGEST_HEAD)
        self._inside = role is h11.SERVER
        self.extend(seconds)

    def extend(self, seconds: float) -> None:
        """The deadline is `seconds` from now."""
        self._deadline = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds to the deadline. Raises Broken after it."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._late()
        return left

    def next(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """The next event of the peer's message; PAUSED after a request for a tunnel. Raises Broken."""
        try:
            event = self.http.next_event()
            while event is h11.NEED_DATA:
                if self.http.they_are_waiting_for_100_continue:
                    self.send(h11.InformationalResponse(status_code=100, headers=[]))
                self.http.receive_data(self.read())
                event = self.http.next_event()
        except h11.RemoteProtocolError as error:
            raise Broken(f"not valid HTTP: {error}", error.error_status_hint if self._inside else 502) from error
        return event

    def send(self, event: h11.Event) -> None:
        """Send one event. Raises Broken."""
        try:
            sent = self.http.send(event)
        except h11.LocalProtocolError as error:
            raise Broken(f"it cannot be passed on: {error}", 502) from error
        if sent:
            self.write(sent)

    def read(self) -> bytes:
        """What has come, b"" at the end. Raises Broken."""
        try:
            self.line.settimeout(self.left())
            found = self.line.recv(CHUNK)
        except TimeoutError as error:
            raise self._late() from error
        except OSError as error:
            raise self._torn(error) from error
        self.received += len(found)
        self.pay(len(found))
        return found

    def write(self, content: bytes) -> None:
        """Send bytes as they are. Raises Broken."""
        self.pay(len(content))
        try:
            self.line.settimeout(self.left())
            self.line.sendall(content)
        except TimeoutError as error:
            raise self._late() from error
        except OSError as error:
            raise self._torn(error) from error
        self.sent += len(content)

    def finish(self) -> None:
        """Say that nothing more comes, and let the peer read it: closing on bytes unread would take it back."""
        self.extend(LINGER)
        try:
            self.line.shutdown(socket.SHUT_WR)
            left = LINGER_BYTES
            while left > 0 and (found := self.read()):
                left -= len(found)
        except (OSError, Broken):
            return

    def _late(self) -> Broken:
        return Broken(f"{'the agent' if self._inside else 'the host'} took too long", 408 if self._inside else 504)

    def _torn(self, error: OSError) -> Broken:
        who = "the agent" if self._inside else "the host"
        return Broken(f"{who} broke the connection: {error.strerror or error}", 400 if self._inside else 502)

"""What one task has left of one rule, and the road to its host: found once, then kept for the task's life.

Names are looked up outside and only once: a name that leads somewhere else later, or to a private address, leads
nowhere.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from pathlib import Path

from pawl.errors import ConfigError
from pawl.sandboxes.rules import Refusal, Rule
from pawl.sandboxes.tokens import Count
from pawl.sandboxes.wire import Broken, Live

CONNECT = 10.0
"""Seconds to reach a host, for each of its addresses."""
Address = tuple[str, int]


class Overdrawn(Exception):
    """A limit was reached in the middle of an exchange."""


class Allowance:
    """Shared by the threads of one task. Raises ConfigError if the rule's key or authorities cannot be read."""

    def __init__(self, rule: Rule) -> None:
        self.rule, self.key = rule, rule.key()
        self._tls = _tls(rule)
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._requests = self._bytes = self._tokens = 0
        self._silent = False
        self._addresses: tuple[Address, ...] = ()

    def admit(self) -> None:
        """Count one request; where tokens are limited, wait for the one before it. Each call that returns needs one
        of `leave`. Raises Refusal."""
        rule = self.rule
        if rule.tokens is not None and not self._turn.acquire(timeout=rule.seconds):
            raise Refusal(429, "tokens are limited, so requests go one by one, and the one before takes too long")
        with self._lock:
            reason = self._spent()
            self._requests += not reason
        if reason:
            self._let_go()
            raise Refusal(429, f"{reason} for this task")

    def _spent(self) -> str:
        rule = self.rule
        if self._requests >= rule.requests:
            return f"'{rule.name}' allows {rule.requests} requests"
        if self._bytes >= rule.bytes:
            return f"'{rule.name}' allows {rule.bytes} bytes"
        if rule.tokens is not None and self._silent:
            return f"'{rule.name}' limits tokens, and an answer did not say how many it used: no more is allowed"
        if rule.tokens is not None and self._tokens >= rule.tokens:
            return f"'{rule.name}' allows {rule.tokens} tokens"
        return ""

    def pay(self, number: int) -> None:
        """Count bytes, either way. Raises Overdrawn at the limit."""
        with self._lock:
            self._bytes += number
            if self._bytes > self.rule.bytes:
                raise Overdrawn(f"'{self.rule.name}' allows {self.rule.bytes} bytes for this task")

    def leave(self, count: Count, owed: bool) -> None:
        """An exchange is over. `owed`: it used tokens, so that an answer which does not say how many ends the rule."""
        with self._lock:
            self._tokens += (count[0] or 0) + (count[1] or 0)
            self._silent = self._silent or (owed and None in count)
        self._let_go()

    def _let_go(self) -> None:
        if self.rule.tokens is not None:
            self._turn.release()

    def dial(self, live: Live, raw: bool) -> socket.socket:
        """A connection to the host, with TLS where the rule says https and the agent does not bring its own.

        Raises Refusal for an address that the rule does not permit, Broken if the host cannot be reached."""
        place = self.rule.place
        try:
            line = live.add(self._connect())
        except (OSError, UnicodeError) as error:  # the latter for a name that cannot be one
            why = getattr(error, "strerror", None) or error
            raise Broken(f"{place.host}:{place.port} cannot be reached: {why}", 502) from error
        if self._tls is None or raw:
            return line
        try:
            safe = self._tls.wrap_socket(line, server_hostname=place.host.strip("[]"))
        except OSError as error:
            live.close(line)
            raise Broken(f"no TLS with {place.host}:{place.port}: {error}"[:200], 502) from error
        live.close(line)  # it is detached: `safe` has its descriptor
        return live.add(safe)

    def _connect(self) -> socket.socket:
        problem = OSError("it has no address")
        for address in self._found():
            try:
                return socket.create_connection(address, timeout=CONNECT)
            except OSError as error:
                problem = error
        raise problem

    def _found(self) -> tuple[Address, ...]:
        with self._lock:
            if not self._addresses:
                place = self.rule.place
                answers = socket.getaddrinfo(place.host.strip("[]"), place.port, type=socket.SOCK_STREAM)
                found = tuple(dict.fromkeys((str(answer[4][0]), place.port) for answer in answers))
                _judge(self.rule, found)
                self._addresses = found
            return self._addresses


def _judge(rule: Rule, found: tuple[Address, ...]) -> None:
    """Raise Refusal for a name that leads to the inside of some network, unless the rule says that it may."""
    host = rule.place.host
    if rule.private or host == "localhost" or _ip(host.strip("[]")) is not None:
        return
    for address, _ in found:
        number = _ip(address)
        mapped = getattr(number, "ipv4_mapped", None) or number
        if mapped is None or not mapped.is_global:
            raise Refusal(403, f"{host} leads to {address}, which is not a public address; `private = true` permits it")


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _tls(rule: Rule) -> ssl.SSLContext | None:
    if rule.place.scheme != "https":
        return None
    try:
        context = ssl.create_default_context(cafile=str(Path(rule.ca).expanduser()) if rule.ca else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"rule '{rule.name}': ca = {rule.ca!r} cannot be read: {error}", "correct it") from error
    context.set_alpn_protocols(["http/1.1"])
    return context

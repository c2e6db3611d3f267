"""One POST of JSON to an endpoint: bounded in time and size, never redirected, the key never in what comes back.

The exchange has a thread of its own: whoever waits for it can stop waiting at any time, be it for a name that is looked
up, for a host that does not greet, or for the answer.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import re
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Set
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit

from pydantic import JsonValue

from pawl.hostile import one_line
from pawl.protocols import Answer

MOST = 8 * 2**20
"""Bytes of an answer."""
BLOCK = 2**16
SAID = 300
"""Characters of an endpoint's error that are kept."""
POLL = 0.05
"""Seconds between two looks at whether to stop: `pawl halt` gives a loop a fraction of a second."""
KEY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,100}")
KEY = re.compile(r"[!-~]{1,10000}")


Came = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body of an answer."""


class Failed(Exception):
    """The request brought no JSON object; `answer` says how it ended."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


def place(endpoint: str) -> SplitResult:
    """An endpoint's parts. Raises ValueError unless it is a base URL with https, or with http on this machine."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        raise ValueError("endpoint is not a URL such as https://api.example.org/v1") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("endpoint holds a user name or a password: keys belong in the variable that key_env names")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or parts.query or parts.fragment:
        raise ValueError(f"endpoint {endpoint!r} is not a base URL such as https://api.example.org/v1")
    if parts.scheme == "http" and not local(parts.hostname):
        raise ValueError(f"endpoint {endpoint!r} is not encrypted: http is for this machine only, write https://")
    return parts


def local(host: str) -> bool:
    """Whether a host name is this machine's own."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host.lower().rstrip(".") == "localhost"


def must_leave(taken: Set[str], extra: Mapping[str, JsonValue] | None) -> None:
    """Raise ValueError if what a user adds to each request holds a field that Pawl fills in."""
    if held := taken & (extra or {}).keys():
        raise ValueError(f"extra may not hold {', '.join(sorted(held))}: Pawl says that itself")


@dataclass(frozen=True, slots=True)
class Post:
    """A way to an endpoint. `key_env` names the environment variable with the key (empty: it wants none); the key is
    sent in the header `header`, after `prefix`. `timeout`: seconds from the first look-up to the answer's last byte."""

    endpoint: str
    key_env: str
    timeout: float
    header: str
    prefix: str = ""

    def __post_init__(self) -> None:
        place(self.endpoint)
        if self.key_env and not KEY_NAME.fullmatch(self.key_env):
            raise ValueError("key_env is not the name of an environment variable (a key itself is written nowhere)")
        if not 0 < self.timeout <= 3600:
            raise ValueError(f"timeout = {self.timeout:g} is not between 0 and 3600 seconds")

    def answer(
        self, path: str, body: Mapping[str, JsonValue], headers: Mapping[str, str],
        read: Callable[[Mapping[str, object]], Answer], stop: threading.Event,
    ) -> Answer:  # fmt: skip
        """What `read` makes of the JSON object that the endpoint answers, or how that failed."""
        try:
            answer = read(self._json(path, body, headers, stop))
        except Failed as failure:
            answer = failure.answer
        return replace(answer, local=local(place(self.endpoint).hostname or ""))

    def _json(
        self, path: str, body: Mapping[str, JsonValue], headers: Mapping[str, str], stop: threading.Event
    ) -> Mapping[str, object]:
        """The JSON object that the endpoint answers with status 200. Raises Failed for all else."""
        key = self._key()
        sent = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        if key:
            sent[self.header] = self.prefix + key
        status, told, content = self._exchange(path, json.dumps(body).encode(), sent, stop)
        text = content.decode(errors="replace")
        if key:  # an endpoint that says back what it was sent must not have it written down
            text = text.replace(key, "(the key)")
        if status != 200:
            raise Failed(_refused(status, told, text, self.key_env))
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise Failed(_garbled(f"is not JSON: {_cut(text)}")) from None
        if not isinstance(found, dict):
            raise Failed(_garbled("is not a JSON object"))
        return found

    def _key(self) -> str:
        if not self.key_env:
            return ""
        key = os.environ.get(self.key_env, "").strip()
        if not KEY.fullmatch(key):
            what = "holds something that is not a key" if key else "is not set"
            reason = f"the environment variable {self.key_env} {what}: export {self.key_env}=..."
            raise Failed(Answer("refused", reason, sent=False))
        return key

    def _exchange(self, path: str, body: bytes, headers: Mapping[str, str], stop: threading.Event) -> Came:
        """Status, headers and body. Raises Failed if there is no whole answer in time, or `stop` is set."""
        parts = place(self.endpoint)
        talk = _Talk(_connection(parts, self.timeout), parts.path.rstrip("/") + path, body, headers)
        if not stop.is_set():
            threading.Thread(target=talk.run, name="request", daemon=True).start()
        until = time.monotonic() + self.timeout
        while not stop.is_set() and not talk.done.wait(min(POLL, self.timeout)) and time.monotonic() < until:
            pass
        if not talk.done.is_set():
            sent = talk.cut()
            if stop.is_set():
                raise Failed(Answer("stopped", "the loop ended before the answer came", sent=sent))
            raise Failed(Answer("timed-out", f"no answer in {self.timeout:g} s", again=0.0, sent=sent))
        try:
            return talk.came.result()
        except TimeoutError:
            raise Failed(Answer("timed-out", f"no answer in {self.timeout:g} s", again=0.0, sent=talk.sent)) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            said = one_line(str(error))[:SAID] or type(error).__name__
            where = f"{parts.hostname}:{parts.port or parts.scheme}"
            raise Failed(Answer("unreachable", f"{where}: {said}", again=0.0, sent=talk.sent)) from None


@dataclass(slots=True)
class _Talk:
    """One exchange, for a thread of its own. `came` is what it brought, or what went wrong, once `done` is set."""

    connection: http.client.HTTPConnection
    path: str
    body: bytes
    headers: Mapping[str, str]
    came: Future[Came] = field(default_factory=Future)
    done: threading.Event = field(default_factory=threading.Event)
    given_up: threading.Event = field(default_factory=threading.Event)
    held: socket.socket | None = None

    @property
    def sent(self) -> bool:
        """Whether anything may have been said on the connection."""
        return self.held is not None

    def run(self) -> None:
        try:
            self.came.set_result(self._talked())
        except BaseException as error:
            self.came.set_exception(error)
        finally:
            self.connection.close()
            self.done.set()

    def _talked(self) -> Came:
        self.connection.connect()
        self.held = self.connection.sock
        if self.given_up.is_set():  # who waited may not have seen the socket, and counts nothing as sent
            raise TimeoutError
        self.connection.request("POST", self.path, self.body, dict(self.headers))
        answer = self.connection.getresponse()
        return answer.status, dict(answer.headers.items()), _read(answer)

    def cut(self) -> bool:
        """Nobody waits any more: end the exchange, however steadily bytes drip in. Says whether it had begun."""
        self.given_up.set()
        held = self.held
        if held is not None:
            with suppress(OSError):
                socket.socket.shutdown(held, socket.SHUT_RDWR)
        return held is not None


def _connection(parts: SplitResult, timeout: float) -> http.client.HTTPConnection:
    """A connection, through the proxy that the environment names, if any; never one to this machine itself."""
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=timeout)
    proxy = urlsplit("" if local(host) or urllib.request.proxy_bypass(host) else _proxy())
    if not proxy.hostname:
        return http.client.HTTPSConnection(host, parts.port, timeout=timeout)
    connection = http.client.HTTPSConnection(proxy.hostname, proxy.port or 3128, timeout=timeout)
    connection.set_tunnel(host, parts.port or 443)
    return connection


def _proxy() -> str:
    found = urllib.request.getproxies().get("https", "")
    return found if "://" in found or not found else f"http://{found}"


def _read(answer: http.client.HTTPResponse) -> bytes:
    """The body. Raises Failed for one that is too long."""
    kept = bytearray()
    while block := answer.read(BLOCK):
        kept += block
        if len(kept) > MOST:
            raise Failed(_garbled(f"is longer than {MOST // 2**20} MiB"))
    return bytes(kept)


def _garbled(what: str) -> Answer:
    """What is no answer at all, perhaps of a proxy in between: worth another try."""
    return Answer("invalid", f"the endpoint's answer {what}", again=1.0)


def _refused(status: int, headers: Mapping[str, str], text: str, key_env: str) -> Answer:
    """What a status other than 200 comes to: it costs no tokens."""
    reason = f"HTTP {status}: {_message(text)}"
    if status == 429:
        return Answer("limited", reason, "", 0, 0, again=_after(headers))
    if status in (408, 409, 425) or status >= 500:
        return Answer("unreachable", reason, "", 0, 0, again=_after(headers))
    if status in (401, 403):
        reason += f" (the key is that in {key_env})" if key_env else " (no key was sent: key_env is not set)"
    return Answer("refused", reason, "", 0, 0)


def _message(text: str) -> str:
    """The words of an error, in whichever of the usual forms they come."""
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        for name in ("error", "message", "detail"):
            inner = found.get(name) if isinstance(found, dict) else None
            found = inner if isinstance(inner, dict | str) else found
        if isinstance(found, str):
            return _cut(found)
    return _cut(text)


def _cut(text: str) -> str:
    shown = one_line(text[: 4 * SAID])
    return shown if len(shown) <= SAID else shown[:SAID] + " ... (cut)"


def _after(headers: Mapping[str, str]) -> float:
    """Seconds that Retry-After asks for (a number, or a date by this machine's clock); 0 where it does not."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        return float(value)
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    return 0.0

"""Listeners on the host that note what reaches them: TCP, UDP, Unix sockets by path and by abstract name, netlink,
a terminal."""

from __future__ import annotations

import os
import secrets
import selectors
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

NETLINK_USERSOCK = 2
POLL = 0.05
SETTLE = 0.1
"""Seconds for a packet that is on its way to arrive."""
VSOCK_LOCAL = 1


@dataclass(frozen=True, slots=True)
class Listeners:
    """`addresses` by kind, as JSON can hold them; `heard` is (kind, bytes) of all that came."""

    addresses: Mapping[str, object]
    heard: list[tuple[str, bytes]] = field(default_factory=list)

    def signs(self, word: str) -> Iterator[str]:
        """Which listeners were reached, after a moment for what is still on its way."""
        threading.Event().wait(SETTLE)
        for kind in dict.fromkeys(kind for kind, said in self.heard if not said or word.encode() in said):
            yield f"the host's {kind} listener was reached"


@contextmanager
def listening(path: Path) -> Iterator[Listeners]:
    """Listeners on every address that this machine offers, until the block ends; `path` is for the Unix socket."""
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        addresses: dict[str, object] = {}
        for kind, server in _servers(path):
            stack.enter_context(server)
            server.setblocking(False)
            selector.register(server, selectors.EVENT_READ, kind)
            name = server.getsockname()
            addresses[kind] = name.decode() if isinstance(name, bytes) else name
        addresses["terminal"] = stack.enter_context(_terminal(selector))
        found, ended = Listeners(addresses), threading.Event()
        thread = threading.Thread(target=_listen, args=(selector, found, ended), daemon=True)
        thread.start()
        try:
            yield found
        finally:
            ended.set()
            thread.join()


def _servers(path: Path) -> Iterator[tuple[str, socket.socket]]:
    for kind, family, style, address in (
        ("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        ("tcp6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
        ("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        ("dns", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        ("unix", socket.AF_UNIX, socket.SOCK_STREAM, str(path)),
        ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0pawl-{secrets.token_hex(8)}"),
        ("netlink", socket.AF_NETLINK, NETLINK_USERSOCK, (0, 0)),
        ("vsock", socket.AF_VSOCK, socket.SOCK_STREAM, (socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY)),
    ):
        try:
            server = _bound(kind, family, style, address)
        except OSError:
            continue  # this machine has no such sockets; the attack is told of no address
        yield kind, server


def _bound(kind: str, family: int, style: int, address: tuple[object, ...] | str) -> socket.socket:
    server = socket.socket(family, socket.SOCK_RAW, style) if kind == "netlink" else socket.socket(family, style)
    try:
        server.bind(address)
        if style == socket.SOCK_STREAM:
            server.listen()
    except OSError:
        server.close()
        raise
    if kind == "unix":
        os.chmod(str(address), 0o777)
    return server


def _listen(selector: selectors.BaseSelector, found: Listeners, ended: threading.Event) -> None:
    while not ended.is_set():
        for key, _ in selector.select(POLL):
            try:
                said = _received(key.fileobj)
            except OSError:
                said = b""
            found.heard.append((str(key.data), said))


@contextmanager
def _terminal(selector: selectors.BaseSelector) -> Iterator[str]:
    """A terminal of the host, in which nobody works: what is written or typed there comes out of its other end."""
    master, slave = os.openpty()
    try:
        os.fchmod(slave, 0o666)
        os.set_blocking(master, False)
        selector.register(master, selectors.EVENT_READ, "terminal")
        yield os.ttyname(slave)
    finally:
        selector.unregister(master)
        os.close(master)
        os.close(slave)


def _received(server: object) -> bytes:
    if isinstance(server, int):
        return os.read(server, 4096)
    assert isinstance(server, socket.socket)
    if server.family == socket.AF_NETLINK or server.type == socket.SOCK_DGRAM:
        return server.recv(4096)
    caller, _ = server.accept()
    with caller:
        caller.settimeout(POLL)
        return caller.recv(4096)

"""Bytes both ways between an agent and a host, unread: what a rule with `tunnel = true` permits by CONNECT."""

from __future__ import annotations

import selectors
import socket

from pawl.sandboxes.wire import Broken, Wire

POLL = 1.0
"""Seconds between two looks at the deadline."""


def join(client: Wire, outside: Wire) -> None:
    """Pass bytes on until both have said that nothing more comes. Raises Broken, or what `outside.pay` raises."""
    client.next()  # the end of the request, which has no body
    client.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    early, _ = client.http.trailing_data
    if early:
        outside.write(early)
    with selectors.DefaultSelector() as selector:
        selector.register(client.line, selectors.EVENT_READ, (client, outside))
        selector.register(outside.line, selectors.EVENT_READ, (outside, client))
        while selector.get_map():
            outside.left()
            for key, _ in selector.select(POLL):
                source, other = key.data
                if content := source.read():
                    other.write(content)
                else:
                    selector.unregister(source.line)
                    _hang_up(other)


def _hang_up(wire: Wire) -> None:
    try:
        wire.line.shutdown(socket.SHUT_WR)
    except OSError as error:
        raise Broken("the connection broke", 502) from error

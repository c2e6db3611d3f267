"""What an agent is answered. The end of the body goes in only at `end`, and the head with the first of it: so an answer
that goes wrong is cut short, and no whole one is handed in before it is written down."""

from __future__ import annotations

from dataclasses import dataclass

import h11

from pawl.sandboxes.headers import content_type, inward
from pawl.sandboxes.wire import LINGER, Broken, Wire

HELD = 2**16
"""Bytes at the end of an answer that wait until it is written down. Of an event stream it is one: its reader waits."""


@dataclass(slots=True)
class Reply:
    """`key` never goes in, though the host may repeat it. A `patient` reply is read to its end even if the agent hangs
    up."""

    client: Wire
    key: bytes = b""
    patient: bool = False
    status: int = 0
    _keep: int = HELD
    _head: h11.Response | None = None
    _held: bytes = b""
    _gone: bool = False

    def begin(self, head: h11.Response) -> None:
        """Take the host's status and headers. Raises Broken if the key is among them."""
        headers = inward(head)
        if self.key and any(self.key in value for _, value in headers):
            raise Broken("the answer repeats the key", 502)
        streamed = content_type(head).startswith("text/event-stream")
        self._keep = max(len(self.key), 1) if streamed else HELD
        self._head = h11.Response(status_code=head.status_code, headers=headers, reason=head.reason)

    def hand(self, content: bytes) -> None:
        """Take bytes of the body, and hand in all but the last. Raises Broken."""
        self._held += content
        if self.key and self.key in self._held:
            raise Broken("the answer repeats the key", 502)
        if len(self._held) > self._keep:
            self._send(self._held[: -self._keep])
            self._held = self._held[-self._keep :]

    def end(self) -> None:
        """Hand in what was held back, and say that it was all."""
        try:
            self._send(self._held)
            self.client.send(h11.EndOfMessage())
        except Broken:
            return  # it is written down already; whoever is gone does not need it
        self.client.finish()

    def refuse(self, status: int, reason: str) -> None:
        """Answer with a reason in words; or, if an answer has begun to go in, cut it short."""
        if self.status != 0 or self.client.http.our_state is h11.ERROR:
            return
        self.client.extend(LINGER)
        body = f"pawl: {reason}\n".encode()
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        self._head = h11.Response(status_code=status, headers=[*headers, ("Connection", "close")])
        self._held = body
        self.end()

    def _send(self, content: bytes) -> None:
        if self._gone:
            return
        try:
            if self._head is not None:
                self.status = self._head.status_code
                self.client.send(self._head)
                self._head = None
            if content:
                self.client.send(h11.Data(data=content))
        except Broken:
            self._gone = True
            if not self.patient:
                raise

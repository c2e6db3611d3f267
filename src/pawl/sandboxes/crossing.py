"""One request on its way out of a sandbox, and its answer on the way in: judged, framed anew, counted, written down.

The record is written before the end of the answer is handed in: no whole answer is used that the ledger does not know
of. (Of what goes through a tunnel, nobody can tell which bytes are the end.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import h11

from pawl.hostile import one_line
from pawl.records import Exchange
from pawl.sandboxes import headers, tunnel
from pawl.sandboxes.allowance import Allowance, Overdrawn
from pawl.sandboxes.reply import Reply
from pawl.sandboxes.rules import Refusal
from pawl.sandboxes.targets import NOWHERE, Target, choose, target
from pawl.sandboxes.tokens import Count, Tokens
from pawl.sandboxes.wire import Broken, Live, Wire

HEAD = 10.0
"""Seconds for a request line with its headers."""
SHOWN = 200
"""Characters of a host, a path or a reason in the record."""


@dataclass(slots=True)
class Crossing:
    """`record` is called once, unless the client says nothing at all."""

    task: str
    client: Wire
    allowances: Sequence[Allowance]
    live: Live
    record: Callable[[Exchange], object]
    method: str = ""
    asked: Target = NOWHERE
    started: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """From the first byte to the last. Raises only what `record` raises."""
        try:
            request = self.client.next()
        except Broken as problem:
            if self.client.received:
                self._refuse(Refusal(problem.status, str(problem)))
            return
        if not isinstance(request, h11.Request):
            return  # it hung up
        self.method = request.method.decode()
        self.asked = target(self.method, request.target.decode())
        try:
            chosen, path = self._judged(request)
            chosen.admit()
        except Refusal as refusal:
            self._refuse(refusal)
        else:
            self.asked = Target(f"{chosen.rule.place.host}:{chosen.rule.place.port}", path)
            self._pass(chosen, request, path)

    def _judged(self, request: h11.Request) -> tuple[Allowance, str]:
        """Under which rule it may pass, and the path to ask for. Raises Refusal."""
        names = {name for name, _ in request.headers}
        if {b"content-length", b"transfer-encoding"} <= names:
            raise Refusal(400, "it states its length in two ways")
        hosts = [value.decode("latin-1") for name, value in request.headers if name == b"host"]
        rules = [allowance.rule for allowance in self.allowances]
        rule, path = choose(rules, self.method, request.target.decode(), hosts)
        return self.allowances[rules.index(rule)], path

    def _pass(self, chosen: Allowance, request: h11.Request, path: str) -> None:
        """Out and back. Whatever happens, the allowance is left, and the exchange written down, once."""
        rule = chosen.rule
        self.client.extend(rule.seconds)
        reply = Reply(self.client, chosen.key.encode(), patient=rule.tokens is not None)
        try:
            line = chosen.dial(self.live, raw=self.method == "CONNECT")
        except (Refusal, Broken) as problem:
            try:
                self._write_down(rule.name, reply, problem.status, str(problem), allowed=isinstance(problem, Broken))
            finally:
                chosen.leave((None, None), owed=False)
            reply.refuse(problem.status, str(problem))
            return
        outside = Wire(line, h11.CLIENT, rule.seconds, chosen.pay)
        try:
            self._exchange(chosen, outside, reply, request, path)
        finally:
            self.live.close(line)

    def _exchange(self, chosen: Allowance, outside: Wire, reply: Reply, request: h11.Request, path: str) -> None:
        tokens, status, reason = Tokens("", compressed=True), 0, ""
        try:
            if self.method == "CONNECT":
                status = 200
                tunnel.join(self.client, outside)
            else:
                self._ask(outside, h11.Request(
                    method=request.method, target=path, headers=headers.outward(chosen.rule, chosen.key, request)
                ))  # fmt: skip
                head = _head(outside)
                status = head.status_code
                tokens = Tokens(headers.content_type(head), headers.compressed(head))
                reply.begin(head)
                while isinstance(event := outside.next(), h11.Data):
                    tokens.feed(event.data)
                    reply.hand(event.data)
        except Broken as problem:
            status, reason = problem.status, str(problem)
        except Overdrawn as problem:
            status, reason = 429, str(problem)
        count = tokens.total()
        try:
            self._write_down(chosen.rule.name, reply, status, reason, True, outside, count)
        finally:  # whoever waits for its turn comes after this in the ledger too
            chosen.leave(count, owed=self.method == "POST" and (status < 300 or bool(reason)))
        if self.method != "CONNECT":
            reply.refuse(status, reason) if reason else reply.end()

    def _ask(self, outside: Wire, request: h11.Request) -> None:
        """Send the request and its body. A host that hangs up on the body may have answered already."""
        outside.send(request)
        while isinstance(event := self.client.next(), h11.Data):
            try:
                outside.send(h11.Data(data=event.data))
            except Broken as problem:
                if problem.status == 504:
                    raise
                return
        outside.send(h11.EndOfMessage())

    def _refuse(self, refusal: Refusal) -> None:
        reply = Reply(self.client)
        self._write_down("", reply, refusal.status, str(refusal), allowed=False)
        reply.refuse(refusal.status, str(refusal))

    def _write_down(
        self, rule: str, reply: Reply, status: int, reason: str, allowed: bool, outside: Wire | None = None,
        count: Count = (None, None),
    ) -> None:  # fmt: skip
        up, down = (outside.sent, outside.received) if outside else (0, 0)
        self.record(Exchange(
            task=self.task, rule=rule, method=one_line(self.method)[:SHOWN], host=one_line(self.asked.host)[:SHOWN],
            path=one_line(self.asked.path)[:SHOWN], status=reply.status or status, allowed=allowed,
            reason=one_line(reason)[:SHOWN], bytes_up=up, bytes_down=down, tokens_in=count[0], tokens_out=count[1],
            wall_s=round(time.monotonic() - self.started, 4),
        ))  # fmt: skip


def _head(outside: Wire) -> h11.Response:
    while isinstance(event := outside.next(), h11.InformationalResponse):
        continue
    if not isinstance(event, h11.Response):
        raise Broken("the host did not answer", 502)
    return event

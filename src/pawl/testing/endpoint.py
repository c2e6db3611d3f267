"""A scripted endpoint on the loopback, over real sockets: it answers what a test tells it to, request by request.

with scripted(lambda asked: Reply.json({"choices": [...]})) as endpoint:
    ...  # endpoint.url is a base URL, endpoint.asked what came
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: how many came before it, its path, headers (names in lower case) and JSON body."""

    number: int
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer. `silent`: nothing at all, until the endpoint is closed. `length`: a false Content-Length."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False
    length: int | None = None

    @classmethod
    def json(cls, value: JsonValue, status: int = 200, **headers: str) -> Reply:
        """A JSON answer; `Retry_After="2"` is the header Retry-After."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json", **named})


Script = Callable[[Asked], Reply]


@dataclass(slots=True)
class Endpoint:
    """One that runs. `asked` are the requests so far."""

    url: str
    script: Script
    asked: list[Asked] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)


@contextmanager
def scripted(script: Script) -> Iterator[Endpoint]:
    """The endpoint, running."""
    endpoint = Endpoint("", script)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(len(endpoint.asked), self.path, headers, json.loads(content))
            endpoint.asked.append(asked)
            reply = endpoint.script(asked)
            if reply.silent:
                endpoint.closed.wait(60)
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
            self.end_headers()
            try:
                self.wfile.write(reply.body)
            except OSError:
                pass  # who asked has heard enough

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.closed.set()
        server.shutdown()
        server.server_close()

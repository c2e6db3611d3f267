"""The world outside, for tests of the way out: real servers on the loopback, and a client that speaks in raw bytes."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pydantic import JsonValue

from pawl.records import Exchange
from pawl.sandboxes.egress import Egress
from pawl.sandboxes.rules import parse

KEY = "sk-outside-0123456789abcdef"
STREAM = (
    b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
    b'data: {"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":2}}\n\n'
    b"data: [DONE]\n\n"
)


@dataclass
class Asked:
    """One request as a real server parsed it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    """A real HTTP server: what it was asked, and how it answers by the last step of the path."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    stop: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


class Answers(BaseHTTPRequestHandler):
    """/v1/WORD answers as the method `answer_WORD` says; anything else in JSON, with usage."""

    protocol_version = "HTTP/1.1"
    server: Listening

    def do_GET(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def do_HEAD(self) -> None:
        self._take()

    def _take(self) -> None:
        if self.headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.told.asked.append(Asked(self.command, self.path, headers, body))
        word = self.path.partition("?")[0].rpartition("/")[2].replace("-", "_")
        getattr(self, f"answer_{word}", self.answer_usage)(body)

    def answer_usage(self, body: bytes) -> None:
        usage = {"prompt_tokens": len(body), "completion_tokens": 5}
        self.say(200, json.dumps({"usage": usage, "echo": body.decode("latin-1")}).encode())

    def answer_silent(self, body: bytes) -> None:
        self.say(200, b'{"choices": []}')

    def answer_stream(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(STREAM)
        self.close_connection = True

    def answer_redirect(self, body: bytes) -> None:
        self.say(302, b"", {"Location": "http://example.org/elsewhere", "Set-Cookie": "a=b"})

    def answer_broken(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"half")
        self.close_connection = True

    def answer_wrong(self, body: bytes) -> None:
        self.say(500, b'{"error": "no"}')

    def answer_mirror(self, body: bytes) -> None:
        self.say(200, json.dumps(dict(self.headers)).encode())

    def answer_mirrored_header(self, body: bytes) -> None:
        self.say(200, b"{}", {"X-Seen": self.headers.get("authorization", "")})

    def answer_endless(self, body: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            return

    def answer_large(self, body: bytes) -> None:
        self.say(200, bytes(range(256)) * 8192)

    def say(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        return


class Listening(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.told = Server(self.server_port)

    def handle_error(self, request: object, client_address: object) -> None:
        return  # the proxy may hang up on it


@contextmanager
def server(certificate: Path | None = None) -> Iterator[Server]:
    """A running server on the loopback; with TLS if there is a file with its certificate and key."""
    found = Listening()
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        found.socket = tls.wrap_socket(found.socket, server_side=True)
    threading.Thread(target=found.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield found.told
    finally:
        found.shutdown()
        found.server_close()


@contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that is no HTTP server: `answer` is given each connection. Its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    line = listener.accept()[0]
                except OSError:
                    return
                with line:
                    try:
                        answer(line)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)


@dataclass
class WayOut:
    """An open way out, the records that it wrote, and a client on its socket."""

    path: Path
    records: list[Exchange]

    def connect(self) -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(20)
        line.connect(str(self.path))
        return line

    def send(self, *parts: bytes) -> bytes:
        """What comes back for some bytes, sent part by part."""
        with self.connect() as line:
            for part in parts:
                line.sendall(part)
            return drained(line)

    def ask(self, method: str, path: str, body: bytes = b"", *headers: str) -> tuple[int, bytes]:
        """Status and body (dechunked if it has to be) of a well-formed request."""
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1:8899", f"Content-Length: {len(body)}", *headers]
        return parted(self.send("\r\n".join([*lines, "", ""]).encode() + body))


def drained(line: socket.socket) -> bytes:
    found = b""
    try:
        while chunk := line.recv(65536):
            found += chunk
    except ConnectionResetError:
        pass
    return found


def parted(answer: bytes) -> tuple[int, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"chunked" in head.lower():
        content, rest = b"", body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            content, rest = content + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        body = content
    return (int(head.split(b" ")[1]) if head else 0), body


@contextmanager
def way_out(allow: Sequence[dict[str, JsonValue]], refusals: int = 100) -> Iterator[WayOut]:
    """A way out under these rules. Its records are complete once the block is left."""
    records: list[Exchange] = []
    with Egress(parse(allow), records.append, "task", refusals) as egress:
        yield WayOut(egress.path, records)

"""The way out, from its socket: what passes, what it costs, what is refused; and what becomes of tricks."""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import os
import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from random import Random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from outside import KEY, STREAM, Server, drained, parted, raw_server, server, way_out
from pydantic import JsonValue

from pawl import cache
from pawl.errors import ConfigError
from pawl.records import Exchange
from pawl.sandboxes import allowance, crossing
from pawl.sandboxes.egress import Egress
from pawl.sandboxes.rules import parse


@pytest.fixture
def host() -> Iterator[Server]:
    with server() as found:
        yield found


def rule(host: Server, **more: JsonValue) -> dict[str, JsonValue]:
    return {"name": "model", "url": host.url, **more}


def at(port: int) -> dict[str, JsonValue]:
    return {"name": "a", "url": f"http://127.0.0.1:{port}"}


class TestPassing:
    def test_a_request_goes_to_the_listed_host_and_its_answer_comes_back(self, host: Server) -> None:
        with way_out([rule(host)]) as out:
            status, body = out.ask("POST", "/model/chat?x=1", b"hello", "Content-Type: application/json")
        assert (status, json.loads(body)["echo"]) == (200, "hello")
        assert [(asked.method, asked.path, asked.body) for asked in host.asked] == [("POST", "/v1/chat?x=1", b"hello")]
        (record,) = out.records
        assert record.model_dump(exclude={"wall_s", "bytes_up", "bytes_down"}) == {
            "task": "task", "rule": "model", "method": "POST", "host": f"127.0.0.1:{host.port}",
            "path": "/v1/chat?x=1", "status": 200, "allowed": True, "reason": "", "tokens_in": 5, "tokens_out": 5,
        }  # fmt: skip
        assert record.bytes_up > 5
        assert record.bytes_down > len(body)

    def test_bytes_are_those_on_the_wire(self) -> None:
        got = bytearray()

        def answer(line: socket.socket) -> None:
            while not got.endswith(b"hello"):
                got.extend(line.recv(4096))
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        with raw_server(answer) as port, way_out([at(port)]) as out:
            assert out.ask("POST", "/a/x", b"hello") == (200, b"ok")
        assert (out.records[0].bytes_up, out.records[0].bytes_down) == (len(got), 40)

    def test_a_streamed_answer_is_passed_on_and_counted(self, host: Server) -> None:
        with way_out([rule(host)]) as out:
            assert out.ask("POST", "/model/stream") == (200, STREAM)
        assert (out.records[0].tokens_in, out.records[0].tokens_out) == (11, 2)

    def test_a_streamed_request_is_passed_on(self, host: Server) -> None:
        with way_out([rule(host)]) as out:
            head = b"POST /model/x HTTP/1.1\r\nHost: localhost:1\r\nTransfer-Encoding: chunked\r\n\r\n"
            answer = out.send(head, b"3\r\nabc\r\n", b"2;ext=1\r\nde\r\n", b"0\r\nTrailer-X: y\r\n\r\n")
        assert parted(answer)[0] == 200
        assert host.asked[0].body == b"abcde"
        assert "trailer-x" not in host.asked[0].headers

    def test_a_client_that_waits_to_be_told_is_told(self, host: Server) -> None:
        with way_out([rule(host)]) as out, out.connect() as line:
            line.sendall(
                b"POST /model/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
            )
            assert line.recv(1000).startswith(b"HTTP/1.1 100 ")
            line.sendall(b"ok")
            assert parted(drained(line))[0] == 200

    def test_large_answers_arrive_whole(self, host: Server) -> None:
        with way_out([rule(host)]) as out:
            assert out.ask("GET", "/model/large") == (200, bytes(range(256)) * 8192)

    def test_an_old_client_is_served(self, host: Server) -> None:
        with way_out([rule(host)]) as out:
            assert parted(out.send(b"GET /model/x HTTP/1.0\r\n\r\n"))[0] == 200

    def test_a_head_request_has_no_body(self, host: Server) -> None:
        with way_out([rule(host, methods=["HEAD"])]) as out:
            assert out.ask("HEAD", "/model/x") == (200, b"")

    def test_a_proxys_client_is_served_for_listed_hosts(self, host: Server) -> None:
        place = f"127.0.0.1:{host.port}"
        with way_out([rule(host)]) as out:
            assert parted(out.send(f"GET http://{place}/v1/x HTTP/1.1\r\nHost: {place}\r\n\r\n".encode()))[0] == 200
            assert parted(out.send(f"GET http://{place}/v2/x HTTP/1.1\r\nHost: {place}\r\n\r\n".encode()))[0] == 403
        assert [asked.path for asked in host.asked] == ["/v1/x"]

    def test_redirects_are_handed_in_and_not_followed(self, host: Server) -> None:
        with way_out([rule(host)]) as out:
            answer = out.send(b"GET /model/redirect HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 302 ")
        assert b"http://example.org/elsewhere" in answer
        assert b"set-cookie" not in answer.lower()
        assert len(host.asked) == len(out.records) == 1

    def test_requests_side_by_side(self, host: Server) -> None:
        with way_out([rule(host)]) as out:
            threads = [threading.Thread(target=out.ask, args=("POST", "/model/x", b"y" * n)) for n in range(40)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert sorted(record.tokens_in or 0 for record in out.records) == list(range(40))


class TestKeys:
    def test_the_key_is_added_outside_and_the_agents_own_are_dropped(
        self, host: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TEST_KEY", KEY)
        own = ("Authorization: Bearer own", "X-Api-Key: own", "Cookie: own", "Proxy-Authorization: own", "X-Other: own")
        with way_out([rule(host, key_env="TEST_KEY")]) as out:
            assert out.ask("POST", "/model/x", b"{}", *own, "OpenAI-Beta: kept")[0] == 200
        headers = host.asked[0].headers
        assert headers["authorization"] == f"Bearer {KEY}"
        assert headers["openai-beta"] == "kept"
        assert "own" not in " ".join(headers.values())

    def test_without_a_key_the_agents_own_is_dropped_too(self, host: Server) -> None:
        with way_out([rule(host, headers=["X-Extra"])]) as out:
            out.ask("POST", "/model/x", b"", "Authorization: Bearer own", "X-Extra: let")
        assert "authorization" not in host.asked[0].headers
        assert host.asked[0].headers["x-extra"] == "let"

    def test_a_key_may_go_into_another_header_and_come_from_a_file(self, host: Server, tmp_path: Path) -> None:
        (tmp_path / "key").write_text(KEY + "\n")
        with way_out([rule(host, key_file=str(tmp_path / "key"), key_header="x-api-key: {key}")]) as out:
            out.ask("GET", "/model/x", b"", "X-Api-Key: own")
        assert host.asked[0].headers["x-api-key"] == KEY

    @pytest.mark.parametrize("path", ["/model/mirror", "/model/mirrored-header"])
    def test_an_answer_that_repeats_the_key_is_held_back(
        self, host: Server, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        monkeypatch.setenv("TEST_KEY", KEY)
        with way_out([rule(host, key_env="TEST_KEY")]) as out:
            answer = out.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert KEY.encode() in host.asked[0].headers["authorization"].encode()
        assert KEY.encode() not in answer
        assert out.records[0].reason == "the answer repeats the key"

    @pytest.mark.parametrize("streamed", [True, False])
    def test_a_key_that_comes_in_pieces_is_held_back_too(self, streamed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        kind = b"Content-Type: text/event-stream\r\n" if streamed else b""
        monkeypatch.setenv("TEST_KEY", KEY)

        def answer(line: socket.socket) -> None:
            line.recv(4096)
            line.sendall(b"HTTP/1.1 200 OK\r\n" + kind + b"Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            for letter in KEY:
                line.sendall(f"1\r\n{letter}\r\n".encode())
            line.sendall(b"0\r\n\r\n")

        with raw_server(answer) as port, way_out([{**at(port), "key_env": "TEST_KEY"}]) as out:
            status, body = out.ask("GET", "/a/x")
        assert KEY[:3].encode() not in body
        assert (status, out.records[0].reason) == (200 if streamed else 502, "the answer repeats the key")

    def test_a_key_that_is_missing_stops_it_before_anything_runs(self, host: Server) -> None:
        with pytest.raises(ConfigError, match="TEST_NO_KEY"), way_out([rule(host, key_env="TEST_NO_KEY")]):
            pytest.fail("it opened")


class TestLimits:
    def test_so_many_requests(self, host: Server) -> None:
        with way_out([rule(host, requests=2)]) as out:
            assert [out.ask("GET", "/model/x")[0] for _ in range(4)] == [200, 200, 429, 429]
        assert len(host.asked) == 2
        assert "allows 2 requests" in out.records[2].reason

    def test_so_many_bytes_out(self, host: Server) -> None:
        with way_out([rule(host, bytes=100_000)]) as out:
            assert out.ask("POST", "/model/x", b"z" * 200_000)[0] == 429
            assert out.ask("GET", "/model/x")[0] == 429
        assert out.records[0].bytes_up <= 100_000
        assert "allows 100000 bytes" in out.records[0].reason

    def test_so_many_bytes_in(self, host: Server) -> None:
        """An endless answer is cut short; the most that comes above the limit is one read."""
        with way_out([rule(host, bytes=1_000_000)]) as out:
            assert 0 < len(out.ask("GET", "/model/endless")[1]) < 1_000_000
        assert "allows 1000000 bytes" in out.records[0].reason
        assert out.records[0].bytes_down < 1_000_000 + 2**17

    def test_so_many_tokens(self, host: Server) -> None:
        with way_out([rule(host, tokens=20)]) as out:
            assert [out.ask("POST", "/model/x", b"12345")[0] for _ in range(3)] == [200, 200, 429]
        assert "allows 20 tokens" in out.records[2].reason

    def test_an_answer_that_hides_its_tokens_ends_a_rule_that_limits_them(self, host: Server) -> None:
        with way_out([rule(host, tokens=1000)]) as out:
            assert [out.ask("POST", "/model/wrong")[0], out.ask("GET", "/model/silent")[0]] == [500, 200]
            assert [out.ask("POST", "/model/silent")[0] for _ in range(2)] == [200, 429]
        assert "did not say how many it used" in out.records[-1].reason
        assert out.records[2].tokens_in is None

    def test_without_a_limit_unknown_tokens_are_only_said_to_be_unknown(self, host: Server) -> None:
        with way_out([rule(host)]) as out:
            assert [out.ask("POST", "/model/silent")[0] for _ in range(2)] == [200, 200]
        assert {record.tokens_out for record in out.records} == {None}

    def test_hanging_up_does_not_hide_what_was_used(self) -> None:
        """Where tokens are limited the answer is read to its end, though nobody listens any more."""
        gone, usage = threading.Event(), b'data: {"usage":{"prompt_tokens":700,"completion_tokens":300}}\n\n'

        def answer(line: socket.socket) -> None:
            line.recv(4096)
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {}\n\n")
            gone.wait(10)
            for _ in range(50):
                line.sendall(b": comment\n\n" * 1000)
            line.sendall(usage)

        with raw_server(answer) as port, way_out([{**at(port), "tokens": 1000}]) as out:
            with out.connect() as line:
                line.sendall(b"POST /a/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
                assert line.recv(10)
            gone.set()
            assert out.ask("POST", "/a/x")[0] == 429
        assert (out.records[0].tokens_in, out.records[0].tokens_out) == (700, 300)

    def test_limited_tokens_are_spent_one_request_at_a_time(self, host: Server) -> None:
        """So that many requests at once cannot all start below the limit."""
        with way_out([rule(host, tokens=10)]) as out:
            threads = [threading.Thread(target=out.ask, args=("POST", "/model/x", b"12345")) for _ in range(12)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert sorted(record.status for record in out.records) == [200] + [429] * 11

    def test_an_exchange_may_take_so_long(self) -> None:
        with raw_server(lambda line: drained(line) and None) as port, way_out([{**at(port), "seconds": 0.3}]) as out:
            assert out.ask("GET", "/a/x")[0] == 504
        assert out.records[0].reason == "the host took too long"

    def test_refusals_are_counted_too(self, host: Server) -> None:
        """An agent cannot fill the ledger with them."""
        with way_out([rule(host)], refusals=3) as out:
            for _ in range(3):
                out.ask("GET", "http://evil.example/")
            with contextlib.suppress(OSError):
                assert out.ask("GET", "/model/x") == (0, b"")
        assert len(out.records) == 3
        assert host.asked == []


TRICKS = {
    "two lengths": b"POST /model/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "length list": b"POST /model/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5, 6\r\n\r\nhello!",
    "length and chunks": b"POST /model/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /model/y HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "chunked twice": b"POST /model/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "odd coding": b"POST /model/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coding list": b"POST /model/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "negative length": b"POST /model/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "signed length": b"POST /model/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\nhello",
    "space before colon": b"GET /model/x HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "no host": b"GET /model/x HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /model/x HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "other host": b"GET /model/x HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "host with path": b"GET /model/x HTTP/1.1\r\nHost: localhost/../x\r\n\r\n",
    "space in target": b"GET /model/x y HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "return in target": b"GET /model/x\rHost:evil HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "escaped line end": b"GET /model/x%0d%0aX:%20y HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "NUL in header": b"GET /model/x HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
    "bare return in header": b"GET /model/x HTTP/1.1\r\nHost: localhost\r\nAccept: a\rX: y\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /model/x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)) + b"\r\n\r\n",
    "long line": b"GET /model/" + b"x" * 200_000 + b" HTTP/1.1\r\n\r\n",
    "long header": b"GET /model/x HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    "many headers": b"GET /model/x HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
    "user in address": b"GET http://a:b@127.0.0.1/v1/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "upgrade of scheme": b"GET https://127.0.0.1/v1/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "connect": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n",
}


class TestTricks:
    @pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS.keys())
    def test_nothing_leaves_and_it_is_written_down(self, host: Server, trick: bytes) -> None:
        with way_out([rule(host)]) as out:
            status, _ = parted(out.send(trick.replace(b"127.0.0.1/", f"127.0.0.1:{host.port}/".encode())))
        assert host.asked == []
        assert status in (0, 400, 403, 431, 501)  # 0: it hung up while the rest was still being sent
        (record,) = out.records
        assert (record.allowed, record.rule, record.bytes_up) == (False, "", 0)
        assert record.reason
        assert record.path.isprintable()

    def test_what_follows_a_request_is_never_another(self, host: Server) -> None:
        """One request to a connection: there is nothing to smuggle a second one past."""
        second = b"GET /model/second HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with way_out([rule(host)]) as out:
            out.send(b"POST /model/first HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nok" + second)
        assert [asked.path for asked in host.asked] == ["/v1/first"]
        assert len(out.records) == 1

    def test_mangled_requests_do_no_harm(self, host: Server) -> None:
        """Whatever is sent, what reaches the host is below the rule's path, and the way out stays as it was."""
        random, seeds = Random(7), [*TRICKS.values(), b"POST /model/x HTTP/1.1\r\nHost: localhost\r\n\r\n"]
        pieces = [b"\r\n", b"\n", b"\0", b"..", b"%2e", b"://", b"@", b":", b" ", b"HTTP/1.1", b"chunked", b"0"]
        with way_out([rule(host)], refusals=10**6) as out:
            for _ in range(300):
                text = bytearray(random.choice(seeds)[:500])
                for _ in range(random.randint(1, 6)):
                    start = random.randint(0, min(len(text), 80))
                    text[start : start + random.randint(0, 4)] = random.choice(pieces)
                with out.connect() as line, contextlib.suppress(OSError):
                    line.sendall(text)
                    line.shutdown(socket.SHUT_WR)
                    drained(line)
            assert out.ask("GET", "/model/last")[0] == 200
        assert all(asked.path.startswith("/v1") and ".." not in asked.path for asked in host.asked)
        assert host.asked[-1].path == "/v1/last"
        assert len([record for record in out.records if record.allowed]) >= len(host.asked)

    def test_framing_is_made_anew(self, host: Server) -> None:
        """Folded and repeated headers, odd chunk sizes and extensions do not reach the host."""
        with way_out([rule(host)]) as out:
            out.send(
                b"POST /model/x HTTP/1.1\r\nHost: localhost\r\nAccept: a\r\n b\r\nConnection: close, accept\r\n"
                b"Upgrade: h2c\r\nTE: trailers\r\nTransfer-Encoding: Chunked\r\n\r\n002;a=b\r\nok\r\n0\r\n\r\n"
            )
        asked = host.asked[0]
        assert asked.body == b"ok"
        assert asked.headers["accept"] == "a b"
        assert asked.headers["transfer-encoding"] == "chunked"
        assert not {"upgrade", "te"} & asked.headers.keys()
        assert asked.headers["host"] == f"127.0.0.1:{host.port}"

    def test_whoever_dawdles_is_sent_away(self, host: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(crossing, "HEAD", 0.3)
        monkeypatch.setattr("pawl.sandboxes.egress.HEAD", 0.3)
        with way_out([rule(host, seconds=0.3)]) as out:
            with out.connect() as line:
                line.sendall(b"GET /model/x HTTP/1.1\r\n")
                assert parted(drained(line))[0] == 408
            with out.connect() as line:
                line.sendall(b"POST /model/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf")
                assert parted(drained(line))[0] == 408
            with out.connect() as line:  # says nothing at all: nothing to write down
                assert drained(line) == b""
        assert [record.status for record in out.records] == [408, 408]

    def test_many_dawdlers_keep_only_each_other_waiting(self, host: Server) -> None:
        with way_out([rule(host)]) as out:
            lines = [out.connect() for _ in range(20)]
            for line in lines:
                line.close()
            assert out.ask("GET", "/model/x")[0] == 200

    def test_a_request_that_ends_early_is_cut_short(self, host: Server) -> None:
        with way_out([rule(host)]) as out, out.connect() as line:
            line.sendall(b"POST /model/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf")
            line.shutdown(socket.SHUT_WR)
            assert parted(drained(line))[0] == 400
        assert host.asked == [] or host.asked[0].body == b"half"
        assert "without sending complete message body" in out.records[0].reason

    def test_the_record_can_be_read_on_a_terminal(self, host: Server) -> None:
        with way_out([rule(host)]) as out:
            out.send(b"GET http://evil.example/" + b"%1b[2J" * 100 + b" HTTP/1.1\r\nHost: evil.example\r\n\r\n")
            out.send(b"G\x1bT / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert all(len(record.path) <= 200 and record.path.isprintable() for record in out.records)
        assert all(len(record.reason) <= 200 and record.reason.isprintable() for record in out.records)


class TestHosts:
    """The host outside is a stranger too, and may be away."""

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (b"", "not valid HTTP"),
            (b"hello", "not valid HTTP"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "not valid HTTP"),
            (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n", "not valid HTTP"),
            (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "not valid HTTP"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "without sending complete message body"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "not valid HTTP"),
        ],
    )
    def test_what_is_not_http_is_not_passed_on(self, answer: bytes, reason: str) -> None:
        def say(line: socket.socket) -> None:
            line.recv(4096)
            line.sendall(answer)

        with raw_server(say) as port, way_out([at(port)]) as out:
            status, _ = out.ask("GET", "/a/x")
        assert status in (502, 200)
        assert reason in out.records[0].reason
        assert out.records[0].allowed

    def test_a_broken_answer_is_no_whole_answer(self, host: Server) -> None:
        with way_out([rule(host)]) as out:
            assert out.ask("GET", "/model/broken")[0] == 502
        assert out.records[0].reason

    def test_a_host_that_is_away(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with way_out([at(port)]) as out:
            status, body = out.ask("GET", "/a/x")
        assert (status, b"cannot be reached" in body) == (502, True)

    def test_a_name_that_cannot_be_one(self) -> None:
        with way_out([{"name": "a", "url": f"http://{'x' * 200}.example"}]) as out:
            status, body = out.ask("GET", "/a/x")
        assert (status, b"cannot be reached" in body) == (502, True)

    def test_a_name_is_looked_up_once(self, host: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who owns the name cannot lead it elsewhere while a task runs."""
        asked = []

        def lookup(name: str, port: int, **more: object) -> list[object]:
            asked.append(name)
            address = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(allowance.socket, "getaddrinfo", lookup)
        allow: dict[str, JsonValue] = {"name": "a", "url": f"http://model.example:{host.port}", "private": True}
        with way_out([allow]) as out:
            monkeypatch.setattr(allowance.socket, "create_connection", _direct)
            assert [out.ask("GET", "/a/x")[0] for _ in range(3)] == [200, 200, 200]
        assert asked == ["model.example"]
        assert host.asked[0].headers["host"] == f"model.example:{host.port}"

    @pytest.mark.parametrize(
        "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "::1", "fe80::1", "::ffff:127.0.0.1"]
    )
    def test_a_public_name_that_leads_inside_is_refused(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))]
        monkeypatch.setattr(allowance.socket, "getaddrinfo", lambda *_, **__: answer)
        with way_out([{"name": "a", "url": "http://model.example"}]) as out:
            status, body = out.ask("GET", "/a/x")
        assert (status, b"not a public address" in body) == (403, True)
        assert not out.records[0].allowed


def _direct(address: tuple[str, int], timeout: float) -> socket.socket:
    """As socket.create_connection, for numbers, without a lookup."""
    line = socket.socket()
    line.settimeout(timeout)
    line.connect(address)
    return line


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for a name or address and its key in one file; and the certificate alone, to be trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    other: x509.GeneralName = x509.IPAddress(IPv4Address(name)) if name[0].isdigit() else x509.DNSName(name)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([other]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(private + public)
    (folder / "ca.pem").write_bytes(public)
    return folder / "both.pem", folder / "ca.pem"


class TestTls:
    def test_tls_is_spoken_outside(self, tmp_path: Path) -> None:
        both, ca = certificate(tmp_path, "127.0.0.1")
        with server(both) as host:
            allow: dict[str, JsonValue] = {"name": "a", "url": f"https://127.0.0.1:{host.port}/v1", "ca": str(ca)}
            with way_out([allow]) as out:
                assert out.ask("POST", "/a/x", b"hello")[0] == 200
        assert host.asked[0].body == b"hello"

    @pytest.mark.parametrize("trusted", [True, False], ids=["another-name", "not-trusted"])
    def test_a_wrong_certificate_is_refused(self, tmp_path: Path, trusted: bool) -> None:
        both, ca = certificate(tmp_path, "model.example" if trusted else "127.0.0.1")
        with server(both) as host:
            allow: dict[str, JsonValue] = {"name": "a", "url": f"https://127.0.0.1:{host.port}"}
            with way_out([{**allow, "ca": str(ca)} if trusted else allow]) as out:
                status, body = out.ask("POST", "/a/x", b"secret")
        assert (status, b"no TLS with" in body) == (502, True)
        assert host.asked == []

    def test_authorities_that_cannot_be_read_stop_it_first(self) -> None:
        with pytest.raises(ConfigError, match="nowhere"), way_out([{"name": "a", "url": "https://x", "ca": "nowhere"}]):
            pytest.fail("it opened")


class TestTunnel:
    def test_a_tunnel_carries_the_agents_own_tls(self, tmp_path: Path) -> None:
        """Bytes are counted; tokens are unknown, and said to be."""
        both, ca = certificate(tmp_path, "127.0.0.1")
        with server(both) as host, way_out([rule_for(host)]) as out:
            line = out.connect()
            line.sendall(f"CONNECT 127.0.0.1:{host.port} HTTP/1.1\r\nHost: 127.0.0.1:{host.port}\r\n\r\n".encode())
            assert line.recv(1000).startswith(b"HTTP/1.1 200 ")
            with ssl.create_default_context(cafile=str(ca)).wrap_socket(line, server_hostname="127.0.0.1") as safe:
                safe.sendall(b"POST /v1/x HTTP/1.0\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
                assert b"hello" in drained(safe)
        (record,) = out.records
        assert (record.method, record.allowed, record.rule, record.tokens_in) == ("CONNECT", True, "pages", None)
        assert record.bytes_up > 200
        assert record.bytes_down > 500

    def test_a_tunnel_has_its_limit_of_bytes(self, host: Server) -> None:
        with way_out([rule_for(host, scheme="http", bytes=50_000)]) as out, out.connect() as line:
            line.sendall(f"CONNECT 127.0.0.1:{host.port} HTTP/1.1\r\n".encode() + b"Host: 127.0.0.1\r\n\r\n")
            line.sendall(b"GET /v1/endless HTTP/1.1\r\nHost: x\r\n\r\n")
            assert len(drained(line)) < 200_000
        assert "allows 50000 bytes" in out.records[0].reason

    def test_bytes_sent_too_early_are_not_lost(self, host: Server) -> None:
        place = f"127.0.0.1:{host.port}".encode()
        with way_out([rule_for(host, scheme="http")]) as out:
            answer = out.send(
                b"CONNECT " + place + b" HTTP/1.1\r\nHost: " + place + b"\r\n\r\nGET /v1/x HTTP/1.0\r\n\r\n"
            )
        assert b"prompt_tokens" in answer


def rule_for(host: Server, scheme: str = "https", **more: JsonValue) -> dict[str, JsonValue]:
    return {"name": "pages", "url": f"{scheme}://127.0.0.1:{host.port}", "tunnel": True, **more}


class TestSocket:
    def test_only_the_sandboxes_user_may_connect(self, host: Server) -> None:
        with way_out([rule(host)]) as out:
            found = out.path.stat()
            assert stat.S_IMODE(found.st_mode) == 0o600
            assert found.st_uid == (cache.SANDBOX_USER if os.geteuid() == 0 else os.geteuid())
            assert stat.S_IMODE(out.path.parent.stat().st_mode) == 0o711
        assert not out.path.parent.exists()

    def test_a_long_path_is_no_obstacle(self, host: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PAWL_CACHE", str(tmp_path / ("long" * 30)))
        with way_out([rule(host)]) as out:
            assert len(str(out.path)) > 107

    def test_it_ends_with_the_sandbox(self) -> None:
        """Whoever still waits for an answer is cut off, and it is written down."""
        asked = threading.Event()

        def wait(line: socket.socket) -> None:
            line.recv(4096)
            asked.set()
            drained(line)

        with raw_server(wait) as port:
            with way_out([at(port)]) as out:
                line = out.connect()
                line.sendall(b"GET /a/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert asked.wait(10)
            assert parted(drained(line))[0] in (0, 502)  # whichever of its two ends was cut first
            line.close()
        assert len(out.records) == 1
        assert out.records[0].reason

    def test_what_cannot_be_written_down_is_not_passed_on(self, host: Server) -> None:
        """A full disk closes the way out, and is the error of the task."""
        told: list[bytes] = []

        def fail(exchange: Exchange) -> None:
            raise OSError(errno.ENOSPC, "no space left")

        def asking() -> None:
            with Egress(parse([rule(host)]), fail, "task") as egress, socket.socket(socket.AF_UNIX) as line:
                line.connect(str(egress.path))
                line.sendall(b"GET /model/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
                told.append(drained(line))

        with pytest.raises(OSError, match="no space left"):
            asking()
        assert told == [b""]
        assert len(host.asked) == 1

"""Only what is below a listed address may be asked, however it is spelled."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from pawl.errors import ConfigError
from pawl.sandboxes.rules import Refusal, parse
from pawl.sandboxes.targets import choose, target

ALLOW: list[dict[str, JsonValue]] = [
    {"name": "model", "url": "https://api.example.org/v1"},
    {"name": "plain", "url": "http://gateway.example.org:8080", "methods": ["GET"]},
    {"name": "pages", "url": "https://pages.example.org", "tunnel": True},
    {"name": "six", "url": "http://[2001:db8::1]/api"},
]
RULES = parse(ALLOW)


@pytest.mark.parametrize(
    ("method", "written", "host", "name", "path"),
    [
        ("POST", "/model/chat/completions", "127.0.0.1:8899", "model", "/v1/chat/completions"),
        ("GET", "/model/models?limit=2&after=a/b", "localhost:8899", "model", "/v1/models?limit=2&after=a/b"),
        ("GET", "/model", None, "model", "/v1"),
        ("GET", "/model/", None, "model", "/v1/"),
        ("GET", "/model?x=/y", None, "model", "/v1?x=/y"),
        ("GET", "/plain", None, "plain", "/"),
        ("GET", "/plain?x", None, "plain", "/?x"),
        ("GET", "http://gateway.example.org:8080/a%20b", "gateway.example.org:8080", "plain", "/a%20b"),
        ("GET", "HTTP://Gateway.Example.org:8080", "gateway.example.ORG:8080", "plain", "/"),
        ("POST", "https://api.example.org/v1/x", "api.example.org", "model", "/v1/x"),
        ("POST", "https://api.example.org:443/v1/x", "api.example.org", "model", "/v1/x"),
        ("GET", "http://[2001:DB8::1]/api/x", "[2001:db8::1]", "six", "/api/x"),
        ("CONNECT", "pages.example.org:443", "pages.example.org:443", "pages", ""),
        ("CONNECT", "pages.example.org:443", "pages.example.org", "pages", ""),
    ],
)
def test_what_is_listed_may_be_asked(method: str, written: str, host: str | None, name: str, path: str) -> None:
    rule, found = choose(RULES, method, written, [host] if host else [])
    assert (rule.name, found) == (name, path)


@pytest.mark.parametrize(
    ("method", "written", "host"),
    [
        ("GET", "/", None),
        ("GET", "/models", None),
        ("GET", "/modelx/v1", None),
        ("GET", "/Model/x", None),
        ("GET", "//model/x", None),
        ("GET", "/./model/x", None),
        ("GET", "/x/../model/x", None),
        ("OPTIONS", "*", None),
        ("GET", "/model/x", "api.example.org"),
        ("GET", "/model/x", "127.0.0.1@example.org"),
        ("GET", "/model/x", "127.0.0.1.example.org"),
        ("GET", "/model/x", ""),
        # another path
        ("GET", "/model/../admin", None),
        ("GET", "/model/..", None),
        ("GET", "/model/%2e%2e/admin", None),
        ("GET", "/model/.%2E/admin", None),
        ("GET", "/model/x/./y", None),
        ("GET", "/model//x", None),
        ("GET", "/model/..%2fadmin", None),
        ("GET", "/model/..%5cadmin", None),
        ("GET", "/model/..\\admin", None),
        ("GET", "/model/..;/admin", None),
        ("GET", "/model/%252e%252e/admin", None),
        ("GET", "/model/%00", None),
        ("GET", "/model/%0d%0aHost:%20evil", None),
        ("GET", "/model/%zz", None),
        ("GET", "/model/x#y", None),
        ("GET", "/model/x?a b", None),
        ("GET", "/model/x?a\x7f", None),
        ("GET", "https://api.example.org/", "api.example.org"),
        ("GET", "https://api.example.org/v1x", "api.example.org"),
        ("GET", "https://api.example.org/v1/../v2", "api.example.org"),
        ("GET", "https://api.example.org/V1/x", "api.example.org"),
        # another host, scheme or port
        ("GET", "http://api.example.org/v1/x", "api.example.org"),
        ("GET", "https://api.example.org:8443/v1/x", "api.example.org:8443"),
        ("GET", "http://gateway.example.org/x", "gateway.example.org"),
        ("GET", "https://api.example.org./v1/x", "api.example.org."),
        ("GET", "https://api.example.org.evil.example/v1/x", "api.example.org.evil.example"),
        ("GET", "https://evil.example/api.example.org/v1", "evil.example"),
        ("GET", "https://user@api.example.org/v1/x", "api.example.org"),
        ("GET", "https://api.example.org@evil.example/v1/x", "evil.example"),
        ("GET", "https://api.example.org:443@evil.example/v1/x", "evil.example"),
        ("GET", "https://evil.example\\@api.example.org/v1/x", "api.example.org"),
        ("GET", "https://api.example.org#@evil.example/v1", "api.example.org"),
        ("GET", "https://%61pi.example.org/v1/x", "api.example.org"),
        ("GET", "https://api.example.org:/v1/x", "api.example.org"),
        ("GET", "https://api.example.org:0443x/v1/x", "api.example.org"),
        ("GET", "https:///v1/x", "api.example.org"),
        ("GET", "ftp://gateway.example.org:8080/x", "gateway.example.org:8080"),
        ("GET", "file:///etc/passwd", ""),
        ("GET", "gateway.example.org:8080", "gateway.example.org:8080"),
        # the line says one host, the header another
        ("GET", "http://gateway.example.org:8080/x", "evil.example"),
        ("GET", "http://gateway.example.org:8080/x", "gateway.example.org"),
        ("GET", "http://gateway.example.org:8080/x", ""),
        # methods and tunnels
        ("DELETE", "/model/x", None),
        ("POST", "/plain/x", None),
        ("get", "/model/x", None),
        ("CONNECT", "api.example.org:443", "api.example.org:443"),
        ("CONNECT", "pages.example.org:80", "pages.example.org:80"),
        ("CONNECT", "pages.example.org", "pages.example.org"),
        ("CONNECT", "pages.example.org:443", "evil.example:443"),
        ("CONNECT", "evil.example:443", "pages.example.org:443"),
        ("CONNECT", "x@pages.example.org:443", None),
        ("CONNECT", "/pages", None),
        ("CONNECT", "https://pages.example.org:443", None),
    ],
)
def test_all_else_is_refused(method: str, written: str, host: str | None) -> None:
    with pytest.raises(Refusal) as caught:
        choose(RULES, method, written, [] if host is None else [host])
    assert caught.value.status in (400, 403, 405)
    assert str(caught.value)


def test_two_hosts_are_refused() -> None:
    with pytest.raises(Refusal, match="more than one Host"):
        choose(RULES, "GET", "/model/x", ["127.0.0.1", "127.0.0.1"])


@given(st.text(alphabet="/.%2eEfF5c\\;?#@:a1_-"), st.booleans())
def test_no_spelling_leaves_the_base(rest: str, absolute: bool) -> None:
    """Whatever is let through lies below the base address, without a step up, as written and as decoded twice."""
    written = ("https://api.example.org/v1" if absolute else "/model") + rest
    try:
        rule, path = choose(RULES, "GET", written, [])
    except Refusal:
        return
    assert rule.name == "model"
    decoded = unquote(unquote(path.partition("?")[0]))
    assert decoded == "/v1" or decoded.startswith("/v1/")
    assert ".." not in decoded.split("/")
    assert "\\" not in decoded


@pytest.mark.parametrize(
    ("method", "written", "host", "path"),
    [
        ("CONNECT", "evil.example:443", "evil.example:443", ""),
        ("GET", "http://user:secret@evil.example/x?y", "user:secret@evil.example", "/x?y"),
        ("GET", "/model/x", "", "/model/x"),
        ("GET", "*", "", "*"),
    ],
)
def test_the_record_says_what_was_asked(method: str, written: str, host: str, path: str) -> None:
    found = target(method, written)
    assert (found.host, found.path) == (host, path)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"url": "http://x"}, "'name'"),
        ({"name": "a"}, "'url'"),
        ({"name": "A", "url": "http://x"}, "'name'"),
        ({"name": "a/b", "url": "http://x"}, "'name'"),
        ({"name": "a", "url": "x.org"}, "is not http://"),
        ({"name": "a", "url": "ftp://x.org"}, "is not http://"),
        ({"name": "a", "url": "http://u@x.org"}, "is not http://"),
        ({"name": "a", "url": "http://x.org?y"}, "is not http://"),
        ({"name": "a", "url": "http://x.org:99999"}, "is not http://"),
        ({"name": "a", "url": "http://x.org/a/../b"}, "its path"),
        ({"name": "a", "url": "http://*.x.org"}, "is not http://"),
        ({"name": "a", "url": "http://x", "hots": 1}, "unknown key 'hots'"),
        ({"name": "a", "url": "http://x", "requests": 0}, "'requests'"),
        ({"name": "a", "url": "http://x", "tokens": -1}, "'tokens'"),
        ({"name": "a", "url": "http://x", "bytes": "many"}, "'bytes'"),
        ({"name": "a", "url": "http://x", "methods": ["CONNECT"]}, "'methods"),
        ({"name": "a", "url": "http://x", "key_env": "K", "key_file": "f"}, "not both"),
        ({"name": "a", "url": "http://x", "key_header": "no colon {key}"}, "'key_header'"),
        ({"name": "a", "url": "http://x", "key_header": "X: {key}\r\nY: z"}, "'key_header'"),
        ({"name": "a", "url": "http://x", "headers": ["Authorization"]}, "may not name authorization"),
        ({"name": "a", "url": "http://x", "headers": ["host", "Content-Length"]}, "content-length, host"),
        ({"name": "a", "url": "http://x", "key_header": "X-K: {key}", "headers": ["x-k"]}, "may not name x-k"),
        ({"name": "a", "url": "http://x/p", "tunnel": True}, "a tunnel hides"),
        ({"name": "a", "url": "http://x", "tunnel": True, "tokens": 9}, "a tunnel hides"),
        ({"name": "a", "url": "http://x", "tunnel": True, "key_env": "K"}, "a tunnel hides"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_an_error(table: dict[str, JsonValue], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse([table])


def test_two_rules_of_one_name_are_an_error() -> None:
    with pytest.raises(ValueError, match="'a' is there twice"):
        parse([{"name": "a", "url": "http://x"}, {"name": "a", "url": "http://y"}])


def test_sizes_and_durations_are_read_as_elsewhere() -> None:
    (rule,) = parse([{"name": "a", "url": "http://x", "bytes": "2MiB", "seconds": "5m"}])
    assert (rule.bytes, rule.seconds) == (2 * 2**20, 300)


@pytest.mark.parametrize("text", ["", "   \n", "short", "two words 123", "line\nline12345", "ünprintable-key"])
def test_a_key_that_is_not_one_is_an_error(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", text)
    (rule,) = parse([{"name": "a", "url": "http://x", "key_env": "TEST_KEY"}])
    with pytest.raises(ConfigError, match="TEST_KEY"):
        rule.key()


def test_a_key_file_that_is_missing_is_an_error() -> None:
    (rule,) = parse([{"name": "a", "url": "http://x", "key_file": "/nowhere/key"}])
    with pytest.raises(ConfigError, match="/nowhere/key"):
        rule.key()

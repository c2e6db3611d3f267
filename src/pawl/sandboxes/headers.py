"""Which headers cross: outwards only those on a list, with the key that is added outside; inwards all that concern
the agent."""

from __future__ import annotations

import h11

from pawl.sandboxes.rules import Rule

PASSED = ("accept", "anthropic-beta", "anthropic-version", "content-type", "openai-beta", "user-agent")
"""What goes out of the agent's own. The rest is dropped: with a key that it brought, it could send to its account."""
HOPS = {
    b"alt-svc", b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-connection", b"set-cookie", b"te",
    b"trailer", b"transfer-encoding", b"upgrade",
}  # fmt: skip
"""Headers of an answer that are between the host and Pawl."""
Headers = list[tuple[bytes, bytes]]


def outward(rule: Rule, key: str, request: h11.Request) -> Headers:
    """The headers of a request as the host gets them. Nothing is compressed on the way, or it could not be counted."""
    passed = {name.encode() for name in (*PASSED, *(name.lower() for name in rule.headers))}
    keyed, _, value = rule.key_header.partition(": ")
    if key:
        passed.discard(keyed.lower().encode())
    framing = {b"content-length", b"transfer-encoding"}
    headers: Headers = [(b"Host", rule.place.authority.encode())]
    headers += [(name, value) for name, value in request.headers if name in passed | framing]
    headers += [(keyed.encode(), value.replace("{key}", key).encode())] if key else []
    return [*headers, (b"Accept-Encoding", b"identity"), (b"Connection", b"close")]


def inward(response: h11.Response) -> Headers:
    """The headers of an answer as the agent gets them. A redirect is one like any other: nobody here follows it."""
    named = [value for name, value in response.headers if name == b"connection"]
    dropped = HOPS | {word.strip().lower() for value in named for word in value.split(b",")}
    dropped -= {b"content-length"}
    kept = [(name, value) for name, value in response.headers.raw_items() if name.lower() not in dropped]
    return [*kept, (b"Connection", b"close")]


def compressed(response: h11.Response) -> bool:
    return any(name == b"content-encoding" and value.lower() != b"identity" for name, value in response.headers)


def content_type(response: h11.Response) -> str:
    return next((value.decode("latin-1") for name, value in response.headers if name == b"content-type"), "")

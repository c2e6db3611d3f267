"""What a request asks for, and the rule that it falls under, if any."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pawl.sandboxes.places import AUTHORITY, QUERY, URL, Place, odd
from pawl.sandboxes.rules import Refusal, Rule

LOCAL = re.compile(r"/([a-z0-9-]+)((?:[/?].*)?)")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Target:
    """What a request asks for: the host as it names it, and its path with the query, both as written."""

    host: str
    path: str


NOWHERE = Target("", "")


def target(method: str, written: str) -> Target:
    """What a request line asks for, for the record: nothing is judged here."""
    if method == "CONNECT":
        return Target(written, "")
    match = re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)(.*)", written)
    return Target(match[1], match[2]) if match else Target("", written)


def choose(rules: Sequence[Rule], method: str, written: str, hosts: Sequence[str]) -> tuple[Rule, str]:
    """The rule that a request line and its Host headers fall under, and the path to ask of its host.

    Raises Refusal for everything else."""
    if len(hosts) > 1:
        raise Refusal(400, "it has more than one Host header")
    host = hosts[0].lower() if hosts else None
    if method == "CONNECT":
        return _tunnelled(rules, written, host), ""
    rule, path = _local(rules, written, host) if written.startswith("/") else _absolute(rules, written, host)
    if method not in rule.methods:
        raise Refusal(405, f"{method} is not among the methods of '{rule.name}' ({', '.join(rule.methods)})")
    return rule, path


def _local(rules: Sequence[Rule], written: str, host: str | None) -> tuple[Rule, str]:
    """`/NAME/path`, as asked of the address inside."""
    match = AUTHORITY.fullmatch(host) if host else None
    if host is not None and (not match or match[1] not in LOOPBACK):
        raise Refusal(403, "its Host header names another host than the one it is sent to")
    named = LOCAL.fullmatch(written)
    rule = next((rule for rule in rules if named and rule.name == named[1]), None)
    if rule is None or named is None:
        known = ", ".join(f"/{rule.name}/" for rule in rules) or "none"
        raise Refusal(403, f"no rule has this name; what is allowed: {known}")
    path, query = _split(named[2])
    return rule, (rule.place.path + path or "/") + query


def _absolute(rules: Sequence[Rule], written: str, host: str | None) -> tuple[Rule, str]:
    """`http://host/path`, as asked of a proxy."""
    match = URL.fullmatch(written)
    if not match:
        raise Refusal(400, "its target is neither a path nor a plain http:// or https:// address")
    path, query = _split((match[4] or "") + (match[5] or ""))
    place = Place.of(match[1], match[2], match[3], path)
    named = AUTHORITY.fullmatch(host) if host is not None else None
    if host is not None and (not named or Place.of(place.scheme, named[1], named[2], path) != place):
        raise Refusal(400, "its Host header and its target name different hosts")
    for rule in rules:
        if rule.place.covers(place):
            return rule, (path or "/") + query
    raise Refusal(403, "this host, scheme, port or path is not on the list")


def _tunnelled(rules: Sequence[Rule], written: str, host: str | None) -> Rule:
    match = AUTHORITY.fullmatch(written)
    if not match or not match[2] or host not in (None, written.lower(), match[1].lower()):
        raise Refusal(400, "its target is not HOST:PORT, or its Host header names another")
    for rule in rules:
        if (rule.place.host, rule.place.port) == (match[1].lower(), int(match[2])):
            if rule.tunnel:
                return rule
            raise Refusal(403, f"'{rule.name}' permits no tunnel; ask the proxy at /{rule.name}/ instead")
    raise Refusal(403, "this host or port is not on the list")


def _split(written: str) -> tuple[str, str]:
    """Path and query. Raises Refusal for a path that could be read as another one."""
    path, mark, query = written.partition("?")
    if problem := odd(path):
        raise Refusal(400, problem)
    if not QUERY.fullmatch(mark + query) and mark:
        raise Refusal(400, "its query holds characters that must be escaped")
    return path, mark + query

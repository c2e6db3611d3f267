"""Whom a sandboxed agent may talk to, and how much: the entries of an allow-list.

A rule is a base URL. What is below it may be asked; another host, scheme, port or path may not.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, JsonValue, ValidationError, model_validator

from pawl.errors import ConfigError
from pawl.sandboxes.places import URL, Place, odd
from pawl.tables import Bytes, Seconds, Table, explain

NEVER = {
    "accept-encoding", "api-key", "authorization", "connection", "content-encoding", "content-length", "cookie",
    "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding",
    "upgrade", "x-api-key", "x-goog-api-key",
}  # fmt: skip
"""Headers that no rule may let out: they frame the message, or say who pays."""


class Refusal(Exception):
    """A request that may not pass: the HTTP status and the reason that the agent is given."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Rule(Table):
    """One entry. `requests`, `bytes` (both ways together), `tokens` (both ways together; None: no limit, only counted)
    and `seconds` (of one exchange) are the most for one task. The key is read outside, from an environment variable
    or a file, and put into `key_header` there. `headers` are names of further request headers that go out. `tell` are
    environment variables that the agent is given; {url} in them is the address inside.

    `private` permits a host name to lead to a private address. `tunnel` permits CONNECT, by which bytes are counted
    and nothing else is seen. `ca` is a file with the certificate authorities to trust instead of the system's."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")
    url: str
    key_env: str = ""
    key_file: str = ""
    key_header: str = Field(default="Authorization: Bearer {key}", pattern=r"^[A-Za-z0-9-]+: [ -~]*\{key\}[ -~]*$")
    headers: tuple[str, ...] = ()
    methods: tuple[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], ...] = ("GET", "POST")
    requests: int = Field(default=1000, ge=1)
    bytes: Bytes = 64 * 2**20
    tokens: int | None = Field(default=None, ge=1)
    seconds: Seconds = 600.0
    private: bool = False
    tunnel: bool = False
    ca: str = ""
    tell: dict[str, str] = {}

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        match = URL.fullmatch(self.url)
        if not match or match[5] or not 0 < int(match[3] or 1) < 65536:
            raise ValueError(f"{self.url!r} is not http:// or https://, a host, maybe a port, and a path")
        problem = odd(match[4] or "")
        if problem:
            raise ValueError(f"{self.url!r}: {problem}")
        return self

    @model_validator(mode="after")
    def _keeps_what_it_promises(self) -> Self:
        if self.key_env and self.key_file:
            raise ValueError("give key_env or key_file, not both")
        if self.tunnel and (self.place.path or self.tokens is not None or self.key_env or self.key_file):
            raise ValueError("a tunnel hides path and answers: it takes no path, no tokens and no key")
        named = {name.lower() for name in self.headers}
        if wrong := named & (NEVER | {self.key_header.partition(":")[0].lower()}):
            raise ValueError(f"headers may not name {', '.join(sorted(wrong))}")
        return self

    @property
    def place(self) -> Place:
        match = URL.fullmatch(self.url)
        assert match  # the validator saw to it
        return Place.of(match[1], match[2], match[3], (match[4] or "").rstrip("/"))

    def key(self) -> str:
        """The key as it stands outside, "" if the rule has none. Raises ConfigError if it cannot be had."""
        where = self.key_env or self.key_file
        if not where:
            return ""
        try:
            found = os.environ.get(where, "") if self.key_env else Path(where).expanduser().read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"rule '{self.name}': {where} cannot be read: {error}", "correct key_file") from error
        key = found.strip()
        if not re.fullmatch(r"[!-~]{8,}", key):
            why = "holds no key, which is a printable word of at least 8 characters" if key else "is empty or not set"
            raise ConfigError(
                f"rule '{self.name}': {where} {why}", f"export {where}=..." if self.key_env else "fill it"
            )
        return key


def parse(allow: Iterable[Mapping[str, JsonValue]]) -> tuple[Rule, ...]:
    """Rules from tables. Raises ValueError that names the entry and the key."""
    rules: list[Rule] = []
    for table in allow:
        try:
            rule = Rule.model_validate_json(json.dumps(table))  # where strict types leave lists as they are
        except ValidationError as error:
            raise ValueError(f"allow {table.get('name', len(rules) + 1)!r}: {explain(error, Rule)}") from error
        if any(rule.name == other.name for other in rules):
            raise ValueError(f"allow {rule.name!r} is there twice")
        rules.append(rule)
    return tuple(rules)

"""How many tokens an answer says that it used: OpenAI's and Anthropic's forms, whole or streamed.

The numbers are the host's own. They stand beside the text that a model wrote, never inside it, so no prompt can change
them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

MOST = 8 * 2**20
"""Bytes of a JSON answer, or of one event of a stream, that are looked at."""
INPUT = (("prompt_tokens",), ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"))
OUTPUT = (("completion_tokens",), ("output_tokens",))
Count = tuple[int | None, int | None]


class Tokens:
    """Reads an answer as it passes by. `content_type` is its header; what is compressed or something else than JSON
    and event streams says nothing."""

    def __init__(self, content_type: str, compressed: bool) -> None:
        kind = content_type.partition(";")[0].strip().lower()
        self._streamed = kind == "text/event-stream"
        self._silent = compressed or not (self._streamed or kind == "application/json" or kind.endswith("+json"))
        self._kept = bytearray()
        self._event = bytearray()
        self._found: Count = (None, None)

    def feed(self, content: bytes) -> None:
        """The next bytes of the body."""
        if self._silent:
            return
        self._kept += content
        while self._streamed and (end := self._kept.find(b"\n")) >= 0:
            self._line(bytes(self._kept[:end]).rstrip(b"\r"))
            del self._kept[: end + 1]
        self._silent = len(self._kept) + len(self._event) > MOST

    def total(self) -> Count:
        """Tokens in and out at the end of the body; None where it did not say."""
        if self._silent:
            return (None, None)
        if self._streamed:
            self._line(bytes(self._kept))
            self._line(b"")
        else:
            self._take(bytes(self._kept))
        return self._found

    def _line(self, line: bytes) -> None:
        """One line of a stream: an event's data may span several, and an empty one ends it."""
        if line.startswith(b"data:"):
            self._event += line.removeprefix(b"data:").strip() + b"\n"
        elif not line and self._event:
            self._take(bytes(self._event))
            self._event.clear()

    def _take(self, text: bytes) -> None:
        """Counts in a stream are totals so far: the largest holds."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return
        found = spoken(message)
        self._found = (_larger(self._found[0], found[0]), _larger(self._found[1], found[1]))


def spoken(message: object) -> Count:
    """The usage that a JSON message states: at its top, or in `message` or `response` as their streams have it."""
    if not isinstance(message, Mapping):
        return (None, None)
    for holder in (message, message.get("message"), message.get("response")):
        usage = holder.get("usage") if isinstance(holder, Mapping) else None
        if isinstance(usage, Mapping):
            return (_sum(usage, INPUT), _sum(usage, OUTPUT))
    return (None, None)


def _sum(usage: Mapping[str, object], forms: tuple[tuple[str, ...], ...]) -> int | None:
    for names in forms:
        if _count(usage.get(names[0])) is not None:
            return sum(_count(usage.get(name)) or 0 for name in names)
    return None


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**53 else None


def _larger(one: int | None, other: int | None) -> int | None:
    return max((count for count in (one, other) if count is not None), default=None)

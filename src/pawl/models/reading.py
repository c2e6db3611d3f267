"""Reading an answer's JSON, whose every field may be missing or of another kind."""

from __future__ import annotations

from collections.abc import Mapping


def words(content: object) -> str:
    """The text of a message: a string, or the text blocks of a list."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    texts = [block.get("text") for block in blocks if isinstance(block, dict) and block.get("type") == "text"]
    return "".join(text for text in texts if isinstance(text, str))


def count(found: Mapping[str, object], name: str, *more: str) -> int | None:
    """A number of tokens that an answer's `usage` states, with those of other fields; None where it does not."""
    usage = found.get("usage")
    numbers = [usage.get(key) if isinstance(usage, Mapping) else None for key in (name, *more)]
    if not _natural(numbers[0]):
        return None
    return sum(number for number in numbers if isinstance(number, int) and _natural(number))


def part(found: Mapping[str, object], whole: int | None, name: str, inner: str = "") -> int:
    """How many of `whole` tokens an answer's `usage` says are of one kind, in a field of its own or one deeper; 0 where
    it does not say, or says nonsense."""
    usage = found.get("usage")
    value = usage.get(name) if isinstance(usage, Mapping) else None
    value = (value.get(inner) if isinstance(value, Mapping) else None) if inner else value
    return min(value, whole or 0) if isinstance(value, int) and _natural(value) else 0


def _natural(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**40

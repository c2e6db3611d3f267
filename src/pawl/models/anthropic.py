"""Anthropic's Messages API."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from pawl.models.post import Post, must_leave
from pawl.models.reading import count, part, words
from pawl.protocols import Answer, Prompt

VERSION = "2023-06-01"
TAKEN = frozenset({"model", "messages", "system", "stream", "max_tokens"})


@dataclass(frozen=True)
class AnthropicModel:
    """`model` at `endpoint`, with the key in the environment variable `key_env` (empty: none is sent). `extra` is added
    to each request, as it stands. `timeout` in seconds."""

    model: str
    endpoint: str = "https://api.anthropic.com"
    key_env: str = ""
    timeout: float = 120.0
    extra: Mapping[str, JsonValue] | None = None

    def __post_init__(self) -> None:
        must_leave(TAKEN, self.extra)
        self._post()

    def _post(self) -> Post:
        return Post(self.endpoint, self.key_env, self.timeout, "x-api-key")

    def complete(self, prompt: Prompt, stop: threading.Event) -> Answer:
        said: list[JsonValue] = [
            {"role": ("user", "assistant")[n % 2], "content": turn} for n, turn in enumerate(prompt.turns)
        ]
        body: dict[str, JsonValue] = {
            "model": self.model, "max_tokens": prompt.max_tokens, "system": prompt.system, "messages": said,
        }  # fmt: skip
        if prompt.temperature is not None:
            body["temperature"] = prompt.temperature
        headers = {"anthropic-version": VERSION}
        return self._post().answer("/v1/messages", {**body, **(self.extra or {})}, headers, _answer, stop)


def _answer(found: Mapping[str, object]) -> Answer:
    """What a message says. All of it is hostile. Tokens that went into a cache or came from it count as tokens in."""
    tokens_in = count(found, "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    tokens = tokens_in, count(found, "output_tokens"), part(found, tokens_in, "cache_read_input_tokens")
    if not isinstance(found.get("content"), list):
        return Answer("invalid", "the endpoint's answer has no content", "", *tokens)
    text, end = words(found["content"]), found.get("stop_reason")
    if end == "refusal":
        return Answer("refused", "the model declines", text, *tokens)
    if end in ("max_tokens", "model_context_window_exceeded"):
        return Answer("cut", "the answer ended at its longest", text, *tokens)
    return Answer("ok", "", text, *tokens)

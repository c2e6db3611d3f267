"""OpenAI's chat completions, as many endpoints speak them: hosted ones, and Ollama, vLLM, llama.cpp on this machine."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from pawl.models.post import Post, must_leave
from pawl.models.reading import count, part, words
from pawl.protocols import Answer, Prompt

TAKEN = frozenset({"model", "messages", "stream", "n"})


@dataclass(frozen=True)
class OpenAiModel:
    """`model` at `endpoint`, with the key in the environment variable `key_env` (empty: none is sent). `length` names
    the field that bounds an answer: some endpoints want max_completion_tokens. `extra` is added to each request, as it
    stands. `timeout` in seconds."""

    model: str
    endpoint: str = "https://api.openai.com/v1"
    key_env: str = ""
    timeout: float = 120.0
    length: str = "max_tokens"
    extra: Mapping[str, JsonValue] | None = None

    def __post_init__(self) -> None:
        must_leave(TAKEN, self.extra)
        self._post()

    def _post(self) -> Post:
        return Post(self.endpoint, self.key_env, self.timeout, "Authorization", "Bearer ")

    def complete(self, prompt: Prompt, stop: threading.Event) -> Answer:
        said: list[JsonValue] = [{"role": "system", "content": prompt.system}]
        said += [{"role": ("user", "assistant")[n % 2], "content": turn} for n, turn in enumerate(prompt.turns)]
        body: dict[str, JsonValue] = {"model": self.model, "messages": said, self.length: prompt.max_tokens}
        if prompt.temperature is not None:
            body["temperature"] = prompt.temperature
        return self._post().answer("/chat/completions", {**body, **(self.extra or {})}, {}, _answer, stop)


def _answer(found: Mapping[str, object]) -> Answer:
    """What a chat completion says. All of it is hostile."""
    tokens_in = count(found, "prompt_tokens")
    cached = part(found, tokens_in, "prompt_tokens_details", "cached_tokens")
    tokens = tokens_in, count(found, "completion_tokens"), cached
    choices = found.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return Answer("invalid", "the endpoint's answer has no choices[0].message", "", *tokens)
    text, end = words(message.get("content")), choice.get("finish_reason")
    if isinstance(message.get("refusal"), str) and message["refusal"]:
        return Answer("refused", "the model declines", message["refusal"], *tokens)
    if end == "content_filter":
        return Answer("refused", "the endpoint's filter held the answer back", text, *tokens)
    if end == "length":
        return Answer("cut", "the answer ended at its longest", text, *tokens)
    return Answer("ok", "", text, *tokens)

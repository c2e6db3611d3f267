"""Tokens are what the host says that it used, in each of the forms in which it may say so."""

from __future__ import annotations

import json

import pytest

from pawl.sandboxes.tokens import MOST, Tokens

ANTHROPIC = """\
event: message_start
data: {"type":"message_start","message":{"usage":{"input_tokens":25,"cache_read_input_tokens":5,"output_tokens":1}}}

event: content_block_delta
data: {"type":"content_block_delta","delta":{"text":"\\"usage\\": {\\"input_tokens\\": 9999}"}}

event: message_delta
data: {"type":"message_delta","usage":{"output_tokens":15}}

"""
RESPONSES = (
    'event: x\r\ndata: {"type":"response.completed",\r\n'
    'data:  "response":{"usage":{"input_tokens":7,"output_tokens":8}}}'
)


def count(text: str | bytes, kind: str = "application/json", step: int = 7, compressed: bool = False) -> object:
    tokens, content = Tokens(kind, compressed), text.encode() if isinstance(text, str) else text
    for start in range(0, len(content), step):
        tokens.feed(content[start : start + step])
    return tokens.total()


@pytest.mark.parametrize("step", [1, 7, 10**6])
def test_every_form_is_counted_however_it_is_cut(step: int) -> None:
    assert count('{"usage": {"prompt_tokens": 3, "completion_tokens": 4}}', step=step) == (3, 4)
    assert count('{"usage": {"prompt_tokens": 3, "total_tokens": 3}}', step=step) == (3, None)
    assert count('{"usage": {"input_tokens": 1, "cache_creation_input_tokens": 2, "output_tokens": 0}}') == (3, 0)
    assert count(ANTHROPIC, "text/event-stream; charset=utf-8", step) == (30, 15)
    assert count(RESPONSES, "text/event-stream", step) == (7, 8)


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", "3", "not JSON", '{"usage": null}', '{"usage": 3}', '{"usage": {"prompt_tokens": "3"}}',
        '{"usage": {"prompt_tokens": true}}', '{"usage": {"prompt_tokens": -1}}', '{"usage": {"prompt_tokens": 1.5}}',
        '{"usage": {"prompt_tokens": 1e400}}', '{"usage": {"prompt_tokens": 99999999999999999999}}',
        '{"choices": [{"usage": {"prompt_tokens": 3}}]}', "[" * 100_000, "\xff",
    ],
)  # fmt: skip
def test_what_is_not_said_is_unknown_and_not_nothing(text: str) -> None:
    assert count(text, step=10**6) == (None, None)
    assert count(f"data: {text}\n\n", "text/event-stream", step=10**6) == (None, None)


def test_what_cannot_be_read_is_unknown() -> None:
    said = '{"usage": {"prompt_tokens": 3, "completion_tokens": 4}}'
    assert count(said, "text/html") == (None, None)
    assert count(said, compressed=True) == (None, None)
    padding = json.dumps({"x": "y" * MOST})[:-1] + "," + said[1:]
    assert count(padding, step=2**16) == (None, None)
    assert count("data: " + "x" * (MOST + 1), "text/event-stream", step=2**16) == (None, None)

"""Both protocols keep the contract, over real sockets, and ask in the form that their endpoints want."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pawl import plugins
from pawl.errors import PartError
from pawl.models import anthropic, openai, post
from pawl.models.anthropic import AnthropicModel
from pawl.models.openai import OpenAiModel
from pawl.protocols import Model
from pawl.testing.endpoint import Endpoint, Reply
from pawl.testing.models import KEY, KEY_ENV, PROMPT, ModelContract


class TestOpenAi(ModelContract):
    def make(self, url: str, key_env: str, timeout: float) -> Model:
        return OpenAiModel("small", url, key_env, timeout)

    def reply(self, text: str, tokens: tuple[int, int] | None, end: str = "stop") -> Reply:
        message = {"role": "assistant", "content": None, "refusal": text} if end == "refusal" else {"content": text}
        usage = {"usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}} if tokens else {}
        reason = "stop" if end == "refusal" else end
        return Reply.json({"choices": [{"message": message, "finish_reason": reason}], **usage})  # type: ignore[dict-item]

    def test_the_form_of_a_request(self, endpoint: Endpoint) -> None:
        model = OpenAiModel("small", endpoint.url + "/v1/", KEY_ENV, 30.0, "max_completion_tokens", {"seed": 7})
        model.complete(PROMPT, threading.Event())
        (asked,) = endpoint.asked
        assert asked.path == "/v1/chat/completions"
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert asked.body == {
            "model": "small", "max_completion_tokens": 64, "temperature": 0.5, "seed": 7,
            "messages": [
                {"role": "system", "content": "Be short."}, {"role": "user", "content": "Say one."},
                {"role": "assistant", "content": "one"}, {"role": "user", "content": "Say two."},
            ],
        }  # fmt: skip

    def test_without_a_key_name_no_key_is_sent(self, endpoint: Endpoint) -> None:
        assert OpenAiModel("small", endpoint.url).complete(PROMPT, threading.Event()).outcome == "ok"
        assert "authorization" not in endpoint.asked[0].headers

    def test_a_filter_is_a_refusal(self, endpoint: Endpoint) -> None:
        answer = self.asked(endpoint, lambda asked: self.reply("", (1, 1), "content_filter"))
        assert answer.outcome == "refused"


class TestAnthropic(ModelContract):
    def make(self, url: str, key_env: str, timeout: float) -> Model:
        return AnthropicModel("small", url, key_env, timeout)

    def reply(self, text: str, tokens: tuple[int, int] | None, end: str = "stop") -> Reply:
        blocks = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": text}]
        usage = {"usage": {"input_tokens": tokens[0], "output_tokens": tokens[1]}} if tokens else {}
        reason = {"stop": "end_turn", "length": "max_tokens"}.get(end, end)
        return Reply.json({"type": "message", "content": blocks, "stop_reason": reason, **usage})  # type: ignore[dict-item]

    def test_the_form_of_a_request(self, endpoint: Endpoint) -> None:
        self.asked(endpoint)
        (asked,) = endpoint.asked
        assert asked.path == "/v1/messages"
        assert (asked.headers["x-api-key"], asked.headers["anthropic-version"]) == (KEY, "2023-06-01")
        assert asked.body == {
            "model": "small", "max_tokens": 64, "temperature": 0.5, "system": "Be short.",
            "messages": [
                {"role": "user", "content": "Say one."}, {"role": "assistant", "content": "one"},
                {"role": "user", "content": "Say two."},
            ],
        }  # fmt: skip

    def test_tokens_that_a_cache_served_count(self, endpoint: Endpoint) -> None:
        usage = {"input_tokens": 5, "cache_read_input_tokens": 100, "output_tokens": 2}
        answer = self.asked(endpoint, lambda asked: Reply.json({"content": [], "usage": usage}))  # type: ignore[dict-item]
        assert (answer.tokens_in, answer.tokens_out) == (105, 2)


del ModelContract


@pytest.mark.parametrize("usage", [{"prompt_tokens": -5}, {"prompt_tokens": True}, {"prompt_tokens": 1e9}, [], 3])
def test_counts_that_are_none_are_not_believed(usage: object) -> None:
    reply = {"choices": [{"message": {"content": "x"}}], "usage": usage}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(post.Post, "_json", lambda *_: reply)
        answer = OpenAiModel("small").complete(PROMPT, threading.Event())
    assert (answer.outcome, answer.tokens_in) == ("ok", None)


def test_retry_after_may_be_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3500 < post._after({"retry-after": later}) <= 3600
    assert post._after({"Retry-After": "Mon, 01 Jan 2001 00:00:00 GMT"}) == 0
    assert [post._after({"Retry-After": text}) for text in ("soon", "-3", "inf", "", "1e9")] == [0] * 5


def test_bytes_that_drip_in_for_ever_end_with_the_time() -> None:
    """Each byte comes long before the time is up; the whole answer never does."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def drip() -> None:
        held, _ = listener.accept()
        with held:
            try:
                while not done.wait(0.01):
                    held.sendall(b"H")
            except OSError:
                pass

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    answer = OpenAiModel("small", f"http://127.0.0.1:{listener.getsockname()[1]}", "", 0.3).complete(
        PROMPT, threading.Event()
    )
    done.set()
    thread.join()
    listener.close()
    assert answer.outcome in ("timed-out", "unreachable")  # a line of 64 KiB ends it too


def test_settings_of_pawls_own_cannot_be_overruled() -> None:
    with pytest.raises(PartError, match="extra may not hold messages"):
        plugins.build("model", "openai", {"model": "x", "extra": {"messages": []}})
    with pytest.raises(PartError, match="Did you mean 'openai'"):
        plugins.load("model", "opnai")


def test_stop_ends_it_before_the_host_greets() -> None:
    """A host that takes connections and says nothing where TLS begins: nothing was sent, and nobody waits for it."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop, over = threading.Event(), threading.Event()

    def greet() -> None:
        held, _ = listener.accept()
        with held:
            stop.set()
            over.wait(30)

    thread = threading.Thread(target=greet, daemon=True)
    thread.start()
    answer = OpenAiModel("small", f"https://127.0.0.1:{listener.getsockname()[1]}", "", 60.0).complete(PROMPT, stop)
    over.set()
    thread.join()
    listener.close()
    assert (answer.outcome, answer.sent, answer.local) == ("stopped", False, True)


def test_tokens_that_came_from_a_cache_are_told_and_never_more_than_all() -> None:
    message = {"choices": [{"message": {"content": "x"}}], "content": [{"type": "text", "text": "x"}]}
    found = []
    for usage in (
        {"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 60}, "completion_tokens": 5},
        {"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 600}, "completion_tokens": 5},
        {"prompt_tokens": 100, "prompt_tokens_details": 60, "completion_tokens": 5},
        {"prompt_tokens_details": {"cached_tokens": 60}},
    ):
        answer = openai._answer({**message, "usage": usage})
        found.append((answer.tokens_in, answer.cached))
    assert found == [(100, 60), (100, 100), (100, 0), (None, 0)]
    usage = {
        "input_tokens": 10, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 70, "output_tokens": 5
    }  # fmt: skip
    answer = anthropic._answer({**message, "usage": usage})
    assert (answer.tokens_in, answer.cached, answer.tokens_out) == (100, 70, 5)

"""What every model part must do, whatever its protocol: end with an answer, and never give a key away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pawl.protocols import Answer, Model, Prompt
from pawl.testing.endpoint import Asked, Endpoint, Reply, Script, scripted

KEY = "sk-contract-0123456789abcdef"
KEY_ENV = "PAWL_CONTRACT_KEY"
PROMPT = Prompt("Be short.", ("Say one.", "one", "Say two."), max_tokens=64, temperature=0.5)
GARBAGE = [b"", b"{", b"[]", b"null", b"<html>", b'{"choices": 1, "content": 1}', b"[" * 100_000, b"\xff\xfe",
           b'{"choices": [], "content": {}}', b'{"choices": [{"message": 3}]}']  # fmt: skip


class ModelContract:
    """Subclass it and override `make` and `reply`."""

    def make(self, url: str, key_env: str, timeout: float) -> Model:
        """The model under test, at a base URL on this machine."""
        raise NotImplementedError

    def reply(self, text: str, tokens: tuple[int, int] | None, end: str = "stop") -> Reply:
        """How its protocol answers with a text, and tokens in and out if they are stated; `end` is stop, length or
        refusal."""
        raise NotImplementedError

    @pytest.fixture
    def endpoint(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
        monkeypatch.setenv(KEY_ENV, KEY)
        with scripted(lambda asked: self.reply("two", (12, 3))) as found:
            yield found

    def asked(self, endpoint: Endpoint, script: Script | None = None, timeout: float = 30.0) -> Answer:
        """What comes of one request."""
        endpoint.script = script or endpoint.script
        answer = self.make(endpoint.url, KEY_ENV, timeout).complete(PROMPT, threading.Event())
        assert KEY not in repr(answer)
        return answer

    def test_an_answer_comes_with_its_tokens(self, endpoint: Endpoint) -> None:
        assert replace(self.asked(endpoint), local=False) == Answer("ok", "", "two", 12, 3)
        (request,) = endpoint.asked
        assert KEY in "".join(request.headers.values())
        said = repr(request.body)
        assert all(words in said for words in (PROMPT.system, *PROMPT.turns, "64", "0.5"))

    def test_an_endpoint_that_says_the_key_back_does_not_get_it_written_down(self, endpoint: Endpoint) -> None:
        answer = self.asked(endpoint, lambda asked: self.reply(f"It is {KEY}.", (1, 1)))
        assert (answer.outcome, answer.text) == ("ok", "It is (the key).")

    def test_tokens_that_are_not_stated_are_not_made_up(self, endpoint: Endpoint) -> None:
        answer = self.asked(endpoint, lambda asked: self.reply("two", None))
        assert (answer.outcome, answer.tokens_in, answer.tokens_out) == ("ok", None, None)

    def test_a_cut_answer_says_so(self, endpoint: Endpoint) -> None:
        answer = self.asked(endpoint, lambda asked: self.reply("tw", (12, 64), "length"))
        assert (answer.outcome, answer.text, answer.tokens_out) == ("cut", "tw", 64)

    def test_a_refusal_says_so(self, endpoint: Endpoint) -> None:
        answer = self.asked(endpoint, lambda asked: self.reply("I would rather not.", (12, 5), "refusal"))
        assert (answer.outcome, answer.again) == ("refused", None)

    def test_too_many_requests_say_when_to_come_back(self, endpoint: Endpoint) -> None:
        error = {"error": {"message": f"slow down\x1b[2J, {KEY}"}}
        answer = self.asked(endpoint, lambda asked: Reply.json(error, 429, Retry_After="7"))  # type: ignore[arg-type]
        assert (answer.outcome, answer.again, answer.tokens_in) == ("limited", 7.0, 0)
        assert "slow down" in answer.reason
        assert answer.reason.isprintable()

    @pytest.mark.parametrize("status", [500, 502, 503, 529])
    def test_an_endpoint_that_is_down_may_be_asked_again(self, endpoint: Endpoint, status: int) -> None:
        answer = self.asked(endpoint, lambda asked: Reply(status, b"upstream"))
        assert answer.outcome == "unreachable"
        assert answer.again is not None
        assert str(status) in answer.reason

    @pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404])
    def test_what_will_not_change_is_not_asked_again(self, endpoint: Endpoint, status: int) -> None:
        """And a redirect is not followed: it could lead the key elsewhere."""
        answer = self.asked(endpoint, lambda asked: Reply(status, KEY.encode(), {"Location": f"{endpoint.url}/x"}))
        assert (answer.outcome, answer.again) == ("refused", None)
        assert len(endpoint.asked) == 1

    @pytest.mark.parametrize("body", GARBAGE)
    def test_garbage_is_an_outcome(self, endpoint: Endpoint, body: bytes) -> None:
        answer = self.asked(endpoint, lambda asked: Reply(200, body))
        assert answer.outcome == "invalid"
        assert answer.reason

    def test_an_answer_of_any_size_is_cut_off(self, endpoint: Endpoint) -> None:
        answer = self.asked(endpoint, lambda asked: Reply(200, b" " * 9 * 2**20))
        assert (answer.outcome, answer.text) == ("invalid", "")

    def test_an_answer_that_breaks_off_is_an_outcome(self, endpoint: Endpoint) -> None:
        answer = self.asked(endpoint, lambda asked: Reply(200, b'{"a":', length=10_000))
        assert answer.outcome in ("unreachable", "invalid")
        assert answer.sent

    def test_silence_ends(self, endpoint: Endpoint) -> None:
        answer = self.asked(endpoint, lambda asked: Reply(silent=True), timeout=0.2)
        assert (answer.outcome, answer.sent) == ("timed-out", True)
        assert answer.again is not None

    def test_stop_ends_a_request_that_nobody_answers(self, endpoint: Endpoint) -> None:
        """It may have cost something all the same."""
        stop = threading.Event()

        def script(asked: Asked) -> Reply:
            stop.set()
            return Reply(silent=True)

        endpoint.script = script
        answer = self.make(endpoint.url, KEY_ENV, 50.0).complete(PROMPT, stop)
        assert (answer.outcome, answer.sent, answer.again) == ("stopped", True, None)

    def test_nothing_is_sent_once_it_shall_stop(self, endpoint: Endpoint) -> None:
        stop = threading.Event()
        stop.set()
        answer = self.make(endpoint.url, KEY_ENV, 50.0).complete(PROMPT, stop)
        assert (answer.outcome, answer.sent, endpoint.asked) == ("stopped", False, [])

    def test_nobody_there_is_an_outcome(self, endpoint: Endpoint) -> None:
        with scripted(lambda asked: Reply()) as gone:
            url = gone.url
        answer = self.make(url, KEY_ENV, 30.0).complete(PROMPT, threading.Event())
        assert (answer.outcome, answer.sent) == ("unreachable", False)

    @pytest.mark.parametrize("value", [None, "", "two\nlines", "ключ"])
    def test_without_a_key_nothing_is_sent(
        self, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, value: str | None
    ) -> None:
        if value is None:
            monkeypatch.delenv(KEY_ENV)
        else:
            monkeypatch.setenv(KEY_ENV, value)
        answer = self.make(endpoint.url, KEY_ENV, 30.0).complete(PROMPT, threading.Event())
        assert (answer.outcome, answer.sent, answer.again) == ("refused", False, None)
        assert KEY_ENV in answer.reason
        assert not value or value not in answer.reason
        assert endpoint.asked == []

    @pytest.mark.parametrize(
        "url",
        ["http://example.org/v1", "ftp://127.0.0.1", "https://", "https://u:secret@example.org", "x",
         "https://example.org/?q=1", "http://127.0.0.1.example.org", "https://example.org:99999"],
    )  # fmt: skip
    def test_only_an_encrypted_or_local_endpoint_will_do(self, url: str) -> None:
        with pytest.raises(ValueError, match="endpoint") as caught:
            self.make(url, KEY_ENV, 30.0)
        assert "secret" not in str(caught.value)

    def test_a_key_in_place_of_its_name_is_not_repeated(self) -> None:
        with pytest.raises(ValueError, match="key_env") as caught:
            self.make("https://example.org", KEY, 30.0)
        assert KEY not in str(caught.value)

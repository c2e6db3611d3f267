"""The proposer `llm` keeps the contract, against a scripted endpoint over real sockets, and holds its limits."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pawl import plugins
from pawl.artifacts import ArtifactStore
from pawl.errors import ConfigError, Interrupted, PartError
from pawl.ledger import Entry, Ledger
from pawl.proposers import asking
from pawl.proposers.llm import LlmProposer
from pawl.protocols import Brief, Proposer, Sources
from pawl.records import Completion, Proposal, Variant
from pawl.testing.endpoint import Asked, Endpoint, Reply, scripted
from pawl.testing.proposers import OneFile, ProposerContract

KEY, KEY_ENV = "sk-0123456789abcdef", "PAWL_TEST_KEY"
GOOD = "HYPOTHESIS: deeper is better\n\ntrain.py\n<<<<<<< SEARCH\nDEPTH = 2\n=======\nDEPTH = {}\n>>>>>>> REPLACE\n"


def said(text: str, end: str = "stop", tokens: tuple[int, int] | None = (1000, 100)) -> Reply:
    usage = {"usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}} if tokens else {}
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": end}
    return Reply.json({"choices": [choice], **usage})  # type: ignore[dict-item]


def prompt_of(asked: Asked) -> str:
    return "\n".join(turn["content"] for turn in asked.body["messages"])  # type: ignore[union-attr, index, call-overload, misc]


def deeper(asked: Asked) -> Reply:
    """Another depth for each attempt that the prompt tells of."""
    return said(GOOD.format(3 + prompt_of(asked).count("\nattempt ")))


class Clock:
    """Time that passes only when somebody waits, for the ledger too."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def now(self, zone: object = UTC) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=sum(self.waited))

    def rest(self, seconds: float, stop: threading.Event | None = None) -> None:
        self.waited.append(seconds)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("pawl.ledger.datetime", found)
    monkeypatch.setattr(asking, "now", found.now)
    monkeypatch.setattr(asking, "rest", found.rest)
    monkeypatch.setenv(KEY_ENV, KEY)
    return found


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with scripted(deeper) as found:
        yield found


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    (folder / ".pawl").mkdir(parents=True)
    return folder


def made(endpoint: Endpoint, study: Path, sources: Sources | None = None, **settings: Any) -> LlmProposer:
    brief = Brief("contract", "loss", "minimize", ("python", "train.py"), ("train.py",), "10 steps", study)
    settings = {"model": "small", "endpoint": endpoint.url, "key_env": KEY_ENV, "timeout": 30.0, **settings}
    wiring = {"name": "llm", "stop": threading.Event(), "modules": frozenset[str](), **settings}
    artifacts = ArtifactStore(study / ".pawl" / "artifacts")
    return LlmProposer(sources=sources or OneFile(), ladder=0.0, brief=brief, artifacts=artifacts, **wiring)


class TestLlm(ProposerContract):
    @pytest.fixture(autouse=True)
    def _placed(self, endpoint: Endpoint, study: Path) -> None:
        self.endpoint, self.study = endpoint, study

    def make(self, sources: Sources) -> Proposer:
        return made(self.endpoint, self.study, sources)


del ProposerContract
Begun = tuple[Ledger, Entry[Variant]]


@pytest.fixture
def begun(tmp_path: Path) -> Begun:
    return TestLlm().begun(tmp_path)


def completions(ledger: Ledger) -> list[Completion]:
    return [entry.record for entry in ledger.entries(Completion)]


def script(*replies: Reply | str) -> Callable[[Asked], Reply]:
    """These, one after the other; the last one for ever."""
    answers = [said(reply) if isinstance(reply, str) else reply for reply in replies]
    return lambda asked: answers[min(asked.number, len(answers) - 1)]


def test_a_request_is_written_down_with_what_it_cost(endpoint: Endpoint, study: Path, begun: Begun) -> None:
    ledger, head = begun
    proposer = made(endpoint, study, price_in=3.0, price_out=15.0)
    proposal = proposer.propose(head, ledger)
    assert proposal is not None
    (done,) = completions(ledger)
    assert (done.proposer, done.model, done.purpose, done.outcome) == ("llm", "small", "draft", "ok")
    assert (done.tokens_in, done.tokens_out, done.estimated) == (1000, 100, False)
    assert done.money == pytest.approx((3 * 1000 + 15 * 100) / 1e6)
    kept = proposer.artifacts
    assert kept.get(done.answer).decode() == GOOD.format(3)
    asked = json.loads(kept.get(done.prompt))
    assert asked["turns"][0] in prompt_of(endpoint.asked[0])
    assert proposal.settings == {
        "mode": "draft", "about": [], "api": "openai", "model": "small", "prompt": done.prompt,
    }  # fmt: skip
    everything = "".join(path.read_text(errors="replace") for path in study.rglob("*") if path.is_file())
    assert KEY not in everything + repr([entry.record for entry in ledger.all()])


def test_an_answer_that_was_paid_and_not_used_is_not_paid_again(endpoint: Endpoint, study: Path, begun: Begun) -> None:
    """As where a loop was killed between the answer and the proposal."""
    ledger, head = begun
    endpoint.script = script("Well.", GOOD.format(5))
    first = made(endpoint, study).propose(head, ledger)
    assert first is not None
    assert made(endpoint, study).propose(head, ledger) == first
    assert len(endpoint.asked) == 2
    ledger.append(first)
    endpoint.script = lambda asked: said(GOOD.format(6))
    second = made(endpoint, study).propose(head, ledger)
    assert second is not None
    assert second.patch != first.patch
    assert len(endpoint.asked) == 3


def test_too_many_requests_then_success(endpoint: Endpoint, study: Path, begun: Begun, clock: Clock) -> None:
    ledger, head = begun
    endpoint.script = script(Reply.json({"error": "slow down"}, 429, Retry_After="7"), Reply(503), GOOD.format(3))
    assert made(endpoint, study).propose(head, ledger) is not None
    assert [done.outcome for done in completions(ledger)] == ["limited", "unreachable", "ok"]
    assert clock.waited[0] == 7.0
    assert [(done.tokens_in, done.tokens_out, done.money) for done in completions(ledger)[:2]] == [(0, 0, 0.0)] * 2


def test_who_would_have_to_wait_too_long_gives_way(endpoint: Endpoint, study: Path, begun: Begun, clock: Clock) -> None:
    ledger, head = begun
    endpoint.script = script(Reply.json({"error": "come back tomorrow"}, 429, Retry_After="86400"))
    assert made(endpoint, study).propose(head, ledger) is None
    assert (len(endpoint.asked), clock.waited) == (1, [])
    clock.rest(80_000)
    assert made(endpoint, study).propose(head, ledger) is None
    assert len(endpoint.asked) == 1
    clock.rest(6_400)
    assert made(endpoint, study).propose(head, ledger) is None
    assert len(endpoint.asked) == 2


def test_an_endpoint_that_keeps_failing_is_asked_less_and_less(
    endpoint: Endpoint, study: Path, begun: Begun, clock: Clock
) -> None:
    ledger, head = begun
    endpoint.script = script(Reply(500))
    for _ in range(6):
        assert made(endpoint, study).propose(head, ledger) is None
    assert len(endpoint.asked) == 8  # at once, then after 1, 2, 4, 8, 16, 32, 64 s; 128 s are more than its patience
    assert clock.waited == [1, 2, 4, 8, 16, 32, 64]


def test_a_time_out_counts_as_what_it_may_have_cost(endpoint: Endpoint, study: Path, begun: Begun) -> None:
    ledger, head = begun
    endpoint.script = script(Reply(silent=True))
    assert made(endpoint, study, timeout=0.1, retries=0, max_tokens=500).propose(head, ledger) is None
    (done,) = completions(ledger)
    assert (done.outcome, done.estimated, done.tokens_out) == ("timed-out", True, 500)
    assert done.tokens_in > 500


def test_tokens_that_nobody_states_are_estimated(endpoint: Endpoint, study: Path, begun: Begun) -> None:
    ledger, head = begun
    endpoint.script = lambda asked: said(GOOD.format(3), tokens=None)
    assert made(endpoint, study).propose(head, ledger) is not None
    (done,) = completions(ledger)
    assert done.estimated
    assert len(GOOD) / 5 < done.tokens_out < len(GOOD) / 2


@pytest.mark.parametrize(
    ("first", "outcome", "why"),
    [
        (said("HYPOTHESIS: x\n<<<<<<< SEARCH\nDEP", "length"), "cut", "longest"),
        (said("", "length"), "cut", "longest"),
        (said(""), "invalid", "empty"),
        (said(GOOD.format("3\n# \0")), "invalid", "binary"),
        (said("\ud800\udfff"), "invalid", "no edit"),
        (said("x" * 500_000), "invalid", "longer than"),
        (said("Let us try more layers."), "invalid", "no edit"),
        (said(GOOD.format("=")), "invalid", "not valid Python"),
        (said(GOOD.format("2  # same")), "invalid", "nothing that runs"),
        (said(GOOD.format("3\nimport einops")), "invalid", "imports einops"),
        (
            said("HYPOTHESIS: x\n```diff\n--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-NO\n+X\n```"),
            "invalid",
            "not in",
        ),
        (said(GOOD.format(3).replace("train.py", "pawl.toml")), "invalid", "pawl.toml may not be changed"),
    ],
)
def test_an_answer_that_will_not_do_is_asked_for_once_more_with_the_reason(
    endpoint: Endpoint, study: Path, begun: Begun, first: Reply, outcome: str, why: str
) -> None:
    ledger, head = begun
    endpoint.script = script(first, GOOD.format(4))
    proposal = made(endpoint, study).propose(head, ledger)
    assert proposal is not None
    assert "+DEPTH = 4" in proposal.patch
    one, two = completions(ledger)
    assert (one.outcome, two.outcome, two.purpose) == (outcome, "ok", "repair")
    assert why in one.reason
    again = endpoint.asked[1].body["messages"]
    assert [turn["role"] for turn in again] == ["system", "user", "assistant", "user"]  # type: ignore[union-attr, index, call-overload]
    assert why in again[-1]["content"]  # type: ignore[index, call-overload, operator]


def test_after_a_second_bad_answer_it_gives_way_and_asks_for_something_else_next_time(
    endpoint: Endpoint, study: Path, begun: Begun
) -> None:
    ledger, head = begun
    endpoint.script = script("No idea.")
    for _ in range(3):
        assert made(endpoint, study).propose(head, ledger) is None
    assert [done.outcome for done in completions(ledger)] == ["invalid"] * 6
    firsts = [prompt_of(asked) for asked in endpoint.asked[::2]]
    assert len(set(firsts)) == 3
    assert "there is no edit in the answer" in firsts[1]


def test_a_model_that_declines_is_not_pressed(endpoint: Endpoint, study: Path, begun: Begun) -> None:
    ledger, head = begun
    endpoint.script = script(said("I cannot help with that.", "content_filter"))
    assert made(endpoint, study).propose(head, ledger) is None
    assert [done.outcome for done in completions(ledger)] == ["refused"]


def test_garbage_is_tried_again_and_then_left(endpoint: Endpoint, study: Path, begun: Begun) -> None:
    ledger, head = begun
    endpoint.script = script(Reply(200, b"<html>"))
    assert made(endpoint, study, retries=2).propose(head, ledger) is None
    assert [done.outcome for done in completions(ledger)] == ["invalid"] * 3
    assert {done.purpose for done in completions(ledger)} == {"draft"}


def test_the_same_change_again_is_refused(endpoint: Endpoint, study: Path, begun: Begun) -> None:
    ledger, head = begun
    endpoint.script = script(GOOD.format(3))
    first = made(endpoint, study).propose(head, ledger)
    assert first is not None
    id = ledger.append(first).id
    assert made(endpoint, study).propose(head, ledger) is None
    assert f"attempt {id} makes the same change" in completions(ledger)[-1].reason


def test_without_its_key_nothing_is_asked_and_it_is_said_once(
    endpoint: Endpoint, study: Path, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, head = begun
    monkeypatch.delenv(KEY_ENV)
    for _ in range(5):
        assert made(endpoint, study).propose(head, ledger) is None
    (done,) = completions(ledger)
    assert KEY_ENV in done.reason
    assert (done.prompt, done.tokens_in, endpoint.asked) == ("", 0, [])
    monkeypatch.setenv(KEY_ENV, KEY)
    assert made(endpoint, study).propose(head, ledger) is not None


@pytest.mark.parametrize(
    ("limits", "requests"),
    [
        ({"tokens": 3_300}, 2),
        ({"money": 0.0033, "price_in": 1.0, "price_out": 1.0}, 2),
        ({"tokens_per_day": 3_300}, 2),
        ({"tokens": 1_000}, 0),
    ],
)
def test_limits_hold_across_restarts(
    endpoint: Endpoint, study: Path, begun: Begun, limits: dict[str, Any], requests: int
) -> None:
    """Each request took 1100 tokens, and the next may take some 1700: the third would go beyond."""
    ledger, head = begun
    for _ in range(4):
        found = made(endpoint, study, max_tokens=1_000, **limits).propose(head, ledger)
        if found:
            ledger.append(found)
    assert len(endpoint.asked) == len(completions(ledger)) == requests


def test_a_day_later_there_are_tokens_again(endpoint: Endpoint, study: Path, begun: Begun, clock: Clock) -> None:
    ledger, head = begun
    proposer = made(endpoint, study, max_tokens=500, tokens_per_day=1_900)
    first = proposer.propose(head, ledger)
    assert first is not None
    ledger.append(first)
    assert proposer.propose(head, ledger) is None
    clock.rest(86_400)
    assert proposer.propose(head, ledger) is not None


def test_requests_keep_their_distance(endpoint: Endpoint, study: Path, begun: Begun, clock: Clock) -> None:
    ledger, head = begun
    for _ in range(3):
        found = made(endpoint, study, requests_per_minute=2).propose(head, ledger)
        assert found is not None
        ledger.append(found)
    assert clock.waited == [61.0]


def test_files_that_do_not_fit_are_an_answer_and_no_crash(endpoint: Endpoint, study: Path, begun: Begun) -> None:
    ledger, head = begun
    long = OneFile("X = 1\n" * 5000)
    for _ in range(3):
        assert made(endpoint, study, long, context=4000).propose(head, ledger) is None
    (done,) = completions(ledger)
    assert "set context to more" in done.reason


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({}, ConfigError, "names no model"),
        ({"model": "m", "api": "opnai"}, PartError, "Did you mean 'openai'"),
        ({"model": "m", "endpoint": "http://example.org"}, PartError, "not encrypted"),
        ({"model": "m", "key_env": "sk-ant-1234567890"}, PartError, "name of an environment variable"),
        ({"model": "m", "tokens": 0}, PartError, "tokens is below 1"),
        ({"model": "m", "money": 5.0}, PartError, "give price_in and price_out"),
        ({"model": "m", "temperatur": 1.0}, PartError, "Did you mean 'temperature'"),
        ({"model": "m", "options": {"lenght": "x"}}, PartError, "Did you mean 'length'"),
        ({"model": "m", "context": 100}, PartError, "no prompt fits"),
        ({"model": "m", "price_in": 1.0, "price_cached": 2.0}, PartError, "price_cached is above price_in"),
        ({"model": "m", "waiting": -1.0}, PartError, "waiting is below 0"),
        ({"model": "m", "stop": 1}, PartError, "has no setting 'stop'"),
    ],
)
def test_what_is_wrong_in_pawl_toml_is_said(
    study: Path, settings: dict[str, Any], error: type[Exception], said: str
) -> None:
    brief = Brief("s", "loss", "minimize", ("python",), ("train.py",), "1", study)
    wiring = {
        "sources": OneFile(), "ladder": 0.0, "brief": brief, "artifacts": ArtifactStore(study), "name": "llm",
        "stop": threading.Event(), "modules": frozenset(),
    }  # fmt: skip
    with pytest.raises(error, match=said) as caught:
        plugins.build("proposer", "llm", settings, **wiring)
    assert "1234567890" not in str(caught.value)


def test_anthropic_is_asked_in_its_own_form(endpoint: Endpoint, study: Path, begun: Begun) -> None:
    ledger, head = begun
    usage = {"input_tokens": 7, "output_tokens": 3}
    answer = {"content": [{"type": "text", "text": GOOD.format(9)}], "stop_reason": "end_turn", "usage": usage}
    endpoint.script = lambda asked: Reply.json(answer)  # type: ignore[arg-type]
    assert isinstance(made(endpoint, study, api="anthropic").propose(head, ledger), Proposal)
    assert endpoint.asked[0].path == "/v1/messages"
    assert completions(ledger)[0].tokens_in == 7


def test_stop_ends_a_request_that_may_have_cost_something(endpoint: Endpoint, study: Path, begun: Begun) -> None:
    ledger, head = begun
    stop = threading.Event()

    def silent(asked: Asked) -> Reply:
        stop.set()
        return Reply(silent=True)

    endpoint.script = silent
    with pytest.raises(Interrupted):
        made(endpoint, study, stop=stop, timeout=600.0, max_tokens=500).propose(head, ledger)
    (done,) = completions(ledger)
    assert (done.outcome, done.estimated, done.tokens_out, done.tokens_in > 500) == ("stopped", True, 500, True)
    with pytest.raises(Interrupted):
        made(endpoint, study, stop=stop).propose(head, ledger)
    assert (len(endpoint.asked), len(completions(ledger))) == (1, 1)
    endpoint.script = deeper
    assert made(endpoint, study).propose(head, ledger) is not None  # another day it goes on, without a rest
    assert completions(ledger)[-1].outcome == "ok"


def test_stop_ends_a_rest(
    endpoint: Endpoint, study: Path, begun: Begun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, head = begun
    endpoint.script = script(Reply(500))
    monkeypatch.setattr(asking, "rest", lambda seconds, stop: stop.set())
    with pytest.raises(Interrupted):
        made(endpoint, study).propose(head, ledger)
    assert [done.outcome for done in completions(ledger)] == ["unreachable"]


def test_what_came_from_a_cache_has_its_own_price(endpoint: Endpoint, study: Path, begun: Begun) -> None:
    ledger, head = begun
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 600}}
    choice = {"message": {"content": GOOD.format(3)}, "finish_reason": "stop"}
    endpoint.script = lambda asked: Reply.json({"choices": [choice], "usage": usage})  # type: ignore[dict-item]
    assert made(endpoint, study, price_in=10.0, price_out=20.0, price_cached=1.0).propose(head, ledger) is not None
    (done,) = completions(ledger)
    assert (done.tokens_in, done.tokens_cached) == (1000, 600)
    assert done.money == pytest.approx((10 * 400 + 1 * 600 + 20 * 100) / 1e6)


@pytest.mark.parametrize(("waiting", "local", "share"), [(None, True, 1.0), (None, False, 0.0), (0.5, True, 0.5)])
def test_only_a_model_on_this_machine_takes_the_place_of_training(
    endpoint: Endpoint, study: Path, begun: Begun, monkeypatch: pytest.MonkeyPatch,
    waiting: float | None, local: bool, share: float,
) -> None:  # fmt: skip
    ledger, head = begun
    monkeypatch.setattr("pawl.models.post.local", lambda host: local)
    monkeypatch.setattr("pawl.models.post.place", urlsplit)
    assert made(endpoint, study, waiting=waiting).propose(head, ledger) is not None
    (done,) = completions(ledger)
    assert done.wall_s > 0
    assert done.cpu_s == share * done.wall_s


def test_the_model_is_told_what_is_not_installed(endpoint: Endpoint, study: Path, begun: Begun) -> None:
    ledger, head = begun
    endpoint.script = script(GOOD.format("3\nimport einops"), GOOD.format("3\nimport rotary"))
    proposal = made(endpoint, study, modules=frozenset({"rotary", "os", "_private"})).propose(head, ledger)
    assert proposal is not None
    assert "import already, and of what is there besides: rotary; nothing else" in prompt_of(endpoint.asked[0])
    assert "+import rotary" in proposal.patch
    assert "imports einops, which is not installed where it runs" in prompt_of(endpoint.asked[1])

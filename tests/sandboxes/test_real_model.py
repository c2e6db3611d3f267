"""The example agent in its sandbox, against a real language model: it gets its answer, and nothing else."""

from __future__ import annotations

import json
import runpy
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import JsonValue
from test_agent import ASK, task

from pawl.ledger import Ledger
from pawl.records import Exchange
from pawl.sandboxes.agent import AgentSandbox
from pawl.sandboxes.bubblewrap import Bubblewrap
from pawl.stores.sqlite import SqliteStore
from pawl.testing.model import Model, served

pytestmark = pytest.mark.slow
EXAMPLE = Path(__file__).parents[2] / "examples" / "agent"


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with served() as found:
        yield found


@pytest.fixture
def rule(model: Model, monkeypatch: pytest.MonkeyPatch) -> dict[str, JsonValue]:
    monkeypatch.setenv("TEST_MODEL_KEY", model.key)
    return {"name": "model", "url": model.url, "key_env": "TEST_MODEL_KEY", "tokens": 5000}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(SqliteStore(tmp_path / "ledger.sqlite"))


def test_the_example_agent_writes_a_patch(
    model: Model, rule: dict[str, JsonValue], ledger: Ledger, tmp_path: Path
) -> None:
    """The tokens in the ledger are those that the answer states, and those that the server counted itself."""
    before = model.used()
    done = runpy.run_path(str(EXAMPLE / "run.py"))["run"](rule, ledger.append)
    after = model.used()
    assert done.outcome == "ok", (done.reason, done.log)
    (entry,) = ledger.entries(Exchange)
    usage = json.loads(done.log)
    counted = (entry.record.tokens_in, entry.record.tokens_out)
    assert counted == (usage["prompt_tokens"], usage["completion_tokens"])
    assert counted == (after[0] - before[0], after[1] - before[1])
    assert (entry.record.task, entry.record.status, entry.record.path) == ("example", 200, "/v1/chat/completions")
    assert done.outputs["hypothesis.txt"].startswith(b"HIDDEN 32 -> ")
    (tmp_path / "train.py").write_bytes((EXAMPLE / "train.py").read_bytes())
    applied = subprocess.run(
        ["git", "apply", "-"], input=done.outputs["change.diff"], cwd=tmp_path, capture_output=True, check=False
    )
    assert applied.returncode == 0, applied.stderr
    assert (tmp_path / "train.py").read_bytes() != (EXAMPLE / "train.py").read_bytes()


def test_a_streamed_answer_is_counted_as_the_server_counts(
    model: Model, rule: dict[str, JsonValue], ledger: Ledger
) -> None:
    body = {
        "messages": [{"role": "user", "content": "Count to three."}], "max_tokens": 8, "stream": True,
        "stream_options": {"include_usage": True},
    }  # fmt: skip
    headers = "**{'Content-Type': 'application/json'}"
    code = f"print(json.dumps(ask(MODEL + '/chat/completions', {json.dumps(body).encode()!r}, {headers})))"
    before = model.used()
    done = AgentSandbox(Bubblewrap(), ledger.append, [rule]).execute(task(ASK + code), threading.Event())
    after = model.used()
    status, text = json.loads(done.log)
    assert status == 200
    assert text.endswith("data: [DONE]\n\n")
    (entry,) = ledger.entries(Exchange)
    assert (entry.record.tokens_in, entry.record.tokens_out) == (after[0] - before[0], after[1] - before[1])
    assert entry.record.tokens_out


def test_only_the_way_out_leads_to_the_model(model: Model, rule: dict[str, JsonValue], ledger: Ledger) -> None:
    """Without the key that is added outside the model refuses; past the proxy nothing can be reached at all."""
    keyless: dict[str, JsonValue] = {**rule, "name": "keyless", "key_env": ""}
    code = f"""
def reached(address):
    try:
        socket.create_connection(address, timeout=3).close()
    except OSError:
        return False
    return True
print(json.dumps([
    ask(MODEL + "/models")[0], ask(MODEL[:-5] + "keyless/models")[0], ask("http://127.0.0.1:8899/metrics")[0],
    ask("http://127.0.0.1:8899/model/../metrics")[0],
    reached(("127.0.0.1", {model.port})), reached(("192.0.2.1", 443)), reached(("example.org", 443)),
]))
"""
    sandbox = AgentSandbox(Bubblewrap(), ledger.append, [rule, keyless])
    done = sandbox.execute(task(ASK + code), threading.Event())
    assert json.loads(done.log) == [200, 401, 403, 400, False, False, False]
    assert [entry.record.allowed for entry in ledger.entries(Exchange)] == [True, True, False, False]
    socket.create_connection(("127.0.0.1", model.port), timeout=5).close()  # control: from outside it can be reached

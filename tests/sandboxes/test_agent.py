"""The agent's sandbox keeps the contract of all sandboxes; and from inside there is one way out and no other."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from outside import KEY, Server, server
from pydantic import JsonValue

from pawl import cache, environment, plugins
from pawl.config import EnvironmentTable
from pawl.errors import ConfigError, Interrupted, PartError, SandboxError
from pawl.ledger import Ledger
from pawl.protocols import Execution, Limits, Mount, Sandbox, Task
from pawl.records import Exchange
from pawl.sandboxes.agent import AgentSandbox
from pawl.sandboxes.bubblewrap import Bubblewrap
from pawl.sandboxes.unsafe import Unsafe
from pawl.stores.sqlite import SqliteStore
from pawl.testing.sandboxes import LIMITS, SandboxContract

ASK = """\
import json, os, socket, sys, urllib.error, urllib.request
def ask(url, body=None, proxied=False, **headers):
    opener = urllib.request.build_opener(*([] if proxied else [urllib.request.ProxyHandler({})]))
    try:
        with opener.open(urllib.request.Request(url, body, headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode()
MODEL = os.environ.get("PAWL_URL_MODEL")
"""
Run = Callable[..., Execution]


class TestAgentSandbox(SandboxContract):
    def make(self) -> Sandbox:
        return AgentSandbox(Bubblewrap(), [].append)


@pytest.fixture
def host() -> Iterator[Server]:
    with server() as found:
        yield found


@pytest.fixture
def records() -> list[Exchange]:
    return []


@pytest.fixture
def run(host: Server, records: list[Exchange]) -> Run:
    """Run Python in the sandbox, whose way out leads to `host`."""

    def execute(
        code: str, limits: Limits = LIMITS, stop: threading.Event | None = None, **more: JsonValue
    ) -> Execution:
        rule = {"name": "model", "url": host.url, **more}
        return AgentSandbox(Bubblewrap(), records.append, [rule]).execute(
            task(ASK + code, limits), stop or threading.Event()
        )

    return execute


def task(code: str, limits: Limits = LIMITS, *mounts: Mount, **told: str) -> Task:
    study = cache.private("scratch") / "contract"
    study.mkdir(exist_ok=True)
    study.chmod(0o755)
    place = environment.build(study, EnvironmentTable())
    environ = {"PAWL_OUT": "/out", "PAWL_TASK": "proposal for variant 7", **told}
    return Task((place.python, "-c", code), place, (Mount(study, "/study"), *mounts), environ, limits)


def said(done: Execution) -> list[object]:
    assert done.outcome == "ok", (done.reason, done.log)
    return [json.loads(line) for line in done.log.decode().splitlines()]


def test_the_listed_host_can_be_asked(run: Run, host: Server, records: list[Exchange]) -> None:
    done = run("print(json.dumps(ask(MODEL + '/chat', b'hello')))")
    ((status, body),) = said(done)  # type: ignore[misc]
    assert (status, json.loads(body)["echo"]) == (200, "hello")
    assert [(record.task, record.rule, record.tokens_in) for record in records] == [
        ("proposal for variant 7", "model", 5)
    ]
    assert done.isolation.sandbox == "agent in bubblewrap"
    assert done.isolation.safe
    assert f"no network but one way out, to: model ({host.url})" in done.isolation.held
    assert "no network" not in done.isolation.held
    assert set(done.isolation.held) >= {"mount namespace", "process namespace"}


def test_whoever_asks_through_the_proxy_variables_is_served_for_listed_hosts(run: Run, host: Server) -> None:
    """Only hosts other than the sandbox's own loopback go to a proxy, so the host's name stands for its number here."""
    place = f"localhost:{host.port}"
    code = f"""
os.environ["no_proxy"] = os.environ["NO_PROXY"] = ""
for url in ("http://{place}/v1/x", "http://{place}/v2/x", "http://example.org/"):
    print(json.dumps(ask(url, proxied=True)[0]))
"""
    assert said(run(code, url=f"http://{place}/v1")) == [200, 403, 403]


def test_nothing_else_can_be_reached(run: Run, host: Server, records: list[Exchange]) -> None:
    """Direct addresses, names, the host's loopback, its Unix sockets in files and without: none leads anywhere."""
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as name,
        socket.socket(socket.AF_UNIX) as filed,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        Path(name).chmod(0o755)
        filed.bind(f"{name}/socket")
        Path(name, "socket").chmod(0o777)
        filed.listen()
        abstract.bind(f"\0pawl-test-{os.getpid()}")
        abstract.listen()
        attempts = f"""
def tried(action):
    try:
        action()
    except OSError:
        return False
    return True
def to(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as line:
        line.settimeout(3)
        line.connect(address)
        if kind == socket.SOCK_DGRAM: line.send(b"x")
print(json.dumps([
    tried(lambda: to(socket.AF_INET, ("127.0.0.1", {host.port}))),
    tried(lambda: to(socket.AF_INET6, ("::1", {host.port}))),
    tried(lambda: to(socket.AF_INET, ("192.0.2.1", 80))),
    tried(lambda: to(socket.AF_INET, ("192.0.2.1", 53), socket.SOCK_DGRAM)),
    tried(lambda: to(socket.AF_INET, ("169.254.169.254", 80))),
    tried(lambda: to(socket.AF_INET6, ("2001:db8::1", 80))),
    tried(lambda: socket.getaddrinfo("example.org", 80)),
    tried(lambda: to(socket.AF_UNIX, "{name}/socket")),
    tried(lambda: to(socket.AF_UNIX, "\\0pawl-test-{os.getpid()}")),
]))
print(json.dumps([line.split(":")[0].strip() for line in open("/proc/self/net/dev") if ":" in line]))
print(json.dumps([ask(u)[0] for u in (MODEL + "/../admin", MODEL + "/%2e%2e/x", MODEL[:-6] + "/other/x")]))
with socket.socket(socket.AF_UNIX) as line:  # around the bridge: the same judge
    line.connect("/pawl/out")
    line.sendall(b"GET http://169.254.169.254/ HTTP/1.1\\r\\nHost: 169.254.169.254\\r\\n\\r\\n")
    print(json.dumps(line.recv(100).split()[1].decode()))
"""
        found, interfaces, statuses, around = said(run(attempts))
    assert found == [False] * 9
    assert interfaces == ["lo"]
    assert statuses == [400, 400, 403]
    assert around == "403"
    assert host.asked == []
    assert not any(record.allowed for record in records)


def test_the_sandbox_is_what_holds_and_these_attempts_can_succeed(host: Server) -> None:
    """Control: outside a sandbox, the same loopback address is reached."""
    socket.create_connection(("127.0.0.1", host.port), timeout=5).close()


def test_no_key_is_inside(run: Run, host: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the environment, not in any file or process that can be read there, and not in what is answered."""
    monkeypatch.setenv("TEST_KEY", KEY)
    code = f"""
key = "".join({list(KEY)!r})
found = [name for name, value in os.environ.items() if key in value]
for pid in filter(str.isdigit, os.listdir("/proc")):
    for part in ("environ", "cmdline"):
        try:
            found += [pid + part] if key.encode() in open(f"/proc/{{pid}}/{{part}}", "rb").read() else []
        except OSError:
            pass
print(json.dumps([found, key in ask(MODEL + "/mirror")[1], ask(MODEL + "/x", b"")[0]]))
"""
    assert said(run(code, key_env="TEST_KEY")) == [[[], False, 200]]
    assert all(asked.headers["authorization"] == f"Bearer {KEY}" for asked in host.asked)


def test_large_bodies_pass_both_ways_and_side_by_side(run: Run, host: Server) -> None:
    code = """
import threading
def work(n):
    status, body = ask(MODEL + "/x", bytes([65 + n]) * 300_000)
    good.append(status == 200 and json.loads(body)["echo"] == chr(65 + n) * 300_000)
good, threads = [], [threading.Thread(target=work, args=(n,)) for n in range(20)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print(json.dumps([len(good), all(good)]))
"""
    assert said(run(code)) == [[20, True]]


def test_the_agents_end_is_the_tasks_end(run: Run) -> None:
    """Exit codes and signals come through the bridge; what the agent waits for is its own children."""
    assert run("sys.exit(7)").reason.startswith("exit code 7")
    assert "SIGKILL" in run("import signal; os.kill(os.getpid(), signal.SIGKILL)").reason
    code = "try:\n    os.wait()\nexcept ChildProcessError:\n    print(json.dumps('no child'))"
    assert said(run(code)) == ["no child"]


def test_a_program_that_is_not_there(host: Server) -> None:
    wrong = task("")
    done = AgentSandbox(Bubblewrap(), [].append).execute(
        Task(("/no/such/program",), wrong.environment, wrong.mounts, {}, LIMITS), threading.Event()
    )
    assert done.outcome == "crashed"
    assert b"/no/such/program" in done.log


def test_a_person_can_stop_an_agent_that_waits_for_its_model(host: Server, records: list[Exchange]) -> None:
    stop, model = threading.Event(), socket.create_server(("127.0.0.1", 0))

    def hang() -> None:
        line = model.accept()[0]
        line.recv(1000)
        stop.set()
        time.sleep(0.2)
        line.close()

    threading.Thread(target=hang, daemon=True).start()
    rule: dict[str, JsonValue] = {"name": "model", "url": f"http://127.0.0.1:{model.getsockname()[1]}"}
    with pytest.raises(Interrupted), model:
        AgentSandbox(Bubblewrap(), records.append, [rule]).execute(task(ASK + "ask(MODEL + '/x')"), stop)
    assert len(records) == 1


def test_a_ledger_remembers(host: Server, tmp_path: Path) -> None:
    """Every exchange is an entry when the task has ended, and the chain verifies."""
    ledger = Ledger(SqliteStore(tmp_path / "ledger.sqlite"))
    sandbox = AgentSandbox(Bubblewrap(), ledger.append, [{"name": "model", "url": host.url}])
    sandbox.execute(task(ASK + "[ask(MODEL + '/x', b'abc') for _ in range(3)]; ask(MODEL + 's/x')"), threading.Event())
    entries = Ledger(SqliteStore(tmp_path / "ledger.sqlite")).entries(Exchange)
    assert [entry.record.status for entry in entries] == [200, 200, 200, 403]
    assert [entry.record.tokens_in for entry in entries] == [3, 3, 3, None]


def test_a_ledger_that_cannot_be_written_is_the_tasks_error(host: Server) -> None:
    def fail(exchange: Exchange) -> None:
        raise OSError(28, "no space left")

    sandbox = AgentSandbox(Bubblewrap(), fail, [{"name": "model", "url": host.url}])
    with pytest.raises(OSError, match="no space left"):
        sandbox.execute(task(ASK + "try: print(ask(MODEL + '/x'))\nexcept OSError: pass"), threading.Event())


def test_the_agent_is_told_where_its_way_out_is(run: Run) -> None:
    done = run(
        "print(json.dumps(dict(os.environ)))",
        tell={"OPENAI_BASE_URL": "{url}", "OPENAI_API_KEY": "kept-outside"},
    )
    (told,) = said(done)
    here = "http://127.0.0.1:8899"
    assert isinstance(told, dict)
    assert told["OPENAI_BASE_URL"] == told["PAWL_URL_MODEL"] == f"{here}/model"
    assert told["OPENAI_API_KEY"] == "kept-outside"
    assert {told[name] for name in ("HTTP_PROXY", "https_proxy")} == {here}


def test_two_agents_at_once_do_not_meet(host: Server, records: list[Exchange]) -> None:
    """Each has its own loopback, its own socket and its own limits."""
    sandbox = AgentSandbox(Bubblewrap(), records.append, [{"name": "model", "url": host.url, "requests": 2}])
    code = ASK + "print(json.dumps([ask(MODEL + '/x')[0] for _ in range(3)]))"
    done: list[Execution] = []

    def work(name: str) -> None:
        done.append(sandbox.execute(task(code, PAWL_TASK=name), threading.Event()))

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [said(each) for each in done] == [[[200, 200, 429]]] * 2
    assert sorted(record.task for record in records) == ["one"] * 3 + ["two"] * 3


def test_without_rules_there_is_no_way_out() -> None:
    records: list[Exchange] = []
    code = ASK + "print(json.dumps(ask('http://127.0.0.1:8899/model/x')[0]))"
    done = AgentSandbox(Bubblewrap(), records.append).execute(task(code), threading.Event())
    assert said(done) == [403]
    assert "no network, and a way out that leads nowhere" in done.isolation.held
    assert [record.reason for record in records] == ["no rule has this name; what is allowed: none"]


def test_an_agent_is_never_run_without_walls() -> None:
    with pytest.raises(ValueError, match="without walls"):
        AgentSandbox(Unsafe(accepted=True), [].append)

    class Confessing(Bubblewrap):
        """A sandbox that finds out, and says, that its walls were not there."""

        def execute(self, task: Task, stop: threading.Event) -> Execution:
            done = super().execute(task, stop)
            return replace(done, isolation=done.isolation.model_copy(update={"safe": False, "held": ()}))

    with pytest.raises(SandboxError, match="without walls"):
        AgentSandbox(Confessing(), [].append).execute(task("pass"), threading.Event())


def test_a_key_that_is_missing_stops_it_before_anything_runs() -> None:
    sandbox = AgentSandbox(Bubblewrap(), [].append, [{"name": "a", "url": "http://x", "key_env": "TEST_NO_KEY"}])
    with pytest.raises(ConfigError, match="TEST_NO_KEY"):
        sandbox.execute(task("pass"), threading.Event())


def test_it_is_built_by_name_with_what_pawl_hands_in() -> None:
    allow: list[JsonValue] = [{"name": "model", "url": "https://api.example.org/v1"}]
    built = plugins.build("sandbox", "agent", {"allow": allow}, inner=Bubblewrap(), record=[].append)
    assert isinstance(built, AgentSandbox)
    with pytest.raises(PartError, match="'inner' and 'record'"):  # `[sandbox] use = "agent"`: training has no way out
        plugins.build("sandbox", "agent", {"allow": allow})
    with pytest.raises(PartError, match=r"allow 'm': .*unknown key 'urls'. Did you mean 'url'"):
        plugins.build("sandbox", "agent", {"allow": [{"name": "m", "urls": 1}]}, inner=Bubblewrap(), record=[].append)
    with pytest.raises(PartError, match="'inner'"):
        plugins.build("sandbox", "agent", {"inner": None}, inner=Bubblewrap(), record=[].append)
    with pytest.raises(PartError, match="port 80 "):
        plugins.build("sandbox", "agent", {"port": 80}, inner=Bubblewrap(), record=[].append)

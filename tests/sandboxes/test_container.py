"""Containers keep the same contract as bubblewrap, where an engine is at hand; the command line is checked always."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pawl.errors import Interrupted, SandboxError
from pawl.protocols import Environment, Mount, Sandbox, Task
from pawl.sandboxes import devices, engine, hierarchy
from pawl.sandboxes.container import Container
from pawl.testing.sandboxes import LIMITS, SandboxContract

GVISOR = Container(runtime="runsc", runtime_flags="network=none ignore-cgroups", cgroup="if-available")
PLACE = Environment("/usr/bin/python3", (Mount(Path("/usr/lib"), "/usr/lib"),), ("/usr/lib/site-packages",), "digest")
TASK = Task(("/usr/bin/python3", "a.py"), PLACE, (Mount(Path("/var/x"), "/study"),), {"A": "b"}, LIMITS)


class Trial(SandboxContract):
    __test__ = False

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def make(self) -> Sandbox:
        return self.sandbox


def problem(sandbox: Container) -> str:
    """Why a container cannot be run with these settings on this machine; empty if it can."""
    try:
        done = Trial(sandbox).run("print('here')")
    except SandboxError as error:
        return str(error)
    return "" if done.log == b"here\n" else f"{done.outcome} {done.reason}"


@functools.cache
def working() -> tuple[Container | None, str]:
    """The first settings that run a container here, else why none does. Not every engine's own runtime runs everywhere:
    crun refuses machines with both versions of control groups."""
    reasons = {}
    for sandbox in (Container(), Container(runtime="runc"), Container(runtime="crun")):
        if not (reason := problem(sandbox)):
            return sandbox, ""
        reasons[sandbox.runtime or "the engine's own runtime"] = reason
    return None, "; ".join(f"{runtime}: {reason}" for runtime, reason in reasons.items())


@functools.cache
def gvisor() -> str:
    return problem(GVISOR)


@pytest.mark.slow
class TestContainer(SandboxContract):
    @pytest.fixture(autouse=True)
    def at_hand(self) -> None:
        if working()[0] is None:
            pytest.skip(f"no container runs here: {working()[1]}")

    def make(self) -> Sandbox:
        found = working()[0]
        assert found is not None
        return found

    def test_it_records_the_walls_that_held(self) -> None:
        done = self.run("pass")
        assert {
            "mount namespace", "process namespace", "network namespace", "no network", "ipc namespace",
            "seccomp filter", "no new privileges", "no capabilities", "unprivileged user", "supervisor out of reach",
            "no inherited descriptors", "memory cgroup", "process cgroup", "read-only minimal root",
        } <= set(done.isolation.held)  # fmt: skip
        assert done.isolation.version.split()[0] in engine.ENGINES

    def test_memory_is_one_account_over_processes(self) -> None:
        code = "import os, time\nfor n in range(3):\n  if os.fork() == 0: break\nx = b'x' * (48 * 2**20)\ntime.sleep(5)"
        done = self.run(code, replace(LIMITS, memory=2**27))
        assert (done.outcome, done.reason)[:1] == ("out-of-memory",), done.reason

    def test_everything_in_it_ends_when_stopped_and_no_container_is_left(self) -> None:
        mark = f"pawl-mark-{time.time_ns()}"
        code = "import os, signal, sys, time\nfor n in range(3):\n  if os.fork() == 0:\n    os.setsid()\n"
        code += f"    os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(60)', '{mark}'])\n"
        stop = threading.Event()
        threading.Timer(3, stop.set).start()
        with pytest.raises(Interrupted):
            self.run(code + "time.sleep(60)", stop=stop)
        assert not living(mark)
        assert not [name for name in containers() if name.startswith(hierarchy.mine_name())]

    def test_it_ends_when_whoever_started_it_is_killed(self, tmp_path: Path) -> None:
        mark = f"pawl-mark-{time.time_ns()}"
        (tmp_path / "owner.py").write_text(OWNER.format(path=sys.path, mark=mark))
        owner = subprocess.Popen([sys.executable, str(tmp_path / "owner.py")], cwd=Path(__file__).parents[1])
        try:
            assert soon(lambda: living(mark), 60)
            name = hierarchy.mine_name(owner.pid)
        finally:
            owner.send_signal(signal.SIGKILL)
            owner.wait()
        assert soon(lambda: not living(mark), 30)
        engine.find.cache_clear()
        assert not [left for left in containers() if left.startswith(name)]  # finding the engine again sweeps


OWNER = """
import sys
sys.path[:0] = {path}
from sandboxes.test_container import Trial, working
Trial(working()[0]).run("import time; mark = '{mark}'; time.sleep(120)")
"""


@pytest.mark.slow
class TestGvisor(SandboxContract):
    @pytest.fixture(autouse=True)
    def at_hand(self) -> None:
        if gvisor():
            pytest.skip(f"gVisor does not run here: {gvisor()}")

    def make(self) -> Sandbox:
        return GVISOR

    def test_it_has_a_kernel_of_its_own_and_claims_nothing_of_ours(self) -> None:
        held = set(self.run("pass").isolation.held)
        assert {"kernel of its own", "no network"} <= held
        assert not {"memory cgroup", "mount namespace", "network namespace"} & held


def living(mark: str) -> list[str]:
    """Processes of tasks with a mark on their command line: not the supervisor's, nor the engine's."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if mark.encode() in line and b"inside.py" not in line:
            found.append(path.parent.name)
    return found


def soon(condition: Callable[[], object], within: float) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.1)
    return False


def containers() -> list[str]:
    found = working()[0]
    assert found is not None
    return engine.find(found.engine).ask("ps", "--all", "--format", "{{.Names}}").split()


PODMAN, DOCKER = (engine.Engine(name, f"/usr/bin/{name}", "1") for name in engine.ENGINES)


@pytest.mark.parametrize("which", [PODMAN, DOCKER], ids=lambda which: which.name)
def test_the_command_line_has_every_wall(which: engine.Engine) -> None:
    line = Container(tmp=4096).command(which, TASK, "pawl-1-1-1")
    text = " ".join(line)
    limits = TASK.limits
    for wall in (
        "--network none", "--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--user 65534:65534",
        f"--memory {limits.memory}", f"--memory-swap {limits.memory}", "--cpus 1",
        f"--pids-limit {limits.processes + 2}",
        "--shm-size 4096", "--ipc private", "--pull never", "--log-driver none", "--name pawl-1-1-1",
        "--tmpfs /tmp:rw,nosuid,nodev,exec,size=4096,mode=1777",
        f"--tmpfs /out:rw,nosuid,nodev,exec,size={limits.disk},mode=1777",
        "--tmpfs /usr/lib/site-packages:ro,size=4096,mode=755", "pawl-empty:1 /usr/bin/python3 -I -S /pawl/inside.py 2",
        "A=b -- /usr/bin/python3 a.py",
    ):  # fmt: skip
        assert wall in text, wall
    mounts = [line[at + 1] for at, word in enumerate(line) if word == "--mount"]
    assert [mount.split(",")[2] for mount in mounts] == ["target=/usr/lib", "target=/study", "target=/pawl/inside.py"]
    assert all(mount.startswith("type=bind,") and mount.endswith(",readonly") for mount in mounts)
    forbidden = {"--privileged", "--device", "--volume", "-v", "--cap-add", "--env", "--publish", "--pid", "--userns"}
    assert not forbidden & set(line)
    assert ("--http-proxy=false" in line) == (which is PODMAN)


def test_a_runtime_is_named_where_each_engine_wants_it() -> None:
    podman, docker = (GVISOR.command(which, TASK, "x") for which in (PODMAN, DOCKER))
    assert podman[1:7] == ["--runtime", "runsc", "--runtime-flag", "network=none", "--runtime-flag", "ignore-cgroups"]
    assert docker[1:4] == ["run", "--runtime", "runsc"]


def test_a_path_with_a_comma_or_a_quote_stays_one_mount() -> None:
    task = replace(TASK, mounts=(Mount(Path('/a,b"c'), "/study"),))
    assert """type=bind,"source=/a,b""c",target=/study,readonly""" in Container().command(PODMAN, task, "x")


def test_graphics_devices_are_shown_only_to_a_task_that_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "graphics", lambda: (Path("/dev/nvidia0"), Path("/dev/dri")))
    assert "--device" not in Container().command(PODMAN, TASK, "x")
    line = Container().command(PODMAN, replace(TASK, gpu=True), "x")
    assert [line[at + 1] for at, word in enumerate(line) if word == "--device"] == ["/dev/nvidia0", "/dev/dri"]


@pytest.mark.parametrize(("script", "said"), [(None, "not installed"), ("exit 1", "does not answer")])
def test_without_an_engine_nothing_is_run_and_the_fix_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, said: str
) -> None:
    if script:
        for name in engine.ENGINES:
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    engine.find.cache_clear()
    with pytest.raises(SandboxError, match=said) as refused:
        Container().execute(TASK, threading.Event())
    assert refused.value.hint in ("apt install podman", "podman info")
    engine.find.cache_clear()


def test_an_engine_that_starts_nothing_is_an_error_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "podman"
    fake.write_text(
        '#!/bin/sh\ncase "$1" in\ninfo|version|image) echo 1;;\n'
        'run) echo "Error: no such runtime" >&2; exit 125;;\nesac\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    engine.find.cache_clear()
    with pytest.raises(SandboxError, match="starts no container: Error: no such runtime"):
        Container("podman").execute(TASK, threading.Event())
    engine.find.cache_clear()

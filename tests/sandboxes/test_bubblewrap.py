"""Every sandbox that ships keeps the contract; what is bubblewrap's own; and the command line that is generated."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pawl.errors import Interrupted, SandboxError
from pawl.protocols import Environment, Execution, Limits, Mount, Sandbox, Task
from pawl.sandboxes import cgroups, devices, hierarchy
from pawl.sandboxes.bubblewrap import Bubblewrap
from pawl.sandboxes.unsafe import Unsafe
from pawl.testing.sandboxes import LIMITS, SandboxContract

here = pytest.mark.skipif(not hierarchy.parents().folders, reason="no control group can be made here")
GROUPED = {"memory cgroup", "process cgroup", "cpu cgroup"}
ALWAYS = {
    "user namespace", "mount namespace", "process namespace", "network namespace", "no network", "ipc namespace",
    "host name namespace", "cgroup namespace", "seccomp filter", "no new privileges", "no capabilities",
    "unprivileged user", "no inherited descriptors", "supervisor out of reach", "no nested user namespaces",
    "read-only minimal root", "sized tmpfs", "empty environment", "resource limits",
}  # fmt: skip


class TestBubblewrap(SandboxContract):
    def make(self) -> Sandbox:
        return Bubblewrap()

    def test_it_records_the_walls_that_held(self) -> None:
        assert set(self.run("pass").isolation.held) - GROUPED == ALWAYS

    @here
    def test_it_records_its_control_groups_and_leaves_none(self) -> None:
        assert {"memory cgroup", "process cgroup"} <= set(self.run("pass").isolation.held)
        folders = set(hierarchy.parents().folders.values())
        assert not [left for folder in folders for left in folder.glob(f"{hierarchy.mine_name()}-[0-9]*")]

    @here
    def test_everything_stops_within_a_fraction_of_a_second_and_leaves_no_group(self) -> None:
        stop = threading.Event()
        code = "import os, signal, time\nfor n in range(20):\n  if os.fork() == 0: os.setsid(); time.sleep(60)\n"
        at: list[float] = []
        threading.Timer(0.5, lambda: (at.append(time.monotonic()), stop.set())).start()  # type: ignore[func-returns-value]
        with pytest.raises(Interrupted):
            self.run(code + "time.sleep(60)", stop=stop)
        assert time.monotonic() - at[0] < 5  # a fraction of a second where the machine is quiet
        self.test_it_records_its_control_groups_and_leaves_none()


class TestBubblewrapWithoutControlGroups(SandboxContract):
    """The same contract where no group can be had: sampled accounts and resource limits."""

    @pytest.fixture(autouse=True)
    def nowhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cgroups, "make", lambda limits: None)

    def make(self) -> Sandbox:
        return Bubblewrap()

    def test_it_does_not_claim_them(self) -> None:
        assert set(self.run("pass").isolation.held) == ALWAYS

    def test_where_they_are_required_nothing_is_run(self) -> None:
        with pytest.raises(SandboxError, match="requires one") as refused:
            Bubblewrap(cgroup="required").execute(TASK, threading.Event())
        assert "Delegate=yes" in refused.value.hint


class TestUnsafe(SandboxContract):
    isolates = False

    def make(self) -> Sandbox:
        return Unsafe(accepted=True)


@pytest.mark.parametrize("contract", [SandboxContract])
def test_the_contract_itself_has_no_sandbox(contract: type[SandboxContract]) -> None:
    with pytest.raises(NotImplementedError):
        contract().make()


PLACE = Environment("/usr/bin/python3", (Mount(Path("/usr/lib"), "/usr/lib"),), ("/usr/lib/site-packages",), "digest")
TASK = Task(("/usr/bin/python3", "a.py"), PLACE, (Mount(Path("/var/x"), "/study"),), {"A": "b"}, LIMITS)


def pairs(task: Task) -> list[tuple[str, ...]]:
    """What of the host a command line shows inside: (flag, source, target)."""
    line = Bubblewrap().command(task, 7, 8, 9)
    return [tuple(line[at : at + 3]) for at, word in enumerate(line) if "bind" in word]


def test_the_command_line_shows_nothing_but_what_the_task_names() -> None:
    shown = pairs(TASK)
    assert {flag for flag, *_ in shown} == {"--ro-bind"}
    assert [target for _, _, target in shown] == ["/usr/lib", "/study", "/pawl/inside.py"]


def test_the_command_line_has_every_wall() -> None:
    line = Bubblewrap(tmp=4096).command(TASK, 7, 8, 9)
    text = " ".join(line)
    for wall in (
        "--unshare-user", "--unshare-all", "--disable-userns", "--die-with-parent", "--new-session", "--as-pid-1",
        "--cap-drop ALL", "--seccomp 9", "--json-status-fd 8", "--remount-ro /", "--uid 65534",
        "--size 4096 --tmpfs /tmp", "--size 4096 --tmpfs /dev/shm", f"--size {LIMITS.disk} --tmpfs /out",
        "--size 4096 --tmpfs /usr/lib/site-packages", "--clearenv", "A=b --",
    ):  # fmt: skip
        assert wall in text, wall
    assert not {"--share-net", "--dev-bind", "--bind", "--dev-bind-try"} & set(line)
    assert line[-2:] == ["/usr/bin/python3", "a.py"]
    if os.geteuid() == 0:
        assert "setpriv" in line[0]


def test_graphics_devices_are_shown_only_to_a_task_that_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm", "kfd", "null", "sda", "nvram"):
        (tmp_path / name).touch()
    (tmp_path / "dri").mkdir()
    found = devices.graphics(tmp_path)
    assert [path.name for path in found] == ["dri", "kfd", "nvidia-uvm", "nvidia0", "nvidiactl"]
    monkeypatch.setattr(devices, "graphics", lambda: found)
    assert not [shown for shown in pairs(TASK) if shown[0] != "--ro-bind"]
    asked = [shown for shown in pairs(replace(TASK, gpu=True)) if shown[0] != "--ro-bind"]
    assert asked == [("--dev-bind", str(path), str(path)) for path in found]


class Asking:
    def execute(self, task: Task, stop: threading.Event) -> Execution:
        return Bubblewrap().execute(replace(task, gpu=True), stop)


class TestBubblewrapThatAsksForGraphics(SandboxContract):
    """The same contract with whatever graphics processors this machine has, or none."""

    def make(self) -> Sandbox:
        return Asking()


@here
def test_memory_is_one_account_over_processes_and_files(tmp_path: Path) -> None:
    limits = Limits(wall=20.0, cpu=20.0, memory=2**27, disk=2**26, log=2**16, processes=8, cpus=1)
    code = "open('/tmp/x', 'wb').write(bytes(60 * 2**20)); open('/out/x', 'wb').write(bytes(60 * 2**20))\n"
    done = TestBubblewrap().run(code + "x = b'x' * (30 * 2**20)", limits)
    assert done.outcome == "out-of-memory"
    assert done.usage.peak_bytes <= 2**27

"""FACTS, section 1: what got out of a sandbox, tried again on this machine; with a control that does get out."""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from arena import stranger

from pawl import cache, doctor, environment, probe
from pawl.config import EnvironmentTable
from pawl.errors import SandboxError
from pawl.protocols import Execution, Limits, Mount, Sandbox, Task
from pawl.sandboxes import seccomp
from pawl.sandboxes.bubblewrap import Bubblewrap
from pawl.sandboxes.unsafe import Unsafe

STOPPED = (
    "remount a read-only folder read-write", "write a file of the host", "write into the interpreter's folder",
    "write into /proc/sys", "write a sysctl of the network", "signal a host process", "see host processes",
    "reach the host's loopback", "reach another machine", "see a network interface", "make a user namespace",
    "mount a filesystem", "change the host name", "become root", "make a device", "read the password file",
    "read a home folder", "inherit a secret from the environment",
)  # fmt: skip
BY_FILTER = (*probe.CALLS, *probe.SOCKETS, "make a namespace by clone", "call the kernel as a 32-bit program",
             "type into a terminal")  # fmt: skip
BY_SUPERVISOR = ("inherit a descriptor", "look into its supervisor", "see a graphics device")
EVERYTHING = (*STOPPED, *BY_FILTER, *BY_SUPERVISOR)
ONLY_BY_FILTER = (
    "open a vsock socket", "open a netlink socket", "userfaultfd", "keyctl", "ptrace", "perf_event_open", "memory file",
    "System V memory", "clock", "splice", "own", "personality", "handle", "32-bit", "another process's memory",
)  # fmt: skip
"""Words of attempts that nothing but the filter stops, on a kernel that has the calls at all."""
BY_CONTROL = ("signal a host process", "see host processes", "reach the host's loopback", "write a file of the host")
LIMITS = Limits(wall=20.0, cpu=20.0, memory=2**29, disk=2**22, log=2**20, processes=32, cpus=1)


@pytest.fixture(scope="module")
def attempts() -> dict[str, bool]:
    return doctor.escapes(Bubblewrap())


@pytest.fixture(scope="module")
def as_stranger() -> dict[str, bool]:
    """The same, where Pawl itself is started by an ordinary user."""
    with stranger() as run:
        done = run(
            "import json; from pawl import doctor; from pawl.sandboxes.bubblewrap import Bubblewrap;"
            "print(json.dumps(doctor.escapes(Bubblewrap())))",
            60,
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, bool] = json.loads(done.stdout)
    return found


ONLY = """\
import sys
import probe
whole = probe.attempt
probe.attempt = lambda name, action: whole(name, action) if name in {names} else None
probe.main(*sys.argv[1:4])
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the user whom sandboxes start from can read, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="pawl-attack-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def try_harmless(sandbox: Sandbox, folder: Path) -> dict[str, bool]:
    """The probe's harmless attempts in any sandbox.

    Never the whole probe: without walls it would succeed, and its mount, its device and its host name would be the
    host's. The script is named relative to the working folder, which all sandboxes share."""
    canary, study = folder / "canary", folder / "study"
    canary.write_text("canary")
    study.mkdir()
    shutil.copy(probe.__file__, study / "probe.py")
    (study / "only.py").write_text(ONLY.format(names=BY_CONTROL))
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        place = environment.build(folder, EnvironmentTable())
        told = (str(os.getpid()), str(server.getsockname()[1]), str(canary))
        task = Task((place.python, "-B", "only.py", *told), place, (Mount(study, "/study"),), {}, LIMITS)
        done = sandbox.execute(task, threading.Event())
    assert done.outcome == "ok", done.reason
    lines = [json.loads(line) for line in done.log.decode().splitlines()]
    return {name: tried for line in lines for name, tried in line.items()}


def test_the_probe_tries_every_row_and_no_row_is_forgotten_here(attempts: dict[str, bool]) -> None:
    assert set(attempts) == set(EVERYTHING)


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_sandbox_stops_it(attempts: dict[str, bool], name: str) -> None:
    assert not attempts[name]


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_sandbox_stops_it_for_an_ordinary_user_too(as_stranger: dict[str, bool], name: str) -> None:
    assert not as_stranger[name]


def unfiltered(gpu: bool) -> bytes:
    raise SandboxError("there is no filter", "a test")


def test_without_the_filter_the_same_attempts_do_get_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what the filter is said to stop is stopped by nothing else, so the attempts are real."""
    monkeypatch.setattr(seccomp, "program", unfiltered)
    attempts, isolation = doctor.probed(Bubblewrap(seccomp="if-available"))
    open_now = {name for name, succeeded in attempts.items() if succeeded}
    assert "seccomp filter" not in isolation.held
    assert open_now <= set(BY_FILTER)
    assert sum(any(word in name for name in open_now) for word in ONLY_BY_FILTER) > len(ONLY_BY_FILTER) // 2, open_now


def test_where_calls_cannot_be_filtered_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "program", unfiltered)
    with pytest.raises(SandboxError, match="there is no filter"):
        try_harmless(Bubblewrap(), tmp_path)


def test_a_filter_that_lets_everything_pass_is_noticed_by_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "program", lambda gpu: struct.pack("<HBBI", 6, 0, 0, 0x7FFF0000))
    checks = {check.name: check for check in doctor.examine(Bubblewrap)}
    assert not checks["sandbox: ptrace"].passed
    assert checks["sandbox: ptrace"].needed


def test_the_doctor_finds_nothing_and_needs_everything_but_hardware_and_control_groups() -> None:
    checks = doctor.examine(Bubblewrap)
    assert not [check for check in checks if not check.passed and check.needed]
    assert [check.name for check in checks if not check.needed] == ["hardware", "control groups"]
    assert {f"sandbox: {name}" for name in (*EVERYTHING, *doctor.TRIALS)} <= {check.name for check in checks}


class Lax:
    """A sandbox with no limits to speak of."""

    def execute(self, task: Task, stop: threading.Event) -> Execution:
        wide = replace(task.limits, wall=3.0, cpu=30.0, memory=2**30, disk=2**26, log=2**26, processes=64)
        return Bubblewrap().execute(replace(task, limits=wide), stop)


@pytest.mark.slow
def test_limits_that_do_not_hold_are_noticed_by_the_doctor() -> None:
    got_away = {name for name, unstopped in doctor.overrun(Lax()).items() if unstopped}
    assert len(got_away) == 3, got_away  # memory, processes, disk; what has no end is ended by the clock even there


def test_the_same_probe_does_get_out_where_there_is_no_sandbox(tmp_path: Path) -> None:
    control = try_harmless(Unsafe(accepted=True), tmp_path)
    assert control == dict.fromkeys(BY_CONTROL, True)
    assert not (tmp_path / "canary").exists()  # it was overwritten and removed: the attempt was real


def test_without_a_word_of_consent_the_unsafe_sandbox_refuses(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="isolates nothing") as refused:
        try_harmless(Unsafe(), tmp_path)
    assert "--unsafe-no-sandbox" in refused.value.hint


def test_without_bubblewrap_nothing_is_run_and_the_fix_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pawl.sandboxes.bubblewrap.shutil.which", lambda name, path=None: None)
    with pytest.raises(SandboxError, match="not installed") as refused:
        try_harmless(Bubblewrap(), tmp_path)
    assert (refused.value.hint, refused.value.exit_code) == ("apt install bubblewrap", 6)


def test_a_bubblewrap_that_cannot_make_namespaces_is_an_error_and_not_a_failed_run(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = open_folder / "bin" / "bwrap"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    with pytest.raises(SandboxError, match="No permissions to create new namespace"):
        try_harmless(Bubblewrap(), open_folder)


def test_the_same_harmless_attempts_fail_behind_the_walls(open_folder: Path) -> None:
    assert try_harmless(Bubblewrap(), open_folder) == dict.fromkeys(BY_CONTROL, False)
    assert (open_folder / "canary").read_text() == "canary"


def test_another_runs_scratch_and_the_cache_cannot_be_seen_from_inside(open_folder: Path) -> None:
    (open_folder / "study").mkdir()
    place = environment.build(open_folder, EnvironmentTable())
    wanted = [str(cache.folder(name)) for name in ("scratch", "data")]
    code = f"import os; print([path for path in {wanted} if os.path.exists(path)])"
    task = Task((place.python, "-I", "-c", code), place, (Mount(open_folder / "study", "/study"),), {}, LIMITS)
    done = Bubblewrap().execute(task, threading.Event())
    assert (done.outcome, done.log.strip()) == ("ok", b"[]")

"""Control groups: limits that the kernel keeps, accounts that it keeps, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pawl.protocols import Limits
from pawl.sandboxes import cgroups, hierarchy

LIMITS = Limits(wall=20.0, cpu=20.0, memory=2**26, disk=2**20, log=2**16, processes=4, cpus=1)
here = pytest.mark.skipif(not hierarchy.parents().folders, reason="no control group can be made here")


@pytest.fixture
def group() -> Iterator[cgroups.Group]:
    made = cgroups.make(LIMITS)
    assert made is not None
    yield made
    made.end()
    made.remove()
    assert not [folder for folder in made.folders.values() if folder.exists()]


def start(group: cgroups.Group, code: str) -> subprocess.Popen[str]:
    """A process that runs some code once it is in the group."""
    command = [sys.executable, "-I", "-S", "-c", "input()\n" + code]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    group.admit(process.pid)
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    return process


@here
def test_a_process_and_its_children_are_inside(group: cgroups.Group) -> None:
    name = next(iter(group.folders.values())).name
    with start(group, "print(open('/proc/self/cgroup').read())") as process:
        told = process.communicate()[0]
    assert told.count(name) == (1 if group.unified else len(group.folders))


@here
def test_the_kernel_ends_what_takes_too_much_memory_and_it_can_be_told(group: cgroups.Group) -> None:
    with start(group, "x = bytearray(2**24)") as process:
        assert process.wait() == 0
    assert not group.starved()
    assert 2**24 < group.peak() < 2**26
    with start(group, "x = bytearray(2**27)") as process:
        assert process.wait() == -9
    assert group.starved()


@here
def test_cpu_is_counted_to_the_last_of_children_that_nobody_waits_for(group: cgroups.Group) -> None:
    code = "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nfor n in range(50):\n  "
    code += "if os.fork() == 0:\n    end = time.process_time() + .01\n    while time.process_time() < end: pass\n    "
    with start(group, code + "os._exit(0)\n  try: os.wait()\n  except OSError: pass") as process:
        process.wait()
    assert group.sample()[0] >= 0.5


@here
def test_no_more_processes_than_allowed(group: cgroups.Group) -> None:
    code = "import os, time\nmade = 0\ntry:\n  while True:\n    if os.fork() == 0: time.sleep(9)\n    made += 1\n"
    with start(group, code + "except OSError: print(made, flush=True); time.sleep(9)") as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == LIMITS.processes + cgroups.OWN_PROCESSES - 1
        group.end()


@here
def test_the_whole_group_ends_at_once_however_it_tries_to_outrun_it(group: cgroups.Group) -> None:
    bomb = "import os, signal\nsignal.signal(15, signal.SIG_IGN)\nwhile True:\n  try: os.fork()\n  except OSError: pass"
    with start(group, bomb):
        time.sleep(0.2)
        group.end()
        assert list(group._members()) == []


@here
def test_what_a_dead_pawl_left_is_swept_and_what_a_living_one_has_is_not(group: cgroups.Group) -> None:
    folder = next(iter(group.folders.values())).parent
    gone = folder / "pawl-1-1-0"  # process 1 lives, but did not start then
    gone.mkdir()
    hierarchy.sweep(folder)
    assert not gone.exists()
    assert all(own.exists() for own in group.folders.values())


def test_without_a_hierarchy_there_is_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hierarchy, "parents", lambda: hierarchy.Parents({}, False))
    assert cgroups.make(LIMITS) is None


def test_where_this_process_stands_is_read_as_the_kernel_writes_it(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc/sub\n0::/user.slice/a.scope\n")
    (tmp_path / "mountinfo").write_text(
        "30 29 0:26 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n"
        "31 29 0:27 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "32 29 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "33 29 0:29 / / rw - ext4 /dev/sda rw\n"
    )
    found = hierarchy.mounted(tmp_path / "cgroup", tmp_path / "mountinfo")
    assert found[""].own == "/user.slice/a.scope"
    assert found["memory"] == hierarchy.Mounted("/docker/abc", Path("/sys/fs/cgroup/memory"), "/docker/abc/sub")
    assert set(found) == {"", "memory", "cpu", "cpuacct"}


def test_a_folder_that_cannot_be_seen_gives_the_top_of_what_can(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    assert hierarchy.Mounted("/docker/abc", tmp_path, "/docker/abc/sub").mine() == tmp_path / "sub"
    assert hierarchy.Mounted("/docker/abc", tmp_path, "/docker/other").mine() == tmp_path
    assert hierarchy.Mounted("/", tmp_path, "/elsewhere").mine() == tmp_path


def second(top: Path, offered: str, given: str) -> hierarchy.Mounted:
    """A mounted version 2 as files: `offered` to the group `service`, `given` on by the top."""
    own = top / "service"
    own.mkdir()
    for folder, subtree in ((top, given), (own, "")):
        (folder / "cgroup.procs").write_text(f"{os.getpid()}\n" if folder == own else "")
        (folder / "cgroup.controllers").write_text(offered)
        (folder / "cgroup.subtree_control").write_text(subtree)
    return hierarchy.Mounted("/", top, "/service")


def test_version_two_is_used_where_a_folder_above_gives_memory_and_processes(tmp_path: Path) -> None:
    found = hierarchy.second(second(tmp_path, "cpu memory pids", "cpu memory pids"))
    assert found == hierarchy.Parents(dict.fromkeys(("cpu", "cpuacct", "memory", "pids"), tmp_path), True)


def test_version_two_is_used_where_its_own_folder_can_give_them(tmp_path: Path) -> None:
    found = hierarchy.second(second(tmp_path, "cpu memory pids", ""))
    assert found is not None
    assert (tmp_path / "service" / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    moved = tmp_path / "service" / f"{hierarchy.mine_name()}-self" / "cgroup.procs"
    assert moved.read_text() == str(os.getpid())


@pytest.mark.parametrize("offered", ["", "cpu", "cpu memory"])
def test_version_two_without_them_is_not_used(tmp_path: Path, offered: str) -> None:
    assert hierarchy.second(second(tmp_path, offered, offered)) is None


def test_version_two_is_not_used_where_strangers_share_its_folder(tmp_path: Path) -> None:
    place = second(tmp_path, "cpu memory pids", "")
    (tmp_path / "service" / "cgroup.procs").write_text(f"{os.getpid()}\n1\n")
    assert hierarchy.second(place) is None

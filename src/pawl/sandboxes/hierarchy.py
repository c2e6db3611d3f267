"""Where on this machine Pawl may make control groups, found once; and the sweep of what dead Pawls left there."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pawl.sandboxes.meter import descendants

FIRST = ("cpu", "cpuacct", "memory", "pids")
"""The controllers of version 1 that are used. In version 2 `cpuacct` is always there, and the others may be."""
NEEDED = {"memory", "pids"}
NAME = re.compile(r"pawl-\d+-\d+-(\d+|self)")
"""What is named after the Pawl process that owns it: its number, when it started, a number of its own."""


@dataclass(frozen=True, slots=True)
class Parents:
    """The folder to make groups in, by controller; whether it is one folder for all (version 2)."""

    folders: Mapping[str, Path]
    unified: bool


@dataclass(frozen=True, slots=True)
class Mounted:
    """A hierarchy as it is mounted: which part of it, where, and this process's own place in it."""

    root: str
    place: Path
    own: str

    def mine(self) -> Path:
        """The folder of the process; the top of what is mounted if its own cannot be seen."""
        return self.exactly() or self.place

    def exactly(self) -> Path | None:
        """The folder of the process, if it can be seen."""
        inside = os.path.relpath(self.own, self.root)
        folder = self.place / inside
        return None if inside.startswith("..") or not folder.is_dir() else folder


@functools.cache
def parents() -> Parents:
    """Where groups may be made: nowhere, if there are no folders in the answer."""
    mounts = mounted()
    found = Parents({}, False)
    if "" in mounts and (unified := second(mounts[""])):
        found = unified
    elif NEEDED <= {name for name in mounts if name and writable(mounts[name].mine())}:
        usable = {name: mounts[name].mine() for name in FIRST if name in mounts}
        found = Parents({name: folder for name, folder in usable.items() if writable(folder)}, False)
    for folder in dict.fromkeys(found.folders.values()):
        sweep(folder)
    return found


def at(pid: int) -> Parents:
    """The groups that a process is in, by controller; no folders where they cannot be seen."""
    try:
        mounts = mounted(Path(f"/proc/{pid}/cgroup"))
    except OSError:
        return Parents({}, False)
    if "" in mounts and (folder := mounts[""].exactly()) and NEEDED <= words(folder / "cgroup.controllers"):
        names = {"cpuacct"} | (words(folder / "cgroup.controllers") & {"memory", "pids", "cpu"})
        return Parents(dict.fromkeys(sorted(names), folder), True)
    places = {name: mounts[name].exactly() for name in FIRST if name in mounts}
    return Parents({name: folder for name, folder in places.items() if folder}, False)


def quota(found: Parents) -> float:
    """How many CPUs a group may use; 0 where it is not limited."""
    if "cpu" not in found.folders:
        return 0.0
    folder = found.folders["cpu"]
    if not found.unified:
        period = number(folder / "cpu.cfs_period_us")
        return max(0, number(folder / "cpu.cfs_quota_us")) / period if period else 0.0
    share, _, period_text = (folder / "cpu.max").read_text().partition(" ")
    return int(share) / int(period_text) if share.isdigit() else 0.0


def mounted(
    cgroup: Path = Path("/proc/self/cgroup"), mounts: Path = Path("/proc/self/mountinfo")
) -> dict[str, Mounted]:
    """The hierarchies by controller of version 1, and version 2 by the empty name; places are those of one process."""
    own: dict[str, str] = {}
    for line in cgroup.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        own |= dict.fromkeys(controllers.split(","), path)
    found: dict[str, Mounted] = {}
    for line in mounts.read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, place = before.split()[3:5]
        kind, _, options = after.split(" ", 2)
        names = [""] if kind == "cgroup2" else options.split(",") if kind == "cgroup" else []
        for name in names:
            if name in own:
                found.setdefault(name, Mounted(root, Path(place), own[name]))
    return found


def writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK)


def second(mount: Mounted) -> Parents | None:
    """Version 2: the nearest folder above this process whose groups have what is needed; else its own, if nobody else
    is in it: this process then moves down into a group first, since a folder with processes gives nothing on."""
    mine = mount.mine()
    above = [folder for folder in mine.parents if folder == mount.place or mount.place in folder.parents]
    for folder in above:
        if writable(folder) and NEEDED <= words(folder / "cgroup.subtree_control"):
            return _unified(folder)
    if not writable(mine) or not words(mine / "cgroup.controllers") >= NEEDED:
        return None
    below, family = mine / f"{mine_name()}-self", descendants(os.getpid())
    try:
        members = [int(pid) for pid in (mine / "cgroup.procs").read_text().split()]
        if not set(members) <= set(family):
            return None
        below.mkdir(exist_ok=True)
        for pid in members:
            (below / "cgroup.procs").write_text(str(pid))
        wanted = [name for name in ("memory", "pids", "cpu") if name in words(mine / "cgroup.controllers")]
        (mine / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in wanted))
    except OSError:
        return None
    return _unified(mine)


def _unified(folder: Path) -> Parents:
    names = {"cpuacct"} | (words(folder / "cgroup.subtree_control") & {"memory", "pids", "cpu"})
    return Parents(dict.fromkeys(sorted(names), folder), True)


def mine_name(pid: int | None = None) -> str:
    """`pawl-PID-STARTED`: this process, or another, whichever other one had its number before."""
    number = pid or os.getpid()
    started = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[19]
    return f"pawl-{number}-{started}"


def owned(name: str) -> bool:
    """Whether the Pawl process that something is named after is alive."""
    try:
        return name.startswith(mine_name(int(name.split("-")[1])) + "-")
    except OSError:
        return False


def sweep(folder: Path) -> None:
    """Remove the groups of Pawl processes that are no more. What still has processes in it cannot be removed."""
    for left in folder.glob("pawl-*"):
        if NAME.fullmatch(left.name) and not owned(left.name):
            try:
                left.rmdir()
            except OSError:
                continue


def words(path: Path) -> set[str]:
    """The words in a file; none if it cannot be read."""
    try:
        return set(path.read_text().split())
    except OSError:
        return set()


def number(path: Path) -> int:
    """The number in a file; 0 if it cannot be read."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def table(path: Path) -> dict[str, int]:
    """The numbers in a file of lines `name number`; empty if it cannot be read."""
    try:
        return dict(_pairs(path.read_text()))
    except OSError:
        return {}


def _pairs(text: str) -> Iterator[tuple[str, int]]:
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if value.isdigit():
            yield name, int(value)

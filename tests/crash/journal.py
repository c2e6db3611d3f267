"""What a program does to one folder on disk, call by call, as `strace` saw it.

Every system call that can change the folder is either understood or refused: a journal with a hole in it would make
the simulated disk kinder than a real one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

READ = (  # noqa: SIM905 - a list of 35 quoted words is harder to read
    "open openat creat write pwrite64 writev pwritev pwritev2 sendfile copy_file_range fallocate truncate ftruncate "
    "rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat rmdir mkdir mkdirat fsync fdatasync "
    "sync syncfs sync_file_range lseek mmap chdir fchdir"
).split()
STRACE = ("strace", "-f", "-y", "-xx", "-s", "100000000", "--seccomp-bpf", "-e", "signal=none", "-e",
          f"trace={','.join(READ)}")  # fmt: skip
"""How to run a program so that `read` understands the log; `-o LOG PROGRAM...` is to follow."""

WHOLE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\w+)(.*)", re.DOTALL)
BEGUN = re.compile(r"(\d+) +(\w+)\((.*?),? <unfinished \.\.\.>", re.DOTALL)
RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)", re.DOTALL)
OPENED = re.compile(r"<((?:\\x[0-9a-f]{2})*)>(\(deleted\))?")
OTHER_TREES = re.compile(r"\\x")


@dataclass(frozen=True, slots=True)
class Call:
    """One change to the folder. Paths are relative to it ("" is the folder itself), offsets and sizes in bytes.

    `name` is open, write, truncate, seek, rename, link, unlink, mkdir, sync (everything), fsync (one path), or mark:
    a line that the program wrote to the file of marks. `began` is how many calls had ended when this one began."""

    name: str
    began: int
    path: str = ""
    other: str = ""
    content: bytes = b""
    offset: int = -1
    """Where a write goes, how long a truncated file is, where a seek leads; -1: where the last one ended."""
    flags: str = ""
    gone: bool = False
    """The file had lost its name before the call."""


class Unknown(Exception):
    """A system call changed the folder in a way that the journal cannot tell."""


def read(log: Path, root: Path, marks: Path, before: int = 0) -> list[Call]:
    """The journal of everything below `root`, in the order in which the calls ended; `before` is how many calls
    ended before the log begins."""
    reader = _Reader(str(root), str(marks))
    with log.open(errors="surrogateescape") as lines:
        for pid, name, arguments, result, rest, began in _joined(lines, reader.calls):
            reader.take(pid, name, arguments, result, rest, before + began)
    return reader.calls


def _joined(lines: Iterable[str], calls: list[Call]) -> Iterator[tuple[str, str, list[str], int, str, int]]:
    """Calls that were interrupted in the log by those of other threads, put together again."""
    open_calls: dict[tuple[str, str], tuple[str, int]] = {}
    for line in lines:
        line, began = line.rstrip("\n"), len(calls)
        begun, resumed = BEGUN.fullmatch(line), RESUMED.fullmatch(line)
        if begun:
            open_calls[begun[1], begun[2]] = (begun[3], began)
            continue
        if resumed:
            first, began = open_calls.pop((resumed[1], resumed[2]))
            line = f"{resumed[1]} {resumed[2]}({first}{resumed[3]}"
        whole = WHOLE.fullmatch(line)
        if whole and not whole[4].startswith(("-", "?")):
            yield whole[1], whole[2], whole[3].split(", "), int(whole[4], 0), whole[5], began


class _Reader:
    def __init__(self, root: str, marks: str) -> None:
        self.root, self.marks = root, marks
        self.folders: dict[str, str] = {}
        self.calls: list[Call] = []

    def take(self, pid: str, name: str, args: list[str], result: int, rest: str, began: int) -> None:
        at = args[0].startswith("AT_FDCWD<")
        if at:
            self.folders[pid] = _opened(args[0])[0]
        method = getattr(self, f"_{name}", None) or getattr(self, f"_{_plain(name)}", None)
        if method is None:
            self._must_be_elsewhere(name, args, pid)
            return
        if name.endswith(("at", "at2")) and name != "creat":
            args = self._absolute(args)
        for call in method(pid, args, result, rest) or ():
            self.calls.append(Call(began=began, **call))

    # -- paths --------------------------------------------------------------------------------------------------

    def _inside(self, path: str) -> str | None:
        if path == self.root:
            return ""
        return path.removeprefix(self.root + "/") if path.startswith(self.root + "/") else None

    def _path(self, pid: str, argument: str) -> str | None:
        """A path argument relative to the root, or None if it is elsewhere."""
        found = os.path.normpath(os.path.join(self.folders.get(pid, self.root), _string(argument)))
        return self._inside(found)

    def _descriptor(self, argument: str) -> tuple[str | None, bool, bool]:
        """Of an open file: its path, whether that name is gone, whether it is the file of marks."""
        path, gone = _opened(argument)
        return self._inside(path), gone, path == self.marks

    @staticmethod
    def _absolute(args: list[str]) -> list[str]:
        """The arguments of an -at call as those of the plain one."""
        found, place = [], None
        for argument in args:
            if place is None and OPENED.search(argument) and not argument.startswith('"'):
                place = _opened(argument)[0]
            elif place is not None and argument.startswith('"'):
                full, place = os.path.join(place, _string(argument)), None
                found.append('"' + "".join(f"\\x{byte:02x}" for byte in os.fsencode(full)) + '"')
            else:
                found.append(argument)
        return found

    def _must_be_elsewhere(self, name: str, args: list[str], pid: str) -> None:
        paths = [self._inside(_opened(argument)[0]) for argument in args if OPENED.search(argument)]
        if any(path is not None for path in paths):
            raise Unknown(f"{name} on {paths}")

    # -- calls --------------------------------------------------------------------------------------------------

    def _open(self, pid: str, args: list[str], result: int, rest: str):
        path, flags = self._path(pid, args[0]), args[1]
        if path is not None and ("O_CREAT" in flags or "O_WRONLY" in flags or "O_RDWR" in flags):
            yield {"name": "open", "path": path, "flags": flags}

    def _creat(self, pid: str, args: list[str], result: int, rest: str):
        yield from self._open(pid, [args[0], "O_CREAT|O_WRONLY|O_TRUNC"], result, rest)

    def _write(self, pid: str, args: list[str], result: int, rest: str):
        path, gone, mark = self._descriptor(args[0])
        if mark:
            yield {"name": "mark", "content": _bytes(args[1])[:result]}
        elif path is not None:
            yield {"name": "write", "path": path, "content": _bytes(args[1])[:result], "gone": gone}

    def _pwrite64(self, pid: str, args: list[str], result: int, rest: str):
        for call in self._write(pid, args, result, rest):
            yield call | {"offset": int(args[3])}

    def _ftruncate(self, pid: str, args: list[str], result: int, rest: str):
        path, gone, _ = self._descriptor(args[0])
        if path is not None:
            yield {"name": "truncate", "path": path, "offset": int(args[1]), "gone": gone}

    def _truncate(self, pid: str, args: list[str], result: int, rest: str):
        path = self._path(pid, args[0])
        if path is not None:
            yield {"name": "truncate", "path": path, "offset": int(args[1])}

    def _lseek(self, pid: str, args: list[str], result: int, rest: str):
        path, gone, _ = self._descriptor(args[0])
        if path is not None:
            yield {"name": "seek", "path": path, "offset": result, "gone": gone}

    def _mmap(self, pid: str, args: list[str], result: int, rest: str):
        if "PROT_WRITE" in args[2] and "MAP_SHARED" in args[3] and OPENED.search(args[4]):
            path, _, _ = self._descriptor(args[4])
            if path is not None and not path.endswith("-shm"):
                raise Unknown(f"{path} is written through memory")
        return ()

    def _rename(self, pid: str, args: list[str], result: int, rest: str):
        old, new = self._path(pid, args[0]), self._path(pid, args[1])
        if (old is None) != (new is None):
            raise Unknown(f"rename between {old or 'elsewhere'} and {new or 'elsewhere'}")
        if old is not None:
            yield {"name": "rename", "path": old, "other": new}

    def _link(self, pid: str, args: list[str], result: int, rest: str):
        for call in self._rename(pid, args, result, rest):
            yield call | {"name": "link"}

    def _unlink(self, pid: str, args: list[str], result: int, rest: str):
        path = self._path(pid, args[0])
        if path is not None:
            yield {"name": "unlink", "path": path}

    _rmdir = _unlink

    def _mkdir(self, pid: str, args: list[str], result: int, rest: str):
        path = self._path(pid, args[0])
        if path is not None:
            yield {"name": "mkdir", "path": path}

    def _fsync(self, pid: str, args: list[str], result: int, rest: str):
        path, gone, _ = self._descriptor(args[0])
        if path is not None:
            yield {"name": "fsync", "path": path, "gone": gone}

    _fdatasync = _fsync

    def _sync(self, pid: str, args: list[str], result: int, rest: str):
        yield {"name": "sync"}

    def _syncfs(self, pid: str, args: list[str], result: int, rest: str):
        if self._descriptor(args[0])[0] is not None:
            yield {"name": "sync"}

    def _chdir(self, pid: str, args: list[str], result: int, rest: str):
        self.folders[pid] = os.path.normpath(os.path.join(self.folders.get(pid, self.root), _string(args[0])))
        return ()

    def _fchdir(self, pid: str, args: list[str], result: int, rest: str):
        self.folders[pid] = _opened(args[0])[0]
        return ()


def _plain(name: str) -> str:
    """The call without a folder of its own that does the same."""
    return {"openat": "open", "renameat": "rename", "renameat2": "rename", "linkat": "link", "unlinkat": "unlink",
            "mkdirat": "mkdir"}.get(name, name)  # fmt: skip


def _bytes(argument: str) -> bytes:
    return bytes.fromhex(argument.strip('"').replace("\\x", ""))


def _string(argument: str) -> str:
    return os.fsdecode(_bytes(argument))


def _opened(argument: str) -> tuple[str, bool]:
    """The path that strace shows for a descriptor, and whether that name is gone."""
    found = OPENED.search(argument)
    return (_string(found[1]), bool(found[2])) if found else ("", False)

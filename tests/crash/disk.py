"""A disk that forgets: what may stand on it after the power is cut at some instant.

Only what was synced is sure: a file's bytes by an fsync of the file, a name by an fsync of its folder. Of everything
later each write may be there, be lost or be torn, and each creation, renaming and removal may have happened or not,
in any combination and whatever the order. That is harsher than the common file systems are, and as much as POSIX
promises. A renaming is atomic, and bytes that no write touches never change.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from journal import Call

SECTOR = 512
"""Bytes that a disk writes at once; even they may be torn here."""
DEPENDS_ON_MEMORY = "-shm"
"""SQLite's index of its log lives in memory that processes share; after a crash its file may hold anything."""
ROOT = 0


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes at an offset; or, if there are none, a new length."""

    at: int
    offset: int
    content: bytes | None


@dataclass(slots=True)
class File:
    """`durable` is what was synced, `pending` what came since."""

    durable: bytes = b""
    pending: list[Write] = field(default_factory=list)
    size: int = 0
    position: int = 0


@dataclass(slots=True, eq=False)
class Renaming:
    """Names that change together: (folder, name, inode), None where the name goes away."""

    at: int
    edits: tuple[tuple[int, str, int | None], ...]


@dataclass(slots=True)
class Folder:
    """`names` as programs see them, `durable` as the disk has them, `pending` the difference."""

    names: dict[str, int] = field(default_factory=dict)
    durable: dict[str, int] = field(default_factory=dict)
    pending: list[Renaming] = field(default_factory=list)


class Disk:
    """Starts as a copy of a folder, all of it durable; then takes the calls of a journal, one by one."""

    def __init__(self, folder: Path) -> None:
        self.things: list[File | Folder] = []
        self.known: dict[str, int] = {}
        self.taken = 0
        self._load(folder)

    def _load(self, folder: Path) -> int:
        inode = len(self.things)
        found = Folder()
        self.things.append(found)
        for path in sorted(folder.iterdir()):
            if path.is_dir():
                found.names[path.name] = self._load(path)
            else:
                content = path.read_bytes()
                found.names[path.name] = len(self.things)
                self.things.append(File(content, size=len(content)))
        found.durable = dict(found.names)
        return inode

    # -- the calls ----------------------------------------------------------------------------------------------

    def take(self, call: Call) -> None:
        """Let one call happen."""
        getattr(self, f"_{call.name}")(call)
        self.taken += 1

    def skip(self) -> None:
        """Let one call do nothing."""
        self.taken += 1

    def _mark(self, call: Call) -> None:
        """Nothing: marks are for who reads the journal."""

    def _open(self, call: Call) -> None:
        folder, name = self._place(call.path)
        inode = self._folder(folder).names.get(name)
        if inode is None:
            inode = self._new(File())
            self._rename_all((folder, name, inode))
        self.known[call.path] = inode
        thing = self.things[inode]
        if isinstance(thing, File):
            if "O_TRUNC" in call.flags and thing.size:
                thing.pending.append(Write(self.taken, 0, None))
                thing.size = 0
            thing.position = thing.size if "O_APPEND" in call.flags else 0

    def _write(self, call: Call) -> None:
        file = self._file(call)
        offset = file.position if call.offset < 0 else call.offset
        file.pending.append(Write(self.taken, offset, call.content))
        file.size = max(file.size, offset + len(call.content))
        if call.offset < 0:
            file.position = offset + len(call.content)

    def _seek(self, call: Call) -> None:
        thing = self.things[self._find(call)]
        if isinstance(thing, File):
            thing.position = call.offset

    def _truncate(self, call: Call) -> None:
        file = self._file(call)
        file.pending.append(Write(self.taken, call.offset, None))
        file.size = call.offset

    def _rename(self, call: Call) -> None:
        old_folder, old_name = self._place(call.path)
        new_folder, new_name = self._place(call.other)
        inode = self._folder(old_folder).names[old_name]
        replaced = self._folder(new_folder).names.get(new_name)
        if replaced is not None:
            self.known[call.other] = replaced  # whoever has it open still may read it
        if self._folder(new_folder).names.get(new_name) != inode:
            self._rename_all((old_folder, old_name, None), (new_folder, new_name, inode))

    def _link(self, call: Call) -> None:
        folder, name = self._place(call.other)
        self._rename_all((folder, name, self._find(call)))

    def _unlink(self, call: Call) -> None:
        folder, name = self._place(call.path)
        self.known[call.path] = self._folder(folder).names[name]
        self._rename_all((folder, name, None))

    def _mkdir(self, call: Call) -> None:
        folder, name = self._place(call.path)
        self._rename_all((folder, name, self._new(Folder())))

    def _fsync(self, call: Call) -> None:
        self._settle(self._find(call), call.began)

    def _sync(self, call: Call) -> None:
        for inode in range(len(self.things)):
            self._settle(inode, call.began)

    def _settle(self, inode: int, before: int) -> None:
        """What ended before a sync began is on the disk when the sync ends."""
        thing = self.things[inode]
        if isinstance(thing, File):
            done = [write for write in thing.pending if write.at < before]
            thing.durable = _written(thing.durable, done)
            thing.pending = [write for write in thing.pending if write.at >= before]
            return
        for renaming in [renaming for renaming in thing.pending if renaming.at < before]:
            for folder, name, target in renaming.edits:
                holder = self._folder(folder)
                _edit(holder.durable, name, target)
                holder.pending = [other for other in holder.pending if other is not renaming]

    # -- names --------------------------------------------------------------------------------------------------

    def _new(self, thing: File | Folder) -> int:
        self.things.append(thing)
        return len(self.things) - 1

    def _rename_all(self, *edits: tuple[int, str, int | None]) -> None:
        renaming = Renaming(self.taken, edits)
        for folder, name, inode in edits:
            _edit(self._folder(folder).names, name, inode)
        for folder in {folder for folder, _, _ in edits}:
            self._folder(folder).pending.append(renaming)

    def _folder(self, inode: int) -> Folder:
        found = self.things[inode]
        assert isinstance(found, Folder)
        return found

    def _walk(self, path: str) -> int:
        inode = ROOT
        for part in filter(None, path.split("/")):
            inode = self._folder(inode).names[part]
        return inode

    def _place(self, path: str) -> tuple[int, str]:
        folder, _, name = path.rpartition("/")
        return self._walk(folder), name

    def _find(self, call: Call) -> int:
        return self.known[call.path] if call.gone else self._walk(call.path)

    def _file(self, call: Call) -> File:
        found = self.things[self._find(call)]
        assert isinstance(found, File)
        return found

    # -- looking at it ------------------------------------------------------------------------------------------

    def now(self) -> Mapping[str, bytes]:
        """The files as programs see them while the power is on; the name of a folder ends with a slash."""
        return {path: _written(file.durable, file.pending) for path, file in self._files(ROOT, "", None)}

    def after_a_power_cut(self, chance: random.Random) -> Mapping[str, bytes]:
        """The files that the next boot finds, drawn by chance: from all lost to all kept."""
        kept = chance.choice([0.0, 1.0, 0.5, chance.random(), chance.random()])
        fates: dict[int, bool] = {}
        found = {}
        for path, file in self._files(ROOT, "", lambda r: fates.setdefault(id(r), chance.random() < kept)):
            found[path] = chance.randbytes(32768) if path.endswith(DEPENDS_ON_MEMORY) else _cut(file, kept, chance)
        return found

    def _files(self, inode: int, path: str, fate: Callable[[Renaming], bool] | None) -> Iterator[tuple[str, File]]:
        thing = self.things[inode]
        if isinstance(thing, File):
            yield path, thing
            return
        if path:
            yield f"{path}/", File()
        names = thing.names if fate is None else dict(thing.durable)
        for renaming in thing.pending if fate else ():
            for folder, name, target in renaming.edits if fate and fate(renaming) else ():
                if folder == inode:
                    _edit(names, name, target)
        for name, child in names.items():
            yield from self._files(child, f"{path}/{name}".lstrip("/"), fate)


def materialise(files: Mapping[str, bytes], folder: Path, age_s: float = 3600.0) -> None:
    """Write files into an empty folder, as old as if the machine had been off for a while."""
    for name, content in files.items():
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True, mode=0o700)
            continue
        path.write_bytes(content)
        then = path.stat().st_mtime - age_s
        os.utime(path, (then, then))


def _edit(names: dict[str, int], name: str, inode: int | None) -> None:
    if inode is None:
        names.pop(name, None)
    else:
        names[name] = inode


def _written(before: bytes, writes: list[Write]) -> bytes:
    if not writes:
        return before
    found = bytearray(before)
    for write in writes:
        if write.content is None:
            found[write.offset :] = bytes(max(write.offset - len(found), 0))
        else:
            _put(found, write.offset, write.content)
    return bytes(found)


def _put(found: bytearray, offset: int, content: bytes) -> None:
    found.extend(bytes(max(offset - len(found), 0)))
    found[offset : offset + len(content)] = content


def _cut(file: File, kept: float, chance: random.Random) -> bytes:
    """A file's bytes after the power cut: each write since the last sync kept, lost or torn."""
    found = bytearray(file.durable)
    for write in file.pending:
        if chance.random() < kept:
            found = bytearray(_written(bytes(found), [write]))
        elif write.content:
            for offset, piece in _torn(write, len(file.durable), chance):
                _put(found, offset, piece)
    return bytes(found)


def _torn(write: Write, durable: int, chance: random.Random) -> list[tuple[int, bytes]]:
    """What is left of a write that did not get through."""
    assert write.content is not None
    content, cut = write.content, chance.randrange(len(write.content) + 1)
    new = max(write.offset, durable) - write.offset  # from here on the file had no bytes before
    match chance.choice(["lost", "start", "end", "sectors", "zeros", "garbage"]):
        case "start":
            return [(write.offset, content[:cut])]
        case "end":
            return [(write.offset + cut, content[cut:])]
        case "sectors":
            return [piece for piece in _sectors(write.offset, content) if chance.random() < 0.5]
        case "zeros" if new < len(content):  # the length got through, the bytes did not
            return [(write.offset + new, bytes(len(content) - new))]
        case "garbage" if new < len(content):
            return [(write.offset + new, chance.randbytes(len(content) - new))]
    return []


def _sectors(offset: int, content: bytes) -> list[tuple[int, bytes]]:
    """A write in pieces that each lie in one sector."""
    found, begin = [], 0
    while begin < len(content):
        end = min(begin + SECTOR - (offset + begin) % SECTOR, len(content))
        found.append((offset + begin, content[begin:end]))
        begin = end
    return found

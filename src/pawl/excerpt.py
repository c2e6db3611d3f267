"""Part of a log, on another machine: entries that are proven to be in it, without the log.

What approvers sign holds the root of the log up to the dossier. So entries up to the dossier are proven under that
root, and not only under the checkpoint, which whoever holds the log's key can sign anew.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from pawl import checkpoint
from pawl.bundle import Bundle, History, Proven, decoded, parsed
from pawl.checkpoint import Note, PublicKey
from pawl.envelope import decode
from pawl.errors import IntegrityError, NotAuthorized
from pawl.ledger import Entry
from pawl.merkle import check_consistency, check_inclusion, leaf_hash
from pawl.records import Record

R = TypeVar("R", bound=Record)
MOMENT = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\+00:00")
"""A time as Pawl writes it. Such times compare as text."""


def moment(text: str) -> str:
    """A time as Pawl writes it. Raises IntegrityError for any other text."""
    if not MOMENT.fullmatch(text):
        raise IntegrityError(f"{text[:40]!r} is not a time as Pawl writes it")
    return text


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Proven entries, oldest first, of the log that `note` is a checkpoint of; `roots` are its roots by size."""

    note: Note
    entries: Sequence[Entry[Record]]
    roots: dict[int, bytes]

    @property
    def whole(self) -> bool:
        """Whether every entry of the log is here."""
        return len(self.entries) == self.note.size

    def get(self, id: int, kind: type[R], by: str) -> Entry[R]:
        """Entry `id`, which `by` rests on. Raises IntegrityError if it is not here, or of another kind."""
        for entry in self.all(kind):
            if entry.id == id:
                return entry
        raise IntegrityError(f"entry {id}, a {kind.__name__.lower()}, is not in the bundle, and {by} rests on it")

    def all(self, kind: type[R], before: int | None = None) -> list[Entry[R]]:
        """The entries of a kind, oldest first; those older than `before`."""
        found = [entry for entry in self.entries if isinstance(entry.record, kind)]
        return [entry for entry in found if before is None or entry.id < before]  # type: ignore[misc]

    def root(self, size: int) -> str:
        """The log's root at a size, as hex. Raises IntegrityError if it is not here."""
        if size not in self.roots:
            raise IntegrityError(f"the log's root at entry {size} is not in the bundle")
        return self.roots[size].hex()


def excerpt(bundle: Bundle, key: PublicKey) -> Excerpt:
    """The proven part of a log in a bundle that `key` signed. Raises IntegrityError."""
    history = bundle.history
    note = checkpoint.parse(history.checkpoint)
    note.signed_at(key)
    subjects = [subject.model_dump() for subject in bundle.logged]
    if note.origin != key.name or subjects != [{"name": note.origin, "digest": {"sha256": note.root.hex()}}]:
        raise IntegrityError(f"the history is not about the checkpoint of {key.name}")
    for line in note.signatures:
        try:
            decoded(line.split(" ")[2])
        except ValueError as error:
            raise IntegrityError(f"a signature on the checkpoint is not written as one is: {error}") from error
    roots = _roots(history, note)
    return Excerpt(note, _entries(history, note, roots), roots)


def cosigned(note: Note, keys: Sequence[PublicKey], wanted: int | None) -> list[str]:
    """The names of those witnesses that signed a checkpoint. Raises IntegrityError for a false signature,
    NotAuthorized if fewer than `wanted` signed (None: all)."""
    found = []
    for key in {key.key: key for key in keys}.values():
        lines = [line.split(" ") for line in note.signatures]
        if any(name == key.name and decoded(text)[:4] == key.id for _, name, text in lines):
            note.signed_at(key)
            found.append(key.name)
    needed = len({key.key for key in keys}) if wanted is None else wanted
    if len(found) < needed:
        raise NotAuthorized(f"{len(found)} of {needed} witnesses signed the checkpoint", "pawl ledger checkpoint")
    return found


def _roots(history: History, note: Note) -> dict[int, bytes]:
    """The log's roots, each proven to grow into the next, and the last into the checkpoint."""
    ends = [(one.size, bytes.fromhex(one.root)) for one in history.roots]
    for one, (size, root), (later, root_then) in zip(
        history.roots, ends, [*ends[1:], (note.size, note.root)], strict=True
    ):
        if size >= later and later != note.size:
            raise IntegrityError("the roots are not in order")
        check_consistency(size, root, later, root_then, [decoded(step) for step in one.proof])
    return dict(ends)


def _entries(history: History, note: Note, roots: dict[int, bytes]) -> list[Entry[Record]]:
    if history.dossier not in roots:
        raise IntegrityError(f"the log's root at dossier {history.dossier} is not in the bundle")
    found: list[Entry[Record]] = []
    for one in history.entries:
        if found and one.id <= found[-1].id:
            raise IntegrityError("the entries are not in order")
        early = one.id <= history.dossier
        size, root = (history.dossier, roots[history.dossier]) if early else (note.size, note.root)
        body = decoded(one.body)
        check_inclusion(leaf_hash(body), one.id - 1, size, [decoded(step) for step in one.proof], root)
        found.append(_entry(one, body, roots))
    return found


def _entry(one: Proven, body: bytes, roots: dict[int, bytes]) -> Entry[Record]:
    """An entry from its bytes, which must be as Pawl writes them: nothing stands in them twice or beside."""
    content = parsed(body, f"entry {one.id}", ascii=False)
    record, at = decode(body)
    if not isinstance(content, dict) or set(content) != {"at", "kind", "record"} or not isinstance(at, str):
        raise IntegrityError(f"entry {one.id} is not made as one is")
    return Entry(one.id, moment(at), roots[one.id].hex() if one.id in roots else "", record)

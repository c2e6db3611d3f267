"""Which file is the holdout: taken as it was found the first time, and after that only exchanged by a person.

A fresh set is fresh: none of its rows may have stood in a set that was sealed before it. What was replaced is kept,
so that the next one can be held against it, and so that people may look at it in the open.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pawl import durable, seals
from pawl.broker import LEAST_ROWS, SealedFile, contents, parsed
from pawl.envelope import sha256
from pawl.errors import ConfigError, IntegrityError
from pawl.ledger import Entry, Ledger
from pawl.records import Holdout
from pawl.slices import Array

SPENT = "spent"
REPEATED = 0.01
"""The share of a fresh set's rows that may have stood in an earlier one: by chance, where rows are coarse."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """The holdout at `path` and the validation set beside it; retired sets lie in the folder `spent` there."""

    ledger: Ledger
    path: Path
    validation: Path

    def in_use(self) -> SealedFile:
        """The holdout, which a study's first look at it pins down. Raises IntegrityError if another file lies there."""
        known, content = seals.holdout(self.ledger), contents(self.path)
        if known is None:
            _, labels, _ = parsed(self.path.name, content)
            first = Holdout(digest=sha256(content), rows=len(labels), previous="", reason="as it was found", by="pawl")
            known = self.ledger.append(first)
        if known.record.digest != sha256(content):
            raise IntegrityError(
                f"{self.path} is not the holdout in use, which entry {known.id} names",
                "put the file back   (or have a fresh one: pawl seal refresh --holdout FILE)",
            )
        return SealedFile(self.path, known.record.digest)

    def refresh(self, fresh: Path, reason: str, by: str) -> Entry[Holdout]:
        """Exchange the holdout for a fresh set. One that a crash kept from its place is put there.

        Raises ConfigError for a set that is not fresh, or not of the same kind."""
        content, known = contents(fresh), seals.holdout(self.ledger)
        digest = sha256(content)
        if known is None or known.record.digest != digest:
            rows = self._must_be_fresh(fresh, content)
            self._keep(known)
            previous = known.record.digest if known else ""
            known = self.ledger.append(Holdout(digest=digest, rows=rows, previous=previous, reason=reason, by=by))
        elif self.path.is_file() and not self.path.is_symlink() and sha256(contents(self.path)) == digest:
            raise ConfigError(f"{fresh} is the holdout in use already", "pawl seal status")
        _place(content, self.path)
        return known

    def _must_be_fresh(self, fresh: Path, content: bytes) -> int:
        """The rows of a set that may take the holdout's place. Raises ConfigError for any other."""
        inputs, labels, _ = parsed(fresh.name, content)
        sealed, sealed_labels, _ = parsed(self.validation.name, contents(self.validation))
        shapes = [{name: (a.dtype, a.shape[1:]) for name, a in found.items()} for found in (inputs, sealed)]
        if shapes[0] != shapes[1] or (labels.dtype, labels.shape[1:]) != (sealed_labels.dtype, sealed_labels.shape[1:]):
            raise ConfigError(f"{fresh} has not the arrays, types and shapes of the validation set", "make it anew")
        if len(labels) < LEAST_ROWS:
            raise ConfigError(f"{fresh} has {len(labels)} rows; a holdout needs {LEAST_ROWS}", "make it anew, larger")
        used = {entry.record.digest for entry in self.ledger.entries(Holdout)}
        if sha256(content) in used:
            raise ConfigError(f"{fresh} was a holdout of this study before", "make a fresh one")
        mine = list(_rows(inputs["inputs"]))
        for name, earlier in self._earlier():
            seen = set(_rows(earlier))
            repeated = sum(row in seen for row in mine)
            if repeated > REPEATED * len(mine):
                raise ConfigError(f"{repeated} of {len(mine)} rows of {fresh} stand in {name} too", "make a fresh one")
        return len(labels)

    def _earlier(self) -> Iterator[tuple[str, Array]]:
        """The inputs of every sealed set that is still there, by the name of its file."""
        kept = sorted((self.path.parent / SPENT).glob("*.npz"))
        for path in (self.validation, *([self.path] if self.path.exists() else []), *kept):
            yield path.name, parsed(path.name, contents(path))[0]["inputs"]

    def _keep(self, known: Entry[Holdout] | None) -> None:
        """Put the set that is in use aside, under its digest."""
        if known is None or not self.path.exists():
            return
        content, place = contents(self.path), self.path.parent / SPENT
        if sha256(content) == known.record.digest:
            durable.make(place)
            _place(content, place / f"{known.record.digest}.npz")


def _rows(inputs: Array) -> Iterator[bytes]:
    """A digest of each row."""
    flat = np.ascontiguousarray(inputs).reshape(len(inputs), -1)
    return (hashlib.sha256(row.tobytes()).digest() for row in flat)


def _place(content: bytes, path: Path) -> None:
    """Write a file for its owner's eyes only, whole or not at all; on the disk on return."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False, prefix=".sealing-") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)
    durable.sync((path.parent,))

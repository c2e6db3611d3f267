"""A witness: somebody else, on another machine, who signs each checkpoint that goes on from the last one they saw.

Who shows two histories to two people needs a witness who signs both, and a witness does not. What is asked for and
what is answered are texts, so that they can go by mail. (https://c2sp.org/tlog-witness, add-checkpoint)
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path

from pawl import checkpoint
from pawl.checkpoint import Note, PublicKey, SecretKey
from pawl.errors import IntegrityError
from pawl.ledger import Ledger
from pawl.merkle import check_consistency


@dataclass(frozen=True, slots=True)
class Request:
    """A checkpoint to sign, and the proof that it goes on from one of `old` entries (0: from nothing)."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    def __str__(self) -> str:
        steps = "".join(base64.b64encode(step).decode() + "\n" for step in self.proof)
        return f"old {self.old}\n{steps}\n{self.note}"


def request(ledger: Ledger, note: Note, old: int) -> Request:
    """What to send to a witness that signed at `old` entries. Raises IntegrityError if there is no proof."""
    return Request(old, tuple(ledger.consistency(old, note.size)) if old else (), note)


def parse(text: str) -> Request:
    """A request from its text. Raises IntegrityError."""
    head, gap, tail = text.partition("\n\n")
    first, *steps = head.split("\n")
    word, _, old = first.partition(" ")
    try:
        proof = tuple(base64.b64decode(step, validate=True) for step in steps)
        if word != "old" or not gap:
            raise ValueError("no `old N` in the first line")
        return Request(int(old), proof, checkpoint.parse(tail))
    except ValueError as error:
        raise IntegrityError(
            f"this is not a request to a witness: {error}", "pawl ledger checkpoint --since N"
        ) from error


@dataclass(frozen=True, slots=True)
class Witness:
    """Signs with `key`; remembers in `folder` what it signed for each log."""

    key: SecretKey
    folder: Path

    def cosign(self, request: Request, log: PublicKey) -> Note:
        """The checkpoint with this witness's signature. Raises IntegrityError unless the log signed it and it goes on
        from what this witness signed before; a split view is named as one, with both checkpoints."""
        note, last = request.note, self.last(log)
        note.signed_at(log)
        if note.origin != log.name:
            raise IntegrityError(f"the checkpoint is of {note.origin}, and the key is {log.name}'s")
        if last and last.size and note.size >= last.size:
            if request.old != last.size:
                raise IntegrityError(
                    f"this witness signed at {last.size} entries, and the request goes on from {request.old}",
                    f"pawl ledger checkpoint --since {last.size}",
                )
            self._continues(last, request)
        elif last and note.size < last.size:
            raise IntegrityError(f"this witness signed {last.size} entries already, and is shown {note.size}")
        signed = self.key.sign(note)
        self._path(log).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path(log).with_suffix(".new")
        fresh.write_text(str(signed))
        os.replace(fresh, self._path(log))
        return signed

    def last(self, log: PublicKey) -> Note | None:
        """What this witness signed last for a log."""
        path = self._path(log)
        return checkpoint.parse(path.read_text()) if path.is_file() else None

    def _continues(self, last: Note, request: Request) -> None:
        note = request.note
        try:
            check_consistency(last.size, last.root, note.size, note.root, request.proof)
        except IntegrityError as error:
            raise IntegrityError(
                f"SPLIT VIEW, or a proof that is not one: {error}\n\n{last}\n{note}",
                "keep both checkpoints: they are the proof",
            ) from None

    def _path(self, log: PublicKey) -> Path:
        return self.folder / f"{log.id.hex()}-{log.name.replace('/', '-')}"

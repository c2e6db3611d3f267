"""A checkpoint: a log's size and root, signed; what others keep so that history cannot be rewritten behind them.

The text is C2SP's tlog-checkpoint, the signatures its signed-note: Ed25519 by the log, and cosignature/v1, with the
time, by witnesses. (https://c2sp.org/tlog-checkpoint, /signed-note, /tlog-cosignature)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pawl.errors import IntegrityError, NotAuthorized
from pawl.merkle import LENGTH

Role = Literal["log", "witness"]
ALGORITHMS: dict[Role, int] = {"log": 0x01, "witness": 0x04}
"""The signature types of signed-note: Ed25519, and timestamped Ed25519 cosignature."""
NAME = re.compile(r"[^\s+]{1,200}")
LINE = re.compile(r"\u2014 (?P<name>[^\s+]{1,200}) (?P<signature>[A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who signs: a name, what they sign as, and 32 bytes of Ed25519."""

    name: str
    role: Role
    key: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that tell which key a signature line is by."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([ALGORITHMS[self.role]]) + self.key).digest()[:4]

    def __str__(self) -> str:
        """The verifier key as C2SP writes it: `name+id+base64`."""
        kind = bytes([ALGORITHMS[self.role]])
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(kind + self.key).decode()}"


def public_key(text: str) -> PublicKey:
    """A verifier key from its text. Raises NotAuthorized if it is none."""
    name, _, rest = text.strip().partition("+")
    given, _, encoded = rest.partition("+")
    content = _decoded(encoded)
    roles = [role for role, kind in ALGORITHMS.items() if content[:1] == bytes([kind])]
    if not NAME.fullmatch(name) or not roles or len(content) != 1 + LENGTH:
        raise NotAuthorized(f"{text[:80]!r} is not a verifier key (name+id+base64)", "pawl ledger key")
    found = PublicKey(name, roles[0], content[1:])
    if given != found.id.hex():
        raise NotAuthorized(f"the verifier key of {name!r} does not have the id {given[:16]!r}", "pawl ledger key")
    return found


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key that signs as `name`. Its bytes stand in no record and in no message."""

    name: str
    role: Role
    secret: Ed25519PrivateKey

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.name, self.role, self.secret.public_key().public_bytes_raw())

    def sign(self, note: Note, now: int | None = None) -> Note:
        """The note with one more signature; a witness adds the time (seconds since 1970)."""
        stamp = b"" if self.role == "log" else (int(time.time()) if now is None else now).to_bytes(8, "big")
        signature = self.secret.sign(_signed_bytes(note.text, stamp))
        line = base64.b64encode(self.public.id + stamp + signature).decode()
        return replace(note, signatures=(*note.signatures, f"\u2014 {self.name} {line}"))


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint's text (three lines, each ended) and its signature lines."""

    origin: str
    size: int
    root: bytes
    signatures: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def __str__(self) -> str:
        return self.text + "\n" + "".join(f"{line}\n" for line in self.signatures)

    def signed_at(self, key: PublicKey) -> int:
        """When a witness signed (seconds since 1970), 0 for a log's signature, which tells no time.

        Raises IntegrityError unless this key signed this very text."""
        for line in self.signatures:
            match = LINE.fullmatch(line)
            content = _decoded(match["signature"]) if match else b""
            if match is None or match["name"] != key.name or content[:4] != key.id:
                continue
            stamp, signature = (b"", content[4:]) if key.role == "log" else (content[4:12], content[12:])
            try:
                Ed25519PublicKey.from_public_bytes(key.key).verify(signature, _signed_bytes(self.text, stamp))
            except (InvalidSignature, ValueError) as error:
                raise IntegrityError(f"the signature by {key.name} is not over this checkpoint") from error
            return int.from_bytes(stamp, "big")
        raise IntegrityError(f"the checkpoint of {self.origin} is not signed by {key.name}")

    def witnesses(self, keys: Sequence[PublicKey]) -> list[str]:
        """The names of the witnesses among `keys` that signed. Raises IntegrityError for a false signature."""
        signed = {match["name"] for line in self.signatures if (match := LINE.fullmatch(line))}
        return [key.name for key in keys if key.name in signed and self.signed_at(key)]


def parse(text: str) -> Note:
    """A note from its text. Raises IntegrityError unless it is exactly what a note is written as."""
    body, gap, tail = text.partition("\n\n")
    lines = body.split("\n")
    if not gap or len(lines) != 3 or not lines[1].isascii() or not lines[1].isdigit() or not lines[0]:
        raise IntegrityError("this is not a checkpoint: it must have an origin, a size, a root and signatures")
    note = Note(lines[0], int(lines[1][:20]), _decoded(lines[2]), tuple(tail.split("\n")[:-1]))
    if str(note) != text or len(note.root) != LENGTH or not all(LINE.fullmatch(line) for line in note.signatures):
        raise IntegrityError("this is not a checkpoint as one is written: a byte of it was changed or is too much")
    return note


def _signed_bytes(text: str, stamp: bytes) -> bytes:
    if not stamp:
        return text.encode()
    return f"cosignature/v1\ntime {int.from_bytes(stamp, 'big')}\n{text}".encode()


def _decoded(text: str) -> bytes:
    """Base64 that can be written in one way only; empty if this is not it."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return content if base64.b64encode(content).decode() == text else b""

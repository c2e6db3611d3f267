"""What stands in an SSH signature beside the signature itself (OpenSSH, PROTOCOL.sshsig and PROTOCOL.u2f)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from pawl.errors import NotAuthorized

BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
MAGIC = b"SSHSIG"
HARDWARE = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
TOUCHED = 0x01
"""The flag of FIDO2 that says: a user was present."""


@dataclass(frozen=True, slots=True)
class Inside:
    """The kind of key, the purpose that was signed for, and the flags of a hardware key (0 for others)."""

    kind: str
    namespace: str
    flags: int

    @property
    def present(self) -> bool:
        """Whether a hardware key says that somebody touched it."""
        return self.kind in HARDWARE and bool(self.flags & TOUCHED)


def look(armored: str) -> Inside:
    """What a signature says of itself; only after it verified is any of it true. Raises NotAuthorized."""
    lines = armored.strip().splitlines()
    if len(lines) < 3 or lines[0] != BEGIN or lines[-1] != END:
        raise NotAuthorized("this is not an SSH signature", "ssh-keygen -Y sign")
    try:
        blob = base64.b64decode("".join(lines[1:-1]), validate=True)
        if blob[:6] != MAGIC or blob[6:10] != b"\0\0\0\1":
            raise ValueError("not version 1")
        key, rest = _string(blob[10:])
        namespace, rest = _string(rest)
        _, rest = _string(rest)
        _, rest = _string(rest)
        signature, rest = _string(rest)
        kind, _ = _string(key)
        _, tail = _string(_string(signature)[1])
        if rest or (kind.decode() in HARDWARE) != (len(tail) == 5):
            raise ValueError("bytes too many or too few")
        return Inside(kind.decode(), namespace.decode(), tail[0] if tail else 0)
    except (binascii.Error, ValueError, IndexError) as error:
        raise NotAuthorized(f"this SSH signature cannot be read: {error}", "ssh-keygen -Y sign") from error


def _string(data: bytes) -> tuple[bytes, bytes]:
    """A length-prefixed string, and what follows it."""
    length = int.from_bytes(data[:4], "big")
    if len(data) < 4 + length or len(data) < 4:
        raise ValueError("it ends in the middle")
    return data[4 : 4 + length], data[4 + length :]

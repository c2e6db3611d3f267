"""A FIDO2 key in software: makes sk-ssh-ed25519 keys and signatures as OpenSSH's PROTOCOL.u2f has them.

The signatures are real, and `ssh-keygen -Y verify` takes them for those of hardware; only the touch is made up.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KIND = b"sk-ssh-ed25519@openssh.com"
APPLICATION = b"ssh:"


def string(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


@dataclass(frozen=True)
class Token:
    """`sign` as somebody who touched it, or not."""

    secret: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def blob(self) -> bytes:
        return string(KIND) + string(self.secret.public_key().public_bytes_raw()) + string(APPLICATION)

    @property
    def public(self) -> str:
        return f"{KIND.decode()} {base64.b64encode(self.blob).decode()}"

    def sign(self, message: bytes, touched: bool = True, namespace: bytes = b"pawl-decision@v1") -> str:
        purpose = string(namespace) + string(b"") + string(b"sha512")
        inner = b"SSHSIG" + purpose + string(hashlib.sha512(message).digest())
        tail = bytes([1 if touched else 0]) + (7).to_bytes(4, "big")
        told = hashlib.sha256(APPLICATION).digest() + tail + hashlib.sha256(inner).digest()
        signature = string(KIND) + string(self.secret.sign(told)) + tail
        blob = b"SSHSIG" + (1).to_bytes(4, "big") + string(self.blob) + purpose + string(signature)
        text = base64.b64encode(blob).decode()
        lines = [text[n : n + 70] for n in range(0, len(text), 70)]
        return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])

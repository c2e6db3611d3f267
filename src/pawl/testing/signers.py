"""What every signer must do: a signature is one person's, over exactly these bytes, for this purpose."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from pawl.errors import NotAuthorized
from pawl.protocols import Signer

MESSAGE = b"pawl request, version 1\ndossier 7\n" + bytes(range(256))
ALICE, BOB = "alice@example.org", "bob@example.org"


class SignerContract:
    """Subclass it and override `make`; override the other two if your keys are not SSH keys in files."""

    def make(self) -> Signer:
        """The signer."""
        raise NotImplementedError

    def key(self, folder: Path, name: str) -> tuple[Path, str]:
        """A new key without a passphrase: its file, and the public key as it stands in policy.toml."""
        path = folder / name
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)]
        subprocess.run(command, check=True, capture_output=True)
        return path, path.with_name(f"{name}.pub").read_text().strip()

    def foreign(self, message: bytes, key: Path) -> str:
        """A signature with this key over these bytes that was made for another purpose."""
        command = ["ssh-keygen", "-Y", "sign", "-q", "-f", str(key), "-n", "file"]
        return subprocess.run(command, input=message, check=True, capture_output=True).stdout.decode()

    def test_its_own_signature_verifies(self, tmp_path: Path) -> None:
        """`verify` of what `sign` gave returns the fingerprint of the key: SHA256 and 43 characters of base64."""
        key, public = self.key(tmp_path, "alice")
        armored = self.make().sign(MESSAGE, key)
        assert re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}=?", self.make().verify(MESSAGE, armored, ALICE, public).key)

    def test_two_keys_have_two_fingerprints(self, tmp_path: Path) -> None:
        """The fingerprint names the key, and not the person or the message."""
        signer, found = self.make(), set()
        for name in ("alice", "bob"):
            key, public = self.key(tmp_path, name)
            found |= {signer.verify(text, signer.sign(text, key), ALICE, public).key for text in (MESSAGE, b"other")}
        assert len(found) == 2

    @pytest.mark.parametrize("message", [b"", b"\0", b"a\r\nb", b"x" * 2**20], ids=["empty", "NUL", "CRLF", "1-MiB"])
    def test_any_bytes_can_be_signed(self, tmp_path: Path, message: bytes) -> None:
        """Nothing is stripped, translated or cut off."""
        key, public = self.key(tmp_path, "alice")
        armored = self.make().sign(message, key)
        assert self.make().verify(message, armored, ALICE, public).key.startswith("SHA256:")
        with pytest.raises(NotAuthorized):
            self.make().verify(message + b"\n", armored, ALICE, public)

    @pytest.mark.parametrize("place", [0, 1, len(MESSAGE) // 2, len(MESSAGE) - 1])
    def test_one_changed_byte_of_the_message_is_refused(self, tmp_path: Path, place: int) -> None:
        """A signature covers every byte."""
        key, public = self.key(tmp_path, "alice")
        armored = self.make().sign(MESSAGE, key)
        changed = bytearray(MESSAGE)
        changed[place] ^= 1
        with pytest.raises(NotAuthorized, match=re.escape(ALICE)):
            self.make().verify(bytes(changed), armored, ALICE, public)

    def test_another_approvers_signature_is_refused(self, tmp_path: Path) -> None:
        """Bob's entry in the policy does not accept what Alice signed."""
        alice, _ = self.key(tmp_path, "alice")
        _, bobs = self.key(tmp_path, "bob")
        with pytest.raises(NotAuthorized, match=re.escape(BOB)):
            self.make().verify(MESSAGE, self.make().sign(MESSAGE, alice), BOB, bobs)

    def test_another_key_of_the_same_approver_is_refused(self, tmp_path: Path) -> None:
        """Only the key in the policy counts, and no other that the same person has."""
        _, listed = self.key(tmp_path, "listed")
        other, _ = self.key(tmp_path, "other")
        with pytest.raises(NotAuthorized):
            self.make().verify(MESSAGE, self.make().sign(MESSAGE, other), ALICE, listed)

    def test_a_signature_for_another_purpose_is_refused(self, tmp_path: Path) -> None:
        """The namespace is part of what is signed: a signed git commit or file is no approval."""
        key, public = self.key(tmp_path, "alice")
        with pytest.raises(NotAuthorized):
            self.make().verify(MESSAGE, self.foreign(MESSAGE, key), ALICE, public)

    @pytest.mark.parametrize(
        "armored", ["", "garbage", "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"]
    )
    def test_garbage_is_no_signature(self, tmp_path: Path, armored: str) -> None:
        """Whatever stands where a signature should, the answer is NotAuthorized and no other error."""
        _, public = self.key(tmp_path, "alice")
        with pytest.raises(NotAuthorized):
            self.make().verify(MESSAGE, armored, ALICE, public)

    def test_a_missing_key_is_not_authorized(self, tmp_path: Path) -> None:
        """Signing without a key raises NotAuthorized, with the next command as its hint."""
        with pytest.raises(NotAuthorized, match="nowhere") as caught:
            self.make().sign(MESSAGE, tmp_path / "nowhere")
        assert caught.value.hint

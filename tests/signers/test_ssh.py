"""SSH signatures by real keys: the contract, what ssh-keygen says of the same keys, and what may go wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pawl.errors import NotAuthorized
from pawl.signers.ssh import NAMESPACE, SshSigner
from pawl.testing.signers import ALICE, MESSAGE, SignerContract


class TestSshSigner(SignerContract):
    def make(self) -> SshSigner:
        return SshSigner()


def key(folder: Path, kind: str = "ed25519", *options: str) -> tuple[Path, str]:
    path = folder / f"{kind}-key"
    command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "a comment", "-f", str(path), *options]
    subprocess.run(command, check=True, capture_output=True)
    return path, path.with_suffix(".pub").read_text().strip()


@pytest.mark.parametrize(("kind", "bits"), [("ed25519", "256"), ("ecdsa", "384"), ("rsa", "2048")])
def test_every_kind_of_key_signs_and_gives_ssh_keygens_fingerprint(tmp_path: Path, kind: str, bits: str) -> None:
    path, public = key(tmp_path, kind, "-b", bits)
    armored = SshSigner().sign(MESSAGE, path)
    assert armored.startswith("-----BEGIN SSH SIGNATURE-----\n")
    listed = subprocess.run(["ssh-keygen", "-lf", str(path)], check=True, capture_output=True, text=True).stdout
    assert SshSigner().verify(MESSAGE, armored, ALICE, public).key == listed.split()[1]


def test_ssh_keygen_itself_accepts_the_signature(tmp_path: Path) -> None:
    path, public = key(tmp_path)
    (tmp_path / "allowed").write_text(f"{ALICE} {public}\n")
    (tmp_path / "signature").write_text(SshSigner().sign(MESSAGE, path))
    command = ["ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", ALICE, "-n", NAMESPACE]
    done = subprocess.run(
        [*command, "-s", str(tmp_path / "signature")], input=MESSAGE, capture_output=True, check=False
    )
    assert done.returncode == 0


def test_a_changed_signature_is_refused(tmp_path: Path) -> None:
    path, public = key(tmp_path)
    armored = SshSigner().sign(MESSAGE, path)
    place = len(armored) // 2
    other = "A" if armored[place] != "A" else "B"
    with pytest.raises(NotAuthorized, match=f"this is not {ALICE}'s signature over these bytes"):
        SshSigner().verify(MESSAGE, armored[:place] + other + armored[place + 1 :], ALICE, public)


def test_nothing_is_left_beside_the_key(tmp_path: Path) -> None:
    path, _ = key(tmp_path)
    before = sorted(tmp_path.iterdir())
    SshSigner().sign(MESSAGE, path)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("content", ["", "not a key\n"])
def test_a_file_that_is_no_key_does_not_sign(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(NotAuthorized, match="key did not sign: ") as caught:
        SshSigner().sign(MESSAGE, tmp_path / "key")
    assert caught.value.hint == "ssh-add -l"


@pytest.mark.parametrize("public", ["", "ssh-ed25519 AAAA", "garbage", "# a comment"])
def test_a_public_key_that_is_none_verifies_nothing(tmp_path: Path, public: str) -> None:
    path, _ = key(tmp_path)
    with pytest.raises(NotAuthorized):
        SshSigner().verify(MESSAGE, SshSigner().sign(MESSAGE, path), ALICE, public)


def test_the_users_language_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    path, public = key(tmp_path)
    assert SshSigner().verify(MESSAGE, SshSigner().sign(MESSAGE, path), ALICE, public).key.startswith("SHA256:")


def test_without_ssh_keygen_the_error_says_what_to_install(tmp_path: Path) -> None:
    path, public = key(tmp_path)
    for attempt in (
        lambda: SshSigner("no-such-program").sign(MESSAGE, path),
        lambda: SshSigner("no-such-program").verify(MESSAGE, "", ALICE, public),
    ):
        with pytest.raises(NotAuthorized, match="no-such-program is not installed") as caught:
            attempt()
        assert caught.value.hint == "apt install openssh-client"

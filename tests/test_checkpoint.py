"""Signed notes: what one key signed nobody else did, and no byte of it can be another."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.checkpoint import Note, PublicKey, Role, SecretKey, parse, public_key
from pawl.errors import IntegrityError, NotAuthorized

ROOT = hashlib.sha256(b"root").digest()


def secret(name: str = "pawl/log", role: Role = "log", seed: int = 1) -> SecretKey:
    return SecretKey(name, role, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


LOG, WITNESS = secret(), secret("witness/w", "witness", 2)
SIGNED = WITNESS.sign(LOG.sign(Note("pawl/log", 7, ROOT)), now=1_700_000_000)


def test_a_note_is_written_as_c2sp_says() -> None:
    lines = str(SIGNED).split("\n")
    assert lines[:4] == ["pawl/log", "7", base64.b64encode(ROOT).decode(), ""]
    name, line = lines[4].removeprefix("\u2014 ").split(" ")
    raw = base64.b64decode(line)
    assert name == "pawl/log"
    public = LOG.secret.public_key()
    assert raw[:4] == hashlib.sha256(b"pawl/log\n\x01" + public.public_bytes_raw()).digest()[:4]
    public.verify(raw[4:], "\n".join(lines[:3]).encode() + b"\n")
    cosigned = base64.b64decode(lines[5].split(" ")[2])
    message = b"cosignature/v1\ntime 1700000000\n" + "\n".join(lines[:3]).encode() + b"\n"
    WITNESS.secret.public_key().verify(cosigned[12:], message)
    assert lines[6:] == [""]


def test_a_known_answer_of_another_implementation_is_read() -> None:
    """The example key of C2SP's signed-note: golang.org/x/mod/sumdb/note prints and reads it."""
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = public_key(text)
    assert (key.name, key.role, str(key)) == ("PeterNeumann", "log", text)


def test_a_note_is_read_back_and_its_signers_are_known() -> None:
    assert parse(str(SIGNED)) == SIGNED
    assert SIGNED.signed_at(LOG.public) == 0
    assert SIGNED.signed_at(WITNESS.public) == 1_700_000_000
    stranger = secret("witness/x", "witness", 3).public
    assert SIGNED.witnesses([WITNESS.public, stranger]) == ["witness/w"]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_byte_of_a_note_can_be_another(data: st.DataObject) -> None:
    text = bytearray(str(SIGNED).encode())
    text[data.draw(st.integers(0, len(text) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises((IntegrityError, UnicodeDecodeError)):  # noqa: PT012
        note = parse(text.decode())
        note.signed_at(LOG.public)
        note.signed_at(WITNESS.public)


@pytest.mark.parametrize(
    "key",
    [secret(seed=9).public, secret("pawl/other").public, PublicKey("pawl/log", "witness", LOG.public.key)],
    ids=["another key", "another name", "another role"],
)
def test_a_note_that_this_key_did_not_sign_is_refused(key: PublicKey) -> None:
    with pytest.raises(IntegrityError, match="is not signed by"):
        SIGNED.signed_at(key)


def test_a_signature_of_another_note_is_refused() -> None:
    moved = Note("pawl/log", 8, ROOT, SIGNED.signatures)
    for key in (LOG.public, WITNESS.public):
        with pytest.raises(IntegrityError, match="not over this checkpoint"):
            moved.signed_at(key)
    with pytest.raises(IntegrityError):
        moved.witnesses([WITNESS.public])


@pytest.mark.parametrize(
    "text",
    ["", "a\n", "a\nb\nc\n\n", "a\n-1\nAAAA\n\n", "a\n07\n" + base64.b64encode(ROOT).decode() + "\n\n",
     "a\n7\n" + base64.b64encode(ROOT[:31]).decode() + "\n\n", "\n7\n" + base64.b64encode(ROOT).decode() + "\n\n",
     str(SIGNED) + "x", str(SIGNED) + "\n", "x\n" + str(SIGNED), str(SIGNED).replace("\u2014", "-"),
     "a\n\u0667\n" + base64.b64encode(ROOT).decode() + "\n\n"],
)  # fmt: skip
def test_what_is_not_a_note_is_not_read_as_one(text: str) -> None:
    with pytest.raises(IntegrityError, match="not a checkpoint"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+",
        str(LOG.public).replace("+0", "+1", 1) + "A",
        str(LOG.public)[:-8],
        "a b+00000000+AQ==",
    ],
)  # fmt: skip
def test_what_is_not_a_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(NotAuthorized, match="verifier key"):
        public_key(text)


def test_a_verifier_key_with_another_id_is_refused() -> None:
    name, id, rest = str(LOG.public).split("+", 2)
    wrong = f"{name}+{int(id, 16) ^ 1:08x}+{rest}"
    with pytest.raises(NotAuthorized, match="does not have the id"):
        public_key(wrong)
    assert public_key(str(LOG.public)) == LOG.public
    assert public_key(str(WITNESS.public)) == WITNESS.public

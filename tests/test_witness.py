"""A witness signs one history only, and names a split view."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pawl import witness
from pawl.checkpoint import Note, SecretKey
from pawl.errors import IntegrityError
from pawl.ledger import Ledger
from pawl.records import CommonSeeds
from pawl.stores.sqlite import SqliteStore
from pawl.witness import Witness

LOG = SecretKey("pawl/log", "log", Ed25519PrivateKey.from_private_bytes(b"l" * 32))


def history(path: Path, *words: str) -> Ledger:
    ledger = Ledger(SqliteStore(path))
    for word in words:
        ledger.append(CommonSeeds(seeds=(), reason=word))
    return ledger


def note(ledger: Ledger, size: int) -> Note:
    return LOG.sign(Note("pawl/log", size, ledger.root(size)))


@pytest.fixture
def third(tmp_path: Path) -> Witness:
    key = SecretKey("witness/third", "witness", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
    return Witness(key, tmp_path / "witnessed")


def test_a_witness_signs_what_goes_on_from_what_it_signed(tmp_path: Path, third: Witness) -> None:
    ledger = history(tmp_path / "a", *"abcdefg")
    for old, size in ((0, 3), (3, 3), (3, 7)):
        asked = witness.request(ledger, note(ledger, size), old)
        assert witness.parse(str(asked)) == asked
        signed = third.cosign(asked, LOG.public)
        assert signed.signed_at(third.key.public) > 1_700_000_000
        assert signed.signed_at(LOG.public) == 0
    last = third.last(LOG.public)
    assert last is not None
    assert last.size == 7


@pytest.mark.parametrize("size", [3, 5])
def test_two_histories_are_named_a_split_view(tmp_path: Path, third: Witness, size: int) -> None:
    shown, other = history(tmp_path / "a", *"abcde"), history(tmp_path / "b", *"abXde")
    third.cosign(witness.request(shown, note(shown, 3), 0), LOG.public)
    with pytest.raises(IntegrityError, match="SPLIT VIEW") as caught:
        third.cosign(witness.request(other, note(other, size), 3), LOG.public)
    assert str(note(shown, 3).text) in str(caught.value)
    assert str(note(other, size).text) in str(caught.value)
    last = third.last(LOG.public)
    assert last is not None
    assert last.root == shown.root(3)


def test_a_witness_does_not_go_back_and_does_not_skip(tmp_path: Path, third: Witness) -> None:
    ledger = history(tmp_path / "a", *"abcde")
    third.cosign(witness.request(ledger, note(ledger, 4), 0), LOG.public)
    with pytest.raises(IntegrityError, match="signed 4 entries already"):
        third.cosign(witness.request(ledger, note(ledger, 2), 1), LOG.public)
    with pytest.raises(IntegrityError, match="signed at 4 entries, and the request goes on from 2") as caught:
        third.cosign(witness.request(ledger, note(ledger, 5), 2), LOG.public)
    assert caught.value.hint == "pawl ledger checkpoint --since 4"


def test_a_checkpoint_by_another_log_or_of_another_origin_is_not_signed(tmp_path: Path, third: Witness) -> None:
    ledger = history(tmp_path / "a", "a")
    stranger = SecretKey("pawl/log", "log", Ed25519PrivateKey.from_private_bytes(b"x" * 32))
    with pytest.raises(IntegrityError, match="not signed by"):
        third.cosign(witness.request(ledger, stranger.sign(Note("pawl/log", 1, ledger.root(1))), 0), LOG.public)
    with pytest.raises(IntegrityError, match="is of pawl/another"):
        third.cosign(witness.request(ledger, LOG.sign(Note("pawl/another", 1, ledger.root(1))), 0), LOG.public)
    assert third.last(LOG.public) is None


@pytest.mark.parametrize("text", ["", "old x\n\n", "new 1\n\n", "old 1\n!\n\nx", "old 1"])
def test_what_is_not_a_request_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        witness.parse(text)

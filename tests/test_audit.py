"""What the verifiers are made of: Ed25519, proofs, shapes of records, policies; and what an auditor brings along."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import tomllib
import typing
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from bundles import Bundles, both_say, made, other_says, pawl_says, standalone
from damage import WITNESS, remade
from pawl import checkpoint, hostile, initialise, keys, merkle
from pawl.audit import WEAK, Anchors, P, must_be_strong
from pawl.checkpoint import PublicKey, SecretKey
from pawl.errors import IntegrityError, NotAuthorized
from pawl.inquiries import Change, Difference, Drop, Effect, Piece, Probe
from pawl.records import RECORDS, Artifact, Finding, Forecast, Isolation, Pair, Record, Signature, Usage
from pawl.signers.ssh import SshSigner

ORDER = 2**252 + 27742317777372353535851937790883648493
VECTORS = (  # RFC 8032, section 7.1: public key, message, signature
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
     "d25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
     "387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
     "4a7c15e9716ed28dc027beceea1ec40a"),
)  # fmt: skip


def library(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def ours(public: bytes, signature: bytes, message: bytes) -> bool:
    found: bool = standalone().ed25519(public, signature, message)
    return found


# -- Ed25519 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_vectors_of_rfc_8032(public: str, message: str, signature: str) -> None:
    key, said, signed = (bytes.fromhex(text) for text in (public, message, signature))
    assert ours(key, signed, said)
    assert not ours(key, signed, said + b"\0")


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.integers(0, 511), st.integers(0, 255))
def test_ed25519_agrees_with_cryptography(seed: bytes, message: bytes, bit: int, other: int) -> None:
    secret = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = secret.public_key().public_bytes_raw(), secret.sign(message)
    assert ours(public, signature, message)
    assert library(public, signature, message)
    flipped = (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(64, "big")
    assert not ours(public, flipped, message)
    assert not library(public, flipped, message)
    wrong = (int.from_bytes(public, "big") ^ 1 << other).to_bytes(32, "big")
    assert ours(wrong, signature, message) == library(wrong, signature, message)


@settings(max_examples=15, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.integers(1, 15))
def test_a_malleable_scalar_is_refused(message: bytes, more: int) -> None:
    secret = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    signature = secret.sign(message)
    s = int.from_bytes(signature[32:], "little") + more * ORDER
    if s < 2**256:
        malleable = signature[:32] + s.to_bytes(32, "little")
        assert not ours(secret.public_key().public_bytes_raw(), malleable, message)


@pytest.mark.parametrize("y", [*sorted(WEAK), *range(P, 2**255)])
@pytest.mark.parametrize("sign", [0, 1])
def test_keys_with_which_everybody_can_sign_are_refused_by_both(y: int, sign: int) -> None:
    public = (y | sign << 255).to_bytes(32, "little")
    for r in (1, 0, P - 1):
        assert not ours(public, r.to_bytes(32, "little") + bytes(32), b"anything")
    with pytest.raises(NotAuthorized, match="everybody can sign"):
        must_be_strong(PublicKey("log", "log", public))


def test_a_key_of_small_order_signs_anything_where_nobody_looks() -> None:
    """Why the check above is there: the library, alone, believes it."""
    assert library((1).to_bytes(32, "little"), (1).to_bytes(32, "little") + bytes(32), b"anything")


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_points_are_decoded_as_they_are_encoded(encoded: bytes) -> None:
    module = standalone()
    found = module.point(encoded)
    assert found is None or module.encoded(found) == encoded


# -- people's signatures --------------------------------------------------------------------------------------------


def string(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def token(message: bytes, flags: int, namespace: bytes = b"pawl-decision@v1") -> tuple[str, str]:
    """A public key line, and a signature as a FIDO2 token makes it (PROTOCOL.u2f): with flags and a counter."""
    secret, kind = Ed25519PrivateKey.from_private_bytes(b"t" * 32), b"sk-ssh-ed25519@openssh.com"
    blob = string(kind) + string(secret.public_key().public_bytes_raw()) + string(b"ssh:")
    signed = b"SSHSIG" + string(namespace) + string(b"") + string(b"sha512") + string(hashlib.sha512(message).digest())
    state = bytes([flags]) + (7).to_bytes(4, "big")
    inner = secret.sign(hashlib.sha256(b"ssh:").digest() + state + hashlib.sha256(signed).digest())
    whole = b"SSHSIG\0\0\0\1" + string(blob) + string(namespace) + string(b"") + string(b"sha512")
    text = base64.encodebytes(whole + string(string(kind) + string(inner) + state)).decode()
    armored = f"-----BEGIN SSH SIGNATURE-----\n{text}-----END SSH SIGNATURE-----\n"
    return f"{kind.decode()} {base64.b64encode(blob).decode()}", armored


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa", "token, touched", "token, not touched"])
def test_every_kind_of_key_is_read_as_pawl_reads_it(kind: str, tmp_path: Path) -> None:
    message, signer = b"PAWL DECISION v2\n", SshSigner()
    if kind.startswith("token"):
        public, armored = token(message, 1 if kind == "token, touched" else 0)
    else:
        command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "somebody", "-f", str(tmp_path / "key")]
        subprocess.run(command, check=True)
        public, armored = (tmp_path / "key.pub").read_text().strip(), signer.sign(message, tmp_path / "key")
    seal = signer.verify(message, armored, "ada", public)
    module = standalone()
    assert module.signed(message.decode(), armored, "ada", public, []) == (seal.key, seal.kind, seal.present)
    assert seal.present == (kind == "token, touched")
    other = armored.replace("\n", "", 3)
    for wrong in (armored[:-30], "", other, armored.replace("SSH SIGNATURE", "PGP SIGNATURE")):
        with pytest.raises(NotAuthorized):
            signer.verify(message, wrong, "ada", public)
        with pytest.raises((module.Refused, ValueError)):
            module.signed(message.decode(), wrong, "ada", public, [])
    with pytest.raises(module.Refused):
        module.signed(message.decode() + " ", armored, "ada", public, [])
    with pytest.raises(module.Refused, match="revoked"):
        module.signed(message.decode(), armored, "ada", public, [public.encode()])


# -- proofs ---------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.data())
def test_proofs_are_checked_as_merkle_checks_them(size: int, data: st.DataObject) -> None:
    module, tree = standalone(), merkle.Tree()
    for number in range(size):
        tree.append(merkle.leaf_hash(b"%d" % number))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    steps, grown = tree.inclusion(index, size), tree.consistency(old, size)
    assert module.included(b"%d" % index, index, size, steps, tree.root(size))
    assert module.grown(old, tree.root(old), size, tree.root(size), grown)
    for proof in (steps, grown):
        if proof:
            place = data.draw(st.integers(0, len(proof) - 1))
            proof[place] = data.draw(st.sampled_from([b"\0" * 32, proof[0], proof[-1], tree.root(size)]))
    at = data.draw(st.integers(0, size - 1))
    inclusion = holds(lambda: merkle.check_inclusion(merkle.leaf_hash(b"%d" % index), at, size, steps, tree.root(size)))
    assert module.included(b"%d" % index, at, size, steps, tree.root(size)) == inclusion
    growth = holds(lambda: merkle.check_consistency(old, tree.root(old), size, tree.root(size), grown))
    assert module.grown(old, tree.root(old), size, tree.root(size), grown) == growth


def holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except IntegrityError:
        return False
    return True


# -- records and policies -------------------------------------------------------------------------------------------


def shape(annotation: object) -> str:
    """A type as the stand-alone verifier writes it."""
    arguments = typing.get_args(annotation)
    plain = {str: "s", int: "i", float: "n", bool: "b"}
    if annotation in plain:
        return plain[annotation]  # type: ignore[index]
    if type(None) in arguments:
        return shape(next(one for one in arguments if one is not type(None))) + "?"
    if typing.get_origin(annotation) is typing.Literal:
        return "|".join(arguments)
    if typing.get_origin(annotation) is tuple:
        return f"[{shape(arguments[0])}]"
    if typing.get_origin(annotation) is dict:
        return "{j}" if "JsonValue" in str(arguments[1]) else f"{{{shape(arguments[1])}}}"
    return typing.cast(type, annotation).__name__


def test_the_other_verifier_knows_every_record_as_it_is() -> None:
    module = standalone()
    parts: list[type[Record]] = [Artifact, Finding, Forecast, Isolation, Pair, Signature, Usage]
    parts += [Change, Difference, Drop, Effect, Piece, Probe]
    known = {
        kind: {name: (module.OUTCOME if text == "OUTCOME" else text).rstrip("|") for name, text in table.items()}
        for kind, table in module.KINDS.items()
    }
    real = {
        model.__name__: {
            name: shape(field.annotation) + "*" * (not field.is_required())
            for name, field in model.model_fields.items()
        }
        for model in (*RECORDS.values(), *parts)
    }
    assert known == real


def test_before_python_3_11_policies_are_read_by_a_reader_of_its_own(
    people: dict[str, keys.Signer], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = initialise.policy_text(list(people.values()))
    text += '\n[approval.roles]\nsafety = 1\n[extra]\na = ["x", \'y\', "q\\"z\\\\"]\nb = -1.5e3\nc = true\nd = []\n'
    expected = tomllib.loads(text)
    monkeypatch.setattr(standalone(), "tomllib", None)
    found = standalone().toml(text)
    assert {**found, "expires": None} == {**expected, "expires": None}
    assert found["expires"] == str(expected["expires"])


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abk=[]{}\"'\\.,#1-e \n\t_", max_size=40))
def test_what_that_reader_does_not_know_it_refuses(text: str) -> None:
    module = standalone()
    kept, module.tomllib = module.tomllib, None
    try:
        found = module.toml(text)
    except module.Refused:
        return
    except (AttributeError, TypeError):
        return  # a table where a value stands: refused as a broken file
    finally:
        module.tomllib = kept
    try:
        assert found == tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        pass  # more lenient about form, never about meaning


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_words_are_shown_as_pawl_shows_them(text: str) -> None:
    assert standalone().printable(text) == hostile.printable(text)
    assert standalone().one_line(text) == hostile.one_line(text)


# -- what the auditor brings ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, people: dict[str, keys.Signer]) -> Bundles:
    return made(tmp_path_factory.getbasetemp() / "bundles", people)


def people_of(*signers: keys.Signer) -> frozenset[tuple[str, ...]]:
    return frozenset((signer.name, *signer.public.split()[:2]) for signer in signers)


@pytest.mark.slow
def test_without_anything_from_outside_a_bundle_only_agrees_with_itself(real: Bundles) -> None:
    for anchors in (
        Anchors(), Anchors(log=real.anchors.log), Anchors(policy=real.anchors.policy),
    ):  # fmt: skip
        assert both_say(real.first, anchors) == 5
        assert "agrees with itself" in pawl_says(real.first, anchors)[1]
    report = pawl_says(real.first, Anchors())[2]
    report.must_hold(self_consistent_only=True)
    assert "IN THE FILE" in report.findings[0]


def test_another_logs_key_another_policy_and_other_people_are_refused(
    real: Bundles, people: dict[str, keys.Signer]
) -> None:
    stranger = SecretKey(real.key.name, "log", Ed25519PrivateKey.generate())
    assert both_say(real.first, replace(real.anchors, log=stranger.public)) == 4
    assert both_say(real.first, replace(real.anchors, policy=real.later.policy)) == 5
    assert both_say(real.first, replace(real.anchors, policy=None, signers=people_of(people["ada"]))) == 0
    assert both_say(real.first, replace(real.anchors, policy=None, signers=people_of(people["bob"]))) == 5
    misnamed = frozenset({("ada@example.org", *people["bob"].public.split()[:2])})
    assert both_say(real.first, replace(real.anchors, signers=misnamed)) == 5
    assert both_say(real.second, replace(real.later, policy=None, signers=people_of(people["ada"]))) == 5
    both = people_of(people["ada"], people["bob"])
    assert both_say(real.second, replace(real.later, policy=None, signers=both)) == 0


def test_witnesses_count_only_if_they_signed_this_checkpoint(real: Bundles) -> None:
    bodies = [row.body for row in real.study.ledger.rows()]
    dossier = standalone_dossier(real)
    cosigned = remade(bodies, real.study.artifacts, real.key, dossier, WITNESS)
    other = SecretKey("witness/other", "witness", Ed25519PrivateKey.generate()).public
    fake = SecretKey(WITNESS.name, "witness", Ed25519PrivateKey.generate()).public
    watched = replace(real.later, witness=[WITNESS.public])
    assert both_say(cosigned, watched) == 0
    assert both_say(real.second, watched) == 5
    assert both_say(cosigned, replace(watched, witness=[WITNESS.public, other])) == 5
    assert both_say(cosigned, replace(watched, witness=[WITNESS.public, other], witnesses=1)) == 0
    assert both_say(cosigned, replace(watched, witness=[fake])) == 5
    assert both_say(cosigned, replace(watched, witness=[WITNESS.public] * 2, witnesses=2)) == 5


def standalone_dossier(real: Bundles) -> int:
    found = re.search(r"Dossier (\d+): ", " ".join(pawl_says(real.second, real.later)[2].findings))
    assert found
    return int(found[1])


def test_a_verifier_key_with_stray_bits_is_not_one(real: Bundles) -> None:
    text = str(real.key.public)
    content = base64.b64decode(text.split("+", 2)[2])
    assert base64.b64encode(content).decode() == text.split("+", 2)[2]
    for wrong in (text + "=", text[:-1], text.replace("+", "-"), "", "a+b+c"):
        with pytest.raises(NotAuthorized):
            checkpoint.public_key(wrong)
        with pytest.raises(standalone().Refused):
            standalone().VerifierKey(wrong, 1)
    assert other_says(real.first, real.anchors)[0] == 0

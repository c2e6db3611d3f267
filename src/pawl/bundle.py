"""The form of an auditor's bundle: two in-toto statements in DSSE envelopes, and the files that they name.

Every byte of it has one way to be written: JSON with sorted keys and no spaces, base64 without slack. So a changed
byte anywhere is either a changed meaning, which a signature or a digest covers, or not a bundle at all.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, ValidationError
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]  # not in its __all__

from pawl.checkpoint import PublicKey, SecretKey, public_key
from pawl.envelope import sha256
from pawl.errors import IntegrityError
from pawl.merkle import LENGTH
from pawl.records import Record

FORMAT = "pawl bundle v1"
PAYLOAD = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
CASE, HISTORY = "urn:pawl:dossier:v1", "urn:pawl:history:v1"
Decision = Literal["released", "rejected", "undecided"]


def encoded(content: bytes) -> str:
    """Base64, as all bytes stand in a bundle."""
    return base64.b64encode(content).decode()


def decoded(text: str) -> bytes:
    """Base64 that is written as `encoded` does. Raises ValueError."""
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error
    if encoded(content) != text:
        raise ValueError("not base64 as it is written: stray bits or padding")
    return content


def _canonical_base64(text: str) -> str:
    decoded(text)
    return text


def _hash(text: str) -> str:
    if len(decoded(text)) != LENGTH:
        raise ValueError(f"a hash must be {LENGTH} bytes")
    return text


Base64 = Annotated[str, AfterValidator(_canonical_base64)]
Hash = Annotated[str, AfterValidator(_hash)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Proven(Record):
    """An entry of the log as it is stored, and the proof (RFC 9162) that it is in it."""

    body: Base64
    id: int
    proof: tuple[Hash, ...]


class Grown(Record):
    """The log's root at some size, and the proof that the next root of the list, or the checkpoint, goes on from it."""

    proof: tuple[Hash, ...]
    root: Digest
    size: int


class History(Record):
    """The entries that bear on a dossier. `files` are the sha256 of those in the bundle."""

    checkpoint: str
    dossier: int
    entries: tuple[Proven, ...]
    files: tuple[Digest, ...]
    roots: tuple[Grown, ...]


class Case(Record):
    """What became of a dossier, for tools that read in-toto. It says nothing that the entries do not."""

    decision: Decision
    dossier: int
    entry: int | None
    log: str
    people: tuple[str, ...]
    policy: dict[str, str]
    study: str


class Subject(Record):
    """What a statement is about: a name and digests by algorithm."""

    name: str
    digest: dict[str, str]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle's content: its two statements' subjects and predicates, and the files by sha256."""

    case: Case
    subjects: tuple[Subject, ...]
    history: History
    logged: tuple[Subject, ...]
    files: Mapping[str, bytes]


def write(bundle: Bundle, key: SecretKey) -> bytes:
    """The bytes of a bundle, its statements signed with the log's key."""
    case = _statement(CASE, bundle.subjects, bundle.case)
    history = _statement(HISTORY, bundle.logged, bundle.history)
    whole: JsonValue = {
        "case": _sealed(case, key), "format": FORMAT, "history": _sealed(history, key),
        "files": {digest: encoded(content) for digest, content in bundle.files.items()},
    }  # fmt: skip
    return canonical(whole) + b"\n"


def read(raw: bytes, key: PublicKey | None) -> tuple[Bundle, PublicKey]:
    """A bundle from its bytes, and the key that signed it: this one, or, where none is given, the one it names.

    Raises IntegrityError unless the bytes are exactly what `write` makes and the key signed both statements."""
    whole = parsed(raw[:-1], "the bundle")
    if raw[-1:] != b"\n" or not isinstance(whole, dict) or set(whole) != {"case", "files", "format", "history"}:
        raise IntegrityError("this is not a bundle, or it was cut off", "pawl export N")
    if whole["format"] != FORMAT:
        raise IntegrityError(f"this is not a bundle of the form that this Pawl knows ({FORMAT})", "pawl export N")
    try:
        signer = key or public_key(whole["case"]["signatures"][0]["keyid"])  # type: ignore[index,call-overload,arg-type]
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise IntegrityError("the bundle does not say whose it is", "pawl export N") from error
    subjects, case = _told(_opened(whole["case"], signer, "the case"), CASE)
    logged, history = _told(_opened(whole["history"], signer, "the history"), HISTORY)
    try:
        read_case = Case.model_validate_json(json.dumps(case))
        found = Bundle(
            read_case, subjects, History.model_validate_json(json.dumps(history)), logged, _files(whole["files"])
        )
    except (ValidationError, ValueError) as error:
        raise IntegrityError(f"the bundle is not made as one is: {error}", "pawl export N") from error
    return found, signer


def canonical(value: JsonValue, ascii: bool = True) -> bytes:
    """The one way to write some JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=ascii, allow_nan=False)
    return text.encode()


def parsed(raw: bytes, what: str, ascii: bool = True) -> JsonValue:
    """JSON from bytes that `canonical` wrote. Raises IntegrityError for any other bytes."""
    try:
        value: JsonValue = json.loads(raw.decode())
        if canonical(value, ascii) == raw:
            return value
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{what} is not JSON: {error}") from error
    raise IntegrityError(f"{what} is not written in its one form: a byte was changed, or is too much")


def _files(value: JsonValue) -> dict[str, bytes]:
    if not isinstance(value, dict):
        raise ValueError("files must be an object")
    found = {digest: decoded(str(text)) for digest, text in value.items()}
    for digest, content in found.items():
        if sha256(content) != digest or not isinstance(value[digest], str):
            raise ValueError(f"file {digest[:12]} is not what its name says")
    return found


def _statement(kind: str, subjects: tuple[Subject, ...], predicate: Record) -> JsonValue:
    about: JsonValue = [subject.model_dump(mode="json") for subject in subjects]
    return {"_type": STATEMENT, "subject": about, "predicateType": kind, "predicate": predicate.model_dump(mode="json")}


def _told(statement: JsonValue, kind: str) -> tuple[tuple[Subject, ...], JsonValue]:
    """A statement's subjects and predicate. Raises IntegrityError unless it is of this kind."""
    known = {"_type", "subject", "predicateType", "predicate"}
    if not isinstance(statement, dict) or set(statement) != known or not isinstance(statement["subject"], list):
        raise IntegrityError(f"this is not an in-toto statement of the kind {kind}")
    if statement["_type"] != STATEMENT or statement["predicateType"] != kind:
        raise IntegrityError(f"this is not an in-toto statement of the kind {kind}")
    try:
        subjects = tuple(Subject.model_validate_json(json.dumps(one)) for one in statement["subject"])
    except ValidationError as error:
        raise IntegrityError(f"a subject of {kind} is not made as one is: {error}") from error
    return subjects, statement["predicate"]


def _sealed(statement: JsonValue, key: SecretKey) -> JsonValue:
    """A statement in a DSSE envelope."""
    envelope = Envelope(canonical(statement), PAYLOAD, {})
    envelope.sign(CryptoSigner(key.secret, _known(key.public)))
    sealed: JsonValue = envelope.to_dict()
    return sealed


def _opened(value: JsonValue, key: PublicKey, what: str) -> JsonValue:
    """The statement in an envelope that this key, and nobody else, signed. Raises IntegrityError."""
    text = canonical(value)
    try:
        envelope = Envelope.from_dict(json.loads(text))
        envelope.verify([_known(key)], 1)
        again: JsonValue = envelope.to_dict()
    except (UnverifiedSignatureError, VerificationError) as error:
        raise IntegrityError(f"{what} is not as {key.name} signed it", "pawl ledger key") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise IntegrityError(f"{what} is not in an envelope: {error!r}") from error
    if canonical(again) != text or envelope.payload_type != PAYLOAD or len(envelope.signatures) != 1:
        raise IntegrityError(f"{what} is not in an envelope as one is written")
    return parsed(envelope.payload, what)


def _known(key: PublicKey) -> SSlibKey:
    return SSlibKey(str(key), "ed25519", "ed25519", {"public": key.key.hex()})

"""Records as bytes, and bytes as records.

What is digested is what is stored: a record is encoded once, when it is appended, and never encoded again to
check it. How they are tied together: merkle.py.
"""

from __future__ import annotations

import hashlib
import json

from pydantic import ValidationError

from pawl.errors import IntegrityError
from pawl.records import RECORDS, Record


def sha256(content: bytes) -> str:
    """The hex sha256 of some bytes: how Pawl names content everywhere."""
    return hashlib.sha256(content).hexdigest()


def encode(record: Record, at: str) -> bytes:
    """A record as canonical JSON: sorted keys, no spaces, UTF-8. `at` is the ISO 8601 UTC time of writing."""
    kind = type(record).__name__
    body = {"kind": kind, "at": at, "record": record.model_dump(mode="json")}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise IntegrityError(f"a {kind.lower()} holds text that is not Unicode: {error}") from error


def decode(body: bytes) -> tuple[Record, str]:
    """The record in some stored bytes, and when it was written. Raises IntegrityError if there is none."""
    try:
        content = json.loads(body)
        kind = RECORDS[content["kind"]]
        return kind.model_validate_json(json.dumps(content["record"])), content["at"]
    except (ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
        raise IntegrityError(f"a ledger entry cannot be read: {error}", "pawl ledger verify") from error

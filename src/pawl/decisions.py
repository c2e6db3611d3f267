"""The words of people: what they decided, on which rules, and what they stopped."""

from __future__ import annotations

from pawl.record import Part, Record


class PolicyChange(Record):
    """New rules put before the approvers of those in force: the whole text of the file, and what they read and sign.

    `previous` and `digest` are the sha256 of the file before and after."""

    previous: str
    digest: str
    text: str
    statement: str
    proposer: str
    until: str


class PolicyInForce(Record):
    """The rules from here on. `change` is None for a study's first policy, which nobody was there to approve."""

    digest: str
    text: str
    change: int | None
    approvals: tuple[int, ...]
    threshold: int


class Signature(Part):
    """A person's signature: who, with which key (SHA256 fingerprint) of which kind, and the armored signature.
    `present`: the key is in hardware, and said that somebody touched it."""

    approver: str
    key: str
    kind: str
    present: bool
    armored: str


class Approval(Record):
    """A person's signed yes over one dossier's bytes, or a policy change's. `request` is the exact text signed."""

    dossier: int
    request: str
    signature: Signature
    note: str


class Rejection(Record):
    """A person's signed no over one dossier's bytes, or a policy change's."""

    dossier: int
    request: str
    signature: Signature
    reason: str


class Release(Record):
    """A verdict that passed plus enough approvals: the champion moves to `variant`."""

    dossier: int
    variant: int
    commit: str
    approvals: tuple[int, ...]
    threshold: int


class Revocation(Record):
    """Keys that no longer count, from here on: an OpenSSH key revocation list or public keys, in base64."""

    keys: str
    reason: str
    by: str


class Halt(Record):
    """The kill switch was thrown: nothing runs before a Resume. `token` tells this halt from all others."""

    reason: str
    by: str
    token: str


class Resume(Record):
    """A person's signed word that a halt is over."""

    halt: int
    request: str
    signature: Signature
    note: str

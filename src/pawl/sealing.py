"""The words of sealed sets: which holdout is in use, what it was asked, and its answers of one bit each."""

from __future__ import annotations

from typing import Literal

from pawl.record import Record

Mode = Literal["standard", "adversarial"]


class Holdout(Record):
    """The holdout from here on: sha256 of the file and its rows. `previous` is the digest of the set that it takes the
    place of; empty for a study's first one, which was taken as it was found."""

    digest: str
    rows: int
    previous: str
    reason: str
    by: str


class Question(Record):
    """Does the run `head` beat the run `reference`, example by example, by more than `threshold` standard errors on the
    holdout whose digest is `sealed`? It is opening `number` of `of`."""

    certificate: int
    sealed: str
    number: int
    of: int
    mode: Mode
    threshold: float
    head: int
    reference: int


class OpeningIntent(Question):
    """The holdout is about to be asked: that opening is spent from here on, whatever comes of it."""


class Opening(Question):
    """The answer to an intent, whose question it repeats: one bit. A prediction that failed is a no like any other."""

    intent: int
    better: bool

"""A study in which changes were accepted, for proposers that take some of them back."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ledgers import Writer
from pawl.ledger import Entry, Ledger
from pawl.records import CommonSeeds, Screening, Variant
from pawl.stores.sqlite import SqliteStore

BASE = "RATE = 0.1\nDEPTH = 2\nNOISE = 0.0\n\n\ndef train():\n    return RATE\n"


@dataclass
class Versions:
    """Sources of variants by their commit."""

    texts: dict[str, str] = field(default_factory=dict)

    def read(self, variant: Variant) -> Mapping[str, str]:
        return {"train.py": self.texts[variant.commit]}

    def patch(self, variant: Variant, changed: Mapping[str, str]) -> str:
        before, after = self.texts[variant.commit], changed["train.py"]
        lines = [text.splitlines(keepends=True) for text in (before, after)]
        return "".join(difflib.unified_diff(*lines, "a/train.py", "b/train.py"))


@dataclass
class Accepting:
    """A ledger whose head moves with each text that is accepted; noise has sd and scale .017."""

    folder: Path
    base: str = BASE
    versions: Versions = field(default_factory=Versions)

    def __post_init__(self) -> None:
        self.ledger = Ledger(SqliteStore(self.folder / "ledger.sqlite"))
        self.write = Writer(self.ledger)
        self.write.study()
        self.head = self.baseline = self.write.baseline()
        self.versions.texts[self.head.record.commit] = self.base
        self.noise = self.write.noise(self.head.id, range(11, 17))
        self.ledger.append(CommonSeeds(seeds=(11, 12), reason="those of the noise measurement"))

    def accept(self, before: str, after: str, gain: float | None, runs: int = 1) -> Entry[Variant]:
        """Exchange some text of the head; `gain` is expected, in the metric's unit."""
        text = self.versions.texts[self.head.record.commit]
        assert before in text
        changed = text.replace(before, after)
        patch = self.versions.patch(self.head.record, {"train.py": changed})
        idea = self.write.challenger(self.head.id, f"{after.strip()} is right", 2.0, patch)
        self.versions.texts[idea.record.commit] = changed
        self.screened(idea, gain, runs)
        self.head = idea
        return idea

    def screened(self, idea: Entry[Variant], gain: float | None, runs: int) -> None:
        done = tuple(self.write.measure(idea.id, seed, "screen").id for seed in (11, 12)[:runs])
        assert idea.record.proposal is not None
        self.ledger.append(
            Screening(
                proposal=idea.record.proposal, variant=idea.id, head=self.head.id, evaluations=done,
                decision="accepted", reason="expected to be better", gain=gain, broken_guard="",
            )
        )  # fmt: skip

    def text(self) -> str:
        return self.versions.texts[self.head.record.commit]


def applied(text: str, patch: str) -> str:
    """What a unified diff of one file makes of a text; it must fit exactly."""
    lines, found, at = text.splitlines(keepends=True), list[str](), 0
    for line in patch.splitlines(keepends=True)[2:]:
        if line.startswith("@@"):
            start, _, count = line.split()[1][1:].partition(",")
            begin = int(start) - (count != "0")
            found, at = found + lines[at:begin], begin
        elif line.startswith("+"):
            found.append(line[1:])
        else:
            assert lines[at] == line[1:], "the patch does not fit"
            found, at = found + ([lines[at]] if line.startswith(" ") else []), at + 1
    return "".join(found + lines[at:])


def changed_lines(texts: Sequence[str]) -> set[str]:
    """Lines that are in one text and not in the other."""
    return set(texts[0].splitlines()) ^ set(texts[1].splitlines())

"""The dossier as one page for a browser: self-contained, no scripts, no network, and nothing on it is trusted."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from pawl.envelope import sha256
from pawl.hostile import printable
from pawl.ledger import Ledger
from pawl.records import Run, Screening
from pawl.statement import Subject, number


def page(subject: Subject, statement: str, chart: bytes, ledger: Ledger) -> str:
    """The page that shows `subject`, with the `statement` that is signed and the `chart` (PNG) within."""
    study, certificate = subject.study.record, subject.certificate.record
    return template("dossier.html").render(
        subject=subject, study=study, certificate=certificate, plan=subject.plan.record,
        verdict=subject.verdict.record, released=subject.released.record, statement=statement,
        chart=base64.b64encode(chart).decode(), patch=list(patch_lines(subject.patch)),
        patch_digest=sha256(subject.patch.encode()), effort=effort(ledger),
        recommended=certificate.outcome == "certified" and subject.verdict.record.passed,
        against="the champion" if subject.reference.id == subject.champion.id else "certified before, and waiting",
    )  # fmt: skip


@cache
def template(name: str) -> Template:
    """A page's template: everything is escaped, and nothing may be missing."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(clean=clean, number=number, line=line, size=size)
    return environment.from_string(files("pawl").joinpath("templates", name).read_text(encoding="utf-8"))


def clean(text: str) -> str:
    """Text from outside, fit to be shown: nothing that moves a cursor or hides letters, and valid as UTF-8."""
    return printable(text).encode(errors="replace").decode()


def line(text: str) -> str:
    """The same in one line, for a place where line ends could pretend to be ours."""
    return " ".join(clean(text).split())


def size(count: int) -> str:
    """A number of bytes for people."""
    return f"{count:,} bytes" if count < 2**20 else f"{count / 2**20:.1f} MiB"


def patch_lines(patch: str) -> Iterator[tuple[str, str]]:
    """Each line of a patch with its kind: add, del, hunk, file, or plain."""
    inside = False  # a removed line of code may look like a file header, but only inside a hunk
    for text in patch.removesuffix("\n").split("\n"):
        if text.startswith("diff --git "):
            inside = False
        inside = inside or text.startswith("@@")
        if not inside:
            yield "file", clean(text)
        else:
            yield {"@": "hunk", "+": "add", "-": "del"}.get(text[:1], "plain"), clean(text)


def effort(ledger: Ledger) -> str:
    """What the search has done so far, in words: `26 runs, 49 CPU-s; of 7 ideas 2 accepted, 4 refused, 1 crashed`."""
    runs = ledger.entries(Run)
    made = Counter(entry.record.decision for entry in ledger.entries(Screening))
    ends = ", ".join(f"{made[decision]} {decision}" for decision in ("accepted", "refused", "crashed"))
    return f"{len(runs)} runs, {sum(r.record.usage.cpu_s for r in runs):,.0f} CPU-s; of {made.total()} ideas {ends}"

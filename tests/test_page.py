"""The dossier's page: it shows the case, and nothing that a proposal says can act in it."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ledgers import HOSTILE, small_case
from pawl import page
from pawl.statement import render
from pawl.stores.sqlite import SqliteStore

CHART = b"\x89PNG\r\n\x1a\n..."
VOID = {"meta", "img"}


class Reader(HTMLParser):
    """Collects tags, attributes and text; refuses tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def made(tmp_path: Path, **how: bool) -> str:
    ledger, subject = small_case(SqliteStore(tmp_path / "ledger.sqlite"), **how)
    return page.page(subject, render(subject), CHART, ledger)


@pytest.fixture
def html(tmp_path: Path) -> str:
    return made(tmp_path)


@pytest.fixture
def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


def test_the_case_is_there(read: Reader) -> None:
    text = " ".join(read.text.split())
    assert "May tiny-gpt move from variant 2 to variant 45?" in text
    assert "gains 0.1234 bits_per_byte" in text
    assert "90 % interval goes from 0.0871 to open" in text
    assert "e-value is 27.43, and 20.27 was needed" in text
    assert "at most one of 20 such tests" in text
    assert "1.04 times" in text
    assert "0 of 5" in text
    assert "26 runs" in text
    assert "of 7 ideas 2 accepted, 4 refused, 1 crashed" in text
    assert "Nothing is released until a person signs" in text
    assert 'pawl reject N --reason "..."' in text


def test_the_statement_is_there_in_full(tmp_path: Path) -> None:
    ledger, subject = small_case(SqliteStore(tmp_path / "ledger.sqlite"))
    statement = render(subject)
    reader = Reader()
    reader.feed(page.page(subject, statement, CHART, ledger))
    assert statement in reader.text


def test_failures_and_a_lost_certificate_are_said_plainly(tmp_path: Path) -> None:
    ledger, subject = small_case(SqliteStore(tmp_path / "ledger.sqlite"))
    certificate = subject.certificate.record
    failed = certificate.pairs[0].model_copy(update={"head_score": None, "gain": None, "cpu_ratio": None})
    update = {"outcome": "futile", "pairs": (failed,), "estimate": None, "cpu_ratio": None, "head_failures": 1}
    lost = replace(subject.certificate, record=certificate.model_copy(update=update))
    html = page.page(replace(subject, certificate=lost, changes=()), "statement", CHART, ledger)
    assert "Pawl does not recommend it." in html
    assert "1 of 1" in html
    assert '<td class="n">failed</td>' in html
    assert "None is recorded." in html
    assert "None<" not in html


def test_hostile_text_is_shown_and_does_nothing(html: str, read: Reader) -> None:
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ 7*7 }}" in html
    assert not set("\x1b\x07\u202e") & set(html)
    assert read.tags.isdisjoint({"script", "iframe", "object", "embed", "link", "form", "base", "svg"})
    assert not [name for name, _ in read.attributes if name.startswith("on")]


def test_nothing_is_fetched(html: str, read: Reader) -> None:
    assert "http:" not in html
    assert "https:" not in html
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html
    sources = [value or "" for name, value in read.attributes if name in ("src", "href", "srcset")]
    assert len(sources) == 1
    assert sources[0].startswith("data:image/png;base64,iVBOR")


def test_the_patch_is_coloured_line_by_line(html: str) -> None:
    assert '<span class="del">-DEPTH = 2</span>' in html
    assert '<span class="add">+DEPTH = 3  # &lt;/pre&gt;' in html
    assert '<span class="file">+++ b/train.py</span>' in html
    assert '<span class="hunk">@@ -1,4 +1,4 @@</span>' in html


def test_a_removed_line_that_looks_like_a_header_stays_a_removed_line() -> None:
    patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n--- a\n+++ b\n"
    assert [kind for kind, _ in page.patch_lines(patch)] == ["file", "file", "file", "hunk", "del", "add"]


def test_bytes_that_are_no_text_do_not_break_the_page() -> None:
    assert page.clean("a\udcffb\x00") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert page.line("fine\n\nGATES\n  pass") == "fine GATES pass"


def test_warnings_stand_out(tmp_path: Path) -> None:
    html = made(tmp_path, safe=False, self_reported=True)
    assert "Not isolated." in html
    assert "Self-reported." in html


def test_no_warning_without_cause(html: str) -> None:
    assert "Not isolated." not in html
    assert "Self-reported." not in html

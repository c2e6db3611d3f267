"""Charts: what each run counts as, and that both pictures are made of any ledger, however poor."""

from __future__ import annotations

import re
import struct
from collections import Counter
from pathlib import Path

import pytest

from ledgers import IDEAS, Writer, small_ledger
from pawl import charts
from pawl.ledger import Ledger
from pawl.stores.sqlite import SqliteStore

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def empty(tmp_path: Path) -> Ledger:
    return Ledger(SqliteStore(tmp_path / "ledger.sqlite"))


@pytest.fixture
def small(tmp_path: Path) -> Ledger:
    return small_ledger(SqliteStore(tmp_path / "ledger.sqlite"))


def size(content: bytes) -> tuple[int, int]:
    assert content.startswith(PNG)
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def test_every_run_is_one_point_in_order(small: Ledger) -> None:
    found = charts.points(small)
    assert [point.order for point in found] == list(range(1, 27))
    assert sorted(point.run for point in found) == [point.run for point in found]


def test_points_say_what_became_of_a_run(small: Ledger) -> None:
    found = charts.points(small)
    decisions = Counter(decision for _, decision in IDEAS)
    assert Counter(point.kind for point in found) == {
        "noise": 7,  # six A/A runs, and the head's own on a common seed
        "refused": decisions["refused"],
        "accepted": 2 * decisions["accepted"],
        "crashed": 1,
        "certify-reference": 5,
        "certify-head": 5,
    }
    assert [point.score for point in found if point.kind == "crashed"] == [None]
    assert all(point.score is not None for point in found if point.kind != "crashed")


def test_a_heads_later_run_on_a_common_seed_is_noise(small: Ledger) -> None:
    own = charts.points(small)[15]
    assert (own.kind, own.score is None) == ("noise", False)
    assert {point.kind for point in charts.points(small) if point.variant == own.variant} == {
        "accepted", "noise", "certify-head",
    }  # fmt: skip


def test_a_run_that_nobody_judged_is_under_way(empty: Ledger) -> None:
    write = Writer(empty)
    write.study()
    champion = write.baseline()
    idea = write.challenger(champion.id, "deeper", 1.9)
    write.measure(idea.id, 1, "screen")
    write.run(idea.id, 2, "screen")
    found = charts.points(empty)
    assert [point.kind for point in found] == ["under way", "under way"]
    assert [point.score is None for point in found] == [False, True]
    assert size(charts.png(empty)) == (1000, 560)


def test_only_comparable_runs_are_shown(small: Ledger) -> None:
    Writer(small).study(comparable="c2")
    assert charts.points(small) == []


def test_the_picture_is_a_png_of_the_agreed_size(small: Ledger) -> None:
    content = charts.png(small)
    assert size(content) == (charts.WIDTH, charts.HEIGHT) == (1000, 560)
    assert charts.png(small) == content


def test_an_outlier_is_drawn_at_the_edge_and_squashes_nothing(small: Ledger) -> None:
    assert max(point.score or 0 for point in charts.points(small)) > 8
    text = charts.terminal(small, 100, 24, colour=False)
    assert "▲" in text
    top = re.search(r"^\s*([\d.]+)┤", text, re.MULTILINE)
    assert top is not None
    assert 2 < float(top[1]) < 2.2


@pytest.mark.parametrize(("width", "height"), [(100, 24), (60, 16), (40, 12)])
def test_the_terminal_chart_fits_and_has_no_escape_codes(small: Ledger, width: int, height: int) -> None:
    text = charts.terminal(small, width, height, colour=False)
    lines = text.split("\n")
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    assert "\x1b" not in text
    assert all(sign in text for sign in "○◆□■●x─┄")


def test_the_terminal_chart_may_have_colours(small: Ledger) -> None:
    assert "\x1b[" in charts.terminal(small, 80, 20)


def test_an_empty_ledger_says_so(empty: Ledger) -> None:
    assert charts.points(empty) == []
    assert charts.terminal(empty, 80, 20) == "no runs yet"
    assert size(charts.png(empty)) == (1000, 560)


def test_a_study_in_which_all_runs_failed_says_so(empty: Ledger) -> None:
    write = Writer(empty)
    write.study()
    champion = write.baseline(level=None)
    for seed in (1, 2):
        write.measure(champion.id, seed, "noise")
    assert charts.terminal(empty, 80, 20) == "none of 2 run(s) has a score yet"
    assert size(charts.png(empty)) == (1000, 560)


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_one_run_is_enough(empty: Ledger, direction: str) -> None:
    write = Writer(empty)
    write.study(direction)  # type: ignore[arg-type]
    write.measure(write.baseline().id, 1, "noise")
    better = "lower" if direction == "minimize" else "higher"
    assert f"({better} is better)" in charts.terminal(empty, 80, 20, colour=False)
    assert size(charts.png(empty)) == (1000, 560)

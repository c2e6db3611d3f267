"""Bars with intervals: every label, value and claim is there, whatever is missing or hostile in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.bars import Bar, png, terminal

BARS = [
    Bar("carries", 0.1, 0.05, 0.2, True), Bar("idle", -0.01, -0.03, None, False),
    Bar("failed", None, None, None, False),
]  # fmt: skip


def test_the_terminal_shows_each_bar_its_interval_zero_and_the_margin() -> None:
    lines = terminal("What it costs", "loss", BARS, 80, 0.05).splitlines()
    assert lines[0] == "What it costs"
    assert lines[1].startswith("carries")
    assert lines[1].endswith("+0.1")
    assert "=" in lines[1]
    assert "~" in lines[2]
    assert "=" not in lines[2]
    assert all("|" in line and ":" in line for line in lines[1:4])
    assert "(loss)" in lines[-1]


def test_a_longer_value_is_a_longer_bar() -> None:
    lines = terminal("t", "u", [Bar("a", 1.0, None, None, True), Bar("b", 2.0, None, None, True)], 100).splitlines()
    assert lines[2].count("=") > 1.5 * lines[1].count("=")


@pytest.mark.parametrize("bars", [[], BARS, [Bar("a\nb\x1b[31m $x_1$ \\frac", 0.0, 0.0, 0.0, False)]])
def test_the_picture_is_one_whatever_the_words(bars: list[Bar]) -> None:
    assert png("t $\\frac$", "u", bars, 0.05).startswith(b"\x89PNG")
    assert "\x1b" not in terminal("t", "u", bars, 60)


NUMBERS = st.one_of(st.none(), st.floats(-1e9, 1e9))


@given(st.lists(st.builds(Bar, st.text(max_size=80), NUMBERS, NUMBERS, NUMBERS, st.booleans()), max_size=6), NUMBERS)
def test_no_line_is_wider_than_the_terminal(bars: list[Bar], margin: float | None) -> None:
    for line in terminal("t", "unit", bars, 90, margin).splitlines():
        assert len(line) <= 90

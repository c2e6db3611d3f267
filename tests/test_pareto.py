"""The front: who is beaten by nobody, with what noise leaves open; in pictures and words."""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from ledgers import METRIC, Writer, small_ledger
from pawl import app
from pawl.cli import app as cli
from pawl.errors import ConfigError
from pawl.ledger import Ledger
from pawl.nulls import Draw, candidate
from pawl.pareto import Axis, Front, Spot, _beats, _pooled, front
from pawl.pareto_chart import LOOKS, inside, kind, png, terminal
from pawl.records import Evaluation, Run, Variant
from pawl.stores.sqlite import SqliteStore
from test_nulls import Files

LESS = Axis("cpu_seconds", "minimize")
MORE = Axis("accuracy", "maximize")
POINTS = st.tuples(st.integers(0, 6).map(float), st.integers(0, 6).map(float))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return small_ledger(SqliteStore(tmp_path / "ledger.sqlite"))


@given(st.lists(POINTS, min_size=1, max_size=12))
def test_whoever_is_off_the_front_is_beaten_by_somebody_on_it(points: list[tuple[float, float]]) -> None:
    axes = (LESS, MORE)
    best = [p for p in points if not any(_beats(axes, other, p) for other in points)]
    assert best
    for point in points:
        assert point in best or any(_beats(axes, winner, point) for winner in best)
    for one in best:
        assert not any(other[0] < one[0] and other[1] > one[1] for other in points)
    assert not any(_beats(axes, p, p) for p in points)


def test_means_and_errors_are_those_of_the_runs(ledger: Ledger) -> None:
    found = front(ledger)
    assert (found.x, found.y) == (LESS, Axis(METRIC, "minimize"))
    runs = {entry.id: entry.record for entry in ledger.entries(Run)}
    scores: dict[int, list[float]] = {}
    for entry in ledger.entries(Evaluation):
        if entry.record.metrics:
            scores.setdefault(runs[entry.record.run].variant, []).append(entry.record.metrics[METRIC])
    assert {spot.variant: (spot.runs, pytest.approx(spot.y)) for spot in found.spots} == {
        variant: (len(values), fmean(values)) for variant, values in scores.items()
    }
    many = [values for values in scores.values() if len(values) > 1]
    squares = sum((len(values) - 1) * stdev(values) ** 2 for values in many)
    pooled = math.sqrt(squares / sum(len(values) - 1 for values in many))
    for spot in found.spots:
        assert spot.y_error == pytest.approx(pooled / math.sqrt(spot.runs))
    assert [spot.x for spot in found.spots] == sorted(spot.x for spot in found.spots)


def test_champion_and_what_waits_are_named_and_shown_even_when_beaten(ledger: Ledger) -> None:
    roles = {spot.role for spot in front(ledger).spots}
    assert roles == {"", "champion (baseline)", "waiting"}
    assert {kind(spot) for spot in front(ledger).spots} >= {"champion", "waiting"}


def test_null_candidates_are_nothing_to_choose_from(tmp_path: Path) -> None:
    writer = Writer(Ledger(SqliteStore(tmp_path / "ledger.sqlite")))
    base = writer.baseline()
    writer.study()
    writer.noise(base.id, range(4))
    null = writer.ledger.append(candidate(base, Files({"train.py": "x = 1\n"}), Draw(0, 0, 0, 0)))
    variant = writer.ledger.append(Variant(proposal=null.id, commit="d" * 40, parent="", problem=""))
    writer.levels[variant.id] = 1.0
    writer.screen(variant, base.id, "accepted", (1,))
    assert [spot.variant for spot in front(writer.ledger).spots] == [base.id]


def test_a_name_may_say_which_way_it_is_better(ledger: Ledger) -> None:
    assert front(ledger, "memory_bytes", f"{METRIC}:maximize").y == Axis(METRIC, "maximize")
    with pytest.raises(ConfigError, match="'up' is no direction"):
        front(ledger, "memory_bytes:up")


def test_a_metric_that_nobody_has_is_refused_with_those_that_there_are(ledger: Ledger) -> None:
    with pytest.raises(ConfigError, match=r"metric 'memory_byte'\. Did you mean 'memory_bytes'") as caught:
        front(ledger, "memory_byte")
    assert METRIC in caught.value.hint


def test_before_anything_ran_there_is_no_front(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing has run"):
        front(Ledger(SqliteStore(tmp_path / "ledger.sqlite")))


def test_one_run_each_tells_nothing_of_noise() -> None:
    assert _pooled([[1.0], [2.0]]) is None
    assert _pooled([[1.0, 3.0], [5.0]]) == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("spots", [1, 2, 40])
def test_it_is_drawn_whatever_there_is(spots: int) -> None:
    made = tuple(Spot(n, n * 1.0, -n * 1.0, None, 0.1, 1, ("head", "")[n > 0], n % 2 == 0) for n in range(spots))
    found = Front(LESS, MORE, made)
    drawn = terminal(found, 80, 20, colour=False)
    assert LOOKS["head"][3] in drawn
    assert "cpu_seconds (lower is better)" in drawn
    assert max(map(len, drawn.splitlines())) <= 80
    assert png(found, "a $tudy").startswith(b"\x89PNG")


def test_a_wild_variant_is_off_the_scale_and_said_to_be_and_a_role_never_is() -> None:
    spots = [Spot(n, 1.0 + n / 100, 0.9 - n / 100, None, None, 1, "", n == 0) for n in range(12)]
    wild, role = Spot(50, 40.0, 0.1, None, None, 1, "", False), Spot(51, 30.0, 0.1, None, None, 3, "head", False)
    both = Front(LESS, MORE, (*spots, wild, role))
    assert wild not in inside(both)
    assert {role, *spots} == {*inside(both)}
    assert "1 off the scale" in terminal(both, 90, 20, colour=False)
    assert "off the scale" not in terminal(Front(LESS, MORE, tuple(spots)), 90, 20, colour=False)


def test_the_command_draws_and_tells_scripts(toy_study: app.OpenStudy, tmp_path: Path) -> None:
    where = ["-C", str(toy_study.folder)]
    assert isinstance(CliRunner().invoke(cli, ["pareto", *where]).exception, ConfigError)
    toy_study.run(runs=8)
    drawn = tmp_path / "front.png"
    done = CliRunner().invoke(cli, ["pareto", *where, "--x", "memory_bytes", "--chart", str(drawn)])
    assert done.exit_code == 0, done.output
    assert "means +- one standard error" in done.output
    assert drawn.read_bytes().startswith(b"\x89PNG")
    found = json.loads(CliRunner().invoke(cli, ["pareto", *where, "--json"]).output)
    assert (found["x"]["metric"], found["y"]["metric"]) == ("cpu_seconds", "val_loss")
    assert any(spot["front"] for spot in found["spots"])

"""What a certificate will likely take: told before it starts, by the rule that ends real ones."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ledgers import small_ledger
from pawl import app, beliefs, forecast, history
from pawl.cli import app as cli
from pawl.evidence import SignFlip, Stop, threshold
from pawl.forecast import Duration, duration, expected
from pawl.policy import CertificationTable
from pawl.records import Certificate, Forecast, Noise, Preregistration, Screening
from pawl.stores.sqlite import SqliteStore
from studies import patch

TEST, STOP = SignFlip(1.0), Stop(threshold(1, 0, 0.1), 0.15, 20)


def test_a_gain_beyond_all_doubt_takes_the_fewest_pairs_that_can_certify() -> None:
    assert duration(50.0, 0.0, TEST, STOP) == Duration(5, 5, 1.0)
    assert duration(50.0, 0.0, TEST, Stop(threshold(2, 0, 0.1), 0.15, 20)).pairs == 7


def test_a_loss_is_given_up_soon_and_never_won() -> None:
    found = duration(-5.0, 0.0, TEST, STOP)
    assert (found.pairs, found.chance) == (1, 0.0)


@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_what_is_forecast_comes(gain: float) -> None:
    """Against other certificates, simulated from other seeds."""
    draw, took, won = random.Random(99), list[int](), 0
    for _ in range(400):
        pairs, ending = STOP.end(TEST, [draw.gauss(gain, 1) for _ in range(20)])
        took.append(pairs)
        won += ending == "certified"
    found = duration(gain, 0.0, TEST, STOP)
    assert abs(found.pairs - sorted(took)[200]) <= 2
    assert abs(found.late - sorted(took)[319]) <= 2
    assert abs(found.chance - won / 400) < 0.1


def test_a_larger_gain_is_never_less_likely_to_be_won() -> None:
    chances = [duration(gain, 0.5, TEST, STOP).chance for gain in (-1.0, 0.0, 0.5, 1.0, 2.0, 4.0)]
    assert chances == sorted(chances)
    assert chances[0] < 0.1
    assert chances[-1] > 0.95


def test_the_heads_gain_is_what_races_make_expected(toy_study: app.OpenStudy) -> None:
    toy_study.run(runs=14)
    noise = toy_study.ledger.last(Noise)
    assert noise is not None
    scale = noise.record.scale
    better = toy_study.propose(patch(toy_study, "SHIFT = 0.0", "SHIFT = 0.7"), "the optimum")
    with toy_study.loop() as loop:
        while toy_study.ledger.find(Screening, proposal=better.id) is None:
            loop.search.turn()
    gain, sd = expected(toy_study.ledger, scale)
    belief = beliefs.read(toy_study.ledger).belief
    assert belief is not None
    assert (gain, sd) == (belief.gain, belief.doubt**0.5)
    assert gain > 0


def test_room_is_kept_for_a_clear_gain_while_there_is_no_head(tmp_path: Path) -> None:
    ledger = small_ledger(SqliteStore(tmp_path / "ledger.sqlite"))
    assert expected(ledger, 0.5) == (1.0, 0.0)  # the head is the reference: a dossier waits


def test_where_a_seed_changes_nothing_no_pairs_are_foreseen(tmp_path: Path) -> None:
    ledger = small_ledger(SqliteStore(tmp_path / "ledger.sqlite"))
    noise = ledger.entries(Noise)[-1].record
    ledger.append(noise.model_copy(update={"sd": 0.0, "scale": 0.0}))
    found = forecast.ahead(ledger, CertificationTable(), 2)
    assert (found.pairs, found.pairs_late, found.chance, found.wall_s) == (0, 0, 0.0, 0.0)


def test_more_workers_shorten_the_wait_and_not_the_work(tmp_path: Path) -> None:
    ledger = small_ledger(SqliteStore(tmp_path / "ledger.sqlite"))
    one, two, three, four = (forecast.ahead(ledger, CertificationTable(), workers) for workers in (1, 2, 3, 4))
    assert one.pairs == four.pairs == 6  # the second certificate of a clear gain, one of one won
    assert one.wall_s == pytest.approx(2 * two.wall_s, abs=0.2)
    assert two.wall_s == three.wall_s == pytest.approx(2 * four.wall_s, abs=0.2)


def test_words_are_for_people() -> None:
    said = forecast.words(Forecast(gain=1.0, gain_sd=0.2, pairs=8, pairs_late=14, chance=0.714, wall_s=240.0))
    assert said == "likely 16 runs, 4 minutes (at most 28 in four of five); chance to win 71%"


def test_a_real_certificate_was_forecast_before_it_began(waiting: app.OpenStudy) -> None:
    plan = waiting.entries(Preregistration)[-1].record
    assert plan.forecast is not None
    assert 1 <= plan.forecast.pairs <= plan.forecast.pairs_late <= CertificationTable().pairs
    assert 0 <= plan.forecast.chance <= 1
    assert plan.forecast.wall_s > 0
    assert plan.test == "sign-flip"
    done = CliRunner().invoke(cli, ["why", str(waiting.entries(Certificate)[-1].id), "-C", str(waiting.folder)])
    assert "forecast: likely" in done.output
    assert "it took" in done.output
    said = CliRunner().invoke(cli, ["status", "--no-chart", "-C", str(waiting.folder)]).output
    count, within = forecast.kept(waiting.ledger)
    assert f"{within} of {count} certificates took no more pairs" in said
    assert count == len(waiting.entries(Certificate))


def test_status_tells_what_the_next_certificate_would_take(toy_study: app.OpenStudy) -> None:
    toy_study.run(runs=1)
    assert toy_study.forecast() is None
    found = CliRunner().invoke(cli, ["status", "--json", "-C", str(toy_study.folder)])
    assert json.loads(found.output)["forecast"] is None
    head, shown = history.read(toy_study.ledger).head, ""
    toy_study.ledger.append(
        Screening(
            proposal=1, variant=head + 900, head=head, evaluations=(1,), decision="accepted", reason="as told",
            gain=0.05, broken_guard="",
        )
    )  # fmt: skip
    assert toy_study.forecast() is not None
    shown = json.loads(CliRunner().invoke(cli, ["status", "--json", "-C", str(toy_study.folder)]).output)["forecast"]
    assert shown["gain"] > 0
    assert shown["pairs"] >= 1

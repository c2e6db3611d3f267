"""Who proposes next: by what each brought for what it cost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ledgers import Writer
from pawl import attempts, portfolio
from pawl.ledger import Ledger
from pawl.records import CALIBRATION, Completion, Proposal, Variant
from pawl.stores.sqlite import SqliteStore

GOOD, BAD, NEW = "good", "bad", "new"


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    found = Writer(Ledger(SqliteStore(tmp_path / "ledger.sqlite")))
    found.study()
    found.noise(found.baseline().id, range(11, 17))
    return found


def turn(writer: Writer, proposer: str, level: float) -> int:
    """One idea by this proposer, which is accepted if it is better than the baseline; the variant."""
    ledger, head = writer.ledger, 2
    proposal = ledger.append(Proposal(parent=head, patch="", hypothesis="h", proposer=proposer, settings={"n": 1}))
    variant = ledger.append(Variant(proposal=proposal.id, commit=f"{proposal.id:040x}", parent="", problem=""))
    writer.levels[variant.id] = level
    writer.screen(variant, head, "accepted" if level < 2.0 else "refused", (11,), gain=2.0 - level)
    return variant.id


def completion(name: str, wall: float = 0.0, money: float = 0.0, cpu: float | None = None) -> Completion:
    return Completion(
        proposer=name, model="m", purpose="draft", prompt="", answer="", outcome="ok", reason="", tokens_in=1,
        tokens_out=1, estimated=False, money=money, wall_s=wall, cpu_s=cpu,
    )  # fmt: skip


def test_attempts_tell_what_came_of_each_idea_and_nothing_of_calibration(writer: Writer) -> None:
    better, worse = turn(writer, GOOD, 1.8), turn(writer, BAD, 2.3)
    turn(writer, CALIBRATION, 2.0)
    found = attempts.read(writer.ledger, 0.0)
    assert [(one.proposal.proposer, one.variant, one.outcome) for one in found] == [
        (GOOD, better, "accepted"), (BAD, worse, "refused"),
    ]  # fmt: skip
    assert [len(one.runs) for one in found] == [1, 1]
    assert found[0].cpu_s > 1
    assert found[0].certified is None


def test_a_failed_certificate_takes_the_credit_back_and_a_won_one_doubles_it(writer: Writer) -> None:
    variant = turn(writer, GOOD, 1.8)
    before = portfolio.credits(writer.ledger, [GOOD], 0.0)[GOOD]
    writer.certify(2, variant, 1, range(101, 106))
    assert attempts.read(writer.ledger, 0.0)[0].certified is True
    after = portfolio.credits(writer.ledger, [GOOD], 0.0)[GOOD]
    assert after.gain == pytest.approx(2 * before.gain)
    assert after.cost > before.cost  # the certificate's runs of it count too


def test_turns_go_where_the_gains_are_and_nobody_is_given_up(writer: Writer) -> None:
    for _ in range(12):
        turn(writer, GOOD, 1.9)
        turn(writer, BAD, 2.3)
    firsts: Counter[str] = Counter()
    for _ in range(60):
        firsts[portfolio.ranked(writer.ledger, [BAD, GOOD], 0.0)[0].name] += 1
        turn(writer, CALIBRATION, 2.0)  # something new in the ledger, for another draw
    assert firsts[GOOD] > 2 * firsts[BAD]


def test_who_was_not_tried_has_a_turn_soon_however_large_the_first_gain_was(writer: Writer) -> None:
    """Where training begins far from the best, the first proposer gains a hundred sd, and so would others."""
    turn(writer, GOOD, 0.3)
    for _ in range(9):
        turn(writer, GOOD, 2.3)
    firsts: Counter[str] = Counter()
    for _ in range(60):
        firsts[portfolio.ranked(writer.ledger, [GOOD, NEW], 0.0)[0].name] += 1
        turn(writer, CALIBRATION, 2.0)
    assert 10 <= firsts[NEW] <= 50


def test_each_has_its_say_and_everybody_is_named_once(writer: Writer) -> None:
    turn(writer, GOOD, 1.9)
    ranked = portfolio.ranked(writer.ledger, [GOOD, BAD, NEW], 0.0)
    assert sorted(choice.name for choice in ranked) == [BAD, GOOD, NEW]
    why = {choice.name: choice.why for choice in ranked}
    assert why[NEW] == "it was not tried yet"
    assert "sd of gain for" in why[GOOD]
    assert portfolio.ranked(writer.ledger, [GOOD], 0.0) == [portfolio.Choice(GOOD, "the only proposer")]


def test_the_same_ledger_gives_the_same_order(writer: Writer, tmp_path: Path) -> None:
    turn(writer, GOOD, 1.9)
    again = Ledger(SqliteStore(tmp_path / "ledger.sqlite"))
    assert portfolio.ranked(again, [GOOD, BAD], 0.0) == portfolio.ranked(writer.ledger, [GOOD, BAD], 0.0)


def test_what_requests_took_counts_as_runs_do(writer: Writer) -> None:
    turn(writer, GOOD, 1.9)
    before = portfolio.credits(writer.ledger, [GOOD, BAD], 0.0)
    writer.ledger.append(completion(GOOD, money=0.5))
    after = portfolio.credits(writer.ledger, [GOOD, BAD], 0.0)
    assert after[GOOD].cost == pytest.approx(before[GOOD].cost + 0.5 * portfolio.MONEY)
    assert after[BAD] == before[BAD]
    assert after[GOOD].rate(1.0) < before[GOOD].rate(1.0)


def test_a_wait_costs_what_it_took_of_this_machine(writer: Writer) -> None:
    """An hour at a hosted model costs nothing but money; where nobody said what it took, the whole time counts."""
    turn(writer, GOOD, 1.9)
    costs = []
    for cpu in (0.0, 1800.0, None):
        before = portfolio.credits(writer.ledger, [GOOD], 0.0)[GOOD].cost
        writer.ledger.append(completion(GOOD, wall=3600.0, cpu=cpu))
        costs.append(portfolio.credits(writer.ledger, [GOOD], 0.0)[GOOD].cost - before)
    assert costs[0] == 0
    assert costs[2] == pytest.approx(2 * costs[1])
    assert costs[1] > 100


def test_an_answer_that_cannot_be_used_costs_something_though_it_was_free(writer: Writer) -> None:
    turn(writer, GOOD, 1.9)
    before = portfolio.credits(writer.ledger, [BAD], 0.0)[BAD]
    for outcome, prompt in (("invalid", "p"), ("cut", "p"), ("refused", "p"), ("refused", ""), ("stopped", "p")):
        free = completion(BAD, cpu=0.0).model_copy(update={"outcome": outcome, "prompt": prompt})
        writer.ledger.append(free)
    after = portfolio.credits(writer.ledger, [BAD], 0.0)[BAD]
    assert after.cost == pytest.approx(before.cost + 3 * portfolio.FRUITLESS)
    assert after.rate(1.0) < before.rate(1.0)


def test_where_there_is_a_ladder_gains_are_rounded_to_its_step(writer: Writer) -> None:
    turn(writer, GOOD, 1.8)
    turn(writer, GOOD, 1.9999)
    plain, rounded = attempts.read(writer.ledger, 0.0), attempts.read(writer.ledger, 3.0)
    step = 3.0 * 0.017
    assert rounded[0].gain == pytest.approx(round(plain[0].gain / step) * step)  # type: ignore[operator]
    assert plain[1].gain is not None
    assert rounded[1].gain is None  # no better than the best so far, as far as it is told


@pytest.mark.slow
def test_what_a_request_cost_fades_as_runs_do(writer: Writer) -> None:
    turn(writer, GOOD, 1.9)
    writer.ledger.append(completion(GOOD, money=0.5))
    at_first = portfolio.credits(writer.ledger, [GOOD, BAD], 0.0)[GOOD].cost
    for _ in range(200):
        turn(writer, BAD, 2.3)
    assert portfolio.credits(writer.ledger, [GOOD, BAD], 0.0)[GOOD].cost < 0.05 * at_first

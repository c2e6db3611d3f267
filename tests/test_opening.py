"""Opening the holdout: an intent before anything, one answer for each certificate, and an end after K."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openings import Desk, write_set
from pawl import app, seals
from pawl.broker import Broker
from pawl.errors import IntegrityError, NotAuthorized
from pawl.gates.crash_rate import CrashRate
from pawl.gates.holdout import Holdout as HoldoutGate
from pawl.ledger import Ledger
from pawl.opening import Open
from pawl.policy import HoldoutTable
from pawl.records import Certificate, Holdout, Opening, OpeningIntent, Run


class Cut(Exception):
    """As a kill would: nothing after it happens."""


def cut() -> None:
    raise Cut


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_yes_and_a_no_are_records_that_repeat_their_question(desk: Desk) -> None:
    first, second = desk.won(), desk.won()
    yes, no = desk.opens(0.9).open(first), desk.opens(0.5).open(second)
    assert yes
    assert no
    assert (yes.record.better, no.record.better) == (True, False)
    assert [(e.record.number, e.record.of, e.record.threshold) for e in (yes, no)] == [(1, 20, 2.8), (2, 20, 2.8)]
    intent = desk.ledger.get(yes.record.intent, OpeningIntent)
    assert intent.id == yes.id - 1
    assert yes.record.model_dump(exclude={"intent", "better"}) == intent.record.model_dump()


def test_the_runs_compared_are_the_median_that_would_be_released_and_its_partner(desk: Desk) -> None:
    found = desk.opens().open(desk.won())
    assert found
    runs = [desk.ledger.get(id, Run).record for id in (found.record.head, found.record.reference)]
    assert [(run.variant, run.seed) for run in runs] == [(2, 13), (1, 13)]  # 0.7 is the median of the heads


def test_where_the_partner_failed_the_references_median_stands_in(desk: Desk) -> None:
    won = desk.won()
    pairs = won.record.pairs
    failed = pairs[2].model_copy(update={"reference_score": None, "gain": None, "cpu_ratio": None})
    again = desk.ledger.append(won.record.model_copy(update={"pairs": (*pairs[:2], failed)}))
    runs = seals.compared(desk.ledger, again.record)
    assert runs
    assert (runs[0].record.seed, runs[1].record.seed) == (13, 12)
    without = [pair.model_copy(update={"reference_score": None}) for pair in pairs]
    assert seals.compared(desk.ledger, won.record.model_copy(update={"pairs": tuple(without)})) is None


def test_asked_again_it_answers_from_the_ledger(desk: Desk) -> None:
    won = desk.won()
    first = desk.opens(0.5).open(won)
    other = desk.opens(0.9)  # a kinder head changes nothing
    assert other.open(won) == first == Desk(desk.folder).opens(0.9).open(won)
    assert len(desk.ledger.entries(OpeningIntent)) == 1


def test_nothing_is_asked_about_what_was_not_won(desk: Desk) -> None:
    for outcome in ("futile", "exhausted", "no-noise"):
        assert desk.opens().open(desk.won(outcome=outcome)) is None
    assert desk.ledger.entries(OpeningIntent) == []


def test_without_a_broker_or_a_holdout_nothing_is_asked(desk: Desk) -> None:
    opens, won = desk.opens(), desk.won()
    for broker in (None, Broker(desk.sealed, None)):
        assert Open(desk.ledger, opens.evaluator, broker, HoldoutTable()).open(won) is None
    assert desk.ledger.entries(OpeningIntent) == []


def test_what_was_won_meanwhile_waits_for_the_fresh_set(desk: Desk, tmp_path: Path) -> None:
    desk.opens(openings=1).open(desk.won())
    won = desk.won()
    with pytest.raises(NotAuthorized, match=f"certificate {won.id}, which was won, waits"):
        desk.opens(openings=1).open(won)
    write_set(tmp_path / "fresh.npz", 7)
    desk.refresh.refresh(tmp_path / "fresh.npz", "spent", "ada@example.org")
    found = Desk(desk.folder).opens(openings=1).open(won)
    assert found
    assert (found.record.number, found.record.certificate) == (1, won.id)


def test_after_k_openings_the_set_is_retired(desk: Desk) -> None:
    for _ in range(3):
        assert desk.opens(openings=3).open(desk.won())
    with pytest.raises(NotAuthorized, match="retired, all 3 openings are spent") as caught:
        desk.opens(openings=3).open(desk.won())
    assert "pawl seal refresh --holdout FILE" in caught.value.hint
    (life,) = seals.lives(desk.ledger, 3)
    assert (life.left, len(life.openings)) == (0, 3)


def test_the_adversarial_bar_rises_with_each_opening(desk: Desk) -> None:
    for _ in range(3):
        desk.opens(mode="adversarial").open(desk.won())
    bars = [entry.record.threshold for entry in desk.ledger.entries(Opening)]
    assert bars == sorted(set(bars))
    assert bars[0] == pytest.approx(3.4616, abs=1e-3)


def test_what_was_cut_short_is_spent_and_the_question_costs_another(desk: Desk) -> None:
    won = desk.won()
    with pytest.raises(Cut):
        desk.opens(before=cut).open(won)
    assert desk.ledger.entries(Opening) == []
    found = Desk(desk.folder).opens().open(won)
    assert found
    assert found.record.number == 2
    (life,) = seals.lives(desk.ledger, 20)
    assert (life.left, len(life.answers)) == (18, 1)


def test_whoever_writes_an_intent_at_the_same_time_spoils_both_and_frees_none(desk: Desk) -> None:
    won, opens = desk.won(), desk.opens()
    other = Desk(desk.folder)
    append = Ledger.append

    def late(self: Ledger, record: object) -> object:
        if isinstance(record, OpeningIntent) and self is desk.ledger:
            append(other.ledger, record)  # slips in between counting and writing
        return append(self, record)  # type: ignore[type-var]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Ledger, "append", late)
        with pytest.raises(IntegrityError, match="at the same time"):
            opens.open(won)
    assert desk.ledger.entries(Opening) == []
    assert len(seals.spent(desk.ledger, desk.broker().holdout().digest)) == 2


def test_the_first_look_pins_the_set_and_the_second_writes_nothing(desk: Desk) -> None:
    desk.broker()
    desk.broker()
    (entry,) = desk.ledger.entries(Holdout)
    assert (entry.record.previous, entry.record.rows, entry.record.by) == ("", 400, "pawl")


def test_it_is_asked_only_where_every_other_gate_passes(waiting: app.OpenStudy) -> None:
    judge, won = waiting.build_judge(), waiting.entries(Certificate)[-1]
    asked = replace(judge, gates=[*judge.gates, HoldoutGate()])
    assert asked.lacks_only("holdout", won)
    assert not judge.lacks_only("holdout", won)  # whose policy has no such gate
    assert not replace(asked, gates=[*asked.gates, CrashRate(margin=-1.0)]).lacks_only("holdout", won)


STEPS = st.lists(st.sampled_from(["ask", "ask-again", "cut", "restart", "tampered"]), max_size=20)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, openings=st.integers(1, 6), right=st.sampled_from([0.5, 0.9]))
def test_over_restarts_and_crashes_no_set_answers_more_than_k_times(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], openings: int, right: float
) -> None:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    won, asked, spent = desk.won(), 0, 0
    answered: dict[int, bool] = {}
    for step in steps:
        if step == "restart":
            desk = Desk(desk.folder)
            continue
        if step == "ask":
            won = desk.ledger.append(won.record)  # another certificate about the same runs
        if step == "tampered":  # an answer that nobody asked for counts for nothing, and frees nothing
            asked += 1
            fields = {"sealed": "ab" * 32, "number": 1, "of": 20, "mode": "standard", "threshold": 0.0}
            claim = Opening(certificate=won.id, head=1, reference=1, intent=10**6 + asked, better=True, **fields)  # type: ignore[arg-type]
            desk.ledger.append(claim)
            if won.id not in answered:
                assert seals.answer(desk.ledger, won.id) is None
            continue
        known = won.id in answered
        try:
            found = desk.opens(right, cut if step == "cut" else lambda: None, openings=openings).open(won)
        except Cut:
            spent += 1
            continue
        except NotAuthorized:
            assert spent == openings
            continue
        if found and not known:
            spent += 1
            answered[won.id] = found.record.better
        assert found is None or found.record.better == answered[won.id]
        assert spent <= openings
    intents = desk.ledger.entries(OpeningIntent)
    assert len(intents) == spent
    assert [entry.record.number for entry in intents] == list(range(1, spent + 1))

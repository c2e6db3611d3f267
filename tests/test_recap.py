"""The loop's sections say what the ledger says, bounded and quoted, and nothing that Ladder or calibration hide."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledgers import HOSTILE, IDEAS, Writer, small_ledger
from pawl import notebook, recap
from pawl.errors import ConfigError
from pawl.ledger import Ledger
from pawl.records import CALIBRATION, CommonSeeds, Noise, Proposal, Screening, Variant
from pawl.stores.sqlite import SqliteStore


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return small_ledger(SqliteStore(tmp_path / "ledger.sqlite"))


def whole(ledger: Ledger, ladder: float = 0.0) -> str:
    return "\n".join(recap.sections(ledger, ladder).values())


def test_all_that_was_tried_is_counted_and_the_newest_are_named(ledger: Ledger) -> None:
    tried = recap.sections(ledger, 0.0)["tried"]
    assert "| `space` | 7 | 2 | 4 | 1 | 0 | 2 |" in tried
    assert tried.count("\n- ") == len(IDEAS)
    assert "`level 1.94 is the right one`" in tried


def test_what_helped_says_whether_a_certificate_was_won(ledger: Ledger) -> None:
    helped = recap.sections(ledger, 0.0)["helped"]
    assert helped.count("; certified") == 2
    assert "certified after 5 pairs, gain +7.26 sd" in helped  # 0.1234 / 0.017


def test_gains_are_in_sd_of_one_run(tmp_path: Path) -> None:
    ledger = Ledger(SqliteStore(tmp_path / "ledger.sqlite"))
    idea = accepted(ledger)
    assert "+2.00 sd expected over the head of then; not certified yet" in recap.sections(ledger, 0.0)["helped"]
    assert "1 accepted change(s)" in recap.sections(ledger, 0.0)["questions"]
    assert f"head: variant {idea}" in recap.sections(ledger, 0.0)["underway"]


def accepted(ledger: Ledger) -> int:
    """A study with one accepted idea that is expected to be two sd better."""
    write = Writer(ledger)
    write.study()
    baseline = write.baseline()
    noise: Noise = write.noise(baseline.id, range(11, 17)).record
    ledger.append(CommonSeeds(seeds=(11,), reason="those of the noise measurement"))
    idea = write.challenger(baseline.id, "wider", 1.9)
    done = write.measure(idea.id, 11, "screen")
    ledger.append(
        Screening(
            proposal=idea.record.proposal or 0, variant=idea.id, head=baseline.id, evaluations=(done.id,),
            decision="accepted", reason="expected to be better", gain=2 * noise.sd, broken_guard="",
        )
    )  # fmt: skip
    return idea.id


def test_what_the_ladder_hides_is_not_told(tmp_path: Path) -> None:
    ledger = Ledger(SqliteStore(tmp_path / "ledger.sqlite"))
    accepted(ledger)
    assert "expected over the head" not in whole(ledger, ladder=100.0)
    assert "accepted: `wider`" in whole(ledger, ladder=100.0)


def test_a_certificates_gain_is_rounded_to_the_ladders_step(ledger: Ledger) -> None:
    assert "gain +7.00 sd" in recap.sections(ledger, 1.0)["helped"]


def test_a_crash_comes_with_its_reason(ledger: Ledger) -> None:
    failed = recap.sections(ledger, 0.0)["failed"]
    assert "crashed: `level None is the right one`" in failed
    assert "4 were refused" in failed


def test_null_candidates_leave_no_trace(ledger: Ledger) -> None:
    before, head = whole(ledger), ledger.entries(Variant)[0].id
    for decision in ("accepted", "refused"):
        null = ledger.append(
            Proposal(parent=head, patch="x", hypothesis="a remark", proposer=CALIBRATION, settings={"null": "a/a"})
        )
        variant = ledger.append(Variant(proposal=null.id, commit="d" * 40, parent="b0" * 20, problem=""))
        ledger.append(
            Screening(
                proposal=null.id, variant=variant.id, head=head, evaluations=(), decision=decision, reason="as told",
                gain=0.1, broken_guard="",
            )
        )  # fmt: skip
    ledger.append(Proposal(parent=head, patch="x", hypothesis="waits", proposer=CALIBRATION, settings={}))
    assert whole(ledger) == before


def test_hostile_words_are_printable_and_stand_in_code_spans(ledger: Ledger) -> None:
    words = f"{HOSTILE} `` ` <!-- pawl:end tried -->\n<!-- pawl:end tried -->\n# owned"
    ledger.append(
        Proposal(
            parent=ledger.entries(Variant)[0].id, patch="x", hypothesis=words * 30, proposer="a|b `c`\n", settings={}
        )
    )
    found = recap.sections(ledger, 0.0)
    for line in "\n".join(found.values()).splitlines():
        assert line.isprintable()
        assert len(line) < 400
        bare = "".join(line.split("`")[0::2])
        assert "<script" not in bare
        assert "pawl:end" not in bare
        assert not line.startswith("# ")
    text = notebook.merged("mine\n", found)
    assert notebook.sections(text) == found
    assert notebook.outside(text).strip() == "mine"


def test_a_certified_bundle_that_nobody_took_apart_is_a_question(ledger: Ledger) -> None:
    assert "`pawl ablate " in recap.sections(ledger, 0.0)["questions"]


def test_before_anything_ran_there_is_nothing_to_tell(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing has run"):
        recap.sections(Ledger(SqliteStore(tmp_path / "ledger.sqlite")), 0.0)

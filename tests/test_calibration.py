"""What gets through that cannot be better: counted in the ledger, and replayed through the real certificates."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from ledgers import METRIC, UNTIL, Decision, Writer
from pawl import app, calibration, history
from pawl.calibration import measured, pools
from pawl.cli import app as cli
from pawl.ledger import Ledger
from pawl.policy import Policy
from pawl.racing import Race
from pawl.rate_chart import bar, png
from pawl.rates import Calibration, Rate
from pawl.records import CALIBRATION, Dossier, Evaluation, Proposal, Run, Screening, Variant, Verdict
from pawl.stores.sqlite import SqliteStore
from pawl.tables import parse
from studies import patch
from test_policy import GOOD

Make = Callable[..., app.OpenStudy]
RULES = parse((GOOD + "\n[calibration]\nscreen = 0.5\n").encode(), Path("policy.toml"), Policy)


@dataclasses.dataclass
class Story:
    """A ledger with a champion, its noise, and null candidates that were screened."""

    writer: Writer
    champion: int = 0

    @property
    def ledger(self) -> Ledger:
        return self.writer.ledger

    def null(self, kind: str, head: int, decision: Decision, seeds: Sequence[int]) -> int:
        proposal = self.ledger.append(
            Proposal(parent=head, patch="", hypothesis="h", proposer=CALIBRATION, settings={"null": kind})
        )
        variant = self.ledger.append(Variant(proposal=proposal.id, commit=f"{proposal.id:040x}", parent="", problem=""))
        self.writer.levels[variant.id] = self.writer.levels[self.champion]
        self.writer.screen(variant, head, decision, seeds)
        return variant.id


@pytest.fixture
def story(tmp_path: Path) -> Story:
    found = Story(Writer(Ledger(SqliteStore(tmp_path / "ledger.sqlite"))))
    found.champion = found.writer.baseline().id
    found.writer.study()
    found.writer.noise(found.champion, range(11, 17))
    return found


def rates(found: Calibration) -> dict[str, Rate]:
    return {rate.what: rate for rate in found.rates}


def test_each_seed_and_the_answer_are_counted_by_kind(story: Story) -> None:
    story.null("seed-only", story.champion, "refused", (11,))
    story.null("seed-only", story.champion, "refused", (11, 12))
    story.null("seed-only", story.champion, "accepted", (11, 12))
    story.null("aa", story.champion, "refused", (11,))
    story.null("aa", story.champion, "crashed", (11, 12))
    found = rates(measured(story.ledger, RULES))
    assert {what: (rate.count, rate.of) for what, rate in found.items() if rate.step == "screen"} == {
        "A/A, passed on seed 1": (1, 2), "A/A, passed on seed 2": (0, 1), "A/A, accepted": (0, 2),
        "seed-only, passed on seed 1": (2, 3), "seed-only, passed on seed 2": (1, 2), "seed-only, accepted": (1, 3),
    }  # fmt: skip
    assert [rate.promised for what, rate in found.items() if "accepted" in what] == [0.5, 0.5]
    assert (found["in a dossier"].count, found["in a dossier"].of) == (0, 5)


def test_candidates_before_one_bar_count_once(story: Story) -> None:
    for _ in range(12):
        story.null("seed-only", story.champion, "accepted", (11,))
    rate = rates(measured(story.ledger, RULES))["seed-only, accepted"]
    assert (rate.count, rate.of, rate.units, rate.exceeded) == (12, 12, 1, False)


def test_many_bars_passed_by_all_exceed_what_was_promised(story: Story) -> None:
    for seed in range(12):
        story.null("seed-only", story.champion, "accepted", (100 + seed,))
    found = measured(story.ledger, RULES)
    assert rates(found)["seed-only, accepted"].exceeded
    silent = RULES.model_copy(update={"calibration": RULES.calibration.model_copy(update={"screen": 1.0})})
    assert not any(rate.exceeded for rate in measured(story.ledger, silent).rates)


def test_who_raced_against_a_head_that_moved_meanwhile_is_no_null_candidate(story: Story) -> None:
    story.null("aa", story.champion, "refused", (11,))
    head = story.writer.challenger(story.champion, "better", 1.8)
    story.writer.screen(head, story.champion, "accepted", (11, 12))
    late = story.ledger.append(
        Proposal(parent=story.champion, patch="", hypothesis="h", proposer=CALIBRATION, settings={"null": "aa"})
    )
    variant = story.ledger.append(Variant(proposal=late.id, commit="d" * 40, parent="", problem=""))
    story.writer.levels[variant.id] = 2.0
    story.writer.screen(variant, head.id, "refused", (11,))
    assert rates(measured(story.ledger, RULES))["A/A, accepted"].of == 1


def test_other_settings_start_the_count_anew(story: Story) -> None:
    story.null("aa", story.champion, "accepted", (11,))
    story.writer.study(comparable="c2")
    found = measured(story.ledger, RULES)
    assert (found.turns, found.nulls, [rate.what for rate in found.rates]) == (0, 0, ["in a dossier"])


def test_turns_are_what_the_loop_filled_and_not_what_people_put_in_the_queue(story: Story) -> None:
    story.writer.challenger(story.champion, "by the proposer `space`", 2.0)
    story.null("aa", story.champion, "refused", (11,))
    story.ledger.append(Proposal(parent=story.champion, patch="", hypothesis="h", proposer="ada", settings={}))
    found = measured(story.ledger, RULES)
    assert (found.turns, found.nulls) == (2, 1)


def test_a_null_candidate_in_a_dossier_breaks_a_promise_of_none(story: Story) -> None:
    null = story.null("aa", story.champion, "accepted", (11,))
    head = story.writer.challenger(null, "on top of it", 1.8)
    story.ledger.append(
        Dossier(
            verdict=0, variant=head.id, reference=story.champion, policy="", statement="", attachments=(),
            proposers=(), until=UNTIL,
        )
    )  # fmt: skip
    rate = rates(measured(story.ledger, RULES))["in a dossier"]
    assert (rate.count, rate.of, rate.exceeded) == (1, 1, True)


def scores(story: Story, *runs: int) -> list[float]:
    found = {entry.record.run: entry.record.metrics[METRIC] for entry in story.ledger.entries(Evaluation)}
    return [found[run] for run in runs]


def test_only_scores_on_seeds_that_nobody_chose_are_pooled(story: Story) -> None:
    seed_only = story.null("seed-only", story.champion, "refused", (11,))
    story.null("aa", story.champion, "refused", (11,))
    head = story.writer.challenger(story.champion, "lucky on seed 11", 1.9)
    story.writer.screen(head, story.champion, "accepted", (11, 12))
    story.writer.certify(story.champion, head.id, 1, range(101, 106))
    runs = story.ledger.entries(Run)

    def pooled(*wanted: tuple[int, str]) -> list[float]:
        return scores(story, *(run.id for run in runs if (run.record.variant, run.record.purpose) in wanted))

    of_champion = pooled((story.champion, "noise"), (seed_only, "screen"), (story.champion, "certify"))
    assert len(of_champion) == 6 + 1 + 5
    assert pools(story.ledger, history.read(story.ledger)) == [of_champion, pooled((head.id, "certify"))]


def test_the_replay_is_reproducible_and_within_its_promise(story: Story) -> None:
    first = rates(measured(story.ledger, RULES))["any of 1 certificate(s) won, replayed"]
    calibration._false.cache_clear()
    again = rates(measured(Ledger(story.ledger._store), RULES))["any of 1 certificate(s) won, replayed"]
    assert first == again
    assert (first.of, first.promised, first.exceeded) == (calibration.REPLAYS, 0.10, False)
    assert first.high < 0.10


def test_a_certificate_that_is_won_too_easily_is_noticed(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody divides by too little: the threshold is far below 1 / alpha."""
    calibration._false.cache_clear()
    monkeypatch.setattr("pawl.evidence.threshold", lambda step, wins, alpha: 2.0)
    assert rates(measured(story.ledger, RULES))["any of 1 certificate(s) won, replayed"].exceeded
    calibration._false.cache_clear()


def test_nothing_is_replayed_before_the_noise_is_known(tmp_path: Path) -> None:
    writer = Writer(Ledger(SqliteStore(tmp_path / "ledger.sqlite")))
    writer.baseline()
    writer.study()
    assert [rate.step for rate in measured(writer.ledger, RULES).rates] == ["dossier"]


RATES = st.builds(
    lambda of, count, low, high, promised: Rate(
        "screen", "x", min(count, of), of, of, min(low, high), max(low, high), 0.95, promised
    ),
    st.integers(0, 9), st.integers(0, 9), st.floats(0, 1), st.floats(0, 1), st.none() | st.floats(0, 1),
)  # fmt: skip


@given(RATES, st.integers(5, 60))
def test_a_bar_has_its_width_and_marks_what_is_known(rate: Rate, width: int) -> None:
    drawn = bar(rate, width)
    assert len(drawn) == width
    assert ("●" in drawn) == (rate.of > 0)


def test_the_picture_is_a_png_also_of_nothing() -> None:
    kept = Rate("screen", "A/A, accepted", 1, 4, 4, 0.01, 0.8, 0.95, 0.5)
    for shown in ([], [kept], [kept, dataclasses.replace(kept, low=0.6, of=0, count=0)]):
        assert png(shown, "toy: $x").startswith(b"\x89PNG")


def test_the_command_tells_people_and_scripts(story: Story, toy_study: app.OpenStudy, tmp_path: Path) -> None:
    where = ["-C", str(toy_study.folder)]
    drawn = tmp_path / "rates.png"
    done = CliRunner().invoke(cli, ["calibration", *where, "--chart", str(drawn)])
    assert done.exit_code == 0, done.output
    assert "0 of 0 turns tried a null candidate, where a share of 0.05 should" in done.output
    assert drawn.read_bytes().startswith(b"\x89PNG")
    found = json.loads(CliRunner().invoke(cli, ["calibration", *where, "--json"]).output)
    assert (found["share"], found["owed"], found["rates"][0]["verdict"]) == (0.05, 0, "not known yet")


SOON = {"share = 0.05 ": "screen = 0.35\nshare = 0.5 ", "bundle = 2": "bundle = 20"}


@pytest.mark.slow
def test_a_screen_that_accepts_everything_is_found_out_and_blocks_the_release(
    make_toy: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Race, "gain", property(lambda race: 1.0))  # a race that everybody wins
    monkeypatch.setattr(Race, "another", lambda race: False)
    study = make_toy(rules=SOON)
    study.run(runs=160)
    found = study.calibration()
    accepted = [rate for rate in found.rates if rate.what == "seed-only, accepted"]
    assert sum(rate.count for rate in accepted) == sum(rate.of for rate in accepted) > 8
    assert any(rate.exceeded for rate in accepted), accepted
    findings = {finding.gate: finding for finding in study.entries(Verdict)[-1].record.findings}
    assert not findings["calibration"].passed
    assert "more gets through than was promised" in findings["calibration"].reason
    assert CliRunner().invoke(cli, ["calibration", "-C", str(study.folder)]).exit_code == 1


@pytest.mark.slow
def test_an_honest_study_keeps_its_promises_and_no_null_candidate_gets_anywhere(make_toy: Make) -> None:
    study = make_toy(rules={"share = 0.05 ": "screen = 0.5\nshare = 0.4 "})
    for shift in ("0.4", "0.7"):
        study.propose(patch(study, "SHIFT = 0.0", f"SHIFT = {shift}"), "towards the optimum")
    study.run(runs=70)
    found, nulls = study.calibration(), history.read(study.ledger).nulls
    assert found.nulls == len(nulls) >= max(found.owed, 3)
    assert not any(rate.exceeded for rate in found.rates)
    heads = {entry.record.head for entry in study.entries(Screening)}
    assert not {study.ledger.get(head, Variant).record.proposal for head in heads} & nulls
    aa = [rate for rate in found.rates if rate.what == "A/A, accepted"]
    assert all(rate.count == 0 for rate in aa)  # the same program on the same seed is never better than itself
    verdicts = study.entries(Verdict)
    assert verdicts
    assert all(f.passed for v in verdicts for f in v.record.findings if f.gate == "calibration")


@pytest.mark.slow
def test_a_resumed_loop_goes_on_with_the_null_candidate_that_was_due(make_toy: Make) -> None:
    study = make_toy(rules={"share = 0.05 ": "share = 0.5 "})
    study.run(runs=12)
    before = [entry.record for entry in study.entries(Proposal)]
    again = app.open(study.folder)
    again.run(runs=12)
    after = [entry.record for entry in again.entries(Proposal)]
    assert after[: len(before)] == before
    assert {p.proposer for p in after} == {"space", CALIBRATION}

"""Who carries and who came along, decided on scores from a simulated trainer."""

from __future__ import annotations

import random
from collections.abc import Sequence

from pawl.claims import Rules, Score
from pawl.evidence import SignFlip
from pawl.passengers import Question, Removed, look, settle


class Bundle:
    """Arms of a bundle whose changes are worth this much each, with an sd of 1 for one run and correlation 1/2."""

    def __init__(self, worth: Sequence[float], seed: int) -> None:
        self.worth, self.draw = worth, random.Random(seed)
        self.known: dict[tuple[Removed, int], float] = {}
        self.shared: dict[int, float] = {}

    def scores(self, arms: Sequence[Removed], seeds: Sequence[int]) -> list[list[Score]]:
        return [[self._score(arm, seed) for seed in seeds] for arm in arms]

    def _score(self, removed: Removed, seed: int) -> float:
        if (removed, seed) not in self.known:
            noise = self.shared.setdefault(seed, self.draw.gauss(0, 0.5**0.5)) + self.draw.gauss(0, 0.5**0.5)
            kept = [one for n, one in enumerate(self.worth, 1) if n not in removed]
            self.known[removed, seed] = sum(kept) + noise
        return self.known[removed, seed]


def question(worth: Sequence[float], seed: int = 1, margin: float = 1.5) -> tuple[Question, Bundle]:
    bundle = Bundle(worth, seed)
    return Question(len(worth), margin, SignFlip(1.0), Rules(40, 0.05, 0.15, 2), bundle), bundle


def test_three_carriers_among_sixteen_are_found_with_a_fraction_of_the_runs_of_one_by_one() -> None:
    worth = [0.0] * 16
    worth[2] = worth[9] = worth[10] = 4.0
    asked, bundle = question(worth, margin=3.0)
    removed = look(asked, range(1, 17), range(8))
    claims = settle(asked, removed, range(100, 140))
    assert removed == frozenset(range(1, 17)) - {3, 10, 11}
    assert all(claim.made for claim in claims)
    assert len(bundle.known) < 16 * 8


def test_many_small_costs_are_seen_as_their_sum() -> None:
    """Each alone costs less than the margin; together ten times as much."""
    asked, _ = question([1.0] * 10 + [0.0] * 2, margin=2.5)
    removed = look(asked, range(1, 13), range(8))
    assert sum(n <= 10 for n in removed) <= 3


def test_the_whole_bundle_is_never_left_out() -> None:
    asked, _ = question([0.0] * 4, margin=100.0)
    assert len(look(asked, range(1, 5), range(8))) == 3


def test_where_no_passenger_is_found_only_carriers_are_claimed() -> None:
    asked, _ = question([5.0, 5.0])
    claims = settle(asked, (), range(40))
    assert [claim.family for claim in claims] == ["carries", "carries"]
    assert all(claim.base == frozenset() for claim in claims)


def test_a_set_that_costs_more_than_the_margin_is_hardly_ever_shown_to_be_removable() -> None:
    """The true cost is the margin exactly, the least favourable case: at most 5 % at alpha = .05."""
    shown = 0
    for seed in range(200):
        asked, _ = question([1.5, 0.0, 3.0], seed)
        shown += settle(asked, {1, 2}, range(40))[0].made
    assert shown <= 0.05 * 200


def test_passengers_are_hardly_ever_shown_to_carry() -> None:
    false = 0
    for seed in range(100):
        asked, _ = question([0.0, 0.0, 0.0, 4.0], seed)
        false += any(claim.made for claim in settle(asked, (), range(40)) if claim.other != {4})
    assert false <= 0.1 * 100

"""Proposals that differ only in the answers of one table read labels by trial; a search over constants does not."""

from __future__ import annotations

import random

import pytest

from pawl.gates.probing import Probing, question
from pawl.records import Proposal
from pawl.testing.gates import GateContract, case, proposal

DRAW = random.Random(5)


class TestProbing(GateContract):
    def make(self) -> Probing:
        return Probing()


def added(*lines: str) -> Proposal:
    return proposal(patch="--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-x\n" + "".join(f"+{line}\n" for line in lines))


def digits(count: int) -> list[int]:
    return [DRAW.randrange(10) for _ in range(count)]


QUESTIONS = {
    "a table": lambda n: [f"KNOWN = {digits(20)}"],
    "a table over lines": lambda n: ["KNOWN = [", *(f"    {', '.join(map(str, digits(6)))}," for _ in range(3)), "]"],
    "a string": lambda n: [f'KNOWN = "{"".join(map(str, digits(40)))}"'],
    "a large number": lambda n: [f"MASK = 0x{DRAW.getrandbits(80) | 1 << 79:x}"],
    "one place at a time": lambda n: [f"predictions[{n}] = {n % 10}"],
    "a dictionary of one": lambda n: [f"FIXED = {{{n}: {n % 10}}}"],
    "a table with other words around": lambda n: [f"# try {n}: {'x' * n}", f"KNOWN = {digits(20)}  # {n}"],
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_asking_for_answers_is_noticed_after_the_eighth_time(name: str) -> None:
    asked = tuple(added(*QUESTIONS[name](n)) for n in range(60))
    assert not Probing().judge(case(tried=asked)).passed
    assert Probing().judge(case(tried=asked[:8])).passed
    assert not Probing().judge(case(tried=asked[:9])).passed
    assert Probing(most=60).judge(case(tried=asked)).passed


HONEST = {
    "a search over constants": lambda n: [f"LEARNING_RATE = {DRAW.random():.6f}", f"DEPTH = {n}"],
    "a constant with a comment": lambda n: [f"WIDTH = {n}  # was 1, 2, 3, 4, 5, 6, 7, 8 before"],
    "a short tuple": lambda n: [f"BETAS = (0.{n + 1}, 0.999)"],
    "shapes": lambda n: [f"x = x.reshape({n}, 8, 8)"],
    "a schedule": lambda n: [f"rate = LEARNING_RATE * (1 - step / steps) ** {n}"],
    "the same table each time": lambda n: ["ORDER = [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]", f"RATE = {n}"],
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_search_is_not(name: str) -> None:
    finding = Probing().judge(case(tried=tuple(added(*HONEST[name](n)) for n in range(200))))
    assert finding.passed, finding.reason


def test_proposers_are_counted_apart() -> None:
    asked = [added(*QUESTIONS["a table"](n)) for n in range(10)]
    apart = tuple(asked[n].model_copy(update={"proposer": f"p{n % 2}"}) for n in range(10))
    assert Probing().judge(case(tried=apart)).passed


def test_a_question_is_its_shape_and_its_answers() -> None:
    assert question(added("KNOWN = [1, 2, 3, 4, 5, 6, 7, 8]").patch) == ("KNOWN = [#]", "1 2 3 4 5 6 7 8")
    assert question("") == ("", "")


def test_what_it_cannot_see_are_answers_that_are_computed() -> None:
    """Said in the docs: the same question, asked by arithmetic on one constant, looks like a search over constants."""
    asked = tuple(added(f"KEY = {DRAW.getrandbits(40)}", "guess = KEY // 10**row % 10") for n in range(60))
    assert Probing().judge(case(tried=asked)).passed

"""Every error has an exit code, a way out, and a place in the tree that the docstring draws."""

from __future__ import annotations

import re

import pytest

from pawl import errors
from pawl.errors import PawlError, did_you_mean

DRAWN = dict(re.findall(r"[├└]── (\w+) +(\d+) ", errors.__doc__ or ""))


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    found = {
        kind.__name__: str(kind.exit_code) for kind in PawlError.__subclasses__() if kind.__module__ == "pawl.errors"
    }
    assert found == DRAWN


DESIGNED = {
    "ConfigError": 2,
    "PartError": 2,
    "IntegrityError": 4,
    "NotAuthorized": 5,
    "SandboxError": 6,
    "RolloutError": 7,
}


def test_exit_codes_are_those_that_the_design_promises() -> None:
    assert {name: code for name, code in DRAWN.items() if int(code) != DESIGNED.get(name, int(code))} == {}
    assert {"ConfigError", "PartError", "IntegrityError", "NotAuthorized", "SandboxError"} <= DRAWN.keys()
    assert PawlError.exit_code == 1


def test_an_error_carries_its_message_and_its_hint() -> None:
    error = errors.ConfigError("pawl.toml is not there", "pawl init")
    assert (str(error), error.hint, error.exit_code) == ("pawl.toml is not there", "pawl init", 2)
    assert PawlError("no way out").hint == ""


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("trian", ["train", "study"], " Did you mean 'train'?"),
        ("zzz", ["train", "study"], " Known: study, train."),
        ("zzz", [], ""),
        ("", ["train"], " Known: train."),
    ],
)
def test_a_wrong_word_is_met_with_the_nearest_or_all_or_nothing(word: str, known: list[str], said: str) -> None:
    assert did_you_mean(word, known) == said


def test_the_known_words_may_be_an_iterator_that_is_read_once() -> None:
    assert did_you_mean("gates", iter(["gate", "store"])) == " Did you mean 'gate'?"

"""A change of policy in plain words: everything that means something is said, with its direction."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.amend import MEANING, changes, propose
from pawl.errors import NotAuthorized
from pawl.policy import Policy
from pawl.tables import parse
from test_policy import BOB, GOOD

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def policy(text: str = GOOD) -> Policy:
    return parse(text.encode(), Path("policy.toml"), Policy)


def said(before: str, after: str, text: str = GOOD) -> list[str]:
    assert before in text
    return list(changes(policy(text), policy(text.replace(before, after))))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("threshold = 2", "threshold = 1", "people who must sign: 2 -> 1 (LOOSER) [approval.threshold]"),
        ("threshold = 2", "threshold = 3", "people who must sign: 2 -> 3 (stricter) [approval.threshold]"),
        ("version = 1", "version = 2", "version of the policy: 1 -> 2 [version]"),
        ("2999-12-31", "3000-01-01", "the policy expires: 2999-12-31 -> 3000-01-01 (LOOSER)"),
        ("version = 1", "version = 1\nallow_unsafe = true", "may lead to a release: no -> yes (LOOSER)"),
        ("version = 1", "version = 1\nisolation = ['seccomp']", "must have had: [] -> ['seccomp'] (stricter)"),
        ("threshold = 2", "threshold = 2\npresence = true", "touched hardware key is demanded: no -> yes (stricter)"),
        ("threshold = 2", "threshold = 2\nroles = {safety = 1}", "approval.roles.safety: none -> 1 (stricter)"),
        ("threshold = 2", "threshold = 2\nvalid = '60d'", "can be decided: 2592000.0 -> 5184000.0 (LOOSER)"),
        ('[[gate]]\nuse = "improvement"\n', "", "gate removed: improvement (LOOSER)"),
        ('[[gate]]\nuse = "improvement"\n', '[[gate]]\nuse = "improvement"\n[[gate]]\nuse = "new"\n', "added: new"),
        ("wall_s = 60", "wall_s = 90", "gate limits, wall_s: 60 -> 90"),
        (f'key = "{BOB}"', f'key = "{BOB}"\nroles = ["safety"]', "roles of bob@example.org: none -> safety"),
        ('name = "bob@example.org"', 'name = "eve@example.org"', "approver ADDED: eve@example.org, key sk-ssh-ed25519"),
        ('name = "bob@example.org"', 'name = "eve@example.org"', "approver removed: bob@example.org"),
        ("version = 1", "version = 1\n[certification]\nalpha = 0.2", "false certificates: 0.1 -> 0.2 (LOOSER)"),
        ("version = 1", "version = 1\n[guards]\ncpu_seconds = 1.1", "beside the reference's: 1.25 -> 1.1 (stricter)"),
    ],
)  # fmt: skip
def test_every_change_is_said_with_its_direction(before: str, after: str, words: str) -> None:
    if "\n[" in after and before == "version = 1":  # a table: it goes to the end
        assert any(words in line for line in changes(policy(), policy(GOOD + after.split("\n", 1)[1])))
        return
    assert any(words in line for line in said(before, after)), said(before, after)


def test_comments_are_no_change_that_means_anything() -> None:
    assert said("version = 1", "version = 1  # hello") == []
    text = GOOD + "\n# hello\n"
    change = propose(policy(), "0" * 64, (policy(text), "1" * 64, text), "eve", NOW)
    assert "none that means anything" in change.statement
    assert text.strip() in change.statement
    assert change.until == "2030-01-31T00:00:00+00:00"


def test_the_same_policy_and_one_that_cannot_be_relied_on_are_not_proposed() -> None:
    with pytest.raises(NotAuthorized, match="nothing to propose"):
        propose(policy(), "0" * 64, (policy(), "0" * 64, GOOD), "eve", NOW)
    bad = GOOD.replace("threshold = 2", "threshold = 9")
    with pytest.raises(NotAuthorized, match="asks for 9 signatures"):
        propose(policy(), "0" * 64, (policy(bad), "1" * 64, bad), "eve", NOW)


@given(st.text(max_size=40))
def test_words_of_a_stranger_stay_on_one_line_and_are_printable(name: str) -> None:
    text = GOOD + "\n# x\n"
    statement = propose(policy(), "0" * 64, (policy(text), "1" * 64, text), name, NOW).statement
    row = next(line for line in statement.split("\n") if line.startswith("  proposed by"))
    assert row.isprintable()
    assert statement.split("\n")[3].startswith("  decide until")


def test_every_scalar_setting_has_a_meaning() -> None:
    def leaves(table: dict[str, object], prefix: str = "") -> set[str]:
        found: set[str] = set()
        for key, value in table.items():
            found |= leaves(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}"}
        return found

    known = leaves(policy().model_dump(mode="json", exclude={"approver", "gate", "guard"})) - {"approval.roles"}
    assert known == MEANING.keys()


def test_a_guard_metric_that_goes_or_comes_is_said_so() -> None:
    table = '[[gate]]\nuse = "guards"\n[[guard]]\nmetric = "memory_bytes"\nratio = 1.1\n'
    more, fewer = list(changes(policy(), policy(GOOD + table))), list(changes(policy(GOOD + table), policy()))
    assert any(line.startswith("guard metric added: ") and line.endswith("(stricter)") for line in more)
    assert any('"metric":"memory_bytes"' in line and line.endswith("(LOOSER)") for line in fewer)
    tighter = list(changes(policy(GOOD + table), policy(GOOD + table.replace("1.1", "1.05"))))
    assert [line.partition(":")[0] for line in tighter] == ["guard metric removed", "guard metric added"]

"""`policy.toml`: deny on silence. A policy that could refuse nothing, or nobody could sign under, is refused."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from pathlib import Path

import pytest

from pawl.errors import ConfigError, NotAuthorized
from pawl.policy import Policy, load
from pawl.protocols import Guard
from pawl.tables import parse

ALICE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAliceAliceAliceAliceAliceAliceAliceAliceAlic alice@laptop"
BOB = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIBobBobBob"
GOOD = f"""
version = 1
expires = 2999-12-31
[approval]
threshold = 2
[[approver]]
name = "alice@example.org"
key = "{ALICE}"
[[approver]]
name = "bob@example.org"
key = "{BOB}"
[[gate]]
use = "improvement"
[[gate]]
use = "limits"
wall_s = 60
"""
TODAY = date(2030, 6, 1)


def policy(text: str = GOOD) -> Policy:
    return parse(text.encode(), Path("policy.toml"), Policy)


def changed(before: str, after: str) -> str:
    assert before in GOOD
    return GOOD.replace(before, after)


def denied(text: str) -> NotAuthorized:
    with pytest.raises(NotAuthorized) as caught:
        policy(text).enforce(TODAY)
    assert caught.value.hint
    return caught.value


def test_a_good_policy_stands_with_the_documented_defaults() -> None:
    found = policy()
    found.enforce(TODAY)
    rules = found.certification
    assert (rules.bundle, rules.pairs, rules.alpha, rules.futility, rules.lambdas) == (
        100,
        20,
        0.10,
        0.15,
        (0.5, 1, 2, 8),
    )
    assert (found.screening.seeds, found.screening.redraw_after, found.allow_unsafe) == (4, 100, False)
    assert [(gate.use, gate.settings()) for gate in found.gate] == [("improvement", {}), ("limits", {"wall_s": 60})]


def test_a_policy_without_gates_is_refused() -> None:
    assert "names no gates" in str(denied(GOOD.partition("[[gate]]")[0]))


def test_a_policy_without_keys_is_refused() -> None:
    without = GOOD.partition("[[approver]]")[0] + '[[gate]]\nuse = "limits"\n'
    assert "names no approvers" in str(denied(without))
    assert denied(without).hint == "pawl init --signer"


def test_a_policy_lasts_through_its_last_day_and_no_longer() -> None:
    text = changed("2999-12-31", "2030-05-31")
    assert "expired on 2030-05-31" in str(denied(text))
    assert policy(text).enforce(date(2030, 5, 31)) is None  # type: ignore[func-returns-value]


def test_a_threshold_above_the_keys_is_refused_with_both_numbers() -> None:
    assert "asks for 3 signatures and names 2 approver(s)" in str(denied(changed("threshold = 2", "threshold = 3")))


def test_one_person_listed_twice_is_one_person() -> None:
    text = changed("bob@example.org", "alice@example.org")
    assert "asks for 2 signatures and names 1 approver(s)" in str(denied(text))


@pytest.mark.parametrize("comment", ["", " somebody else"])
def test_one_key_for_two_people_is_refused_whatever_its_comment(comment: str) -> None:
    assert "one key to two approvers" in str(denied(changed(BOB, ALICE.rpartition(" ")[0] + comment)))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("version = 1", "", "'version': Field required"),
        ("version = 1", "version = 0", "'version'"),
        ("expires = 2999-12-31", "", "'expires': Field required"),
        ("expires = 2999-12-31", 'expires = "never"', "'expires'"),
        ("expires = 2999-12-31", "expires = true", "'expires'"),
        ("[approval]\nthreshold = 2", "", "'approval': Field required"),
        ("threshold = 2", "", "'approval.threshold': Field required"),
        ("threshold = 2", "threshold = 0", "'approval.threshold'"),
        ("threshold = 2", "threshold = -1", "'approval.threshold'"),
        ("threshold = 2", "treshold = 2", "unknown key 'approval.treshold'. Did you mean 'threshold'?"),
        ("[approval]", "[aproval]", "unknown key 'aproval'. Did you mean 'approval'?"),
        ('name = "bob@example.org"', 'nmae = "b"', "unknown key 'approver.1.nmae'. Did you mean 'name'?"),
        ("bob@example.org", "bob the builder", "'approver.1.name'"),
        ("bob@example.org", "a,b", "'approver.1.name'"),
        ("bob@example.org", "*@example.org", "'approver.1.name'"),
        ("bob@example.org", "!bob", "'approver.1.name'"),
        ("bob@example.org", "bob?", "'approver.1.name'"),
        ("bob@example.org", "bob\\n*", "'approver.1.name'"),
        ("bob@example.org", "", "'approver.1.name'"),
        (BOB, "cert-authority " + BOB, "'approver.1.key'"),
        (BOB, 'namespaces=\\"git\\" ' + BOB, "'approver.1.key'"),
        (BOB, BOB + "\\n* " + ALICE, "'approver.1.key'"),
        (BOB, "ssh-ed25519", "'approver.1.key'"),
        (BOB, "", "'approver.1.key'"),
        (BOB, "-----BEGIN OPENSSH PRIVATE KEY-----", "'approver.1.key'"),
        ('use = "limits"', 'name = "limits"', "'gate.1.use': Field required"),
    ],
)  # fmt: skip
def test_a_bad_policy_is_refused_with_the_key(before: str, after: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        policy(changed(before, after))
    assert str(caught.value).startswith("policy.toml: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "table",
    [
        "[noise]\nruns = 2", "[screening]\nseeds = 0", "[screening]\nredraw_after = 0", "[certification]\nbundle = 0",
        "[certification]\nfirst = 0", "[certification]\ngrowth = -1", "[certification]\npairs = 4",
        "[certification]\nalpha = 0", "[certification]\nalpha = 0.6",
        "[certification]\nalpha = nan", "[certification]\nfutility = 1", "[certification]\nfutility = -0.1",
        "[certification]\nlambdas = []", "[certification]\nlambdas = [inf]", "[certification]\nlevel = 0.5",
        "[certification]\nlevel = 1", "[guards]\ncpu_seconds = 0", "[guards]\ncpu_second = 2",
        "[certification]\nlambdas = [0.0]", "[certification]\nlambdas = [-1.0]",
    ],
)  # fmt: skip
def test_numbers_outside_their_range_are_refused(table: str) -> None:
    name, _, key = table.partition("\n")
    with pytest.raises(ConfigError, match=rf"{name.strip('[]')}\.{key.split()[0]}"):
        policy(f"{GOOD}\n{table}\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("threshold = 2", "threshold = true"),
        ("threshold = 2", 'threshold = "2"'),
        ("expires = 2999-12-31", "expires = 4102444800"),
    ],
)
def test_a_rule_of_another_type_is_not_coerced(before: str, after: str) -> None:
    with pytest.raises(ConfigError):
        policy(changed(before, after))


def test_a_file_is_loaded_enforced_and_digested(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(GOOD)
    assert load(tmp_path) == (policy(), hashlib.sha256(GOOD.encode()).hexdigest())


def test_an_expired_file_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    (tmp_path / "policy.toml").write_text(changed("2999-12-31", str(yesterday)))
    with pytest.raises(NotAuthorized, match=f"expired on {yesterday}"):
        load(tmp_path)


def test_a_missing_policy_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="policy.toml cannot be read") as caught:
        load(tmp_path)
    assert caught.value.hint == "pawl init"


PARTNERS = {
    "threshold = 2": "threshold = 2\nroles = { safety = 1, law = 2 }",
    f'key = "{ALICE}"': f'key = "{ALICE}"\nroles = ["law"]',
    f'key = "{BOB}"': f'key = "{BOB}"\nroles = ["safety", "law"]',
}


def with_roles(**also: str) -> str:
    """GOOD where two lawyers, one of them for safety, have to sign; `also` changes what a role is called or counts."""
    text = GOOD
    for before, after in PARTNERS.items():
        assert before in text
        text = text.replace(before, after)
    for before, after in also.items():
        assert before in text
        text = text.replace(before, after, 1)
    return text


def test_roles_that_enough_people_have_are_no_obstacle() -> None:
    assert policy(with_roles()).enforce(TODAY) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    ("before", "after", "role", "asked", "given"),
    [
        ("safety = 1", "safety = 2", "safety", 2, 1), ("law = 2", "law = 3", "law", 3, 2),
        ("safety = 1", "ethics = 1", "ethics", 1, 0),
    ],
)  # fmt: skip
def test_a_role_that_too_few_people_have_is_refused(before: str, after: str, role: str, asked: int, given: int) -> None:
    refusal = denied(with_roles(**{before: after}))
    assert str(refusal) == (
        f"policy.toml asks for {asked} signature(s) by role '{role}' and gives it to {given} approver(s)"
    )
    assert refusal.hint == f'add roles = ["{role}"] to an [[approver]]'


def test_two_keys_of_one_person_are_one_person_in_a_role_too() -> None:
    again = '[[approver]]\nname = "bob@example.org"\nkey = "ssh-rsa AAAA"\nroles = ["safety"]\n[[gate]]'
    assert "gives it to 1 approver(s)" in str(denied(with_roles(**{"safety = 1": "safety = 2", "[[gate]]": again})))


def test_presence_needs_somebody_with_a_hardware_key() -> None:
    demanded = changed("threshold = 2", "threshold = 2\npresence = true")
    assert policy(demanded).enforce(TODAY) is None  # type: ignore[func-returns-value]
    soft = "ssh-ed25519 AAAAsk/B"
    assert policy(changed(BOB, soft)).enforce(TODAY) is None  # type: ignore[func-returns-value]
    refusal = denied(demanded.replace(BOB, soft))
    assert str(refusal) == "policy.toml demands presence, and no approver has a hardware key"
    assert refusal.hint == "ssh-keygen -t ed25519-sk"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (GOOD.partition("[[gate]]")[0], "add a [[gate]] table"),
        (GOOD.replace("2999-12-31", "2030-05-31"), "have it reviewed, then renew `expires` in policy.toml"),
        (GOOD.replace("threshold = 2", "threshold = 3"), "lower approval.threshold or add an [[approver]]"),
        (GOOD.replace(BOB, ALICE), "give every approver a key of their own"),
    ],
)
def test_a_refusal_says_how_to_mend_the_policy(text: str, hint: str) -> None:
    assert denied(text).hint == hint


def test_a_policys_last_day_ends_when_it_ends_in_utc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class East(datetime):
        """Where it is past midnight while it is still the day before in UTC."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime(2030, 5, 31, 23, 30, tzinfo=UTC).astimezone(tz or timezone(timedelta(hours=2)))

    monkeypatch.setattr("pawl.policy.datetime", East)
    (tmp_path / "policy.toml").write_text(changed("2999-12-31", "2030-05-31"))
    assert load(tmp_path)[0].expires == date(2030, 5, 31)
    (tmp_path / "policy.toml").write_text(changed("2999-12-31", "2030-05-30"))
    with pytest.raises(NotAuthorized, match="expired on 2030-05-30"):
        load(tmp_path)


GUARDED = (
    GOOD
    + """
[[gate]]
use = "guards"
[[guard]]
metric = "accuracy@*"
direction = "maximize"
margin = 0.01
[[guard]]
metric = "memory_bytes"
ratio = 1.1
proof = true
"""
)


def test_guard_metrics_are_read_as_gates_see_them() -> None:
    found = policy(GUARDED)
    found.enforce(TODAY)
    assert [table.guard for table in found.guard] == [
        Guard("accuracy@*", "maximize", 0.01, False, False), Guard("memory_bytes", "minimize", 1.1, True, True),
    ]  # fmt: skip


def test_a_guard_metric_that_no_gate_looks_at_is_refused() -> None:
    refusal = denied(GUARDED.replace('[[gate]]\nuse = "guards"', ""))
    assert "has a [[guard]] and no gate that looks at it" in str(refusal)
    assert refusal.hint == 'add [[gate]] use = "guards"'


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("margin = 0.01", "", "give either margin"),
        ("ratio = 1.1", "ratio = 1.1\nmargin = 1.0", "give either margin"),
        ("ratio = 1.1", "ratio = 0.9", "guard.1.ratio"),
        ("margin = 0.01", "margin = -0.01", "guard.0.margin"),
        ('direction = "maximize"', "", "say which way accuracy@* is better"),
        ("ratio = 1.1", 'ratio = 1.1\ndirection = "maximize"', "memory_bytes is a cost"),
        ("proof = true", "prof = true", "Did you mean 'proof'?"),
    ],
)
def test_a_guard_that_does_not_say_what_it_means_is_refused(before: str, after: str, said: str) -> None:
    assert before in GUARDED
    with pytest.raises(ConfigError) as caught:
        policy(GUARDED.replace(before, after))
    assert said in str(caught.value)


@pytest.mark.parametrize("table", ["share = 0.6", "share = -0.1", "screen = 0.0", "screen = 1.1", "shares = 0.1"])
def test_calibration_out_of_its_range_is_refused(table: str) -> None:
    with pytest.raises(ConfigError, match="calibration"):
        policy(f"{GOOD}\n[calibration]\n{table}\n")

"""The attack suite: every attack that must be stopped is, what is open is known, and the judge cannot be fooled."""

from __future__ import annotations

import ast
import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from arena import controls
from typer.testing import CliRunner

from pawl import app, redteam
from pawl.attacks import bench
from pawl.attacks.canaries import plant
from pawl.attacks.catalogue import SHARED, Attack, attacks, chosen, markdown, shared
from pawl.cli import app as command_line
from pawl.errors import ConfigError, SandboxError
from pawl.protocols import Execution, Sandbox, Task
from pawl.records import Isolation
from pawl.sandboxes import hierarchy
from pawl.sandboxes.bubblewrap import Bubblewrap
from pawl.sandboxes.unsafe import Unsafe

# Namespaces do not stop these. The next step is a kernel filter and control groups; they are strict so that whoever
# adds those has to take the names out of here.
NEEDS_CONTROL_GROUPS = {"memory-in-sockets", "inode-bomb"}
GETS_THROUGH = {"lock-channel", "load-channel", "prompt-injection-log", "prompt-injection-hypothesis"}
FAST = {"sealed-set", "process-memory", "tcp", "host-files", "path-traversal", "pickle-in-weights", "terminal-escapes"}
STOPPED = [attack for attack in attacks() if not attack.would_stop]


def marks(attack: Attack) -> list[pytest.MarkDecorator]:
    found = [] if attack.name in FAST else [pytest.mark.slow]
    if attack.name in NEEDS_CONTROL_GROUPS:
        found.append(pytest.mark.skipif(not hierarchy.parents().folders, reason="no control group can be made here"))
    return found


def one(name: str) -> Attack:
    return chosen([name])[0]


class Liar:
    """A sandbox that says it isolates, and does not: what the suite must find out. It runs as a plain process."""

    def execute(self, task: Task, stop: threading.Event) -> Execution:
        done = Unsafe(accepted=True).execute(task, stop)
        return replace(done, isolation=Isolation(sandbox="liar", version="1", safe=True, held=("everything",)))


# -- what is stopped, and what is not -------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", [pytest.param(a, id=a.name, marks=marks(a)) for a in STOPPED])
def test_the_sandbox_stops_it(attack: Attack) -> None:
    attempt = redteam.attempt(Bubblewrap(), attack)
    assert attempt.stopped, attempt.evidence
    assert not attempt.failed
    assert attempt.evidence.endswith("canaries untouched")
    assert controls(attempt.evidence) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(GETS_THROUGH))
def test_what_is_said_to_be_open_is_open(name: str) -> None:
    """If this fails, something stops it now: say so in its script."""
    attempt = redteam.attempt(Bubblewrap(), one(name))
    assert not attempt.stopped
    assert not attempt.failed
    assert attempt.would_stop
    assert attempt.signs or attempt.claims


def test_names_that_this_file_knows_are_names_of_attacks() -> None:
    names = {attack.name for attack in attacks()}
    assert names >= NEEDS_CONTROL_GROUPS | GETS_THROUGH | FAST
    assert {attack.name for attack in attacks() if attack.would_stop} - GETS_THROUGH == {"page-cache-channel"}


# -- the judge ------------------------------------------------------------------------------------------------------


BROKEN = {
    "that says nothing": "",
    "that has a mistake": "print('tried something')\nraise NameError('oops')",
    "that does not parse": "print('tried",
    "that was refused and then fell over": "print('refused to read: no')\nraise SystemExit(1)",
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_attack_that_was_not_really_tried_is_not_stopped(what: str) -> None:
    """Silence is no evidence: a script with a mistake must not look like a wall that holds."""
    attempt = redteam.attempt(Bubblewrap(), replace(one("sealed-set"), source=BROKEN[what]))
    assert not attempt.stopped
    assert attempt.failed
    assert "could not be tried" in attempt.evidence


def test_a_claim_of_failure_hides_nothing() -> None:
    source = "from attacker import TOLD, read\nprint('refused to say', read(TOLD['secrets']['sealed set']))"
    attempt = redteam.attempt(Liar(), replace(one("sealed-set"), source=source), confined=False)
    assert "the secret in the sealed set came out" in attempt.signs
    assert attempt.failed


def test_a_claim_of_success_counts_even_if_nothing_was_seen() -> None:
    attempt = redteam.attempt(Bubblewrap(), replace(one("sealed-set"), source="print('managed to be root')"))
    assert attempt.failed
    assert (attempt.signs, attempt.claims) == ((), ("it says: managed to be root",))


def test_a_sandbox_that_lies_is_found_out() -> None:
    found = list(redteam.run(Liar(), ["signing-key", "tcp", "signal-host"]))
    assert [attempt.failed for attempt in found] == [True] * 3
    assert all(attempt.signs for attempt in found)


def test_no_bomb_is_lit_in_a_sandbox_that_lies() -> None:
    """Each looks first whether it sees the host's folders."""
    bombs = [attack for attack in attacks() if attack.kind == "resources"]
    assert len(bombs) > 10
    for attack in bombs:
        calls = [node for node in ast.parse(attack.source).body if isinstance(node, ast.Expr)]
        assert ast.unparse(calls[1]) == "spare_the_host()", attack.name  # the first one is the docstring
    attempt = redteam.attempt(Liar(), one("disk-bomb"))
    assert attempt.failed
    assert "the bomb was not lit" in attempt.evidence
    assert not [claim for claim in attempt.claims if "write" in claim]


@pytest.mark.parametrize("sandbox", [Unsafe(accepted=True), Unsafe()], ids=["accepted", "refused"])
def test_nothing_hostile_is_started_without_a_sandbox(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.Bench, "run", lambda *_: pytest.fail("an attack was started"))
    with pytest.raises(SandboxError, match="isolates nothing"):
        list(redteam.run(sandbox))


def test_nothing_is_left_on_the_host() -> None:
    with plant() as canaries:
        drops = [Path(folder) / canaries.drop for folder in ("/tmp", "/var/tmp", "/dev/shm")]
        for path in drops:
            path.write_text("dropped")
        victim = canaries.victim.process
        assert "a file appeared in the host's /tmp" in set(canaries.signs(b""))
        assert os.environ["PAWL_SECRET_CANARY"] == canaries.tokens["environment"]
    assert not [path for path in (*drops, canaries.folder) if path.exists()]
    assert victim.returncode is not None
    assert "PAWL_SECRET_CANARY" not in os.environ


# -- the catalogue --------------------------------------------------------------------------------------------------


def test_there_are_many_attacks_of_every_kind() -> None:
    assert len(attacks()) >= 80
    assert len({attack.name for attack in attacks()}) == len(attacks())
    for attack in attacks():
        assert attack.tries[0].isupper(), attack.name
        assert len(attack.tries) < 130, attack.name
        assert bool(attack.would_stop) != (attack.stopped_by != "nothing"), attack.name


@pytest.mark.parametrize("source", [*(a.source for a in attacks()), shared()], ids=[*(a.name for a in attacks()), ""])
def test_attacks_need_nothing_but_the_standard_library(source: str) -> None:
    names = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert names <= set(sys.stdlib_module_names) | {SHARED.removesuffix(".py")}


def test_a_name_that_is_none_is_refused_with_the_next_best() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'fork-bomb'"):
        chosen(["fork-bom"])


def test_the_page_lists_every_attack_as_the_catalogue_has_it() -> None:
    page = (Path(__file__).parents[2] / "docs" / "explanation" / "attacks.md").read_text()
    assert markdown() in page, "run: python bench/attacks.py --page"


# -- the command ----------------------------------------------------------------------------------------------------


def test_the_command_says_what_stopped_it() -> None:
    done = CliRunner().invoke(command_line, ["redteam", "sandbox", "--only", "sealed-set", "--only", "dns"])
    assert done.exit_code == 0, done.output
    assert "mount namespace" in done.output
    assert "canaries untouched" in " ".join(done.output.split())
    assert "2 attacks: 2 stopped, 0 known to be open, none got out" in done.output


def test_the_command_fails_if_one_gets_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "sandbox", Liar)
    done = CliRunner().invoke(command_line, ["redteam", "sandbox", "--only", "sealed-set", "--json"])
    assert done.exit_code == 6
    (found,) = json.loads(done.stdout)
    assert not found["stopped"]
    assert "the secret in the sealed set came out" in found["signs"]


@pytest.mark.slow
def test_what_is_open_alone_does_not_fail_the_command() -> None:
    done = CliRunner().invoke(command_line, ["redteam", "sandbox", "--only", "prompt-injection-log"])
    assert done.exit_code == 0, done.output
    assert "1 known to be open" in done.output


def test_the_list_names_every_attack_and_its_wall() -> None:
    done = CliRunner().invoke(command_line, ["redteam", "list"])
    assert done.exit_code == 0
    for attack in attacks():
        assert attack.name in done.output
        assert (attack.would_stop or attack.stopped_by) in done.output

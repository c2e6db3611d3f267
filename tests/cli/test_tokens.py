"""`pawl tokens` says what was spent and what is left, for people and for scripts, and shows no stranger's controls."""

from __future__ import annotations

import json
from collections.abc import Callable

from typer.testing import CliRunner

from pawl import app
from pawl.cli import app as commands
from pawl.records import Completion

Make = Callable[..., app.OpenStudy]
LLM = 'workers = 1\n\n[[proposer]]\nuse = "llm"\nmodel = "small"\ntokens = 5000\nrequests_per_minute = 3\n'


def tokens(study: app.OpenStudy, *words: str) -> str:
    done = CliRunner().invoke(commands, ["tokens", "-C", str(study.folder), *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_study_without_models_says_so(toy_study: app.OpenStudy) -> None:
    assert "no proposer of this study asks" in tokens(toy_study)
    assert json.loads(tokens(toy_study, "--json")) == {}


def test_what_was_spent_and_what_is_left(make_toy: Make) -> None:
    study = make_toy(config={"workers = 1\n": LLM})
    assert json.loads(tokens(study, "--json"))["llm"]["left"] == {"tokens": 5000, "requests_per_minute": 3}
    kept = study.artifacts.put("prompt.json", b"what was asked").digest
    study.ledger.append(
        Completion(
            proposer="llm", model="small", purpose="draft", prompt=kept, answer="", outcome="timed-out",
            reason="no answer\x1b[2J in 3 s", tokens_in=700, tokens_out=300, estimated=True, money=0.0, wall_s=3.0,
        )
    )  # fmt: skip
    shown = tokens(study)
    assert "4000 tokens, 2 requests_per_minute  (1000 tokens estimated)" in shown
    assert "silent: tokens = 5000 is used up: 1000 spent, and the next request may take 4796" in shown
    assert "\x1b" not in shown
    found = json.loads(tokens(study, "--json"))["llm"]
    assert (found["spent"]["requests"], found["spent"]["failed"], found["left"]["tokens"]) == (1, 1, 4000)
    logged = CliRunner().invoke(commands, ["log", "-C", str(study.folder)]).stdout
    assert "llm asked small (draft): timed-out no answer" in logged
    assert "\x1b" not in logged
    study.verify()

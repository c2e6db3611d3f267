"""Every command as a person or a script types it: output, exit code, the next command in the hint."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from pawl import app, keys
from pawl.cli import main
from pawl.records import Dossier, Proposal, Run, Screening, Verdict
from studies import patch

Make = Callable[..., app.OpenStudy]
People = dict[str, keys.Signer]
CONTROL = "\x1b"


def pawl(*words: str | Path, study: app.OpenStudy | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The program's `main` in this process (a new interpreter takes a second), without a terminal."""
    command = ["pawl", *map(str, words), *(["-C", str(study.folder)] if study else [])]
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code: object = 0
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(err):
        patched.setattr(sys, "argv", command)
        patched.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    assert isinstance(code, int)
    return subprocess.CompletedProcess(command, code, *texts)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, people: People) -> app.OpenStudy:
    """A toy study with a dossier that waits; tests of reading share it."""
    from studies import toy

    study = app.open(toy(tmp_path_factory.mktemp("finished") / "toy", [people["ada"], people["bob"]]))
    assert study.run(runs=200, until_certified=True)
    return study


@pytest.mark.always
def test_run_ends_with_the_evidence_the_chart_the_patch_and_the_next_command(toy_study: app.OpenStudy) -> None:
    done = pawl("run", "--runs", "200", "--until-certified", study=toy_study)
    assert done.returncode == 0, done.stderr
    dossier = app.open(toy_study.folder).entries(Dossier)[-1]
    for part in ("e-value", "interval", "chart:", "page:", f"pawl review {dossier.id}", f"pawl approve {dossier.id}"):
        assert part in done.stdout, part
    assert "begins: likely" in done.stdout
    assert "+SHIFT = " in done.stdout
    assert "Nothing is released until a person signs" in done.stdout
    assert CONTROL not in done.stdout
    assert (toy_study.state / "chart.png").read_bytes().startswith(b"\x89PNG")
    assert (toy_study.state / "dossiers" / f"{dossier.id}.html").exists()


def test_run_says_so_where_nothing_was_certified(toy_study: app.OpenStudy) -> None:
    done = pawl("run", "--runs", "5", study=toy_study)
    assert done.returncode == 0
    assert "Nothing was certified in this budget" in done.stdout


def test_run_as_json_gives_every_new_entry(toy_study: app.OpenStudy) -> None:
    done = pawl("run", "--runs", "6", "--json", study=toy_study)
    entries = json.loads(done.stdout)
    assert {"study", "variant", "run", "evaluation", "noise"} <= {entry["kind"] for entry in entries}
    assert [entry["id"] for entry in entries] == list(range(1, len(entries) + 1))


@pytest.mark.slow
def test_status_names_what_stands_and_what_waits(finished: app.OpenStudy) -> None:
    waiting = finished.dossiers()[-1].id
    done = pawl("status", study=finished)
    assert done.returncode == 0
    assert f"pawl review {waiting}" in done.stdout
    assert "SELF-REPORTED" in done.stdout
    found = json.loads(pawl("status", "--json", study=finished).stdout)
    assert found["waiting"] == [waiting]
    assert found["runs"] > 5


def test_review_prints_the_statement_that_would_be_signed(finished: app.OpenStudy) -> None:
    dossier = finished.dossiers()[-1]
    done = pawl("review", study=finished)
    assert dossier.record.statement in done.stdout
    assert json.loads(pawl("review", str(dossier.id), "--json", study=finished).stdout)["id"] == dossier.id


@pytest.mark.slow
def test_log_show_diff_and_why_read_every_kind_of_entry(finished: app.OpenStudy) -> None:
    assert len(pawl("log", "-n", "1000", study=finished).stdout.splitlines()) == len(finished.ledger.all())
    dossier, screening = finished.dossiers()[-1], finished.entries(Screening)[0]
    assert "+SHIFT" in pawl("diff", str(dossier.id), study=finished).stdout
    assert "gain" in pawl("why", str(dossier.id), study=finished).stdout
    assert "seed" in pawl("why", str(screening.id), study=finished).stdout
    for entry in {type(entry.record): entry for entry in finished.ledger.all()}.values():
        assert json.loads(pawl("show", str(entry.id), "--json", study=finished).stdout)["id"] == entry.id


@pytest.mark.slow
def test_a_study_is_found_from_a_folder_inside_it(finished: app.OpenStudy) -> None:
    inside = finished.folder / "notes"
    inside.mkdir(exist_ok=True)
    done = subprocess.run([sys.executable, "-m", "pawl", "status"], cwd=inside, capture_output=True, check=False)
    assert done.returncode == 0


def test_ledger_verify_says_how_much_it_read_and_finds_a_changed_byte(toy_study: app.OpenStudy) -> None:
    toy_study.run(runs=5)
    found = json.loads(pawl("ledger", "verify", "--json", study=toy_study).stdout)
    assert found["entries"] == len(toy_study.ledger.all())
    digest = toy_study.entries(Run)[0].record.artifacts[0].digest
    artifact = toy_study.state / "artifacts" / digest[:2] / digest[2:]
    artifact.write_bytes(artifact.read_bytes() + b"x")
    done = pawl("ledger", "verify", study=toy_study)
    assert done.returncode == 4
    assert "not what was written" in done.stderr


def test_approve_shows_the_exact_bytes_signs_them_and_releases(
    finished: app.OpenStudy, people: People, tmp_path: Path
) -> None:
    study = app.adopt(shutil.copytree(finished.folder, tmp_path / "toy"))
    id = study.dossiers()[-1].id
    words = ("approve", str(id), "--key", people["ada"].key, "--as", "ada@example.org", "--note", "fine")
    printed = pawl(*words, "--print", study=study).stdout
    refused = pawl(*words, study=study)
    assert refused.returncode == 5
    assert "no terminal" in refused.stderr
    done = pawl(*words, "--yes", study=study)
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout
    assert "is the champion" in done.stdout
    again = pawl(*words, "--yes", study=study)
    assert again.returncode == 5
    assert "was settled" in again.stderr


def test_a_signature_made_elsewhere_counts(toy_study: app.OpenStudy, people: People, tmp_path: Path) -> None:
    id = str(toy_study.run(runs=200, until_certified=True)[-1].id)
    words = ("reject", id, "--reason", "not now", "--as", "bob@example.org")
    request = tmp_path / "request"
    request.write_text(pawl(*words, "--print", study=toy_study).stdout)
    signing = ["ssh-keygen", "-q", "-Y", "sign", "-n", "pawl-decision@v1", "-f", str(people["bob"].key), str(request)]
    subprocess.run(signing, check=True, capture_output=True)
    done = pawl(*words, "--signature", tmp_path / "request.sig", study=toy_study)
    assert done.returncode == 0, done.stderr
    assert "nothing is released" in done.stdout


def test_propose_takes_a_patch_from_a_file_or_a_pipe(toy_study: app.OpenStudy, tmp_path: Path) -> None:
    text = patch(toy_study, "SHIFT = 0.0", "SHIFT = 0.5")
    file = tmp_path / "my.patch"
    file.write_text(text)
    assert pawl("propose", "--patch", file, "--hypothesis", "closer", study=toy_study).returncode == 0
    piped = pawl("propose", "--patch", "-", "--hypothesis", "closer", "--json", study=toy_study, stdin=text)
    assert json.loads(piped.stdout)[0]["kind"] == "proposal"
    assert len(app.open(toy_study.folder).entries(Proposal)) == 2


@pytest.mark.parametrize(
    ("words", "code", "said", "hint"),
    [
        (["show", "999"], 2, "no entry 999", "pawl status"),
        (["review", "1"], 2, "not a dossier", "pawl status"),
        (["approve", "1", "--yes"], 2, "not a dossier", "pawl status"),
        (["run"], 2, "say how long", "--budget 5m"),
        (["run", "--budget", "5 parsecs"], 2, "not a duration", "--budget 5m"),
        (["run", "--budget", "0s"], 2, "positive", "--budget 5m"),
        (["propose", "--patch", "missing", "--hypothesis", "x"], 2, "cannot be read", "--patch FILE"),
        (["diff", "1"], 0, "", ""),
    ],
)
def test_bad_input_says_what_where_and_the_next_command(
    finished: app.OpenStudy, words: list[str], code: int, said: str, hint: str
) -> None:
    done = pawl(*words, study=finished)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_no_study_says_how_to_make_one(tmp_path: Path) -> None:
    done = pawl("status", "-C", tmp_path)
    assert done.returncode == 2
    assert "pawl.toml cannot be read" in done.stderr
    assert "pawl init" in done.stderr


@pytest.mark.parametrize(
    ("before", "after", "code", "said"),
    [
        ('metric = "val_loss"', 'metrik = "val_loss"', 2, "Did you mean 'metric'"),
        ("workers = 1", "worker = 2", 2, "Did you mean 'workers'"),
        ("workers = 1", '[sandbox]\nuse = "bublewrap"', 2, "Did you mean 'bubblewrap'"),
        ("workers = 1", '[[proposer]]\nuse = "space"\nstartups = 3', 2, "Did you mean 'startup'"),
        ('editable = ["train.py"]', 'editable = ["../train.py"]', 2, "plain relative path"),
        ('editable = ["train.py"]', 'editable = ["train.py", "model.py"]', 2, "model.py, which does not exist"),
        ('wall = "20s"', 'wall = "soon"', 2, "not a duration"),
        ("train.py:SHIFT", "train.py:SHIFTS", 2, "SHIFTS"),
    ],
)
def test_a_mistake_in_pawl_toml_is_named(make_toy: Make, before: str, after: str, code: int, said: str) -> None:
    study = make_toy()
    path = study.folder / "pawl.toml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    done = pawl("run", "--runs", "12", study=study)
    assert done.returncode == code, done.stderr + done.stdout
    assert said in done.stderr
    assert "next:" in done.stderr


@pytest.mark.parametrize(
    ("before", "after", "code", "said"),
    [
        ("version = 1", "version = 1\nexpire = 2030-01-01", 2, "Did you mean 'expires'"),
        ('use = "limits"', 'use = "limit"', 2, "Did you mean 'limits'"),
        ("threshold = 1", "threshold = 3", 5, "3 signatures and names 2"),
        ("expires = 2", "expires = 1999-01-01 # 2", 5, "expired"),
    ],
)
def test_a_policy_that_cannot_be_relied_on_stops_everything(
    make_toy: Make, before: str, after: str, code: int, said: str
) -> None:
    study = make_toy()
    path = study.folder / "policy.toml"
    path.write_text(path.read_text().replace(before, after))
    done = pawl("run", "--runs", "5", study=study)
    assert done.returncode == code, done.stderr
    assert said in done.stderr


def test_a_policy_without_gates_or_keys_is_refused(make_toy: Make) -> None:
    study = make_toy()
    path = study.folder / "policy.toml"
    text = path.read_text()
    path.write_text(text.split("[[gate]]")[0])
    assert "names no gates" in pawl("run", "--runs", "5", study=study).stderr
    path.write_text(text.replace(text[text.index("[[approver]]") : text.index("[noise]")], ""))
    done = pawl("run", "--runs", "5", study=study)
    assert done.returncode == 5
    assert "names no approvers" in done.stderr


def test_a_missing_or_dirty_repository_is_named_with_the_command_that_mends_it(make_toy: Make) -> None:
    study = make_toy()
    (study.folder / "train.py").write_text((study.folder / "train.py").read_text() + "# dirty\n")
    done = pawl("run", "--runs", "5", study=study)
    assert done.returncode == 2
    assert "not committed" in done.stderr
    assert "git add -A && git commit" in done.stderr
    subprocess.run(["rm", "-rf", str(study.folder / ".git")], check=True)
    done = pawl("run", "--runs", "5", study=study)
    assert done.returncode == 2
    assert "not a git repository" in done.stderr


def test_labs_are_listed_and_an_unknown_one_is_corrected(tmp_path: Path) -> None:
    assert {lab["name"] for lab in json.loads(pawl("lab", "list", "--json").stdout)} == {"digits", "tiny-gpt"}
    done = pawl("lab", "new", "digit", tmp_path / "x")
    assert done.returncode == 2
    assert "Did you mean 'digits'" in done.stderr
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    assert "is not empty" in pawl("lab", "new", "digits", tmp_path / "full").stderr


def test_parts_of_a_kind_are_listed() -> None:
    assert {"improvement", "limits", "integrity", "crash-rate"} <= set(pawl("parts", "gate").stdout.split())


def test_doctor_proves_the_sandbox_by_trying_to_break_it() -> None:
    done = pawl("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert done.returncode == 0
    assert checks["sandbox: write into /proc/sys"]["passed"]
    assert len(checks) > 15


def test_an_unsafe_run_needs_the_flag_and_says_so_everywhere(make_toy: Make) -> None:
    study = make_toy()
    config = study.folder / "pawl.toml"
    config.write_text(config.read_text().replace("workers = 1", 'workers = 1\n[sandbox]\nuse = "unsafe"\n'))
    refused = pawl("run", "--runs", "5", study=study)
    assert refused.returncode == 6
    done = pawl("run", "--runs", "60", "--unsafe-no-sandbox", study=study)
    assert done.returncode == 1, "refused by gates"
    assert "WARNING" in done.stdout
    assert "runs were not isolated" in done.stdout
    again = app.open(study.folder)
    assert again.entries(Dossier) == []
    findings = again.entries(Verdict)[-1].record.findings
    assert any("not isolated" in finding.reason for finding in findings)


def test_init_makes_a_key_and_tells_that_it_is_bare(
    tmp_path: Path, make_toy: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, home = make_toy(), tmp_path / "home"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    (study.folder / "policy.toml").unlink()
    done = pawl("init", study=study)
    assert done.returncode == 0, done.stderr
    assert "NO passphrase" in done.stdout
    assert (home / ".config" / "pawl" / "signing_key").stat().st_mode & 0o077 == 0
    assert "ssh-ed25519" in (study.folder / "policy.toml").read_text()
    assert "[[approver]]" in pawl("init", "--signer", study=study).stdout

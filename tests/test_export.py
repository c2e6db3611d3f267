"""One file from a study, checked on a machine without it: by `pawl verify`, and by the verifier that needs no Pawl."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bundles import VERIFIER, Bundles, both_say, exported, known, made, pawl_says
from damage import opened
from pawl import app, bundle, cli, keys
from pawl.bundle import read
from pawl.errors import IntegrityError, PawlError
from pawl.records import Dossier, Release, Run

People = dict[str, keys.Signer]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, people: People) -> Bundles:
    return made(tmp_path_factory.getbasetemp() / "bundles", people)


def anchors(real: Bundles) -> list[str]:
    return ["--log-key", str(real.anchors.log), "--policy-digest", str(real.anchors.policy)]


def pawl(*words: str) -> tuple[int, str]:
    """The exit code and the output of a command."""
    done = CliRunner().invoke(cli.app, list(words))
    error = done.exception
    if isinstance(error, PawlError):
        return error.exit_code, f"{done.output}\nerror: {error}\nnext: {error.hint}"
    return done.exit_code, done.output


def alone(file: Path, *words: str, python: str = sys.executable) -> tuple[int, str]:
    """The same of the stand-alone verifier, in a process that cannot import Pawl."""
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    command = [python, "-I", "-S", str(VERIFIER), str(file), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    return done.returncode, done.stdout + done.stderr


def test_what_a_released_dossier_rests_on_is_in_the_file_and_nothing_else(real: Bundles) -> None:
    found, key = read(real.first, real.anchors.log)
    assert key == real.anchors.log
    assert found.case.decision == "released"
    assert found.case.people == ("ada@example.org",)
    kinds = [json.loads(bundle.decoded(entry.body))["kind"] for entry in found.history.entries]
    assert {"Study", "Noise", "Preregistration", "Certificate", "Verdict", "Dossier", "Approval", "Release"} < set(
        kinds
    )
    assert len(kinds) < len(real.study.ledger.all())
    assert [subject.name for subject in found.subjects][:2] == ["commit", "patch.diff"]
    released = real.study.ledger.get(found.case.entry or 0, Release)
    assert found.subjects[0].digest == {"gitCommit": released.record.commit}


def test_the_second_release_tells_all_that_happened_before_and_after(real: Bundles) -> None:
    said = "\n".join(pawl_says(real.second, real.later)[2].findings)
    for words in (
        "Nothing is left out", "2 policies were in force", "2 signature(s) needed", "ada@example.org, bob@example.org",
        "keys were revoked: lost on a train", "the study was halted: a fire drill", "(1 needed)",
    ):  # fmt: skip
        assert words in said


def test_artifacts_come_along_if_asked_for(real: Bundles) -> None:
    dossier = real.study.entries(Dossier)[0]
    raw = exported(real.study, dossier.id, with_artifacts=True)
    assert both_say(raw, real.anchors) == 0
    assert "1 of 1 are in the file" in pawl_says(raw, real.anchors)[2].findings[-1]
    assert "0 of 1 are in the file" in pawl_says(real.first, real.anchors)[2].findings[-1]
    files = read(raw, None)[0].files
    digest = next(run for run in real.study.entries(Run) if run.record.artifacts[0].digest in files)
    assert json.loads(files[digest.record.artifacts[0].digest])


def test_an_undecided_dossier_and_a_rejected_one_say_so_and_are_not_accepted(real: Bundles, people: People) -> None:
    assert both_say(real.undecided, real.anchors) == 5
    assert pawl_says(real.undecided, real.anchors)[2].decision == "undecided"
    study = app.adopt(shutil.copytree(real.before, real.before.with_name("rejected")))
    dossier = study.dossiers()[-1]
    study.decide(dossier.id, "reject", people["ada"].key, people["ada"].name, "too good to be true")
    raw = exported(study, dossier.id)
    code, words, report = pawl_says(raw, known(study, dossier.id))
    assert (code, report.decision) == (5, "rejected")
    assert both_say(raw, known(study, dossier.id)) == 5
    assert any("too good to be true" in finding for finding in report.findings), words


@pytest.mark.slow
def test_a_dossier_with_one_of_two_signatures_is_undecided(real: Bundles, people: People) -> None:
    study = app.adopt(shutil.copytree(real.before, real.before.with_name("half")))
    policy = study.folder / "policy.toml"
    policy.write_text(policy.read_text().replace("threshold = 1 ", "threshold = 2 "))
    ada = people["ada"]
    study.decide(study.propose_policy("ada").id, "approve", ada.key, ada.name)
    study = app.open(study.folder)
    study.judge_again(study.dossiers()[-1].id)
    dossier = study.dossiers()[-1]
    study.decide(dossier.id, "approve", ada.key, ada.name)
    raw = exported(study, dossier.id)
    assert both_say(raw, known(study, dossier.id)) == 5
    assert "1 of 2 signed" in "\n".join(pawl_says(raw, known(study, dossier.id))[2].findings)
    bob = people["bob"]
    study.decide(dossier.id, "approve", bob.key, bob.name)
    assert both_say(exported(study, dossier.id), known(study, dossier.id)) == 0


def test_a_key_revoked_before_the_release_does_not_count_and_afterwards_it_is_told(
    real: Bundles, people: People
) -> None:
    study = app.adopt(shutil.copytree(real.before, real.before.with_name("revoked")))
    dossier, ada = study.dossiers()[-1], people["ada"]
    study.decide(dossier.id, "approve", ada.key, ada.name)
    study.revoke(ada.public.encode(), "stolen", "bob")
    raw = exported(study, dossier.id)
    assert both_say(raw, known(study, dossier.id)) == 0
    assert any(
        "keys were revoked: stolen" in finding for finding in pawl_says(raw, known(study, dossier.id))[2].findings
    )


def test_an_attachment_that_is_gone_stops_the_export(real: Bundles) -> None:
    study = app.adopt(shutil.copytree(real.before, real.before.with_name("gone")))
    dossier = study.dossiers()[-1]
    digest = dossier.record.attachments[0].digest
    (study.state / "artifacts" / digest[:2] / digest[2:]).unlink()
    with pytest.raises(IntegrityError):
        exported(study, dossier.id)


# -- commands -------------------------------------------------------------------------------------------------------


def test_export_and_verify_from_the_command_line(real: Bundles, tmp_path: Path) -> None:
    id, file = real.study.entries(Dossier)[0].id, tmp_path / "a.bundle"
    code, said = pawl("export", str(id), "-C", str(real.study.folder), "-o", str(file), "--with-artifacts")
    assert code == 0
    assert str(real.anchors.log) in said
    assert pawl("verify", str(file), *anchors(real))[0] == 0
    code, said = pawl("verify", str(file), *anchors(real), "--json")
    found = json.loads(said)
    assert (code, found["accepted"], found["case"]["decision"]) == (0, True, "released")
    code, said = pawl("verify", str(file))
    assert code == 5
    assert "agrees with itself" in said
    assert pawl("verify", str(file), "--self-consistent-only")[0] == 0
    assert pawl("verify", str(file), *anchors(real), "--whole")[0] == 5
    file.write_bytes(file.read_bytes().replace(b'"format"', b'"formaT"'))
    code, said = pawl("verify", str(file), *anchors(real))
    assert code == 4
    assert "next:" in said
    assert pawl("verify", str(tmp_path / "none"))[0] == 2
    assert pawl("export", "1", "-C", str(real.study.folder))[0] == 2


def test_signers_and_witnesses_from_the_command_line(real: Bundles, people: People, tmp_path: Path) -> None:
    file, listed = tmp_path / "a.bundle", tmp_path / "signers"
    file.write_bytes(real.first)
    listed.write_text(f"# who may\n\n{people['ada'].name} {people['ada'].public}\n")
    words = ["--log-key", str(real.anchors.log), "--signers", str(listed)]
    assert (pawl("verify", str(file), *words)[0], alone(file, *words)[0]) == (0, 0)
    listed.write_text(f"{people['eve'].name} {people['eve'].public}\n")
    assert (pawl("verify", str(file), *words)[0], alone(file, *words)[0]) == (5, 5)
    listed.write_text("ada@example.org\n")
    assert (pawl("verify", str(file), *words)[0], alone(file, *words)[0]) == (2, 2)
    assert pawl("verify", str(file), *anchors(real), "--witness", str(real.anchors.log))[0] == 2


def test_the_other_verifier_is_given_out_as_it_is() -> None:
    done = CliRunner().invoke(cli.app, ["verify", "--print-verifier"])
    assert done.stdout_bytes == VERIFIER.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("python", [sys.executable, "python3.9", "python3.10", "python3.12", "python3.13"])
def test_the_other_verifier_runs_alone(real: Bundles, tmp_path: Path, python: str) -> None:
    if not shutil.which(python) or subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip(f"{python} is not on this machine")
    file = tmp_path / "a.bundle"
    file.write_bytes(real.first)
    code, said = alone(file, *anchors(real), python=python)
    assert code == 0, said
    assert said.splitlines()[-1] == "RELEASED, as the keys you gave say."
    code, said = alone(file, python=python)
    assert code == 5
    assert "agrees with itself" in said
    assert alone(file, "--self-consistent-only", python=python)[0] == 0
    file.write_bytes(real.undecided)
    assert alone(file, *anchors(real), python=python)[0] == 5
    file.write_bytes(real.first[:-2])
    assert alone(file, *anchors(real), python=python)[0] == 4


def test_the_other_verifier_imports_only_the_standard_library() -> None:
    lines = [
        line.split()[1] for line in VERIFIER.read_text().splitlines() if line.lstrip().startswith(("import ", "from "))
    ]
    assert {name.partition(".")[0] for name in lines} <= set(sys.stdlib_module_names)


def test_the_two_statements_are_in_toto_in_dsse(real: Bundles) -> None:
    whole = opened(real.first)
    for name, kind in (("case", "urn:pawl:dossier:v1"), ("history", "urn:pawl:history:v1")):
        assert whole[name]["payloadType"] == "application/vnd.in-toto+json"
        assert whole[name]["payload"]["_type"] == "https://in-toto.io/Statement/v1"
        assert whole[name]["payload"]["predicateType"] == kind
        assert all(subject["digest"] for subject in whole[name]["payload"]["subject"])

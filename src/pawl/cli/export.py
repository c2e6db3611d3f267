"""Commands for auditors: write a bundle of a dossier, check one without the study, give out the other verifier."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated, cast

import typer

from pawl import bundle, checkpoint, plugins
from pawl.audit import Anchors, Report, audit
from pawl.checkpoint import PublicKey
from pawl.cli.screen import HERE, AsJson, Folder, app, complain, say, say_json, study_in
from pawl.errors import ConfigError, PawlError
from pawl.export import Export
from pawl.protocols import Signer
from pawl.records import Dossier

Out = Annotated[Path | None, typer.Option("-o", "--output", help="The file to write; else dossier-N.bundle.")]
Artifacts = Annotated[bool, typer.Option("--with-artifacts", help="With the bytes of the released run's files.")]
Whole = Annotated[bool, typer.Option("--whole", help="With every entry of the log: nothing can have been left out.")]
File = Annotated[Path | None, typer.Argument(help="A bundle.", show_default=False)]
LogKey = Annotated[str, typer.Option(help="The log's key, as `pawl ledger key` prints it.")]
PolicyDigest = Annotated[str, typer.Option(help="The sha256 of policy.toml.")]
Signers = Annotated[Path | None, typer.Option(help="Who may approve: a file of lines `name key-type key`.")]
Witness = Annotated[list[str] | None, typer.Option(help="The key of a witness; may be given again.")]
Witnesses = Annotated[int | None, typer.Option(help="How many of them must have signed; else all.", min=0)]
All = Annotated[bool, typer.Option("--whole", help="Refuse a bundle that leaves out an entry of the log.")]
SelfOnly = Annotated[bool, typer.Option("--self-consistent-only", help="Hold the file against nothing but itself.")]
PrintVerifier = Annotated[bool, typer.Option("--print-verifier", help="Print the verifier that needs no Pawl.")]


@app.command()
def export(
    id: int, folder: Folder = HERE, output: Out = None, with_artifacts: Artifacts = False, whole: Whole = False
) -> None:
    """Write all that one dossier rests on into one file, which anybody can check without this study."""
    study = study_in(folder)
    dossier, file = study.ledger.get(id, Dossier), output or Path(f"dossier-{id}.bundle")
    key, note = study.anchor.key(), study.anchor.keep(study.ledger)
    found = Export(study.ledger, study.artifacts, note, whole, with_artifacts).bundle(dossier)
    content = bundle.write(found, key)
    try:
        file.write_bytes(content)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}", f"pawl export {id} -o FILE") from error
    say(f"{file}: dossier {id} ({found.case.decision}), {len(found.history.entries)} entries, {len(content)} bytes")
    say("\nWho checks it needs these from you, by another way than the file:")
    say(f"  --log-key {key.public}\n  --policy-digest {dossier.record.policy}")
    say(f"\nnext:  pawl verify {file} --log-key ... --policy-digest ...")
    say("or:    pawl verify --print-verifier > verify_pawl.py")


@app.command()
def verify(
    file: File = None, log_key: LogKey = "", policy_digest: PolicyDigest = "", signers: Signers = None,
    witness: Witness = None, witnesses: Witnesses = None, whole: All = False, self_consistent_only: SelfOnly = False,
    as_json: AsJson = False, print_verifier: PrintVerifier = False,
) -> None:  # fmt: skip
    """Check a bundle, without the study. Exit code 4: it is not what was written; 5: the right people did not sign."""
    if print_verifier:
        sys.stdout.buffer.write(files("pawl").joinpath("standalone", "verify_pawl.py").read_bytes())
        return
    if file is None:
        raise ConfigError("which file?", "pawl verify FILE --log-key VKEY --policy-digest HEX")
    anchors = Anchors(
        log=checkpoint.public_key(log_key) if log_key else None, policy=policy_digest.removeprefix("sha256:") or None,
        signers=_signers(signers) if signers else None, witnesses=witnesses,
        whole=whole, witness=[_witness(text) for text in witness or ()],
    )  # fmt: skip
    report = Report(anchors.enough)
    try:
        audit(_bytes(file), anchors, cast(Signer, plugins.build("signer", "ssh", {})), report)
        report.must_hold(self_consistent_only)
    except PawlError as error:
        _say(report, str(error), as_json)
        if not as_json:
            complain(error)
        raise typer.Exit(error.exit_code) from None
    _say(report, "", as_json)


def _say(report: Report, refusal: str, as_json: bool) -> None:
    """Every finding, and the verdict."""
    if as_json:
        found = {"accepted": not refusal, "refused": refusal, "anchored": report.anchored, "findings": report.findings}
        say_json({**found, "case": report.case.model_dump(mode="json") if report.case else None})
        return
    for number, text in enumerate(report.findings, 1):
        say(f"{number:2d}. {text}")
    if refusal:
        return
    whose = "as the keys you gave say" if report.anchored else "says a file that agrees with itself, and no more"
    say(f"\nRELEASED, {whose}.", "bold")


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", "pawl verify FILE") from error


def _signers(file: Path) -> frozenset[tuple[str, ...]]:
    """The people in a file of lines `name key-type key`; empty lines and those with # do not count."""
    text = _bytes(file).decode(errors="replace")
    lines = [line.split() for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
    if not lines or not all(len(line) >= 3 for line in lines):
        raise ConfigError(f"{file} must have lines `name key-type key`", "ada@example.org ssh-ed25519 AAAA...")
    return frozenset(tuple(line[:3]) for line in lines)


def _witness(text: str) -> PublicKey:
    key = checkpoint.public_key(text)
    if key.role != "witness":
        raise ConfigError(f"{key.name}'s key is a log's, not a witness's", "pawl ledger witness FILE   (prints it)")
    return key

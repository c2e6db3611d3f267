"""Commands on the rules: the policy in force, what differs, proposing a change, revoking keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pawl import amend, keys
from pawl import policy as rules
from pawl.cli.screen import HERE, AsJson, Folder, app, entry_json, say, say_json, study_in
from pawl.errors import ConfigError

policy = typer.Typer(help="The rules in force, and changes of them.", no_args_is_help=True)
app.add_typer(policy, name="policy")


@policy.command("show")
def show(folder: Folder = HERE) -> None:
    """The policy in force, as the ledger has it."""
    study = study_in(folder)
    found = study.known_rules()
    say((found[1].text if found else rules.wished(study.folder)[2]).rstrip("\n"))


@policy.command("diff")
def diff(folder: Folder = HERE, as_json: AsJson = False) -> None:
    """What policy.toml would change, in plain words."""
    study = study_in(folder)
    found, wished = study.known_rules(), rules.wished(study.folder)
    lines = list(amend.changes(found[0], wished[0])) if found else []
    if as_json:
        say_json(lines)
        return
    for line in lines:
        say(line)
    if not found:
        say("no policy is in force yet: policy.toml counts from the first run on")
    elif wished[1] == found[1].digest:
        say("policy.toml is the policy in force")
    else:
        say("\nnext:  pawl policy propose")


@policy.command("propose")
def propose(
    folder: Folder = HERE,
    name: Annotated[str, typer.Option("--as", help="Who proposes it; else git's user.email.")] = "",
    as_json: AsJson = False,
) -> None:
    """Put policy.toml before the approvers of the policy in force."""
    study = study_in(folder)
    entry = study.propose_policy(name or keys.name(study.folder))
    if as_json:
        say_json(entry_json(entry))
        return
    say(entry.record.statement.split("\nTHE WHOLE NEW POLICY")[0])
    say(f"next:  pawl review {entry.id}   then   pawl approve {entry.id}   or   pawl reject {entry.id} --reason '...'")


@app.command()
def revoke(
    file: Annotated[Path, typer.Argument(help="Public keys, a line each, or a KRL (ssh-keygen -k).")],
    reason: Annotated[str, typer.Option(help="Why they no longer count.")],
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Let keys no longer count, from now on. Needs no signature: it only takes away, and cannot be undone."""
    study = study_in(folder)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", "pawl revoke FILE --reason '...'") from error
    entry = study.revoke(content, reason, keys.name(study.folder))
    if as_json:
        say_json(entry_json(entry))
    else:
        say(f"revoked (entry {entry.id})\n\nnext:  take the approver out of policy.toml, then: pawl policy propose")

"""The kill switch: halt, and the signed resume."""

from __future__ import annotations

from typing import Annotated

import typer

from pawl import config, keys
from pawl.cli.decisions import As, Given, Key, Note, Print, Yes, key_to_sign_with, may_sign, read_signature
from pawl.cli.screen import HERE, AsJson, Folder, app, complain, entry_json, say, say_json, study_folder, study_in
from pawl.errors import ConfigError, PawlError
from pawl.halt import Switch
from pawl.wiring import STATE


@app.command()
def halt(
    reason: Annotated[str, typer.Option(help="Why.")], folder: Folder = HERE, as_json: AsJson = False
) -> None:  # fmt: skip
    """Stop every sandbox of the study within two seconds; nothing starts again before a signed `pawl resume`."""
    place = study_folder(folder)
    state = place / STATE
    if not (place / config.FILE).is_file():
        raise ConfigError(f"{place} is not a study: nothing was halted", "pawl halt -C FOLDER --reason '...'")
    state.mkdir(mode=0o700, exist_ok=True)
    record = Switch(state).throw(reason, keys.name(place))  # before the ledger is opened: it may be down
    try:
        study = study_in(place)
        with study.kept():
            entry = study.switch.written(record, study.ledger)
    except PawlError as error:
        complain(error)
        say("halted on this machine; the ledger will hold it as soon as it can be written", "bold red")
        return
    if as_json:
        say_json(entry_json(entry))
    else:
        say(f"halted (entry {entry.id}): {record.reason}", "bold red")
        say("next:  pawl resume   (needs a signature)")


@app.command()
def resume(
    folder: Folder = HERE, key: Key = None, name: As = "", note: Note = "", signature: Given = None,
    only_print: Print = False, yes: Yes = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Sign that a halt is over. The loop may be started again."""
    study = study_in(folder)
    approver = name or keys.name(study.folder)
    request = study.resume_request(approver, note)
    if only_print:
        print(request, end="")
        return
    say(request)
    if signature:
        entry = study.record_resume(read_signature(signature, "pawl resume --print"), approver, note)
    else:
        may_sign(yes, approver, "pawl resume --yes")
        entry = study.resume(key_to_sign_with(study, key, "pawl resume --key PATH"), approver, note)
    if as_json:
        say_json(entry_json(entry))
        return
    left = study.switch.standing(study.ledger)
    following = (
        "pawl run --budget 5m" if left is None else f"pawl resume   (halt {left.id} stands: {left.record.reason})"
    )
    say(f"\nresumed (entry {entry.id})\n\nnext:  {following}")

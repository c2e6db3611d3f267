"""Commands that attack: the whole suite against this machine's own sandbox, and what is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from pawl import app as wiring
from pawl import redteam
from pawl.cli.screen import AsJson, app, console, say, say_json
from pawl.hostile import one_line

attacks = typer.Typer(help="Attack the sandbox of this machine with all that we know.", no_args_is_help=True)
app.add_typer(attacks, name="redteam")
MARKS = {"stopped": ("ok", "green"), "out": ("FAIL", "red"), "open": ("open", "yellow")}


@attacks.command("sandbox")
def sandbox(
    only: Annotated[list[str] | None, typer.Option("--only", help="This attack; may be given again.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run every attack in the sandbox as a study's training would be, and tell what stopped it. About a minute."""
    names, found = only or [], []
    total = len(names) or len(redteam.attacks())
    with console.status("attacking") as progress:
        for attempt in redteam.run(wiring.sandbox(), names):
            found.append(attempt)
            progress.update(f"attacking: {len(found)} of {total}")
    if as_json:
        say_json([asdict(attempt) for attempt in found])
    else:
        console.print(_table(found))
        say(_summary(found))
    if any(attempt.failed for attempt in found):
        raise typer.Exit(6)


@attacks.command("list")
def list_attacks(as_json: AsJson = False) -> None:
    """The attacks that there are, what each tries, and what must stop it."""
    known = redteam.attacks()
    if as_json:
        say_json([{name: value for name, value in asdict(attack).items() if name != "source"} for attack in known])
        return
    for attack in known:
        say(f"{attack.name:28s} {attack.tries}")
        say(f"{'':28s} {'open; would stop it' if attack.would_stop else 'stopped by'}: {_wall(attack)}", "dim")


def _wall(found: redteam.Attack | redteam.Attempt) -> str:
    return found.would_stop or found.stopped_by


def _standing(attempt: redteam.Attempt) -> str:
    return "stopped" if attempt.stopped else "out" if attempt.failed else "open"


def _table(attempts: Sequence[redteam.Attempt]) -> Table:
    """Attack, stopped by, evidence. Evidence holds a hostile program's words: plain text, one line each."""
    table = Table("", "attack", "stopped by", "evidence", box=None, pad_edge=False, show_edge=False)
    for attempt in attempts:
        mark, style = MARKS[standing := _standing(attempt)]
        wall = {"stopped": attempt.stopped_by, "out": f"not by {attempt.stopped_by}"}.get(standing, "nothing here")
        more = f"; would stop it: {attempt.would_stop}" if standing == "open" else ""
        cells = (attempt.name, wall, one_line(attempt.evidence) + more)
        table.add_row(Text(mark, style), *map(Text, cells))
    return table


def _summary(attempts: Sequence[redteam.Attempt]) -> str:
    count = Counter(map(_standing, attempts))
    words = f"{len(attempts)} attacks: {count['stopped']} stopped, {count['open']} known to be open"
    return words + (f", {count['out']} GOT OUT: report them, see SECURITY.md" if count["out"] else ", none got out")

"""Questions about finished work: ablate, regress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from pawl import answers, asking, bars, reading
from pawl.app import OpenStudy
from pawl.bars import Bar
from pawl.changes import By
from pawl.cli.screen import HERE, AsJson, Folder, app, console, entries_json, say, say_json, study_in
from pawl.ledger import Entry
from pawl.purse import Said
from pawl.records import Ablation, Bisection, Drop, Proposal, Regression

Budget = Annotated[str, typer.Option(help="Wall-clock time, such as 5m or 2h; asked again, it goes on.")]
Runs = Annotated[int | None, typer.Option(help="Training runs, at most.", min=1)]
Unsafe = Annotated[bool, typer.Option("--unsafe-no-sandbox", help="Run generated code WITHOUT a sandbox.")]
Wait = Annotated[bool, typer.Option("--wait", help="Where a loop runs: wait for its end.")]


@app.command()
def ablate(
    id: Annotated[int, typer.Argument(help="A dossier, certificate, verdict or release.")],
    folder: Folder = HERE,
    budget: Budget = "",
    runs: Runs = None,
    margin: Annotated[float, typer.Option(help="What the smaller patch may cost: a share of the gain.")] = asking.SHARE,
    pairs: Annotated[int | None, typer.Option(help="Pairs for a claim, at most.", min=5)] = None,
    by: Annotated[By, typer.Option(help="What counts as one change.")] = "change",
    propose: Annotated[
        bool, typer.Option("--propose", help="Put the smaller patch in the queue, if it is shown.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Ask anew, on new seeds, at a higher threshold.")] = False,
    unsafe: Unsafe = False,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Which changes of a certified bundle carry its gain; offers the smaller patch. Releases nothing."""
    study = study_in(folder)
    with _progress(as_json) as said:
        found = asking.ablate(
            study, id, by=by, share=margin, pairs=pairs, again=again, budget=budget or None, runs=runs, unsafe=unsafe,
            wait=wait, said=said,
        )  # fmt: skip
    if found is None:
        if as_json:
            say_json([])
        else:
            say(f"The budget ended before the question was decided; all runs are kept.\n\nnext:  pawl ablate {id}")
        return
    proposal = asking.propose_smaller(study, found) if propose and found.record.shown else None
    if as_json:
        say_json(entries_json([found, *([proposal] if proposal else [])]))
    else:
        _conclude(study, id, found, proposal)


@contextmanager
def _progress(as_json: bool) -> Iterator[Said]:
    """Where to say how far it is: a spinner on a terminal, nothing for scripts."""
    if as_json or not console.is_terminal:
        yield asking.silent
        return
    with console.status("preparing the environment") as spinner:
        yield lambda words: spinner.update(words)


def _conclude(study: OpenStudy, id: int, found: Entry[Ablation], proposal: Entry[Proposal] | None) -> None:
    """What came of it, the picture, the smaller patch, the next command."""
    for line in reading.why(study.ledger, found.id):
        say(line)
    title, unit, drawn, margin = _picture(study, found)
    say("\n" + bars.terminal(title, unit, drawn, min(console.width, 120), margin))
    path = study.state / "ablations" / f"{found.id}.png"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bars.png(title, unit, drawn, margin))
    say(f"chart: {path}")
    if not found.record.shown:
        say("\nNo smaller patch is offered: nothing that can go was shown to cost less than the margin.", "bold")
        say(f"next:  pawl why {found.id}   |   pawl ablate {id} --margin 0.5")
        return
    say(f"\nThe smaller patch is a new variant, and has no certificate:\n\n{study.diff(found.id)}", "bold")
    if proposal:
        say(f"proposal {proposal.id} waits for its turn\n\nnext:  pawl run --runs 20")
    else:
        say(f"next:  pawl ablate {id} --propose   (into the queue)   |   pawl diff {found.id} > smaller.diff")


def _picture(study: OpenStudy, found: Entry[Ablation]) -> tuple[str, str, list[Bar], float]:
    """Title, unit, bars and margin of an ablation."""
    _, plan = answers.plan_of(study.ledger, found.record)
    drawn = []
    for effect in found.record.effects:
        together = f"changes {', '.join(map(str, effect.changes))} together"
        label = (
            together
            if effect.claim == "removable"
            else f"{effect.changes[0]} {plan.changes[effect.changes[0] - 1].name}"
        )
        drawn.append(Bar(label, effect.cost, effect.low, effect.high, effect.shown and effect.claim == "carries"))
    drawn.sort(key=lambda bar: -(bar.value or 0.0))
    metric = study.config.study.metric
    return f"What taking it out costs: certificate {plan.certificate}", metric, drawn, plan.margin


@app.command()
def regress(
    folder: Folder = HERE,
    suite: Annotated[list[str] | None, typer.Option(help="Only this suite; may be given again.")] = None,
    since: Annotated[int | None, typer.Option(help="Releases from this one on.")] = None,
    budget: Budget = "",
    runs: Runs = None,
    pairs: Annotated[int | None, typer.Option(help="Seeds on which every release is run, at most.", min=5)] = None,
    bisect: Annotated[bool, typer.Option("--bisect", help="Find the change that made it worse.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Ask anew, on new seeds.")] = False,
    unsafe: Unsafe = False,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Run every release on the same fresh seeds; say which is worse than an earlier one. Exit code 1 if one is."""
    study = study_in(folder)
    with _progress(as_json) as said:
        found = asking.regress(
            study, suites=suite or (), since=since, pairs=pairs, bisect=bisect, again=again, budget=budget or None,
            runs=runs, unsafe=unsafe, wait=wait, said=said,
        )  # fmt: skip
    if found is None:
        if as_json:
            say_json([])
        else:
            say("The budget ended before the question was decided; all runs are kept.\n\nnext:  pawl regress")
        return
    regression, bisections = found
    if as_json:
        say_json(entries_json([regression, *bisections]))
    else:
        _conclude_regression(study, regression, bisections)
    if any(drop.found for drop in regression.record.drops):
        raise typer.Exit(1)


def _conclude_regression(study: OpenStudy, entry: Entry[Regression], bisections: list[Entry[Bisection]]) -> None:
    """What came of it, the pictures, the changes that did it, the next command."""
    for line in reading.why(study.ledger, entry.id):
        say(line)
    for suite in dict.fromkeys(drop.suite for drop in entry.record.drops):
        title, unit, drawn = _losses(study, entry, suite)
        say("\n" + bars.terminal(title, unit, drawn, min(console.width, 120)))
        path = study.state / "regressions" / f"{entry.id}-{suite}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bars.png(title, unit, drawn))
        say(f"chart: {path}")
    for drop in asking.first_drops(entry.record):
        since, before = answers.name(study.ledger, drop.after), answers.name(study.ledger, drop.before)
        say(f"\n{drop.suite}: worse since {since}; it is below {before}", "bold")
    for bisection in bisections:
        for line in reading.why(study.ledger, bisection.id):
            say(line)
    worse = any(drop.found for drop in entry.record.drops)
    if worse and not bisections:
        say("next:  pawl regress --bisect   (which change did it)")
    elif not worse:
        say("\nNo release is shown to be worse than an earlier one. That is not a proof that none is.", "bold")
        say(f"next:  pawl why {entry.id}")


def _losses(study: OpenStudy, entry: Entry[Regression], suite: str) -> tuple[str, str, list[Bar]]:
    """Title, unit and bars of a regression on one suite."""
    metrics = {table.name: table.metric for table in study.config.suite}
    drawn = [
        Bar(_beside(study, drop), drop.loss, drop.low, drop.high, drop.found)
        for drop in entry.record.drops if drop.suite == suite
    ]  # fmt: skip
    return f"{suite}: how much worse than an earlier release", metrics.get(suite, study.config.study.metric), drawn


def _beside(study: OpenStudy, drop: Drop) -> str:
    return f"{answers.name(study.ledger, drop.after)} beside {answers.name(study.ledger, drop.before)}"

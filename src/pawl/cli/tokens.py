"""`pawl tokens`: what proposers spent on language models, and what is left."""

from __future__ import annotations

from dataclasses import asdict

from pawl.cli.screen import HERE, AsJson, Folder, app, say, say_json, study_in


@app.command()
def tokens(folder: Folder = HERE, as_json: AsJson = False) -> None:
    """What each proposer asked of language models: requests, tokens, money, what its limits leave, why it is silent."""
    found = study_in(folder).spending()
    if as_json:
        say_json({bill.proposer: {**asdict(bill), "left": bill.left} for bill in found})
        return
    if not found:
        say('no proposer of this study asks a language model\n\nnext:  see [[proposer]] use = "llm" in pawl.toml')
        return
    say("  proposer          requests  failed   tokens in  tokens out       money  left")
    for bill in found:
        known = bill.spent
        left = ", ".join(f"{value:.6g} {name}" for name, value in bill.left.items()) or "no limit"
        guessed = f"  ({known.estimated} tokens estimated)" if known.estimated else ""
        say(
            f"  {bill.proposer:16s}  {known.requests:8d}  {known.failed:6d}  {known.tokens_in:10d}  "
            f"{known.tokens_out:10d}  {known.money:10.4f}  {left}{guessed}"
        )
        if bill.silent:
            say(f"    silent: {bill.silent}")

"""Writes docs/reference/*.md from the code: `python tools/reference.py`. With --check: 1 if a page is out of date.

Everything on those pages comes from the program itself, but for the meanings of the keys below: pydantic's tables
have types and defaults, and no words for a single key. A key without its words here stops the generator.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.testing import CliRunner

from pawl import errors, protocols, records
from pawl.cli import app
from pawl.config import Config
from pawl.policy import Policy
from pawl.tables import PartTable

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "reference"
NOTE = "<!-- Written by tools/reference.py from the code. Do not edit; run `python tools/reference.py`. -->\n"
TYPES = {
    "Seconds": "duration", "Bytes": "size", "Inside": "path", "PartTable": "part", "Limits": "table",
    "Mode": '"standard" or "adversarial"',
    "Direction": '"minimize" or "maximize"', " | Literal['']": "", "Literal['int', 'float', 'categorical']": "word",
    "tuple[str, ...]": "list of strings", "tuple[path, ...]": "list of paths", "tuple[part, ...]": "list of parts",
    "tuple[float, ...]": "list of numbers", "Literal['learned', 'halving']": "word",
    "tuple[Approver, ...]": "list of tables", "float | None": "float", "bool | None": "true or false",
    "tuple[GuardTable, ...]": "list of tables", "tuple[ProposerTable, ...]": "list of parts",
    "dict[str, Annotated[tuple[Constant, ...], Field(min_length=1)]]": "table of lists",
    "tuple[Constant, ...]": "list of values", "dict[str, SpaceTable]": "tables",
    "Constant | None": "value", "Sure | None": "word",
}  # fmt: skip
HANDED = {"earlier"}
"""Fields of parts that have a default, and that Pawl hands in all the same."""
BOUNDS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "min_length": "length >=", "pattern": "pattern"}

ABOUT_CLI = """\
Commands look for `pawl.toml` in the current folder and in those above it. `--json` prints one JSON value on
standard output. `NO_COLOR` turns colour off. Exit codes: [errors.md](errors.md).
"""
ABOUT_FILES = """\
A duration is a number of seconds or `"90s"`, `"5m"`, `"2h"`, `"1d"`. A size is a number of bytes or `"64MiB"`,
`"2GB"`. A path is relative, inside the study. A part is a table with `use = "NAME"` and the part's own settings
([parts.md](parts.md)). Unknown keys are refused.

# pawl.toml: what to try

The operator edits it freely. A change of `[study]`, `[train]` or `[evaluate]`, of the data, of the sealed sets or
of the environment makes earlier runs incomparable: the noise is measured anew, and dossiers that wait no longer
stand.
"""
ABOUT_RECORDS = """\
An entry of the ledger is a record with its id (its position in the chain), the time of writing, and the digest of
the chain up to it. `pawl log` lists entries, `pawl show N` prints one.
"""
ABOUT_ERRORS = """\
An error prints what and where on standard error, and then the next command to type. What a reader may expect to
happen (a run that crashes, a gate that refuses) is a record in the ledger and not an error.

| exit code | error | when |
|---|---|---|
| 0 | | done; `pawl run` also when nothing was certified |
| 1 | | `pawl why`, `pawl judge`: the gates refused; `pawl regress`: one is worse; or a `PawlError` of no other kind |
"""
ABOUT_PARTS = """\
A part is a frozen dataclass, found by name through an entry point. Built-in parts register in the same groups as
a stranger's. Fields with a default are its settings; Pawl hands in the others. `pawl parts KIND` lists what is
installed. How to write one: [write-a-gate.md](../how-to/write-a-gate.md).
"""

MEANINGS = {
    "study.name": "what the study is called in statements and charts",
    "study.metric": "the metric that decides: one that the scorer gives, or a name for the self-reported value",
    "study.direction": "whether lower or higher is better",
    "environment.python": "the interpreter; empty: the first system Python that a sandbox can read",
    "environment.requirements": "a pip requirements file; a virtual environment is made from it and cached",
    "environment.constraints": "a pip constraints file with exact versions",
    "environment.mounts": "more host paths, shown read-only inside every sandbox at the same place",
    "train.command": "the training program; `python` means the environment's interpreter",
    "train.editable": "the only files that a patch may touch",
    "train.data": "training files, shown read-only at the same place under /study",
    "train.budget": "a number and a unit; the number is told to the program as PAWL_BUDGET",
    "train.limits": "limits of one training run",
    "train.gpu": "whether the sandbox shows the machine's graphics processors, in training and prediction",
    "fidelity.rungs": "rising shares of the budget on which a variant trains before it gets the whole",
    "fidelity.rule": "who goes on: `learned` (who is still worth a whole run), `halving` (the best `keep` of all seen)",
    "fidelity.keep": "the share that goes on from each rung, for `halving`",
    "fidelity.resume": "training goes on from what the shorter one left, which it finds in PAWL_RESUME",
    "evaluate.predict": "the prediction program, run in a sandbox of its own",
    "evaluate.scorer": "`bits-per-byte`, `log-loss`, `accuracy`, `rmse`, or a .py file beside `validation`",
    "evaluate.validation": "an .npz file under .pawl/ with the arrays `inputs`, `labels` and perhaps `slices`",
    "evaluate.holdout": "an .npz file under .pawl/, asked once for each certificate that was won, for one bit",
    "evaluate.summary": "self-reported: the name of a value that the program prints after its last `---` line",
    "evaluate.results": "a file to mirror the ledger into, in autoresearch's results.tsv format",
    "evaluate.limits": "limits of one prediction",
    "limits.wall": "wall-clock time",
    "limits.cpu": "CPU time of all processes together",
    "limits.memory": "resident memory of all processes together; also the most that one process may allocate",
    "limits.disk": "bytes written under PAWL_OUT",
    "limits.log": "bytes printed",
    "limits.processes": "processes and threads at once",
    "limits.cpus": "threads that OMP, MKL and OpenBLAS are told to use; not enforced otherwise",
    "space.type": "`int`, `float` or `categorical`",
    "space.low": "the smallest value (int, float)",
    "space.high": "the largest value (int, float)",
    "space.log": "search on a logarithmic scale",
    "space.step": "the step between values (int, float)",
    "space.choices": "the values (categorical)",
    "space.when": 'the constants, with their values, under which this one is proposed: `{ "FILE:CONSTANT" = [...] }`',
    "space.likely": "your best guess of its value",
    "space.sure": "how far `likely` is trusted: `low`, `medium` or `high`; see [search-a-space.md]"
    "(../how-to/search-a-space.md)",
    "space": "constants to search, by `\"FILE:CONSTANT\"`; see [space] below",
    "workers": "turns at once",
    "waves": "whether promising changes are tried together in planned waves; not set: from 4 workers on",
    "suite": "another measure of every release, for `pawl regress`; see [[suite]] below",
    "suite.name": "what the suite is called",
    "suite.metric": "the metric that decides: one that the scorer gives, or a name for the self-reported value",
    "suite.direction": "whether lower or higher is better",
    "suite.predict": "the prediction program; empty: that of [evaluate]",
    "suite.scorer": "as in [evaluate]; empty: that of [evaluate]",
    "suite.validation": "an .npz file under .pawl/ with the arrays `inputs` and `labels`; not the search's",
    "suite.summary": "self-reported: the name of a value that the program prints after its last `---` line",
    "proposer": "who puts forward patches, in turn",
    "sandbox": "where untrusted code runs",
    "executor": "how a variant becomes a run",
    "store": "where the ledger lives",
    "signer": "how a person signs",
    "version": "the policy's version, for people",
    "expires": "the last day (UTC) on which this policy is in force",
    "approval.threshold": "distinct approvers, with distinct keys, who must sign a release",
    "approval.roles": "for each role, how many of the people who sign must have it",
    "inbox.waiting": "proposals of agents and scripts that may wait for their turn",
    "inbox.hourly": "proposals that agents and scripts may hand in within an hour",
    "inbox.runs": "training runs that agents may start in the life of one `pawl mcp`; a restart begins anew",
    "inbox.total": "runs in the study's ledger from which on agents start none",
    "approval.valid": "how long a dossier can be decided, from its verdict on",
    "approval.presence": "only hardware keys (sk-ssh-...) that were touched for the signature count",
    "approver": "a person who may sign",
    "approver.name": "a name without spaces or commas, such as an e-mail address",
    "approver.key": "an SSH public key line",
    "approver.roles": "what the person signs as",
    "isolation": "walls that every run must have had: names as in a run's record, `pawl show RUN`",
    "gate": "a rule; all are asked, in this order; at least one is needed",
    "noise.runs": "runs of the reference that measure what a change of seed alone does",
    "notebook": "whether the loop keeps `notebook.md` in the study's folder; `pawl init` turns it on",
    "screening.seeds": "common seeds on which head and challenger race",
    "screening.redraw_after": "refusals in a row after which the common seeds are drawn anew",
    "certification.first": "expected gain of the head, in sd of a paired difference, that starts a certificate; "
    "the end of the budget starts one too",
    "certification.growth": "a certificate also waits until it promises so many times what was certified before",
    "certification.bundle": "provisional accepts that start a certificate in any case",
    "certification.pairs": "the most pairs that one certificate may use",
    "certification.alpha": "e-LOND's bound on the share of false certificates",
    "certification.futility": "give up when the e-value falls below",
    "certification.lambdas": "sign-flip: the bet sizes that the e-value averages over",
    "certification.test": "`sign-flip`, or `clipped-mean`: strict, for the mean, and slower",
    "certification.stakes": "clipped-mean: the shares of wealth that the e-value averages over",
    "certification.clip": "clipped-mean: gains count up to so many sd of a paired difference",
    "certification.level": "the level of the interval that is shown",
    "guards.cpu_seconds": "the most CPU beside the reference's, as a ratio",
    "screening.ladder": "step of the Ladder between scores and proposers, in sds of one run; 0: none",
    "holdout.z": "mode standard: the standard errors that a gain must exceed",
    "holdout.openings": "how often one holdout is asked in its life; then it is retired",
    "holdout.mode": "`standard`, or `adversarial`: a threshold that rises with every opening",
    "holdout.delta": "mode adversarial: the chance of any false yes in a holdout's life",
    "guard": "more metrics that must not get worse; they need the gate `guards`",
    "guard.metric": "`cpu_seconds`, `wall_seconds`, `memory_bytes`, `artifact_bytes`, `predict_seconds`, or a scorer's",
    "guard.direction": "whether less or more of it is better; needed unless it is a cost",
    "guard.margin": "by how much it may be worse, in its own unit",
    "guard.ratio": "by how much it may be worse, as a ratio",
    "guard.proof": "whether it must be proven not to be worse, and not only look so",
    "calibration.share": "the share of turns that try null candidates; 0 turns calibration off, and its gate refuses",
    "calibration.screen": "the largest share of null candidates that screening may accept; 1 promises nothing",
    "allow_unsafe": "let the gate `integrity` pass runs that had no sandbox",
}  # fmt: skip


def cli() -> str:
    """Every command's help, as the program prints it."""
    group: Any = typer.main.get_command(app)
    lines = ["# Commands", "", NOTE, f"{group.help}", ""]
    lines += [ABOUT_CLI]
    for path in _commands(group, []):
        shown = CliRunner().invoke(app, [*path, "--help"], terminal_width=100, env={"NO_COLOR": "1", "COLUMNS": "100"})
        lines += [f"## pawl {' '.join(path)}", "", "```text", shown.output.strip(), "```", ""]
    return "\n".join(lines)


def _commands(group: Any, path: list[str]) -> Iterator[list[str]]:
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield [*path, name]
            yield from _commands(command, [*path, name])
        else:
            yield [*path, name]


def configuration() -> str:
    """Both files, a table for each table."""
    lines = ["# pawl.toml and policy.toml", "", NOTE]
    lines += [ABOUT_FILES]
    lines += _table(Config, "", "the top of the file")
    lines += ["# policy.toml: what is allowed", "", "Its digest stands in every verdict and every dossier.", ""]
    lines += _table(Policy, "", "the top of the file")
    return "\n".join(lines)


def _table(model: type[BaseModel], prefix: str, title: str) -> list[str]:
    """A table's keys, then the tables in it."""
    nested: list[str] = []
    lines = [f"## {title}", "", *_words(model), "| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        inner = _inner(field)
        if inner and f"{prefix}{name}" not in MEANINGS:
            nested += _table(inner, f"{name}.", f"[{name}]")
            continue
        if inner and name != "limits":
            many = "[[" if "tuple" in model.__annotations__[name] else "["
            nested += _table(inner, f"{name}.", f"{many}{name}{many.replace('[', ']')}")
        lines.append(f"| `{name}` | {_type(model, name, field)} | {_default(field)} | {MEANINGS[prefix + name]} |")
    if "limits" in model.model_fields:
        field = model.model_fields["limits"]
        nested += _limits(f"{prefix}limits", field.get_default(call_default_factory=True))
    return [] if lines[-1].startswith("|---") and not nested else [*_bare(lines), "", *nested]


def _bare(lines: list[str]) -> list[str]:
    return lines[:-2] if lines[-1].startswith("|---") else lines


def _limits(title: str, limits: BaseModel) -> list[str]:
    """The limits of one kind of execution; their defaults differ."""
    lines = [f"## {title}", "", *_words(type(limits)), "| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in type(limits).model_fields.items():
        value = _default(field, getattr(limits, name))
        lines.append(f"| `{name}` | {_type(type(limits), name, field)} | {value} | {MEANINGS[f'limits.{name}']} |")
    return [*lines, ""]


def _inner(field: FieldInfo) -> type[BaseModel] | None:
    """The table class that a key holds, alone or in a list or a dictionary; None for a value or a part."""
    parts = [field.annotation, *getattr(field.annotation, "__args__", ())]
    found = [kind for kind in parts if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return found[0] if found and not issubclass(found[0], PartTable) else None


def _type(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    """The annotation as it stands in the source, in words, with its bounds."""
    inner = _inner(field)
    words = str(model.__annotations__[name])
    words = "table" if inner is not None and words == inner.__name__ else words
    for code, text in TYPES.items():
        words = words.replace(code, text)
    bounds = [
        f"{sign} {getattr(rule, key)}"
        for rule in field.metadata for key, sign in BOUNDS.items() if getattr(rule, key, None) is not None
    ]  # fmt: skip
    return " ".join([words, *(f"`{bound}`" for bound in bounds)]).replace("|", "\\|")


def _default(field: FieldInfo, given: object = None) -> str:
    """A default as TOML would write it, or that there is none."""
    if field.is_required():
        return "needed"
    value: Any = field.get_default(call_default_factory=True) if given is None else given
    if isinstance(value, tuple):
        return "`" + str([getattr(item, "use", item) for item in value]).replace("'", '"') + "`"
    if isinstance(value, BaseModel):
        return f"`{value.use}`" if isinstance(value, PartTable) else "see below"
    if value is None or value in ("", {}):
        return "none"
    if isinstance(value, int) and not isinstance(value, bool) and value >= 2**20:
        value = f"{value / 2**20:g}MiB"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _words(kind: type) -> list[str]:
    doc = kind.__dict__.get("__doc__")
    return [*inspect.cleandoc(doc).splitlines(), ""] if doc and not doc.startswith(f"{kind.__name__}(") else []


def record_kinds() -> str:
    """Every record and every part of a record."""
    kept = {name: kind for name, kind in vars(records).items() if isinstance(kind, type)}
    parts = [kind for kind in kept.values() if issubclass(kind, records.Part) and kind is not records.Part]
    aliases = re.findall(r"^(\w+) = Literal\[(.*)\]$", inspect.getsource(records), re.MULTILINE)
    lines = ["# Records", "", NOTE, *str(records.__doc__).strip().splitlines(), ""]
    lines += [ABOUT_RECORDS]
    lines += [
        "| word | one of |",
        "|---|---|",
        *(f"| `{name}` | {values.replace(chr(34), '`')} |" for name, values in aliases),
    ]
    for title, kinds in (("Records", list(records.RECORDS.values())), ("Parts of records", parts)):
        lines += ["", f"# {title}"]
        for kind in kinds:
            rows = [
                f"| `{name}` | `{text}` |".replace(" | None", " \\| None")
                for name, text in kind.__annotations__.items()
            ]
            lines += ["", f"## {kind.__name__}", "", *_words(kind), "| field | type |", "|---|---|", *rows]
    return "\n".join(lines) + "\n"


def error_kinds() -> str:
    """Exit codes, and the errors behind them."""
    tree = re.findall(r"[├└]── (\w+)\s+(\d+)\s+(.*)", str(errors.__doc__))
    lines = ["# Exit codes and errors", "", NOTE]
    lines += [ABOUT_ERRORS.rstrip()]
    for name, code, meaning in tree:
        assert getattr(errors, name).exit_code == int(code), name
        raised = any(f"raise {name}" in path.read_text() for path in (ROOT / "src").rglob("*.py"))
        lines.append(f"| {code} | `{name}` | {meaning}{'' if raised else ' (not raised by this version)'} |")
    lines += [
        "| 141 | | the reader of a pipe went away |",
        "",
        "A command line that does not parse also ends with 2.",
        "",
    ]
    return "\n".join(lines)


def part_kinds() -> str:
    """Entry-point groups, and the built-in parts with their settings."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    lines = ["# Parts", "", NOTE]
    lines += [ABOUT_PARTS]
    for group, points in groups.items():
        kind = group.removeprefix("pawl.").removesuffix("s").replace("boxe", "box")
        lines += [f"## {group}", "", *_protocol(kind)]
        for name, target in sorted(points.items()):
            module, _, attribute = target.partition(":")
            lines += _part(name, target, getattr(import_module(module), attribute))
    return "\n".join(lines)


def _protocol(kind: str) -> list[str]:
    protocol = getattr(protocols, kind.capitalize(), None)
    if protocol is None:
        return ["A study that ships: see `pawl lab list`.", ""]
    methods = [
        value for name, value in vars(protocol).items() if inspect.isfunction(value) and not name.startswith("_")
    ]
    lines = []
    for method in methods:
        signature = str(inspect.signature(method)).replace("'", "")
        lines += ["```text", f"{method.__name__}{signature}", "```", *str(inspect.getdoc(method)).splitlines(), ""]
    return lines


def _part(name: str, target: str, part: Any) -> list[str]:
    if not isinstance(part, type):
        return [f"### {name}", "", f"{part.summary}. `{target}`", ""]
    settings = [f for f in dataclasses.fields(part) if f.init and f.default is not dataclasses.MISSING]
    settings = [f for f in settings if f.name not in HANDED]
    rows = [f"| `{f.name}` | `{f.type}` | `{f.default}` |" for f in settings]
    table = ["| setting | type | default |", "|---|---|---|", *rows] if rows else ["No settings."]
    return [f"### {name}", "", f"`{target}`", "", *_words(part), *table, ""]


WRITERS = {
    "cli.md": cli, "configuration.md": configuration, "records.md": record_kinds, "errors.md": error_kinds,
    "parts.md": part_kinds,
}  # fmt: skip


def main(check: bool) -> int:
    """Write every page, or only compare."""
    stale = 0
    for name, write in WRITERS.items():
        path, text = PAGES / name, write().rstrip() + "\n"
        if path.exists() and path.read_text() == text:
            continue
        stale = 1
        print(f"{path.relative_to(ROOT)} {'is out of date: python tools/reference.py' if check else 'written'}")
        if not check:
            path.write_text(text)
    return stale if check else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))

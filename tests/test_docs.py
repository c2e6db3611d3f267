"""The documentation says what the program does: examples run, commands parse, links lead on, reference is fresh."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import TypeAdapter

from pawl import keys, plugins
from pawl.cli import app
from pawl.config import Config
from pawl.policy import Policy
from pawl.tables import parse
from studies import digits

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("examples/**/*.md"))]
TUTORIAL = ROOT / "docs" / "tutorial.md"
DOSSIER = "311"  # the number of the dossier in the tutorial's run
FENCE = re.compile(
    r"^(?:<!-- not run: (?P<why>.+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")
INLINE = re.compile(r"(?<!`)`(pawl [^`]+)`(?!`)")
NAMED = {"N": "1", "DIR": "folder", "KIND": "gate", "NAME": "name", "FILE": "file", "PATH": "path"}


@dataclass(frozen=True)
class Block:
    page: Path
    kind: str
    text: str
    why: str | None


def blocks(*kinds: str) -> list[Block]:
    return [
        Block(page, match["kind"], match["text"], match["why"])
        for page in PAGES
        for match in FENCE.finditer(page.read_text())
        if match["kind"] in kinds
    ]


def name(value: object) -> str:
    page = value.page if isinstance(value, Block) else value
    return str(page.relative_to(ROOT)) if isinstance(page, Path) else str(value)


def shell_lines(block: Block) -> list[str]:
    """What a reader types: after `$` in a console block, every line in a shell block."""
    lines = block.text.splitlines()
    return [line[2:] for line in lines if line.startswith("$ ")] if block.kind == "console" else lines


def commands(line: str) -> Iterator[list[str]]:
    """The simple commands of a shell line, as words, without redirections."""
    words = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    words.whitespace_split = True
    command: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in (">", "<", ">>"):
            skip = True
        elif set(word) <= set("|&;"):
            yield command
            command = []
        else:
            command.append(word)
    yield command


@cache
def whole_command() -> Any:
    return typer.main.get_command(app)


def understood(words: list[str], whole: bool) -> None:
    """Raise unless `pawl WORDS...` is a real command with real options; `whole`: and complete."""
    command = whole_command()
    rest = [NAMED.get(word, word) for word in words]
    while hasattr(command, "commands"):
        if not rest and (not whole or command.invoke_without_command):
            return
        assert rest, "a subcommand is missing"
        if rest[0].startswith("-"):
            break
        command = command.commands[rest.pop(0)]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for word in rest:
        assert not word.startswith("--") or word.partition("=")[0] in known | {"--help"}, word
    if whole:
        command.make_context(command.name, rest)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_in_the_text_exist(page: Path) -> None:
    for text in INLINE.findall(page.read_text()):
        for words in commands(text):
            if words[:1] == ["pawl"]:
                understood(words[1:], whole=False)


@pytest.mark.parametrize("block", blocks("console", "sh"), ids=name)
def test_commands_in_blocks_are_real_and_complete(block: Block) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for line in shell_lines(block):
        for words in commands(line):
            if words[:1] == ["pawl"]:
                understood(words[1:], whole=True)
            if words[:1] == ["make"]:
                assert words[1] in targets


@pytest.mark.parametrize("block", blocks("toml"), ids=name)
def test_toml_blocks_are_what_pawl_reads(block: Block) -> None:
    keys_at_top = tomllib.loads(block.text).keys()
    if "study" in keys_at_top:
        parse(block.text.encode(), block.page, Config)
    elif "expires" in keys_at_top:
        parse(block.text.encode(), block.page, Policy)
    elif keys_at_top == {"sandbox"}:
        settings = tomllib.loads(block.text)["sandbox"]
        plugins.build("sandbox", settings.pop("use"), settings)
    elif keys_at_top <= Config.model_fields.keys():
        for key, table in tomllib.loads(block.text).items():
            TypeAdapter(Config.model_fields[key].annotation).validate_json(json.dumps(table))
    else:
        assert keys_at_top <= {"project", "build-system", "tool"}, "neither pawl.toml, policy.toml nor pyproject.toml"


@pytest.mark.parametrize("page", runpy.run_path(str(ROOT / "tools" / "reference.py"))["WRITERS"])
def test_the_reference_is_up_to_date(page: str) -> None:
    module = runpy.run_path(str(ROOT / "tools" / "reference.py"))
    written = (ROOT / "docs" / "reference" / page).read_text()
    assert written == module["WRITERS"][page]().rstrip() + "\n", "run: python tools/reference.py"


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    kinds = {match["kind"] for page in PAGES for match in FENCE.finditer(page.read_text())}
    assert kinds <= {"python", "toml", "console", "sh", "text"}
    assert sum(block.why is not None for block in blocks("python", "toml", "console", "sh")) <= 3


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, people: dict[str, keys.Signer]) -> Path:
    """A folder with a prepared study `my-study` in it."""
    folder = tmp_path_factory.mktemp("desk")
    digits(folder / "my-study", [people["ada"]])
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", list(dict.fromkeys(block.page for block in blocks("python"))), ids=name)
def test_python_blocks_run_in_order(page: Path, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    monkeypatch.setitem(sys.modules, "page", type(sys)("page"))  # dataclasses look their module up
    names = sys.modules["page"].__dict__
    for block in blocks("python"):
        if block.page == page and block.why is None:
            exec(compile(block.text, name(block), "exec"), names)
    for label, value in list(names.items()):
        if label.startswith("test_"):
            value()


@pytest.mark.slow
def test_the_tutorial_can_be_followed(home: Path, tmp_path: Path) -> None:
    """Every command in order. What is excerpted appears, up to the first number in a line."""
    reader = Reader(tmp_path, {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"})
    for block in blocks("console"):
        if block.page == TUTORIAL and block.why is None:
            for line, excerpt in typed(block.text):
                said = reader.type(line)
                for wanted in excerpt:
                    start = re.split(r"[0-9a-f]{8,}|\d|/|\.\.\.", wanted)[0].rstrip()
                    assert len(start) < 6 or start in said, f"$ {line}\n{wanted}\nis not in\n{said}"


def typed(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block, with the lines of its output that are shown."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, *excerpt = part.splitlines()
        yield line, excerpt


@dataclass
class Reader:
    """Somebody at a terminal, in a folder."""

    folder: Path
    environ: dict[str, str]

    def type(self, line: str) -> str:
        """What a command prints. The machine may be busy: CPU times do not decide, and luck has three tries."""
        if line.startswith("cd "):
            self.folder /= line.removeprefix("cd ")
            return ""
        if DOSSIER in line:
            line = line.replace(DOSSIER, str(self._waiting()[-1]))
        said = self._run(line + (" --yes" if line.startswith("pawl approve") else ""))
        if line.startswith("pawl lab new"):
            study = shlex.quote(str(self.folder / line.split()[-1]))
            self._run(f"cd {study} && sed -i 's/^cpu_seconds.*/cpu_seconds = 20.0/' policy.toml && git commit -qam CPU")
        if "--budget" in line:
            for _ in range(3):
                said += "" if self._waiting() else self._run(line)
        return said

    def _waiting(self) -> list[int]:
        waiting: list[int] = json.loads(self._run("pawl status --json"))["waiting"]
        return waiting

    def _run(self, line: str) -> str:
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=480
        )
        refused = line.startswith("pawl run") and "the gates refused it" in done.stdout
        assert done.returncode == (1 if refused else 0), f"$ {line}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

"""Lets a coding agent propose: any command that edits files, in the agents' sandbox, on a copy of the head.

What it leaves in the editable files is the patch, its last words the hypothesis. All that it said is kept, and its
digest stands in the proposal. It sees no ledger, no sealed set, no repository, and no environment but what is named.
"""

from __future__ import annotations

import os
import stat
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from pawl import attempts, cache
from pawl.artifacts import ArtifactStore
from pawl.errors import ConfigError, Interrupted
from pawl.hostile import one_line
from pawl.ledger import Entry, Ledger
from pawl.proposers import briefing, launch, transcript
from pawl.protocols import AgentWalls, Brief, Execution, Limits, Mount, Sources, Task
from pawl.records import Completion, Exchange, Proposal, Variant
from pawl.workplace import Workplace

NOTES = ("program.md", "notebook.md")
LAUNCH = "/pawl/launch.py"
LONGEST_FILE = 2**20
DISK, LOG = 16 * 2**20, 4 * 2**20


@dataclass(frozen=True)
class AgentProposer:
    """`command` is run once for each proposal; {prompt} in it is the prompt. `allow` are the rules of its one way out,
    as in docs/how-to/give-an-agent-one-way-out.md. `environ` names variables of Pawl's own environment to pass on,
    `mounts` host paths to show it, read-only.

    `wall`, `cpu` (seconds), `memory` (bytes), `processes` and `tokens` bound one session; `sessions` and `total_tokens`
    all of them, by what the ledger holds. `price` is what a million tokens cost."""

    sources: Sources
    brief: Brief
    artifacts: ArtifactStore
    ladder: float
    name: str
    workplace: Workplace
    walls: AgentWalls
    stop: threading.Event
    command: Sequence[str]
    allow: Sequence[Mapping[str, JsonValue]] = ()
    environ: Sequence[str] = ()
    mounts: Sequence[str] = ()
    wall: float = 900.0
    cpu: float = 900.0
    memory: int = 2 * 2**30
    processes: int = 128
    tokens: int = 200_000
    sessions: int = 100
    total_tokens: int = 5_000_000
    price: float = 0.0

    def __post_init__(self) -> None:
        if not self.command:
            raise ValueError("command is empty")
        if min(self.wall, self.cpu, self.memory, self.processes, self.tokens) <= 0:
            raise ValueError("wall, cpu, memory, processes and tokens are above 0")
        for name in self.environ:
            if not os.environ.get(name):
                raise ConfigError(f"proposer '{self.name}': the variable {name} is not set", f"export {name}=...")
        for mount in self.mounts:
            self._may_be_shown(Path(mount))
        self.walls(self.allow)  # where no agent can be run safely, this says so before anything is tried

    def _may_be_shown(self, path: Path) -> None:
        found, study = path.resolve(), self.brief.folder.resolve()
        if not path.is_absolute() or not path.exists():
            raise ConfigError(
                f"proposer '{self.name}': mounts names {path}, which is no path here", "correct pawl.toml"
            )
        if found.is_relative_to(study) or study.is_relative_to(found):
            raise ConfigError(
                f"proposer '{self.name}': mounts may not show the study's folder, where the sealed sets lie ({path})",
                "name the agent's own program",
            )

    def propose(self, head: Entry[Variant], ledger: Ledger) -> Proposal | None:
        done_before = sum(entry.record.proposer == self.name for entry in ledger.entries(Completion))
        spent = sum(_tokens(entry.record) for entry in ledger.entries(Exchange) if self._mine(entry.record))
        if done_before >= self.sessions or spent >= self.total_tokens:
            return None
        files = self.sources.read(head.record)
        task = briefing.text(self.brief, ledger, attempts.read(ledger, self.ladder))
        session, since = f"{self.name}, session {done_before + 1}", len(ledger.all())
        told, began = {"task": self.artifacts.put(briefing.FILE, task.encode()).digest}, time.monotonic()
        try:
            done = self._without_secrets(self._work(files, task, session, min(self.tokens, self.total_tokens - spent)))
        except Interrupted:  # what it had asked for was spent all the same
            asked, wall = _asked(ledger, since, session), time.monotonic() - began
            ledger.append(self._completion("stopped", "the loop ended first", wall, None, told, asked))
            raise
        asked, log = _asked(ledger, since, session), done.log.decode(errors="replace")
        told["transcript"] = self.artifacts.put("transcript.txt", done.log).digest
        outcome = done.outcome if done.outcome in ("ok", "timed-out") else "invalid"
        ledger.append(self._completion(outcome, done.reason, done.usage.wall_s, done.usage.cpu_s, told, asked))
        changed, ignored = self._left(files, done)
        if done.outcome != "ok" or not changed:
            return None
        findings = transcript.findings(log)
        return Proposal(
            parent=head.id, patch=self.sources.patch(head.record, {**files, **changed}),
            hypothesis=transcript.last_words(log), proposer=self.name,
            settings={
                **told, "command": [one_line(word)[:200] for word in self.command], "ignored": [*ignored],
                "findings": [*findings], "requests": len(asked), "tokens": sum(map(_tokens, asked)),
            },
        )  # fmt: skip

    def _mine(self, exchange: Exchange) -> bool:
        return exchange.task.startswith(f"{self.name}, session ")

    def _work(self, files: Mapping[str, str], task: str, session: str, tokens: int) -> Execution:
        """One session of the agent, in its sandbox."""
        with tempfile.TemporaryDirectory(prefix="pawl-agent-", dir=self.workplace.scratch()) as name:
            folder = Path(name)
            for path, text in {**self._notes(), **files, briefing.FILE: task}.items():
                place = folder / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text, encoding="utf-8", newline="")
            for each in (folder, *folder.rglob("*")):
                each.chmod(0o755 if each.is_dir() else 0o644)
            return self.walls(self._rules(tokens)).execute(self._task(folder, session), self.stop)

    def _without_secrets(self, done: Execution) -> Execution:
        """What came of it, with its log rid of the values that were handed in."""
        log = done.log
        for secret in self._secrets:
            log = log.replace(secret.encode(), transcript.SECRET.encode())
        return replace(done, log=log)

    @property
    def _secrets(self) -> list[str]:
        return [os.environ[name] for name in self.environ if len(os.environ.get(name, "")) >= 8]

    def _rules(self, tokens: int) -> list[dict[str, JsonValue]]:
        """The way out, on which no rule lets more tokens pass than are left."""
        rules = [dict(rule) for rule in self.allow]
        for rule in rules:
            own = rule.get("tokens", tokens)
            if not rule.get("tunnel") and isinstance(own, int):
                rule["tokens"] = min(own, tokens)
        return rules

    def _task(self, folder: Path, session: str) -> Task:
        told = {name: os.environ[name] for name in self.environ}
        command = [word.replace("{prompt}", briefing.PROMPT) for word in self.command]
        python = self.workplace.environment.python
        program = [python, *command[1:]] if command[0] in ("python", "python3") else command
        mounts = (
            Mount(folder, "/study"), Mount(cache.stage(Path(launch.__file__))[0], LAUNCH),
            *(Mount(Path(mount), mount) for mount in self.mounts),
        )  # fmt: skip
        argv = (python, "-I", "-S", LAUNCH, *self.brief.editable, "--", *program)
        paths = [str(Path(python).parent), *(f"{mount}/bin" for mount in self.mounts), "/usr/local/bin:/usr/bin:/bin"]
        environ = {**told, "PATH": ":".join(paths), "PAWL_TASK": session}
        limits = Limits(self.wall, self.cpu, self.memory, DISK, LOG, self.processes, 1)
        return replace(self.workplace.task(argv, mounts, environ), limits=limits, gpu=False)

    def _notes(self) -> dict[str, str]:
        """What people wrote for agents beside the script, where they did."""
        found = dict[str, str]()
        for name in NOTES:
            path = self.brief.folder / name
            if path.exists() and stat.S_ISREG(path.lstat().st_mode) and path.stat().st_size <= LONGEST_FILE:
                found[name] = path.read_text(encoding="utf-8", errors="replace")
        return found

    def _left(self, files: Mapping[str, str], done: Execution) -> tuple[dict[str, str], list[str]]:
        """The editable files that it changed; what else it changed, and what cannot be used, by name."""
        changed, ignored = dict[str, str](), list[str]()
        for path, before in files.items():
            content = done.outputs.get(f"files/{path}")
            after = _text(content)
            if after is None:
                ignored.append(f"{path} ({'gone, or no regular file' if content is None else 'no text, or too large'})")
            elif any(secret in after for secret in self._secrets):
                ignored.append(f"{path} (holds the value of a variable in environ)")
            elif after != before:
                changed[path] = after
        names = done.outputs.get("other", b"")[:10_000].decode(errors="replace").splitlines()
        return changed, ignored + [one_line(name)[:100] for name in names[:20]]

    def _completion(
        self, outcome: str, reason: str, wall: float, cpu: float | None, told: Mapping[str, str],
        asked: Sequence[Exchange],
    ) -> Completion:  # fmt: skip
        tokens = sum(map(_tokens, asked))
        return Completion(
            proposer=self.name, model=one_line(Path(self.command[0]).name)[:100], purpose="agent session",
            prompt=told["task"], answer=told.get("transcript", ""), outcome=outcome,  # type: ignore[arg-type]
            reason=one_line(reason)[:200], tokens_in=sum(each.tokens_in or 0 for each in asked),
            tokens_out=sum(each.tokens_out or 0 for each in asked),
            estimated=any(each.allowed and each.tokens_in is None for each in asked),
            money=self.price * tokens / 1e6, wall_s=wall, cpu_s=cpu,
        )  # fmt: skip


def _asked(ledger: Ledger, since: int, session: str) -> list[Exchange]:
    """What a session asked for, of all that was written down after `since`."""
    return [e.record for e in ledger.after(since) if isinstance(e.record, Exchange) and e.record.task == session]


def _tokens(exchange: Exchange) -> int:
    return (exchange.tokens_in or 0) + (exchange.tokens_out or 0)


def _text(content: bytes | None) -> str | None:
    if content is None or len(content) > LONGEST_FILE or b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None

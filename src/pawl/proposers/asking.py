"""Asking a model within limits: each request is a Completion in the ledger before anything is made of its answer.

Retries, back-off and limits are counted from those records alone, so that they hold across restarts. A prompt whose
answer is kept and came to nothing yet, because a loop was killed, is not asked and paid again. Once it shall stop, a
request is given up within a fraction of a second, and counts as what it may have cost.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from pawl import spending
from pawl.errors import Interrupted
from pawl.hostile import one_line
from pawl.ledger import Entry, Ledger
from pawl.proposers import prompts
from pawl.proposers.quoting import cut, quoted
from pawl.proposers.speaking import Speaking
from pawl.protocols import Answer, Model, Prompt
from pawl.records import Completion, Proposal

LONGEST_REST = 600.0
"""Seconds after which an endpoint that keeps failing is asked again."""
SAID = 500
Judge = Callable[[str], str]
"""What is wrong with an answer's text, in words; nothing if it will do."""


def now() -> datetime:
    return datetime.now(UTC)


def rest(seconds: float, stop: threading.Event) -> None:
    stop.wait(seconds)


@dataclass(frozen=True, slots=True)
class Asking:
    """The way to its model of a proposer with these settings."""

    by: Speaking
    ledger: Ledger
    model: Model

    def twice(self, prompt: Prompt, purpose: str, again: str, judge: Judge) -> tuple[Prompt, Answer | None]:
        """The answer to a prompt; where it will not do, that to asking once more with the reason, for the purpose
        `again`. And the prompt that it answers. None as for `ask`. Raises Interrupted."""
        answer = self.ask(prompt, purpose, judge)
        if answer and answer.outcome in ("invalid", "cut") and answer.again is None:
            prompt = self._once_more(prompt, answer)
            answer = self.ask(prompt, again, judge)
        return prompt, answer

    def _once_more(self, first: Prompt, answer: Answer) -> Prompt:
        """The same question, the answer as far as there is room, and what was wrong with it."""
        problem = answer.reason + (": answer more shortly" if answer.outcome == "cut" else "")
        ask = f"That cannot be used:\n{quoted('why', problem, 400)}\nAnswer again, whole, in the form described above."
        left = self.by.context - prompts.tokens(first.system, *first.turns, ask)
        said = cut(answer.text, max(0, int(left * prompts.CHARACTERS) - 200))
        return replace(first, turns=(*first.turns, said.strip() or "(nothing)", ask))

    def ask(self, prompt: Prompt, purpose: str, judge: Judge) -> Answer | None:
        """The answer, `invalid` if the judge finds it so; the last failure after the last retry; None where a limit or
        a rest does not let it be asked now. Raises Interrupted."""
        kept = self._kept(prompt, judge)
        if kept:
            return kept
        answer, wait = None, 0.0
        for _ in range(self.by.retries + 1):
            if not self._may(prompt, wait):
                return answer
            started = time.monotonic()
            answer = self._judged(_whole(self.model.complete(prompt, self.by.stop)), judge)
            if answer.sent or answer.outcome != "stopped":
                self._record(prompt, purpose, answer, time.monotonic() - started)
            self._go_on()
            if answer.again is None:
                return answer
            wait = answer.again
        return answer

    def refuse(self, purpose: str, reason: str) -> None:
        """Write down, once, that nothing can be asked: nothing left this machine."""
        self._append(purpose, Answer("invalid", reason, sent=False), "", 0, 0, 0.0)

    def _go_on(self) -> None:
        """Raise Interrupted once the loop shall stop."""
        if self.by.stop.is_set():
            raise Interrupted("stopped while a model was asked; all finished work is kept", "pawl run   (goes on)")

    def _judged(self, answer: Answer, judge: Judge) -> Answer:
        problem = judge(answer.text) if answer.outcome == "ok" else ""
        return replace(answer, outcome="invalid", reason=problem) if problem else answer

    def _may(self, prompt: Prompt, wait: float) -> bool:
        """Wait for the next request's turn, if a limit leaves one and it comes soon enough."""
        self._go_on()
        known, allowed = spending.spent(self.ledger, self.by.name, now()), self.by.allowed
        tokens_in = prompts.tokens(prompt.system, *prompt.turns)
        money = self.by.price(tokens_in, prompt.max_tokens)
        if spending.used_up(known, allowed, tokens_in + prompt.max_tokens, money):
            return False
        rests = max(min(2.0 ** min(known.failures - 1, 30), LONGEST_REST), known.asked)
        back_off = rests - known.since if known.failures else 0.0
        pause = max(spending.pause(known, allowed), back_off, wait)
        if pause > self.by.patience:
            return False
        if pause > 0:
            rest(pause, self.by.stop)
        self._go_on()
        return True

    def _document(self, prompt: Prompt) -> bytes:
        return json.dumps({"model": self.by.model, **asdict(prompt)}, sort_keys=True, indent=1).encode()

    def digest(self, prompt: Prompt) -> str:
        """Where what was asked is kept."""
        return self.by.artifacts.put("prompt.json", self._document(prompt)).digest

    def _kept(self, prompt: Prompt, judge: Judge) -> Answer | None:
        """The answer that this prompt had already, if no proposal came of it."""
        digest = self.digest(prompt)
        found = self.ledger.find(Completion, proposer=self.by.name, prompt=digest)
        if found is None or any(_made_of(entry, digest) for entry in self.ledger.entries(Proposal)):
            return None
        known = found.record
        if not known.answer or known.outcome not in ("ok", "invalid", "cut"):
            return None
        text = self.by.artifacts.get(known.answer).decode()
        outcome, reason = ("cut", known.reason) if known.outcome == "cut" else ("ok", "")
        return self._judged(Answer(outcome, reason, text, known.tokens_in, known.tokens_out), judge)  # type: ignore[arg-type]

    def _record(self, prompt: Prompt, purpose: str, answer: Answer, wall: float) -> None:
        """A request that may have cost something and does not say counts as what it might have cost."""
        guess_in = prompts.tokens(prompt.system, *prompt.turns)
        guess_out = prompts.tokens(answer.text) if answer.text or answer.outcome == "ok" else prompt.max_tokens
        if not answer.sent:
            guess_in = guess_out = 0
        tokens_in = guess_in if answer.tokens_in is None else answer.tokens_in
        tokens_out = guess_out if answer.tokens_out is None else answer.tokens_out
        self._append(purpose, answer, self.digest(prompt) if answer.sent or answer.again is not None else "",
                     tokens_in, tokens_out, wall)  # fmt: skip

    def _append(
        self, purpose: str, answer: Answer, prompt: str, tokens_in: int, tokens_out: int, wall: float
    ) -> None:  # fmt: skip
        reason = spending.waiting(one_line(answer.reason)[:SAID], answer.again or 0.0)
        if not prompt and self._said(reason):
            return
        self.ledger.append(
            Completion(
                proposer=self.by.name, model=self.by.model, purpose=purpose, prompt=prompt,
                answer=self.by.artifacts.put("answer.txt", answer.text.encode()).digest if answer.text else "",
                outcome=answer.outcome, reason=reason, tokens_in=tokens_in, tokens_out=tokens_out,
                estimated=bool(tokens_in + tokens_out) and None in (answer.tokens_in, answer.tokens_out),
                money=self.by.price(tokens_in, tokens_out, answer.cached), wall_s=wall, tokens_cached=answer.cached,
                cpu_s=self.by.taken(answer, wall),
            )
        )  # fmt: skip

    def _said(self, reason: str) -> bool:
        """Whether the last thing that this proposer wrote down is this very reason."""
        mine = [entry.record for entry in self.ledger.entries(Completion) if entry.record.proposer == self.by.name]
        return bool(mine) and not mine[-1].prompt and mine[-1].reason == reason


def _made_of(entry: Entry[Proposal], digest: str) -> bool:
    return entry.record.settings.get("prompt") == digest


def _whole(answer: Answer) -> Answer:
    """Without halves of surrogate pairs, which JSON can hold and UTF-8 cannot."""
    return replace(answer, text=answer.text.encode(errors="replace").decode())

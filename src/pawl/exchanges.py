"""What was asked of hosts outside, and what it cost: agents' requests, and those to language models."""

from __future__ import annotations

from typing import Literal

from pawl.record import Record


class Exchange(Record):
    """One request by which a sandboxed agent meant to reach the outside, and its answer. `rule` names the entry of
    the allow-list that let it pass; where none did, `allowed` is false and nothing left the machine.

    `task` is who asked; `host` is HOST:PORT, `path` what was asked of it, both printable and cut. `status` is what
    the agent was answered. `reason` says why it was refused or cut short, or is empty. Bytes are those that the host
    was sent and sent back, headers included. Tokens are what the host's answer says; None means that it did not say."""

    task: str
    rule: str
    method: str
    host: str
    path: str
    status: int
    allowed: bool
    reason: str
    bytes_up: int
    bytes_down: int
    tokens_in: int | None
    tokens_out: int | None
    wall_s: float


class Completion(Record):
    """One request to a language model and its answer, for a proposer by this name. `prompt` and `answer` are digests of
    the artifacts that hold them; `answer` is empty where there is none. `outcome` is ok, or what went wrong: `limited`
    (too many requests), `timed-out`, `cut` (the answer ends too early), `refused`, `unreachable`, `invalid`, `stopped`
    (the loop ended first). `reason` says more. Tokens are what the endpoint says, or an estimate where it does not;
    `tokens_cached` of those in came from its cache. `money` is what they cost by the prices in pawl.toml, in their
    unit. `cpu_s` are the CPU seconds of training that it took the place of; None: nobody said, and `wall_s` counts."""

    proposer: str
    model: str
    purpose: str
    prompt: str
    answer: str
    outcome: Literal["ok", "limited", "timed-out", "cut", "refused", "unreachable", "invalid", "stopped"]
    reason: str
    tokens_in: int
    tokens_out: int
    estimated: bool
    money: float
    wall_s: float
    tokens_cached: int = 0
    cpu_s: float | None = None

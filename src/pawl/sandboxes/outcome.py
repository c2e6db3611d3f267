"""What came of a task: told by its exit code, the end of its log and what it wrote."""

from __future__ import annotations

import signal

from pawl.protocols import Execution, Task
from pawl.records import Isolation, Outcome
from pawl.sandboxes.outputs import OutputsRefused, unpack
from pawl.sandboxes.watch import Watched


def conclude(task: Task, watched: Watched, stream: bytes, isolation: Isolation, exact: bool) -> Execution:
    """What was watched. Unless its account of CPU is `exact`, what the supervisor reports can raise it."""
    log = bytes(watched.log[: task.limits.log])
    outcome, reason = watched.ended or classify(watched.code, log)
    outputs: dict[str, bytes] = {}
    usage = watched.usage
    if outcome == "ok":
        try:
            outputs, reported = unpack(stream, task.limits.disk)
            usage = usage.model_copy(update={"cpu_s": usage.cpu_s if exact else max(usage.cpu_s, reported)})
        except OutputsRefused as refusal:
            outcome, reason = "invalid", str(refusal)
    return Execution(outcome, reason, usage, isolation, log, outputs)


def classify(code: int, log: bytes) -> tuple[Outcome, str]:
    """The outcome that an exit code and the end of the log tell of."""
    if code == 0:
        return "ok", ""
    end = log[-4096:]
    if b"MemoryError" in end or b"not enough memory" in end or b"Cannot allocate memory" in end:
        return "out-of-memory", "it asked for more memory than it may have"
    if b"No space left on device" in end or b"File too large" in end or code == 128 + signal.SIGXFSZ:
        return "disk-full", "it wrote more than it may"
    if code == 128 + signal.SIGXCPU:
        return "timed-out", "it used more CPU than it may"
    named = f"signal {signal.Signals(code - 128).name}" if code - 128 in list(signal.Signals) else f"exit code {code}"
    lines = [line for line in end.decode(errors="replace").splitlines() if line.strip()]
    return "crashed", f"{named}: {lines[-1].strip()[:200]}" if lines else named

"""The sandbox for agents that write code: bubblewrap's walls, and one way out, to the hosts on a list.

Inside there is a loopback and no other network. A port of it leads, by a small bridge and a mounted Unix socket, to a
proxy in the control process; so keys stay outside, and every request is judged, counted and written down.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from pawl import cache
from pawl.errors import SandboxError
from pawl.protocols import Execution, Mount, Sandbox, Task
from pawl.records import Exchange, Isolation
from pawl.sandboxes import bridge
from pawl.sandboxes.egress import Egress
from pawl.sandboxes.rules import Rule, parse
from pawl.sandboxes.unsafe import Unsafe

BRIDGE, SOCKET = "/pawl/bridge.py", "/pawl/out"
TASK = "PAWL_TASK"
"""The variable in a task's environ that says, in the records, who asked."""
PLAIN_HTTP = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


@dataclass(frozen=True)
class AgentSandbox:
    """Each table in `allow` is a rule: see docs/how-to/give-an-agent-one-way-out.md for its keys. `port` is where the
    way out is on the loopback inside; after `refusals` refused requests a task may ask no more."""

    inner: Sandbox
    record: Callable[[Exchange], object]
    allow: Sequence[Mapping[str, JsonValue]] = ()
    port: int = 8899
    refusals: int = 100

    def __post_init__(self) -> None:
        parse(self.allow)
        if isinstance(self.inner, Unsafe):
            raise ValueError("an agent is not run without walls: the sandbox 'unsafe' isolates nothing")
        if not 1024 <= self.port < 65536:
            raise ValueError(f"port {self.port} is not between 1024 and 65535")
        if self.refusals < 1:
            raise ValueError("refusals is below 1")

    def execute(self, task: Task, stop: threading.Event) -> Execution:
        rules = parse(self.allow)
        with Egress(rules, self.record, task.environ.get(TASK, "agent"), self.refusals) as egress:
            done = self.inner.execute(self._with_a_way_out(task, rules, egress.path), stop)
        if not done.isolation.safe:
            raise SandboxError("an agent was run without walls, and what came of it is not used", "pawl doctor")
        return replace(done, isolation=self._isolation(done.isolation, rules))

    def _with_a_way_out(self, task: Task, rules: Sequence[Rule], path: Path) -> Task:
        """The same task behind a bridge, and told where it is."""
        program = cache.stage(Path(bridge.__file__))[0]
        argv = (task.environment.python, "-I", "-S", BRIDGE, str(self.port), SOCKET, *task.argv)
        mounts = (*task.mounts, Mount(program, BRIDGE), Mount(path, SOCKET))
        return replace(task, argv=argv, mounts=mounts, environ={**task.environ, **self._told(rules)})

    def _told(self, rules: Sequence[Rule]) -> dict[str, str]:
        here = f"http://127.0.0.1:{self.port}"
        told = dict.fromkeys(PLAIN_HTTP, here) | dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        for rule in rules:
            url = f"{here}/{rule.name}"
            told[f"PAWL_URL_{rule.name.upper().replace('-', '_')}"] = url
            told |= {name: text.replace("{url}", url) for name, text in rule.tell.items()}
        return told

    def _isolation(self, inner: Isolation, rules: Sequence[Rule]) -> Isolation:
        """The inner walls, but for the one that has a door now."""
        hosts = ", ".join(f"{rule.name} ({rule.url}{', tunnel' if rule.tunnel else ''})" for rule in rules)
        way = f"no network but one way out, to: {hosts}" if rules else "no network, and a way out that leads nowhere"
        held = (*(wall for wall in inner.held if wall != "no network"), way)
        return Isolation(sandbox=f"agent in {inner.sandbox}", version=inner.version, safe=True, held=held)

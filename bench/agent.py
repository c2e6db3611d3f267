"""What does the way out cost? Starting in the agent's sandbox beside bubblewrap alone; a request past the proxy beside
a direct one. The host is a small server in this process, so that nothing but the way is measured."""

from __future__ import annotations

import argparse
import http.client
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common import machine, scratch, spread, write

from pawl import environment
from pawl.config import EnvironmentTable
from pawl.protocols import Limits, Mount, Sandbox, Task
from pawl.records import Exchange
from pawl.sandboxes.agent import AgentSandbox
from pawl.sandboxes.bubblewrap import Bubblewrap, version

LIMITS = Limits(wall=300.0, cpu=300.0, memory=2**29, disk=2**22, log=2**22, processes=32, cpus=1)
BODY = json.dumps({"usage": {"prompt_tokens": 1, "completion_tokens": 1}, "text": "x" * 2000}).encode()
ASKING = """
import http.client, json, time
found = []
for _ in range({n}):
    start = time.perf_counter()
    line = http.client.HTTPConnection("127.0.0.1", 8899)
    line.request("POST", "/host/x", b"y" * 2000)
    assert line.getresponse().read()
    line.close()
    found.append(1000 * (time.perf_counter() - start))
print(json.dumps(found))
"""


class Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:
        return


def direct(port: int, number: int) -> list[float]:
    """Milliseconds of each of so many requests from here."""
    found = []
    for _ in range(number):
        start = time.perf_counter()
        line = http.client.HTTPConnection("127.0.0.1", port)
        line.request("POST", "/x", b"y" * 2000)
        assert line.getresponse().read()
        line.close()
        found.append(1000 * (time.perf_counter() - start))
    return found


def started(sandbox: Sandbox, task: Task) -> float:
    """Milliseconds from start to end."""
    start = time.perf_counter()
    done = sandbox.execute(task, threading.Event())
    assert done.outcome == "ok", done
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--requests", type=int, default=500)
    options = parser.parse_args()
    before, records = machine(), list[Exchange]()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with scratch() as folder:
        place = environment.build(folder, EnvironmentTable())
        study = environment.cache.folder("scratch") / "bench"
        study.mkdir(exist_ok=True)
        study.chmod(0o755)
        allow = [{"name": "host", "url": f"http://127.0.0.1:{server.server_port}", "requests": options.requests}]
        plain, agent = Bubblewrap(), AgentSandbox(Bubblewrap(), records.append, allow)
        nothing = Task((place.python, "-c", "pass"), place, (Mount(study, "/study"),), {}, LIMITS)
        pairs = [(started(plain, nothing), started(agent, nothing)) for _ in range(options.repetitions)]
        asking = Task((place.python, "-c", ASKING.format(n=options.requests)), place, nothing.mounts, {}, LIMITS)
        done = agent.execute(asking, threading.Event())
        assert done.outcome == "ok", done
        past, here = json.loads(done.log), direct(server.server_port, options.requests)
    assert len(records) == options.requests
    figures = {
        "bubblewrap_ms": spread([one for one, _ in pairs], 1), "agent_ms": spread([two for _, two in pairs], 1),
        "more_ms": spread([two - one for one, two in pairs], 1), "request_direct_ms": spread(here, 2),
        "request_past_proxy_ms": spread(past, 2), "bubblewrap": version(),
    }  # fmt: skip
    write(
        "agent", figures, before, "starts are paired, bubblewrap first; requests of 2 kB each way, one connection each"
    )


if __name__ == "__main__":
    main()

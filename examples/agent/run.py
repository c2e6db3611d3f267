"""Runs agent.py in Pawl's agent sandbox and shows what it wrote and what it asked for.

python examples/agent/run.py                                    with a small model that is served here
python examples/agent/run.py --url https://api.example.org/v1 --key-env API_KEY --model NAME
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from pawl import cache, environment
from pawl.config import EnvironmentTable
from pawl.protocols import Execution, Limits, Mount, Task
from pawl.records import Exchange
from pawl.sandboxes.agent import AgentSandbox
from pawl.sandboxes.bubblewrap import Bubblewrap

HERE = Path(__file__).parent
LIMITS = Limits(wall=300.0, cpu=60.0, memory=2**29, disk=2**20, log=2**20, processes=32, cpus=1)


def run(rule: dict[str, JsonValue], record: Callable[[Exchange], object], model: str = "local") -> Execution:
    """Run the agent under one rule."""
    with tempfile.TemporaryDirectory(prefix="pawl-example-", dir=cache.private("scratch")) as name:
        study = Path(name)
        study.chmod(0o755)
        for file in ("agent.py", "train.py"):
            shutil.copy(HERE / file, study)
            (study / file).chmod(0o644)
        place = environment.build(study, EnvironmentTable())
        environ = {"PAWL_TASK": "example", "AGENT_MODEL": model, "HOME": "/tmp"}
        task = Task((place.python, "/study/agent.py"), place, (Mount(study, "/study"),), environ, LIMITS)
        sandbox = AgentSandbox(Bubblewrap(), record, [{"tell": {"OPENAI_BASE_URL": "{url}"}, **rule}])
        return sandbox.execute(task, threading.Event())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="base URL of an OpenAI-compatible API")
    parser.add_argument("--key-env", default="", help="the environment variable with its key")
    parser.add_argument("--model", default="local")
    options = parser.parse_args()
    if options.url:
        show({"name": "model", "url": options.url, "key_env": options.key_env, "tokens": 20_000}, options.model)
        return
    from pawl.testing.model import served

    with served() as model:
        os.environ["LOCAL_MODEL_KEY"] = model.key
        show({"name": "model", "url": model.url, "key_env": "LOCAL_MODEL_KEY", "tokens": 20_000}, options.model)


def show(rule: dict[str, JsonValue], model: str) -> None:
    exchanges: list[Exchange] = []
    done = run(rule, exchanges.append, model)
    print(f"{done.outcome} {done.reason}\n{done.log.decode(errors='replace')}")
    for name, content in done.outputs.items():
        print(f"--- {name}\n{content.decode(errors='replace')}")
    for exchange in exchanges:
        print(exchange.model_dump_json())


if __name__ == "__main__":
    main()
